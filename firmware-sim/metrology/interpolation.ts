/** A signal between its samples: the polynomial through the fourteen around the place, as the DSP's own ends take it. */
import { LOOK_AHEAD, LOOK_BACK } from "./edges.ts";

/** Barycentric weights of equidistant points: signed binomial coefficients. */
const WEIGHTS: readonly number[] = binomials(LOOK_BACK + LOOK_AHEAD);

/** @param place {@link LOOK_BACK} samples before and {@link LOOK_AHEAD} behind it must be there. */
export function valueAt(samples: Float64Array, place: number): number {
  const n = Math.floor(place);
  if (n === place) return samples[n] as number;
  let above = 0;
  let below = 0;
  for (let j = 0; j < WEIGHTS.length; j++) {
    const k = n - LOOK_BACK + j;
    const weight = (WEIGHTS[j] as number) / (place - k);
    above += weight * (samples[k] as number);
    below += weight;
  }
  return above / below;
}

function binomials(degree: number): readonly number[] {
  const weights = [1];
  for (let j = 1; j <= degree; j++) weights.push((-(weights[j - 1] as number) * (degree - j + 1)) / j);
  return weights;
}
