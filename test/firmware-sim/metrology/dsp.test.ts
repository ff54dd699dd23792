import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WindowSums } from "../../../firmware-sim/metrology/dsp.ts";
import { LOOK_AHEAD, LOOK_BACK } from "../../../firmware-sim/metrology/edges.ts";
import { Samples } from "../../../firmware-sim/metrology/samples.ts";
import { uniform } from "./oracle.ts";

const LENGTH = 200;
const place = uniform(LOOK_BACK, LENGTH - 1 - LOOK_AHEAD);

/** Sum of v × i over stretches between the places. */
function product(v: Float64Array, i: Float64Array, places: readonly number[]): number {
  const samples = new Samples(1, LENGTH);
  samples.voltage[0]?.set(v);
  samples.current[0]?.set(i);
  const sums = new WindowSums(1);
  for (let k = 1; k < places.length; k++) sums.add(samples, places[k - 1] as number, places[k] as number, false);
  return sums.phases[0]?.product as number;
}

describe("stretches between samples", () => {
  it("integrate a polynomial of the seventh degree exactly between any two places", () => {
    const coefficient = uniform(-1, 1);
    fc.assert(
      fc.property(
        fc.array(coefficient, { minLength: 8, maxLength: 8 }),
        fc.tuple(place, place),
        (coefficients, ends) => {
          const [from, to] = ends.sort((x, y) => x - y) as [number, number];
          // In units of the whole length, so that no power dwarfs the others.
          const sum = (x: number, term: (c: number, k: number, x: number) => number) =>
            coefficients.reduce((total, c, k) => total + term(c, k, x), 0);
          const v = Float64Array.from({ length: LENGTH }, (_, k) => sum(k / LENGTH, (c, n, x) => c * x ** n));
          const integral = (k: number) => sum(k / LENGTH, (c, n, x) => (LENGTH * c * x ** (n + 1)) / (n + 1));
          const ones = new Float64Array(LENGTH).fill(1);
          expect(product(v, ones, [from, to])).toBeCloseTo(integral(to) - integral(from), 9);
        },
      ),
    );
  });

  it("tile: cut anywhere, they add up to the whole", () => {
    fc.assert(
      fc.property(
        fc.infiniteStream(uniform(-1, 1)),
        fc.array(place, { minLength: 2, maxLength: 12 }),
        (noise, cuts) => {
          const v = Float64Array.from(noise.take(LENGTH));
          const i = Float64Array.from(noise.take(LENGTH));
          const places = cuts.sort((x, y) => x - y);
          const whole = product(v, i, [places[0] as number, places.at(-1) as number]);
          expect(product(v, i, places)).toBeCloseTo(whole, 10);
        },
      ),
      { numRuns: 50 },
    );
  });
});
