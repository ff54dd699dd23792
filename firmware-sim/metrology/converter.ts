/** One A/D channel: noise, rounding to counts, clipping at full scale. */
import { Random } from "../../src/core/random.ts";

export class Converter {
  readonly #random: Random;
  readonly #lowest: number;
  readonly #highest: number;
  #sigma = 0;
  /** Place in the noise table, and how many samples the run from there still has. */
  #noiseAt = 0;
  #runLeft = 0;

  constructor(bits: number, random: Random) {
    this.#random = random;
    this.#lowest = -(2 ** (bits - 1));
    this.#highest = 2 ** (bits - 1) - 1;
  }

  /** Rms of the noise from the next sample on, in counts. */
  setNoise(counts: number): void {
    this.#sigma = counts;
  }

  /** Turns ideal samples in counts, `count` from index `at`, into what the converter gives, in place. */
  convert(samples: Float64Array, at: number, count: number): void {
    const lowest = this.#lowest;
    const highest = this.#highest;
    if (this.#sigma > 0) this.#addNoise(samples, at, count);
    for (let k = at; k < at + count; k++)
      samples[k] = Math.min(Math.max(Math.floor((samples[k] as number) + 0.5), lowest), highest);
  }

  /** Runs of the table from places drawn anew: white, and several times as fast as a draw for every sample. */
  #addNoise(samples: Float64Array, at: number, count: number): void {
    const sigma = this.#sigma;
    const end = at + count;
    for (let k = at; k < end; ) {
      if (this.#runLeft === 0) {
        this.#noiseAt = this.#random.uint32() & MASK;
        this.#runLeft = RUN;
      }
      const stop = Math.min(end, k + this.#runLeft);
      const shift = this.#noiseAt - k;
      this.#noiseAt += stop - k;
      this.#runLeft -= stop - k;
      for (; k < stop; k++) samples[k] = (samples[k] as number) + sigma * (NORMAL[(k + shift) & MASK] as number);
    }
  }
}

const RUN = 128;
const MASK = 0x7fff;
const NORMAL = normalTable(MASK + 1);

/** Normal deviates with mean 0 and variance 1 exactly. */
function normalTable(size: number): Float64Array {
  const random = new Random(1);
  const table = Float64Array.from({ length: size }, () => random.normal());
  const mean = table.reduce((a, b) => a + b, 0) / size;
  const variance = table.reduce((a, b) => a + (b - mean) ** 2, 0) / size;
  return table.map((x) => (x - mean) / Math.sqrt(variance));
}
