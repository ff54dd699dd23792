/** The correction stage on samples: gain and fractional delay of one channel, block after block. */
import { STRAIGHT, type Taps } from "./calibration.ts";

export class Corrector {
  readonly #taps: Taps;
  /** The converter's last two samples of the block before. */
  #last = 0;
  #lastButOne = 0;

  constructor(taps: Taps) {
    this.#taps = taps;
  }

  /** Corrects `count` samples from index `at` in place. */
  correct(samples: Float64Array, at: number, count: number): void {
    if (this.#taps === STRAIGHT) return;
    const [now, before, twoBefore] = this.#taps;
    let last = this.#last;
    let lastButOne = this.#lastButOne;
    for (let k = at; k < at + count; k++) {
      const sample = samples[k] as number;
      samples[k] = now * sample + before * last + twoBefore * lastButOne;
      lastButOne = last;
      last = sample;
    }
    this.#last = last;
    this.#lastButOne = lastButOne;
  }
}
