/**
 * The chip's inner loops: sums of weighted products of samples over one stretch.
 *
 * They are written for the compiler of V8, which fetches the base of an array again for every element unless the array is a
 * constant that was looked up in front of the loop: hence the weights shared by all chips, their local name, and every sample
 * fetched as seldom as the number of registers allows.
 */
import { weigh } from "./edges.ts";
import type { Samples } from "./samples.ts";

/** Sums of one phase over a window, in counts. */
export class PhaseSums {
  voltage = 0;
  current = 0;
  voltage2 = 0;
  current2 = 0;
  product = 0;
  /** Fundamental active and reactive power × samples, by a one-bin DFT over each cycle. */
  fundamentalActive = 0;
  fundamentalReactive = 0;
  /** Squares of the fundamental's rms × samples of whole cycles. */
  fundamentalVoltage2 = 0;
  fundamentalCurrent2 = 0;

  clear(): void {
    this.voltage = 0;
    this.current = 0;
    this.voltage2 = 0;
    this.current2 = 0;
    this.product = 0;
    this.fundamentalActive = 0;
    this.fundamentalReactive = 0;
    this.fundamentalVoltage2 = 0;
    this.fundamentalCurrent2 = 0;
  }
}

/** Samples of the longest stretch, with what it touches around its ends. */
export const LONGEST_STRETCH = 256;

/** Of the stretch at work. */
const WEIGHTS = new Float64Array(LONGEST_STRETCH);

/** Must come before the sums of a stretch. @returns how many samples they run over. */
export function weighStretch(from: number, to: number): number {
  return weigh(WEIGHTS, from, to);
}

/** One turn of the fundamental per `length` samples: what a cycle is multiplied with. */
export interface Turn {
  readonly length: number;
  readonly sine: number;
  readonly cosine: number;
}

/** Adds one phase's products over `count` samples from index `first` on, and its fundamental if they are one cycle. */
export function addPhase(
  sums: PhaseSums,
  voltage: Float64Array,
  current: Float64Array,
  first: number,
  count: number,
  cycle: Turn | undefined,
): void {
  const weights = WEIGHTS;
  const twice = cycle === undefined ? 0 : 2 * cycle.cosine;
  let voltageSum = 0;
  let currentSum = 0;
  let voltage2 = 0;
  let current2 = 0;
  let product = 0;
  // Goertzel's two last states of the DFT's bin: x + 2 cos ω · last − the one before.
  let v1 = 0;
  let v2 = 0;
  let i1 = 0;
  let i2 = 0;
  for (let k = 0; k < count; k++) {
    const v = voltage[first + k] as number;
    const i = current[first + k] as number;
    const wv = (weights[k] as number) * v;
    const wi = (weights[k] as number) * i;
    voltageSum += wv;
    currentSum += wi;
    voltage2 += wv * v;
    current2 += wi * i;
    product += wv * i;
    const v0 = twice * v1 + (wv - v2);
    v2 = v1;
    v1 = v0;
    const i0 = twice * i1 + (wi - i2);
    i2 = i1;
    i1 = i0;
  }
  sums.voltage += voltageSum;
  sums.current += currentSum;
  sums.voltage2 += voltage2;
  sums.current2 += current2;
  sums.product += product;
  if (cycle === undefined) return;
  // The bin is (last − e^−jω before) e^−jω(n − 1), of length (n / 2) × amplitude: products of two, × 2 / n, are sums.
  const { length, sine, cosine } = cycle;
  const scale = 2 / length;
  sums.fundamentalActive += scale * (v1 * i1 + v2 * i2 - cosine * (v1 * i2 + v2 * i1));
  sums.fundamentalReactive += scale * sine * (v2 * i1 - v1 * i2);
  sums.fundamentalVoltage2 += scale * (v1 * v1 + v2 * v2 - twice * v1 * v2);
  sums.fundamentalCurrent2 += scale * (i1 * i1 + i2 * i2 - twice * i1 * i2);
}

/** Of three phases, adds to `lines` the squares of the line voltages L1-L2, L2-L3, L3-L1. @returns those of the sum of the currents. */
export function addBetweenPhases(lines: Float64Array, { all, stride }: Samples, first: number, count: number): number {
  const weights = WEIGHTS;
  const [v2, v3, i1, i2, i3] = [stride, 2 * stride, 3 * stride, 4 * stride, 5 * stride];
  let l12 = 0;
  let l23 = 0;
  let l31 = 0;
  let neutral = 0;
  for (let k = 0; k < count; k++) {
    const at = first + k;
    const w = weights[k] as number;
    const a = all[at] as number;
    const b = all[at + v2] as number;
    const c = all[at + v3] as number;
    const i = (all[at + i1] as number) + (all[at + i2] as number) + (all[at + i3] as number);
    l12 += w * (a - b) * (a - b);
    l23 += w * (b - c) * (b - c);
    l31 += w * (c - a) * (c - a);
    neutral += w * i * i;
  }
  lines[0] = (lines[0] as number) + l12;
  lines[1] = (lines[1] as number) + l23;
  lines[2] = (lines[2] as number) + l31;
  return neutral;
}
