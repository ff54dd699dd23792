/**
 * The samples of one whole window, kept aside for its harmonics, so that the arithmetic of every window need not look for them.
 *
 * A window of whole cycles has harmonics on every tenth (twelfth) bin of its Fourier transform. The Hann weight is zero there but
 * at the bin itself and fades to nothing at both ends, so it does not matter that the window begins and ends between samples.
 */
import { HIGHEST_HARMONIC } from "./chip.ts";
import type { MainsSpectra, Spectrum } from "./phasors.ts";
import { fillRotation } from "./rotation.ts";

interface Kept {
  readonly voltage: readonly Float64Array[];
  readonly current: readonly Float64Array[];
  /** Samples in the buffers, the place of the first in the window, and the window's length in samples and cycles. */
  count: number;
  first: number;
  length: number;
  cycles: number;
}

export class HarmonicCapture {
  readonly #every: number;
  readonly #sine: Float64Array;
  readonly #cosine: Float64Array;
  #filling: Kept;
  #full: Kept;
  #capturing = false;
  #passed = Number.POSITIVE_INFINITY;
  #spectra: MainsSpectra | undefined;

  /**
   * @param capacity samples of the longest window.
   * @param every a window is kept when so many samples have gone by since the last; 0 keeps every one.
   */
  constructor(phases: number, capacity: number, every: number) {
    const buffers = () => Array.from({ length: phases }, () => new Float64Array(capacity));
    const kept = () => ({ voltage: buffers(), current: buffers(), count: 0, first: 0, length: 0, cycles: 0 });
    this.#every = every;
    this.#filling = kept();
    this.#full = kept();
    this.#sine = new Float64Array(capacity);
    this.#cosine = new Float64Array(capacity);
  }

  /** A window begins. */
  begin(): void {
    this.#capturing = this.#passed >= this.#every;
    Object.assign(this.#filling, { count: 0, first: 0, length: 0, cycles: 0 });
  }

  /** A stretch of it between two places in the buffers; one that is no cycle spoils the window. */
  stretch(
    voltage: readonly Float64Array[],
    current: readonly Float64Array[],
    from: number,
    to: number,
    cycle: boolean,
  ) {
    this.#passed += to - from;
    const kept = this.#filling;
    const [begin, end] = [Math.floor(from) + 1, Math.floor(to) + 1];
    if (!cycle || kept.count + end - begin > this.#sine.length) this.#capturing = false;
    if (!this.#capturing) return;
    if (kept.cycles === 0) kept.first = begin - from;
    for (let p = 0; p < voltage.length; p++) {
      kept.voltage[p]?.set((voltage[p] as Float64Array).subarray(begin, end), kept.count);
      kept.current[p]?.set((current[p] as Float64Array).subarray(begin, end), kept.count);
    }
    kept.count += end - begin;
    kept.length += to - from;
    kept.cycles += 1;
  }

  /** The window ends. @returns whether it was kept. */
  end(): boolean {
    if (!this.#capturing || this.#filling.cycles === 0) return false;
    this.#capturing = false;
    [this.#filling, this.#full] = [this.#full, this.#filling];
    this.#passed = 0;
    this.#spectra = undefined;
    return true;
  }

  /** Spectra of the window kept last, in counts, to the {@link HIGHEST_HARMONIC} at least; undefined before there is one. */
  spectra(): MainsSpectra | undefined {
    if (this.#full.cycles === 0) return undefined;
    this.#spectra ??= this.#transform(this.#full);
    return this.#spectra;
  }

  #transform(kept: Kept): MainsSpectra {
    const { length, cycles } = kept;
    // Orders below half the sampling rate.
    const highest = Math.max(HIGHEST_HARMONIC, Math.ceil(length / cycles / 2) - 1);
    const empty = (channels: readonly Float64Array[]) => channels.map(() => new Float64Array(2 * (highest + 1)));
    const spectra = { voltage: empty(kept.voltage), current: empty(kept.current) };
    this.#weigh(kept);
    for (let order = 1; order <= highest; order++) {
      const turn = (2 * Math.PI * order * cycles) / length;
      fillRotation(this.#sine, this.#cosine, 0, kept.count, turn * kept.first, turn);
      for (const kind of ["voltage", "current"] as const)
        for (let p = 0; p < spectra[kind].length; p++)
          this.#bin(spectra[kind][p] as Spectrum, order, kept[kind][p] as Float64Array, kept);
    }
    return spectra;
  }

  /** In place: the samples are of no other use. */
  #weigh({ voltage, current, count, first, length }: Kept): void {
    const turn = (2 * Math.PI) / length;
    for (let k = 0; k < count; k++) {
      const weight = 1 - Math.cos(turn * (first + k));
      for (const channel of voltage) channel[k] = (channel[k] as number) * weight;
      for (const channel of current) channel[k] = (channel[k] as number) * weight;
    }
  }

  #bin(spectrum: Spectrum, order: number, weighted: Float64Array, { count, length }: Kept): void {
    let re = 0;
    let im = 0;
    for (let k = 0; k < count; k++) {
      re += (weighted[k] as number) * (this.#sine[k] as number);
      im += (weighted[k] as number) * (this.#cosine[k] as number);
    }
    spectrum[2 * order] = (Math.SQRT2 * re) / length;
    spectrum[2 * order + 1] = (Math.SQRT2 * im) / length;
  }
}
