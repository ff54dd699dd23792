/**
 * The meter's test outputs (LED, S0): a pulse for each 1/constant kWh or kvarh in one direction, dated inside the chip's window.
 * What is left below a pulse when the power goes is lost with it, as on most meters.
 */
import type { RatingPlate } from "../../protocols/models/model.ts";
import type { PhaseEnergy, WindowSpan } from "./chip.ts";

/** µJ in a kWh. */
export const KWH = 3.6e12;

/** +A (1.8.0) and +R (3.8.0). */
export type PulseName = "active" | "reactive";

/** Which energy a test output shows. */
export interface Counted {
  readonly quantity: PulseName;
  readonly direction: "import" | "export";
}

export const ACTIVE_IMPORT: Counted = { quantity: "active", direction: "import" };
const REACTIVE_IMPORT: Counted = { quantity: "reactive", direction: "import" };

export class PulseOutput {
  readonly #quantum: number;
  readonly #perPhase: boolean;
  readonly #quantity: PulseName;
  readonly #sign: 1 | -1;
  #rest = 0;
  #count = 0;

  /** @param constant imp/kWh or imp/kvarh. */
  constructor(constant: number, total: "net" | "perPhase", { quantity, direction }: Counted = ACTIVE_IMPORT) {
    this.#quantum = KWH / constant;
    this.#perPhase = total === "perPhase";
    this.#quantity = quantity;
    this.#sign = direction === "import" ? 1 : -1;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes a window, and gives the times of the rising edges in it, oldest first, in the unit of the span. */
  add(window: readonly PhaseEnergy[], span: WindowSpan): readonly number[] {
    const energy = this.#energyOf(window);
    if (energy <= 0) return NO_TIMES;
    if (this.#rest + energy < this.#quantum && span.marks === 0) {
      this.#rest += energy;
      return NO_TIMES;
    }
    const times = this.#edges(energy, span);
    this.#rest += energy - times.length * this.#quantum;
    this.#count += times.length;
    return times;
  }

  /** Takes a window whose pulses nobody dates: only what is left below the next one matters. */
  pass(window: readonly PhaseEnergy[]): void {
    const energy = this.#energyOf(window);
    if (energy <= 0) return;
    const all = this.#rest + energy;
    const pulses = Math.floor(all / this.#quantum);
    this.#rest = all - pulses * this.#quantum;
    this.#count += pulses;
  }

  #energyOf(window: readonly PhaseEnergy[]): number {
    let energy = 0;
    for (let p = 0; p < window.length; p++) {
      const own = this.#sign * (window[p] as PhaseEnergy)[this.#quantity];
      energy += this.#perPhase ? Math.max(0, own) : own;
    }
    return energy;
  }

  /** Where the energy, which flowed as the span says, passes the next pulse and those after it. */
  #edges(energy: number, span: WindowSpan): number[] {
    const edges: number[] = [];
    const flowed = span[this.#quantity];
    const whole = span.marks === 0 ? 0 : (flowed[span.marks - 1] as number);
    let next = this.#quantum - this.#rest;
    let time = span.begin;
    let before = 0;
    // Energy that turned back within the window has to be made up for first.
    for (let m = 0; m <= span.marks; m++) {
      const isEnd = m === span.marks;
      const to = isEnd ? span.end : (span.times[m] as number);
      const after = isEnd ? energy : whole === 0 ? 0 : (energy * (flowed[m] as number)) / whole;
      for (; next <= after; next += this.#quantum)
        edges.push(time + ((to - time) * Math.max(0, next - before)) / (after - before || 1));
      time = to;
      before = after;
    }
    return edges;
  }
}

const NO_TIMES: readonly number[] = [];

export interface Pulse {
  readonly name: PulseName;
  /** Civil µs of the mains, not of the meter's own clock; with fractions. */
  readonly time: number;
}

/** Both outputs of a meter; edges are handed on at the end of their window. They go on, undated, while nobody watches. */
export class PulsePort {
  readonly #outputs: readonly (readonly [PulseName, PulseOutput])[];
  readonly #listeners: ((pulse: Pulse) => void)[] = [];

  constructor({ plate, polyphaseTotal }: { readonly plate: RatingPlate; readonly polyphaseTotal: "net" | "perPhase" }) {
    this.#outputs = [
      ["active", new PulseOutput(plate.impPerKwh, polyphaseTotal, ACTIVE_IMPORT)],
      ["reactive", new PulseOutput(plate.impPerKvarh, polyphaseTotal, REACTIVE_IMPORT)],
    ];
  }

  /** Edges from now on, oldest first. */
  subscribe(listener: (pulse: Pulse) => void): void {
    this.#listeners.push(listener);
  }

  add(window: readonly PhaseEnergy[], span: WindowSpan): void {
    if (this.#listeners.length === 0) {
      for (const [, output] of this.#outputs) output.pass(window);
      return;
    }
    const pulses: Pulse[] = [];
    for (const [name, output] of this.#outputs)
      for (const time of output.add(window, span)) pulses.push({ name, time });
    pulses.sort((a, b) => a.time - b.time);
    for (const pulse of pulses) for (const listener of this.#listeners) listener(pulse);
  }
}
