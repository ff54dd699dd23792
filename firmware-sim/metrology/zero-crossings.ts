/** Finds the rising zero crossings of a voltage: the cycles that the sums run over, and the frequency. */

/** Two poles near mains frequency leave a third harmonic a fifth of its share, so that it can't add crossings. */
const SMOOTHING = 0.075;

export class ZeroCrossings {
  readonly #arm: number;
  #first = 0;
  #smooth = 0;
  #armed = false;

  /** @param hysteresis how far below zero the smoothed wave must have been before a crossing counts; in counts. */
  constructor(hysteresis: number) {
    this.#arm = -hysteresis;
  }

  /** Forgets what was seen: the samples that follow are of another phase. */
  reset(): void {
    this.#first = 0;
    this.#smooth = 0;
    this.#armed = false;
  }

  /**
   * Looks at samples from..to−1. DC moves the crossings, all by as much, so that cycles stay whole.
   * @returns the index k of the first sample at or behind a crossing with the crossing's place in (k − 1, k], or undefined.
   */
  find(
    samples: Float64Array,
    from: number,
    to: number,
  ): { readonly index: number; readonly place: number } | undefined {
    for (let k = from; k < to; k++) {
      const before = this.#smooth;
      this.#first += SMOOTHING * ((samples[k] as number) - this.#first);
      this.#smooth += SMOOTHING * (this.#first - this.#smooth);
      if (this.#smooth < this.#arm) this.#armed = true;
      else if (this.#armed && this.#smooth >= 0) {
        this.#armed = false;
        return { index: k, place: k - 1 + before / (before - this.#smooth) };
      }
    }
    return undefined;
  }
}
