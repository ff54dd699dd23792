/**
 * What register models need beyond the sums of the DSP: the power of every harmonic, and where the fundamentals of all channels
 * stand. A bin of each order over each cycle, with the weights of the DSP at the ends.
 */
import { LOOK_BACK, weigh } from "./edges.ts";
import { LONGEST_STRETCH } from "./products.ts";
import { fillRotation } from "./rotation.ts";
import type { Stretch } from "./sampled-chip.ts";

/** Orders measured: at 50 Hz all below the half of 4 kHz. */
const HIGHEST = 39;
/** Orders stop below this share of the sampling rate. */
const BELOW_HALF = 0.49;

interface Part {
  sine: number;
  cosine: number;
}

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
  /** Of the longest stretch: the samples of each channel with their weights, and the order's own waves. */
  readonly #channels: readonly Float64Array[];
  readonly #sine = new Float64Array(LONGEST_STRETCH);
  readonly #cosine = new Float64Array(LONGEST_STRETCH);
  readonly #voltage: Part = { sine: 0, cosine: 0 };
  readonly #current: Part = { sine: 0, cosine: 0 };

  constructor(phases: number) {
    this.#channels = Array.from({ length: 2 * phases }, () => new Float64Array(LONGEST_STRETCH));
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
    const channels = this.#weighted(voltage, current, first, count);
    for (let h = 1; h <= orders; h++) {
      const turn = (2 * Math.PI * h) / length;
      fillRotation(this.#sine, this.#cosine, 0, count, turn * (first - from), turn);
      for (const [p, sums] of this.#sums.entries()) {
        const v = bin(channels[2 * p] as Float64Array, this.#sine, this.#cosine, count, this.#voltage);
        const i = bin(channels[2 * p + 1] as Float64Array, this.#sine, this.#cosine, count, this.#current);
        sums.active[h - 1] = (sums.active[h - 1] as number) + (2 * (v.sine * i.sine + v.cosine * i.cosine)) / length;
        sums.reactive[h - 1] =
          (sums.reactive[h - 1] as number) + (2 * (v.cosine * i.sine - v.sine * i.cosine)) / length;
        if (h > 1) continue;
        for (const [k, part] of [v.sine, v.cosine, i.sine, i.cosine].entries())
          sums.fundamental[k] = (sums.fundamental[k] as number) + part;
      }
    }
  }

  #weighted(voltage: readonly Float64Array[], current: readonly Float64Array[], first: number, count: number) {
    for (const [c, out] of this.#channels.entries()) {
      const samples = (c % 2 === 0 ? voltage : current)[c >> 1] as Float64Array;
      for (let k = 0; k < count; k++) out[k] = (this.#weights[k] as number) * (samples[first + k] as number);
    }
    return this.#channels;
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

/** Sine and cosine part, × length / 2, into `out`. */
function bin(weighted: Float64Array, sine: Float64Array, cosine: Float64Array, count: number, out: Part): Part {
  let s = 0;
  let c = 0;
  for (let k = 0; k < count; k++) {
    const value = weighted[k] as number;
    s += value * (sine[k] as number);
    c += value * (cosine[k] as number);
  }
  out.sine = s;
  out.cosine = c;
  return out;
}
