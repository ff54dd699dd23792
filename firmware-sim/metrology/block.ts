/**
 * The inner loops that make samples, over one block shared by all chips: nothing waits in it between two channels.
 *
 * As in products.ts, they are written for the compiler of V8: arrays that are constants of this module and have a local name
 * in front of the loop cost a third of others (what is exported is none: it gets a local name too), a recurrence costs less
 * than a table of sines, and in steps of two samples one multiplication runs while the other waits for its own.
 */
import { Random } from "../../src/core/random.ts";

/** The most samples one call makes; a block starts from exact sines, so the recurrences have no time to drift. */
export const BLOCK = 128;

/** The channel at work, in counts. */
const WORK = new Float64Array(BLOCK);

export function clearBlock(value: number, count: number): void {
  WORK.fill(value, 0, count);
}

/** What an oscillator starts from: see {@link setStart}. */
export const START = 9;

/**
 * Writes where an order stands at the samples −2..1 of the block, and what carries it two samples on.
 * @param angle of the order at sample 0, in radians; `sine` and `cosine` of what it turns from sample to sample.
 */
export function setStart(starts: Float64Array, at: number, angle: number, sine: number, cosine: number): void {
  let s = Math.sin(angle);
  let c = Math.cos(angle);
  starts[at + 4] = s;
  starts[at + 5] = c;
  starts[at + 6] = s * cosine + c * sine;
  starts[at + 7] = c * cosine - s * sine;
  for (let k = 2; k >= 0; k -= 2) {
    [s, c] = [s * cosine - c * sine, c * cosine + s * sine];
    starts[at + k] = s;
    starts[at + k + 1] = c;
  }
  // 2 cos 2ω
  starts[at + 8] = 4 * cosine * cosine - 2;
}

/** Two oscillators: samples −2, −1, 0, 1 and the factor of each. */
const PAIR = new Float64Array(10);

/** Makes slot 0 or 1 of the pair an order with amplitudes `re` of the sine and `im` of the cosine. */
export function setOscillator(slot: number, starts: Float64Array, at: number, re: number, im: number): void {
  const pair = PAIR;
  const to = 5 * slot;
  for (let k = 0; k < 4; k++)
    pair[to + k] = re * (starts[at + 2 * k] as number) + im * (starts[at + 2 * k + 1] as number);
  pair[to + 4] = starts[at + 8] as number;
}

/** Adds the pair to the block: x(n + 2) = 2 cos 2ω · x(n) − x(n − 2). Writes up to the next multiple of four samples. */
export function addPair(count: number): void {
  const work = WORK;
  let [a, b, c, d] = [PAIR[0], PAIR[1], PAIR[2], PAIR[3]] as [number, number, number, number];
  let [e, f, g, h] = [PAIR[5], PAIR[6], PAIR[7], PAIR[8]] as [number, number, number, number];
  const [t, u] = [PAIR[4], PAIR[9]] as [number, number];
  for (let k = 0; k < count; k += 4) {
    work[k] = (work[k] as number) + (c + g);
    work[k + 1] = (work[k + 1] as number) + (d + h);
    a = t * c - a;
    b = t * d - b;
    e = u * g - e;
    f = u * h - f;
    work[k + 2] = (work[k + 2] as number) + (a + e);
    work[k + 3] = (work[k + 3] as number) + (b + f);
    c = t * a - c;
    d = t * b - d;
    g = u * e - g;
    h = u * f - h;
  }
}

/**
 * Writes samples from..to−1 of the block to `out` at index `at` as the converter gives them: with noise, rounded, clipped.
 * @param sigma rms of the noise, which is taken from the table at place `noise` on.
 */
export function convertBlock(
  out: Float64Array,
  at: number,
  from: number,
  to: number,
  sigma: number,
  noise: number,
  lowest: number,
  highest: number,
): void {
  const work = WORK;
  const normal = NORMAL;
  const mask = NOISE_MASK;
  const shift = noise - from;
  // As integers the limits stand in registers; as what was passed they would be asked for their type for every sample.
  const low = lowest | 0;
  const high = highest | 0;
  for (let k = from; k < to; k++) {
    const x = Math.floor((work[k] as number) + sigma * (normal[(k + shift) & mask] as number) + 0.5);
    out[at + k] = Math.min(Math.max(x, low), high);
  }
}

/** Places in the noise table: 0 to this. */
export const NOISE_MASK = 0x7fff;
const NORMAL = normalTable(NOISE_MASK + 1);

/** Normal deviates with mean 0 and variance 1 exactly. */
function normalTable(size: number): Float64Array {
  const random = new Random(1);
  const table = Float64Array.from({ length: size }, () => random.normal());
  const mean = table.reduce((a, b) => a + b, 0) / size;
  const variance = table.reduce((a, b) => a + (b - mean) ** 2, 0) / size;
  return table.map((x) => (x - mean) / Math.sqrt(variance));
}
