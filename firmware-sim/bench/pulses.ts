/** The meter's test output (LED): a pulse for each 1/constant kWh or kvarh in one direction, dated inside the chip's window. */
import type { PhaseEnergy } from "../metrology/chip.ts";

/** µJ in a kWh, and so µvar·s in a kvarh. */
export const KWH = 3.6e12;

/** Which energy a test output shows. */
export interface Counted {
  readonly quantity: "active" | "reactive";
  readonly direction: "import" | "export";
}

export const ACTIVE_IMPORT: Counted = { quantity: "active", direction: "import" };

export class PulseOutput {
  readonly #quantum: number;
  readonly #perPhase: boolean;
  readonly #quantity: Counted["quantity"];
  readonly #sign: 1 | -1;
  #rest = 0;
  #count = 0;

  /** @param constant imp/kWh or imp/kvarh. */
  constructor(constant: number, total: "net" | "perPhase", { quantity, direction }: Counted = ACTIVE_IMPORT) {
    this.#quantity = quantity;
    this.#sign = direction === "import" ? 1 : -1;
    this.#quantum = KWH / constant;
    this.#perPhase = total === "perPhase";
  }

  get count(): number {
    return this.#count;
  }

  /** Takes a window from `begin` to `end` (seconds), and gives the times of the pulses in it, oldest first. */
  add(window: readonly PhaseEnergy[], begin: number, end: number): readonly number[] {
    let energy = 0;
    for (const phase of window) {
      const own = this.#sign * phase[this.#quantity];
      energy += this.#perPhase ? Math.max(0, own) : own;
    }
    if (energy <= 0) return [];
    const times: number[] = [];
    // Power is taken as steady over a window: its energy is all that the chip hands on.
    for (let next = this.#quantum - this.#rest; next <= energy; next += this.#quantum)
      times.push(begin + ((end - begin) * next) / energy);
    this.#rest = this.#rest + energy - times.length * this.#quantum;
    this.#count += times.length;
    return times;
  }
}
