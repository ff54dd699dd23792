/** Synthesis of the channel waveforms from spectra, in blocks: one rotating phasor per order, shared by all channels. */
import type { Spectrum } from "./phasors.ts";

/** The most samples one call makes; a block starts from exact sines, so the recurrence has no time to drift. */
export const BLOCK = 128;

export class Waveform {
  readonly #sine = new Float64Array(BLOCK);
  readonly #cosine = new Float64Array(BLOCK);
  readonly #offsets: readonly number[];
  #spectra: readonly Spectrum[] = [];
  /** Orders that any channel contains. */
  #orders: readonly number[] = [];
  /** Mains cycles per sample, and the angle of the mains at the next sample in cycles 0..1. */
  #step = 0;
  #angle = 0;

  /** @param offsets DC of each channel, in the unit of the spectra. */
  constructor(offsets: readonly number[]) {
    this.#offsets = offsets;
  }

  /** New spectra from the next sample on. The angle of the mains runs on: a change of frequency makes no jump. */
  setSpectra(spectra: readonly Spectrum[], cyclesPerSample: number): void {
    this.#spectra = spectra;
    this.#step = cyclesPerSample;
    const present = new Set<number>();
    for (const s of spectra) for (let k = 0; k < s.length; k++) if (s[k] !== 0) present.add(k >> 1);
    this.#orders = [...present].sort((a, b) => a - b);
  }

  /** Writes the next `count` (up to {@link BLOCK}) samples of channel c into `channels[c]` from index `at`. */
  fill(channels: readonly Float64Array[], at: number, count: number): void {
    for (let c = 0; c < channels.length; c++)
      (channels[c] as Float64Array).fill(this.#offsets[c] as number, at, at + count);
    for (const order of this.#orders) {
      this.#rotate(order, count);
      for (let c = 0; c < channels.length; c++) {
        const spectrum = this.#spectra[c] as Spectrum;
        const re = Math.SQRT2 * (spectrum[2 * order] as number);
        const im = Math.SQRT2 * (spectrum[2 * order + 1] as number);
        if (re !== 0 || im !== 0) addSinusoid(channels[c] as Float64Array, at, count, re, im, this.#sine, this.#cosine);
      }
    }
    this.#angle = (this.#angle + count * this.#step) % 1;
  }

  #rotate(order: number, count: number): void {
    const start = 2 * Math.PI * ((order * this.#angle) % 1);
    const step = 2 * Math.PI * order * this.#step;
    fillRotation(this.#sine, this.#cosine, 0, count, start, step);
  }
}

/** sin and cos of start, start + step, … at indices from..to−1, by rotation. */
export function fillRotation(
  sine: Float64Array,
  cosine: Float64Array,
  from: number,
  to: number,
  start: number,
  step: number,
): void {
  const turnSine = Math.sin(step);
  const turnCosine = Math.cos(step);
  let s = Math.sin(start);
  let c = Math.cos(start);
  for (let k = from; k < to; k++) {
    sine[k] = s;
    cosine[k] = c;
    const next = s * turnCosine + c * turnSine;
    c = c * turnCosine - s * turnSine;
    s = next;
  }
}

function addSinusoid(
  out: Float64Array,
  at: number,
  count: number,
  re: number,
  im: number,
  sine: Float64Array,
  cosine: Float64Array,
): void {
  for (let k = 0; k < count; k++) {
    out[at + k] = (out[at + k] as number) + re * (sine[k] as number) + im * (cosine[k] as number);
  }
}
