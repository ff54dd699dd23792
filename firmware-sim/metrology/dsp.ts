/**
 * The chip's arithmetic: sums of products of samples over stretches that tile time.
 *
 * A stretch ends between samples. What it takes of the samples around its end is the integral of the polynomial through ten
 * of them, and the next stretch starts with exactly the rest: no energy is counted twice or left out, and a cycle is exact to
 * a part in 10^8 wherever the samples happen to lie. Four points do for a pure sine; with mains full of harmonics eight miss 10 ppm once in some thousand.
 */
import { fillRotation } from "./waveform.ts";

/** Sums of one phase over a window, in counts. */
export interface PhaseSums {
  voltage: number;
  current: number;
  voltage2: number;
  current2: number;
  product: number;
  /** Fundamental active and reactive power × samples, by a one-bin DFT over each cycle. */
  fundamentalActive: number;
  fundamentalReactive: number;
  /** Squares of the fundamental's rms × samples of whole cycles. */
  fundamentalVoltage2: number;
  fundamentalCurrent2: number;
}

/** Half the points of the polynomial at an end. */
const HALF = 5;
/** Samples a stretch touches before its first and behind its last own sample. */
export const LOOK_BACK = HALF - 1;
export const LOOK_AHEAD = HALF;

export class WindowSums {
  readonly phases: readonly PhaseSums[];
  /** Sums of squares of the line voltages and of the sum of the currents. */
  readonly lines = new Float64Array(3);
  neutral = 0;
  /** Length of the window in samples, of its whole cycles alone, and their number. */
  samples = 0;
  cycleSamples = 0;
  cycles = 0;

  readonly #weights: Float64Array;
  readonly #sine: Float64Array;
  readonly #cosine: Float64Array;

  /** @param capacity length of the sample buffers. */
  constructor(phases: number, capacity: number) {
    this.phases = Array.from({ length: phases }, emptySums);
    this.#weights = new Float64Array(capacity);
    this.#sine = new Float64Array(capacity);
    this.#cosine = new Float64Array(capacity);
  }

  /**
   * Adds the stretch between two places in the buffers, which hold {@link LOOK_BACK} samples before and {@link LOOK_AHEAD}
   * behind it.
   * @param isCycle the stretch is one cycle of the mains: its fundamental is measured.
   */
  add(voltage: readonly Float64Array[], current: readonly Float64Array[], from: number, to: number, isCycle: boolean) {
    const first = Math.floor(from) - LOOK_BACK;
    const end = Math.floor(to) + LOOK_AHEAD + 1;
    this.#weigh(from, to, first, end);
    if (isCycle) {
      const turn = (2 * Math.PI) / (to - from);
      fillRotation(this.#sine, this.#cosine, first, end, turn * (first - from), turn);
      this.cycleSamples += to - from;
      this.cycles += 1;
    }
    this.samples += to - from;
    for (let p = 0; p < this.phases.length; p++) {
      const sums = this.phases[p] as PhaseSums;
      const v = voltage[p] as Float64Array;
      const i = current[p] as Float64Array;
      if (isCycle) addCycle(sums, this.#weights, this.#sine, this.#cosine, v, i, first, end, to - from);
      else addProducts(sums, this.#weights, v, i, first, end);
    }
    this.#addBetweenPhases(voltage, current, first, end);
  }

  clear(): void {
    for (const sums of this.phases) Object.assign(sums, emptySums());
    this.lines.fill(0);
    this.neutral = 0;
    this.samples = 0;
    this.cycleSamples = 0;
    this.cycles = 0;
  }

  #weigh(from: number, to: number, first: number, end: number): void {
    const w = this.#weights;
    w.fill(0, first, end);
    w.fill(1, Math.floor(from) + 1, Math.floor(to) + 1);
    addEdge(w, from, -1);
    addEdge(w, to, 1);
  }

  #addBetweenPhases(voltage: readonly Float64Array[], current: readonly Float64Array[], first: number, end: number) {
    const [v1, v2, v3] = voltage;
    const [i1, i2, i3] = current;
    if (v2 === undefined || v3 === undefined || i2 === undefined || i3 === undefined) {
      this.neutral = (this.phases[0] as PhaseSums).current2;
      return;
    }
    addLines(this.lines, this.#weights, v1 as Float64Array, v2, v3, first, end);
    this.neutral += sumOfCurrents(this.#weights, i1 as Float64Array, i2, i3, first, end);
  }
}

function emptySums(): PhaseSums {
  return {
    voltage: 0,
    current: 0,
    voltage2: 0,
    current2: 0,
    product: 0,
    fundamentalActive: 0,
    fundamentalReactive: 0,
    fundamentalVoltage2: 0,
    fundamentalCurrent2: 0,
  };
}

/**
 * Adds, `sign` times, what the integral up to `place` has beyond the plain sum of the samples up to it: the polynomial through
 * the samples n − {@link LOOK_BACK} .. n + {@link LOOK_AHEAD} integrated over the part of the gap between n and n + 1.
 */
function addEdge(weights: Float64Array, place: number, sign: number): void {
  const n = Math.floor(place);
  const a = place - n;
  for (let j = 0; j < EDGE.length; j++) {
    const coefficients = EDGE[j] as readonly number[];
    let value = 0;
    for (let k = coefficients.length - 1; k >= 0; k--) value = value * a + (coefficients[k] as number);
    weights[n - LOOK_BACK + j] = (weights[n - LOOK_BACK + j] as number) + sign * value;
  }
}

/** Of every point, the coefficients of its weight as a polynomial in the part of the gap, lowest power first. */
const EDGE: readonly (readonly number[])[] = edgeWeights();

function edgeWeights(): number[][] {
  const points = Array.from({ length: 2 * HALF }, (_, j) => j - LOOK_BACK);
  const integrals = points.map((x) => integral(lagrange(points, x)));
  const overGap = integrals.map((c) => c.reduce((sum, value) => sum + value, 0));
  // At a sample the weights must be those with which the gap before it ends, one sample on: that fixes their constants.
  let constant = 0;
  for (let j = points.length - 1; j > 0; j--) {
    constant += (overGap[j] as number) - (points[j] === 1 ? 1 : 0);
    (integrals[j - 1] as number[])[0] = constant;
  }
  return integrals;
}

/** Coefficients of the polynomial that is 1 at `x` and 0 at the other points. */
function lagrange(points: readonly number[], x: number): number[] {
  let polynomial = [1];
  for (const other of points) {
    if (other === x) continue;
    const next = new Array<number>(polynomial.length + 1).fill(0);
    for (const [k, value] of polynomial.entries()) {
      next[k] = (next[k] as number) - (value * other) / (x - other);
      next[k + 1] = (next[k + 1] as number) + value / (x - other);
    }
    polynomial = next;
  }
  return polynomial;
}

/** From 0. */
function integral(polynomial: readonly number[]): number[] {
  return [0, ...polynomial.map((value, k) => value / (k + 1))];
}

function addProducts(
  sums: PhaseSums,
  weights: Float64Array,
  voltage: Float64Array,
  current: Float64Array,
  first: number,
  end: number,
): void {
  let voltageSum = 0;
  let currentSum = 0;
  let voltage2 = 0;
  let current2 = 0;
  let product = 0;
  for (let k = first; k < end; k++) {
    const v = voltage[k] as number;
    const i = current[k] as number;
    const wv = (weights[k] as number) * v;
    const wi = (weights[k] as number) * i;
    voltageSum += wv;
    currentSum += wi;
    voltage2 += wv * v;
    current2 += wi * i;
    product += wv * i;
  }
  sums.voltage += voltageSum;
  sums.current += currentSum;
  sums.voltage2 += voltage2;
  sums.current2 += current2;
  sums.product += product;
}

/** The same products, and the fundamental, in one loop: each sample is fetched once. */
function addCycle(
  sums: PhaseSums,
  weights: Float64Array,
  sine: Float64Array,
  cosine: Float64Array,
  voltage: Float64Array,
  current: Float64Array,
  first: number,
  end: number,
  length: number,
): void {
  let voltageSum = 0;
  let currentSum = 0;
  let voltage2 = 0;
  let current2 = 0;
  let product = 0;
  let vs = 0;
  let vc = 0;
  let is = 0;
  let ic = 0;
  for (let k = first; k < end; k++) {
    const v = voltage[k] as number;
    const i = current[k] as number;
    const s = sine[k] as number;
    const c = cosine[k] as number;
    const wv = (weights[k] as number) * v;
    const wi = (weights[k] as number) * i;
    voltageSum += wv;
    currentSum += wi;
    voltage2 += wv * v;
    current2 += wi * i;
    product += wv * i;
    vs += wv * s;
    vc += wv * c;
    is += wi * s;
    ic += wi * c;
  }
  sums.voltage += voltageSum;
  sums.current += currentSum;
  sums.voltage2 += voltage2;
  sums.current2 += current2;
  sums.product += product;
  // Each bin is (length / 2) × amplitude, so a product of two, × 2 / length², is rms × rms; and × length it is a sum.
  sums.fundamentalActive += (2 * (vs * is + vc * ic)) / length;
  sums.fundamentalReactive += (2 * (vc * is - vs * ic)) / length;
  sums.fundamentalVoltage2 += (2 * (vs * vs + vc * vc)) / length;
  sums.fundamentalCurrent2 += (2 * (is * is + ic * ic)) / length;
}

function addLines(
  lines: Float64Array,
  weights: Float64Array,
  v1: Float64Array,
  v2: Float64Array,
  v3: Float64Array,
  first: number,
  end: number,
): void {
  let l12 = 0;
  let l23 = 0;
  let l31 = 0;
  for (let k = first; k < end; k++) {
    const w = weights[k] as number;
    const a = v1[k] as number;
    const b = v2[k] as number;
    const c = v3[k] as number;
    const ab = a - b;
    const bc = b - c;
    const ca = c - a;
    l12 += w * ab * ab;
    l23 += w * bc * bc;
    l31 += w * ca * ca;
  }
  lines[0] = (lines[0] as number) + l12;
  lines[1] = (lines[1] as number) + l23;
  lines[2] = (lines[2] as number) + l31;
}

function sumOfCurrents(
  weights: Float64Array,
  i1: Float64Array,
  i2: Float64Array,
  i3: Float64Array,
  first: number,
  end: number,
): number {
  let sum = 0;
  for (let k = first; k < end; k++) {
    const i = (i1[k] as number) + (i2[k] as number) + (i3[k] as number);
    sum += (weights[k] as number) * i * i;
  }
  return sum;
}
