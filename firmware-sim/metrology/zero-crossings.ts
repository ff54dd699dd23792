/** Finds the rising zero crossings of a voltage: the cycles that the sums run over, and the frequency. */

/** Two poles near mains frequency leave a third harmonic a fifth of its share, so that it can't add crossings. */
export const SMOOTHING = 0.075;

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
    // In locals: a field would be stored and fetched for every sample, and the poles would wait for it.
    const [share, rest] = [SMOOTHING, 1 - SMOOTHING];
    const arm = this.#arm;
    let first = this.#first;
    let smooth = this.#smooth;
    let armed = this.#armed;
    let found: { readonly index: number; readonly place: number } | undefined;
    for (let k = from; k < to; k++) {
      const before = smooth;
      first = rest * first + share * (samples[k] as number);
      smooth = rest * smooth + share * first;
      if (smooth < arm) armed = true;
      else if (armed && smooth >= 0) {
        armed = false;
        found = { index: k, place: k - 1 + before / (before - smooth) };
        break;
      }
    }
    this.#first = first;
    this.#smooth = smooth;
    this.#armed = armed;
    return found;
  }
}

/**
 * Where {@link ZeroCrossings} finds the crossings of a settled wave, as a place in the cycle of the mains.
 * @param spectrum of the voltage, as in phasors.ts.
 * @param dc in the spectrum's unit, as is `hysteresis`.
 * @param step cycles of the mains per sample.
 * @returns 0 to 1, or undefined where the wave does not reach below the hysteresis.
 */
export function settledCrossing(
  spectrum: Float64Array,
  dc: number,
  step: number,
  hysteresis: number,
): number | undefined {
  const smooth = smoothed(spectrum, 2 * Math.PI * step);
  const [re, im] = [smooth[2] as number, smooth[3] as number];
  if (Math.SQRT2 * Math.hypot(re, im) - dc <= hysteresis) return undefined;
  let theta = -Math.atan2(im, re);
  // Newton from the fundamental's own crossing: the smoothing leaves too little of the harmonics to lead it astray.
  for (let round = 0; round < NEWTON_ROUNDS; round++) {
    let value = dc / Math.SQRT2;
    let slope = 0;
    for (let h = 1; 2 * h < smooth.length; h++) {
      const [a, b] = [smooth[2 * h] as number, smooth[2 * h + 1] as number];
      const [sine, cosine] = [Math.sin(h * theta), Math.cos(h * theta)];
      value += a * sine + b * cosine;
      slope += h * (a * cosine - b * sine);
    }
    theta -= value / slope;
  }
  const turns = theta / (2 * Math.PI);
  return turns - Math.floor(turns);
}

const NEWTON_ROUNDS = 6;

/** The spectrum behind the two poles. @param radians of the fundamental per sample. */
function smoothed(spectrum: Float64Array, radians: number): Float64Array {
  const result = new Float64Array(spectrum.length);
  for (let h = 1; 2 * h < spectrum.length; h++) {
    // One pole is s / (1 − (1 − s) e^−jω); two are its square.
    const re = 1 - (1 - SMOOTHING) * Math.cos(h * radians);
    const im = (1 - SMOOTHING) * Math.sin(h * radians);
    const gain = SMOOTHING ** 2 / (re * re + im * im);
    const turn = -2 * Math.atan2(im, re);
    const [a, b] = [spectrum[2 * h] as number, spectrum[2 * h + 1] as number];
    result[2 * h] = gain * (a * Math.cos(turn) - b * Math.sin(turn));
    result[2 * h + 1] = gain * (a * Math.sin(turn) + b * Math.cos(turn));
  }
  return result;
}
