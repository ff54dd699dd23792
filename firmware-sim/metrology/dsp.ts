/** The chip's arithmetic: sums of products of samples over stretches that tile time. Stretches end between samples (edges.ts). */
import { assert } from "../../src/core/result.ts";
import { LOOK_BACK } from "./edges.ts";
import { addBetweenPhases, addPhase, LONGEST_STRETCH, PhaseSums, weighStretch } from "./products.ts";
import type { Samples } from "./samples.ts";

export class WindowSums {
  readonly phases: readonly PhaseSums[];
  /** Sums of squares of the line voltages and of the sum of the currents. */
  readonly lines = new Float64Array(3);
  neutral = 0;
  /** Length of the window in samples, of its whole cycles alone, and their number. */
  samples = 0;
  cycleSamples = 0;
  cycles = 0;

  constructor(phases: number) {
    this.phases = Array.from({ length: phases }, () => new PhaseSums());
  }

  /**
   * Adds the stretch between two places in the buffers, which hold `LOOK_BACK` samples before and `LOOK_AHEAD` behind it.
   * @param isCycle the stretch is one cycle of the mains: its fundamental is measured.
   */
  add(samples: Samples, from: number, to: number, isCycle: boolean): void {
    const length = to - from;
    const first = Math.floor(from) - LOOK_BACK;
    const count = weighStretch(from, to);
    assert(count <= LONGEST_STRETCH, "a stretch is not much longer than a cycle");
    const turn = (2 * Math.PI) / length;
    const cycle = isCycle ? { length, sine: Math.sin(turn), cosine: Math.cos(turn) } : undefined;
    for (let p = 0; p < this.phases.length; p++) {
      const v = samples.voltage[p] as Float64Array;
      const i = samples.current[p] as Float64Array;
      addPhase(this.phases[p] as PhaseSums, v, i, first, count, cycle);
    }
    if (this.phases.length === 3) this.neutral += addBetweenPhases(this.lines, samples, first, count);
    else this.neutral = (this.phases[0] as PhaseSums).current2;
    this.samples += length;
    if (!isCycle) return;
    this.cycleSamples += length;
    this.cycles += 1;
  }

  clear(): void {
    for (const sums of this.phases) sums.clear();
    this.lines.fill(0);
    this.neutral = 0;
    this.samples = 0;
    this.cycleSamples = 0;
    this.cycles = 0;
  }
}
