/** Sines and cosines at even steps, without a call for each. */

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
