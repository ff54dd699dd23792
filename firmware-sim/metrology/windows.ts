/** Accumulation windows as the sampled and the cycle chip cut them, and the energy that each hands on. */
import type { PhaseEnergy } from "./chip.ts";
import { SAMPLE_RATE } from "./front-end.ts";
import type { PhaseMeasurement } from "./readout.ts";

/** Samples of a cycle: 36 to 73 Hz, a little more than the mains may have. A longer wait for a crossing ends the stretch without one. */
export const SHORTEST_CYCLE = 55;
export const LONGEST_CYCLE = 111;
/** Samples of a window without cycles: 250 ms. */
export const IDLE_WINDOW = 1_000;

/** Energy of the window that has just ended, in whole µJ; what is left below is carried into the next. */
export class WindowEnergy {
  /** Reused from window to window. */
  readonly phases: readonly PhaseEnergy[];
  readonly #carries: readonly PhaseEnergy[];

  constructor(phases: number) {
    const nothing = () => ({ active: 0, reactive: 0, apparent: 0 });
    this.phases = Array.from({ length: phases }, nothing);
    this.#carries = Array.from({ length: phases }, nothing);
  }

  /** @param samples length of the window by the chip's own clock. */
  count(measured: readonly PhaseMeasurement[], samples: number): void {
    for (let p = 0; p < this.phases.length; p++) {
      const energy = this.phases[p] as PhaseEnergy;
      const carry = this.#carries[p] as PhaseEnergy;
      for (const kind of ["active", "reactive", "apparent"] as const) {
        const exact = ((measured[p] as PhaseMeasurement)[kind] * samples * 1e6) / SAMPLE_RATE + carry[kind];
        energy[kind] = Math.trunc(exact) + 0;
        carry[kind] = exact - energy[kind];
      }
    }
  }
}
