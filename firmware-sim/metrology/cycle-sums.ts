/**
 * What a window adds up, from phasors: for every cycle, or part of one in which the load is steady, the products of its
 * phasors times its length. The counterpart of `WindowSums`, in volts and amperes. Cycles of one state are put together
 * before they are multiplied.
 *
 * Noise is drawn, not only counted: on every phasor as its bin of a DFT over that part would get it, and what falls between
 * the bins as power. So powers scatter as those of samples do.
 */
import type { Random } from "../../src/core/random.ts";
import { distortionReactive } from "./harmonics.ts";
import { LINES, type MainsSpectra, power, type Spectrum } from "./phasors.ts";

/** Noise powers of every channel, V² and A². */
interface NoisePowers {
  readonly voltage: readonly number[];
  readonly current: readonly number[];
}

/** Sums of one phase: square or product, times samples. */
interface PhaseSums {
  voltage2: number;
  current2: number;
  product: number;
  fundamentalActive: number;
  fundamentalReactive: number;
  /** Reactive power of the fundamental so far, cycle or not; that of the harmonics where it counts. */
  flowedReactive: number;
  distortionReactive: number;
  /** Fundamental of the stretch so far: phasor × samples, re and im of voltage and current. */
  readonly mixed: Float64Array;
}

export class CycleSums {
  readonly phases: readonly PhaseSums[];
  readonly lines = new Float64Array(3);
  neutral = 0;
  /** Length of the window in samples, of its whole cycles alone, and their number. */
  samples = 0;
  cycleSamples = 0;
  cycles = 0;

  readonly #random: Random;
  readonly #isClassic: boolean;
  /** Samples of whole cycles of the present state that are not in the sums of the phases yet. */
  #waiting = 0;
  #state: MainsSpectra = { voltage: [], current: [] };
  #noise: NoisePowers = { voltage: [], current: [] };
  /** Orders that any channel contains. */
  #orders: readonly number[] = [];
  /** The channels with the noise of one part, and a spectrum to work on. */
  #voltage: readonly Spectrum[] = [];
  #current: readonly Spectrum[] = [];
  #scratch: Spectrum = new Float64Array(0);

  constructor(phases: number, random: Random, isClassic: boolean) {
    this.#random = random;
    this.#isClassic = isClassic;
    this.phases = Array.from({ length: phases }, () => ({ ...noSums(), mixed: new Float64Array(4) }));
  }

  /** What the parts that follow are made of. */
  setState(state: MainsSpectra, noise: NoisePowers): void {
    this.settle();
    this.#state = state;
    this.#noise = noise;
    const copy = (spectra: readonly Spectrum[]) => spectra.map((s) => s.slice());
    this.#voltage = copy(state.voltage);
    this.#current = copy(state.current);
    this.#scratch = new Float64Array((state.voltage[0] as Spectrum).length);
    const present = new Set([1]);
    for (const s of [...state.voltage, ...state.current])
      for (let k = 2; k < s.length; k++) if (s[k] !== 0) present.add(k >> 1);
    this.#orders = [...present];
  }

  /** Adds a cycle in which nothing changed. */
  addCycle(samples: number): void {
    this.#waiting += samples;
    this.samples += samples;
    this.cycleSamples += samples;
    this.cycles += 1;
  }

  /** Adds a part of the stretch in progress, `samples` long. */
  addPart(samples: number): void {
    this.settle();
    this.#multiply(samples);
    this.samples += samples;
  }

  /** Ends a stretch of parts; the fundamental of a cycle counts, that of a broken one does not. */
  endStretch(length: number, isCycle: boolean): void {
    if (isCycle) {
      this.#countFundamental(length);
      this.cycleSamples += length;
      this.cycles += 1;
    }
    for (const { mixed } of this.phases) mixed.fill(0);
  }

  /** Brings the sums of the phases up to date with every cycle added. */
  settle(): void {
    const samples = this.#waiting;
    if (samples === 0) return;
    this.#waiting = 0;
    this.#multiply(samples);
    this.#countFundamental(samples);
    for (const { mixed } of this.phases) mixed.fill(0);
  }

  /** Begins the next window, at the end of a stretch. */
  clear(): void {
    for (const sums of this.phases) Object.assign(sums, noSums());
    this.lines.fill(0);
    this.neutral = 0;
    this.samples = 0;
    this.cycleSamples = 0;
    this.cycles = 0;
  }

  #multiply(samples: number): void {
    const bins = 2 * this.#orders.length;
    // A part shorter than its phasors have numbers has no more noise than it has samples.
    const share = 1 / Math.max(samples, bins);
    const between = Math.max(0, samples - bins);
    for (let p = 0; p < this.phases.length; p++) {
      this.#drawNoise(this.#voltage[p] as Spectrum, this.#state.voltage[p] as Spectrum, this.#voltageNoise(p) * share);
      this.#drawNoise(this.#current[p] as Spectrum, this.#state.current[p] as Spectrum, this.#currentNoise(p) * share);
      this.#addPhase(p, samples, between);
    }
    this.#addBetweenPhases(samples, between);
  }

  #countFundamental(length: number): void {
    for (const sums of this.phases) {
      const [vr, vi, ir, ii] = sums.mixed as unknown as [number, number, number, number];
      sums.fundamentalActive += (vr * ir + vi * ii) / length;
      sums.fundamentalReactive += (vi * ir - vr * ii) / length;
    }
  }

  #voltageNoise(p: number): number {
    return this.#noise.voltage[p] as number;
  }

  #currentNoise(p: number): number {
    return this.#noise.current[p] as number;
  }

  /** @param variance of each component of a phasor. */
  #drawNoise(out: Spectrum, clean: Spectrum, variance: number): void {
    const sigma = Math.sqrt(variance);
    for (const order of this.#orders) {
      out[2 * order] = (clean[2 * order] as number) + sigma * this.#random.normal();
      out[2 * order + 1] = (clean[2 * order + 1] as number) + sigma * this.#random.normal();
    }
  }

  /** @param between samples' worth of noise that no phasor holds. */
  #addPhase(p: number, samples: number, between: number): void {
    const sums = this.phases[p] as PhaseSums;
    const [v, i] = [this.#voltage[p] as Spectrum, this.#current[p] as Spectrum];
    const [nv, ni] = [this.#voltageNoise(p), this.#currentNoise(p)];
    // Sums of so many products of independent deviates: mean and variance of squares 1 and 2, of products 0 and 1.
    const scatter = Math.sqrt(between);
    const square = () => Math.max(0, between + Math.SQRT2 * scatter * this.#random.normal());
    sums.voltage2 += samples * power(v, v) + nv * square();
    sums.current2 += samples * power(i, i) + ni * square();
    sums.product += samples * power(v, i) + Math.sqrt(nv * ni) * scatter * this.#random.normal();
    const [vr, vi, ir, ii] = [v[2], v[3], i[2], i[3]] as [number, number, number, number];
    sums.flowedReactive += samples * (vi * ir - vr * ii);
    if (this.#isClassic) sums.distortionReactive += samples * distortionReactive(v, i);
    const { mixed } = sums;
    for (let k = 0; k < 2; k++) {
      mixed[k] = (mixed[k] as number) + samples * (v[2 + k] as number);
      mixed[2 + k] = (mixed[2 + k] as number) + samples * (i[2 + k] as number);
    }
  }

  #addBetweenPhases(samples: number, between: number): void {
    if (this.phases.length === 1) {
      this.neutral = (this.phases[0] as PhaseSums).current2;
      return;
    }
    const work = this.#scratch;
    for (const [l, [a, b]] of LINES.entries()) {
      const [va, vb] = [this.#voltage[a] as Spectrum, this.#voltage[b] as Spectrum];
      for (let k = 0; k < work.length; k++) work[k] = (va[k] as number) - (vb[k] as number);
      const noise = this.#voltageNoise(a) + this.#voltageNoise(b);
      this.lines[l] = (this.lines[l] as number) + samples * power(work, work) + noise * between;
    }
    work.fill(0);
    let noise = 0;
    for (let p = 0; p < this.phases.length; p++) {
      const i = this.#current[p] as Spectrum;
      for (let k = 0; k < work.length; k++) work[k] = (work[k] as number) + (i[k] as number);
      noise += this.#currentNoise(p);
    }
    this.neutral += samples * power(work, work) + noise * between;
  }
}

function noSums() {
  return {
    voltage2: 0,
    current2: 0,
    product: 0,
    fundamentalActive: 0,
    fundamentalReactive: 0,
    flowedReactive: 0,
    distortionReactive: 0,
  };
}
