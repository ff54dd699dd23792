/** One A/D channel: noise, rounding to counts, clipping at full scale, a bit that is stuck. */
import type { Random } from "../../src/core/random.ts";
import { convertBlock, NOISE_MASK } from "./block.ts";

export class Converter {
  readonly #random: Random;
  readonly #lowest: number;
  readonly #highest: number;
  readonly #live: number;
  #sigma = 0;
  /** Place in the noise table, and how many samples the run from there still has. */
  #noiseAt = 0;
  #runLeft = 0;

  /** @param live mask of the bits that work, of the code in two's complement. */
  constructor(bits: number, random: Random, live = ~0) {
    this.#random = random;
    this.#live = live;
    this.#lowest = -(2 ** (bits - 1));
    this.#highest = 2 ** (bits - 1) - 1;
  }

  /** Rms of the noise from the next sample on, in counts. */
  setNoise(counts: number): void {
    this.#sigma = counts;
  }

  /**
   * Writes what the converter gives of the block at work, `count` samples from index `at`. The noise comes in runs of a table
   * from places drawn anew: white, and several times as fast as a draw for every sample.
   */
  convert(samples: Float64Array, at: number, count: number): void {
    this.#fill(samples, at, count);
    if (this.#live === ~0) return;
    for (let k = at; k < at + count; k++) samples[k] = (samples[k] as number) & this.#live;
  }

  #fill(samples: Float64Array, at: number, count: number): void {
    if (this.#sigma === 0) {
      convertBlock(samples, at, 0, count, 0, 0, this.#lowest, this.#highest);
      return;
    }
    for (let k = 0; k < count; ) {
      if (this.#runLeft === 0) {
        this.#noiseAt = this.#random.uint32() & NOISE_MASK;
        this.#runLeft = RUN;
      }
      const stop = Math.min(count, k + this.#runLeft);
      convertBlock(samples, at, k, stop, this.#sigma, this.#noiseAt, this.#lowest, this.#highest);
      this.#noiseAt += stop - k;
      this.#runLeft -= stop - k;
      k = stop;
    }
  }
}

const RUN = 128;
