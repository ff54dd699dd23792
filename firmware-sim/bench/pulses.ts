/** The meter's test output (LED): a pulse for each 1/constant kWh of imported energy, dated inside the chip's window. */
import type { PhaseEnergy } from "../metrology/chip.ts";

/** µJ in a kWh. */
export const KWH = 3.6e12;

export class PulseOutput {
  readonly #quantum: number;
  readonly #perPhase: boolean;
  #rest = 0;
  #count = 0;

  /** @param constant imp/kWh. */
  constructor(constant: number, total: "net" | "perPhase") {
    this.#quantum = KWH / constant;
    this.#perPhase = total === "perPhase";
  }

  get count(): number {
    return this.#count;
  }

  /** Takes a window from `begin` to `end` (seconds), and gives the times of the pulses in it, oldest first. */
  add(window: readonly PhaseEnergy[], begin: number, end: number): readonly number[] {
    let energy = 0;
    for (const { active } of window) energy += this.#perPhase ? Math.max(0, active) : active;
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
