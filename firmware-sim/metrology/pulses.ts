/**
 * The meter's test outputs (LED, S0): a pulse for each 1/constant kWh or kvarh of imported energy, dated inside the chip's window.
 * What is left below a pulse when the power goes is lost with it, as on most meters.
 */
import type { RatingPlate } from "../../protocols/models/model.ts";
import type { EnergyMark, PhaseEnergy, WindowSpan } from "./chip.ts";

/** µJ in a kWh. */
export const KWH = 3.6e12;

/** +A (1.8.0) and +R (3.8.0). */
export type PulseName = "active" | "reactive";

export class PulseOutput {
  readonly #quantum: number;
  readonly #perPhase: boolean;
  readonly #name: PulseName;
  #rest = 0;
  #count = 0;

  /** @param constant imp/kWh or imp/kvarh. */
  constructor(constant: number, total: "net" | "perPhase", name: PulseName = "active") {
    this.#quantum = KWH / constant;
    this.#perPhase = total === "perPhase";
    this.#name = name;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes a window, and gives the times of the rising edges in it, oldest first, in the unit of the span. */
  add(window: readonly PhaseEnergy[], span: WindowSpan): readonly number[] {
    let energy = 0;
    for (const phase of window) energy += this.#perPhase ? Math.max(0, phase[this.#name]) : phase[this.#name];
    if (energy <= 0) return [];
    const times: number[] = [];
    let next = this.#quantum - this.#rest;
    // Power is steady between two marks. Energy that turned back within the window has to be made up for first.
    let at: EnergyMark = { time: span.begin, active: 0, reactive: 0 };
    for (const mark of [...span.marks, { time: span.end, active: 1, reactive: 1 }]) {
      const [before, after] = [energy * at[this.#name], energy * mark[this.#name]];
      for (; next <= after; next += this.#quantum)
        times.push(at.time + ((mark.time - at.time) * Math.max(0, next - before)) / (after - before || 1));
      at = mark;
    }
    this.#rest += energy - times.length * this.#quantum;
    this.#count += times.length;
    return times;
  }
}

export interface Pulse {
  readonly name: PulseName;
  /** Civil µs of the mains, not of the meter's own clock; with fractions. */
  readonly time: number;
}

/** Both outputs of a meter. They count whether or not somebody watches; edges are handed on at the end of their window. */
export class PulsePort {
  readonly #outputs: readonly (readonly [PulseName, PulseOutput])[];
  readonly #listeners: ((pulse: Pulse) => void)[] = [];

  constructor({ plate, polyphaseTotal }: { readonly plate: RatingPlate; readonly polyphaseTotal: "net" | "perPhase" }) {
    this.#outputs = [
      ["active", new PulseOutput(plate.impPerKwh, polyphaseTotal, "active")],
      ["reactive", new PulseOutput(plate.impPerKvarh, polyphaseTotal, "reactive")],
    ];
  }

  /** Edges from now on, oldest first. */
  subscribe(listener: (pulse: Pulse) => void): void {
    this.#listeners.push(listener);
  }

  add(window: readonly PhaseEnergy[], span: WindowSpan): void {
    const pulses = this.#outputs.flatMap(([name, output]) =>
      output.add(window, span).map((time): Pulse => ({ name, time })),
    );
    if (this.#listeners.length === 0 || pulses.length === 0) return;
    pulses.sort((a, b) => a.time - b.time);
    for (const pulse of pulses) for (const listener of this.#listeners) listener(pulse);
  }
}
