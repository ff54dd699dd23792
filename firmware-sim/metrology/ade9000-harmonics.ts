/**
 * What register models need beyond the sums of the DSP: the power of every harmonic, and where the fundamentals of all channels
 * stand. A bin of each order over each cycle, with the weights of the DSP at the ends.
 */
import { LOOK_BACK, weigh } from "./edges.ts";
import { LONGEST_STRETCH } from "./products.ts";
import type { Stretch } from "./sampled-chip.ts";

/** Orders measured: at 50 Hz all below the half of 4 kHz. */
const HIGHEST = 39;
/** Orders stop below this share of the sampling rate. */
const BELOW_HALF = 0.49;

/** Rms × rms of one order: what it carries of active and of reactive power. */
export interface HarmonicPower {
  readonly active: number;
  readonly reactive: number;
}

/** One phase over one window, in volts, amperes and radians against the same instant for all phases. */
export interface PhaseHarmonics {
  /** By order, from the fundamental on. */
  readonly powers: readonly HarmonicPower[];
  readonly voltageAngle: number;
  readonly currentAngle: number;
}

interface Sums {
  readonly active: Float64Array;
  readonly reactive: Float64Array;
  /** Sine and cosine part of the fundamental of voltage and current. */
  readonly fundamental: Float64Array;
}

export class HarmonicSums {
  readonly #sums: readonly Sums[];
  readonly #weights = new Float64Array(LONGEST_STRETCH);
  #samples = 0;

  constructor(phases: number) {
    this.#sums = Array.from({ length: phases }, () => ({
      active: new Float64Array(HIGHEST),
      reactive: new Float64Array(HIGHEST),
      fundamental: new Float64Array(4),
    }));
  }

  /** One cycle. */
  add({ voltage, current, from, to }: Stretch): void {
    const first = Math.floor(from) - LOOK_BACK;
    const count = weigh(this.#weights, from, to);
    const length = to - from;
    this.#samples += length;
    const orders = Math.min(HIGHEST, Math.floor(BELOW_HALF * length));
    for (const [p, sums] of this.#sums.entries()) {
      const v = voltage[p] as Float64Array;
      const i = current[p] as Float64Array;
      for (let h = 1; h <= orders; h++) {
        const turn = (2 * Math.PI * h) / length;
        const [vs, vc] = bin(this.#weights, v, first, count, from, turn);
        const [is, ic] = bin(this.#weights, i, first, count, from, turn);
        sums.active[h - 1] = (sums.active[h - 1] as number) + (2 * (vs * is + vc * ic)) / length;
        sums.reactive[h - 1] = (sums.reactive[h - 1] as number) + (2 * (vc * is - vs * ic)) / length;
        if (h > 1) continue;
        for (const [k, part] of [vs, vc, is, ic].entries())
          sums.fundamental[k] = (sums.fundamental[k] as number) + part;
      }
    }
  }

  /** @param scale volts × amperes per square of a count. Starts anew. */
  take(scale: number): readonly PhaseHarmonics[] {
    const share = this.#samples > 0 ? scale / this.#samples : 0;
    const taken = this.#sums.map(({ active, reactive, fundamental }) => ({
      powers: Array.from(active, (a, k) => ({ active: a * share, reactive: (reactive[k] as number) * share })),
      voltageAngle: Math.atan2(fundamental[1] as number, fundamental[0] as number),
      currentAngle: Math.atan2(fundamental[3] as number, fundamental[2] as number),
    }));
    for (const sums of this.#sums) for (const values of Object.values(sums)) values.fill(0);
    this.#samples = 0;
    return taken;
  }
}

/** Sine and cosine part, × length / 2. */
function bin(
  weights: Float64Array,
  samples: Float64Array,
  first: number,
  count: number,
  from: number,
  turn: number,
): readonly [number, number] {
  const stepSine = Math.sin(turn);
  const stepCosine = Math.cos(turn);
  let s = Math.sin(turn * (first - from));
  let c = Math.cos(turn * (first - from));
  let sine = 0;
  let cosine = 0;
  for (let k = 0; k < count; k++) {
    const value = (weights[k] as number) * (samples[first + k] as number);
    sine += value * s;
    cosine += value * c;
    const next = s * stepCosine + c * stepSine;
    c = c * stepCosine - s * stepSine;
    s = next;
  }
  return [sine, cosine];
}
