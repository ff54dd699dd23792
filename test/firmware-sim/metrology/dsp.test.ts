import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WindowSums } from "../../../firmware-sim/metrology/dsp.ts";
import { uniform } from "./oracle.ts";

const LENGTH = 200;
const place = uniform(1, LENGTH - 3);

/** Sum of v × i over stretches between the places. */
function product(v: Float64Array, i: Float64Array, places: readonly number[]): number {
  const sums = new WindowSums(1, LENGTH);
  for (let k = 1; k < places.length; k++) sums.add([v], [i], places[k - 1] as number, places[k] as number, false);
  return sums.phases[0]?.product as number;
}

describe("stretches between samples", () => {
  it("integrate a cubic exactly between any two places", () => {
    const coefficient = uniform(-1, 1);
    fc.assert(
      fc.property(
        fc.tuple(coefficient, coefficient, coefficient, coefficient),
        fc.tuple(place, place),
        ([a, b, c, d], ends) => {
          const [from, to] = ends.sort((x, y) => x - y) as [number, number];
          // In units of the whole length, so that no power dwarfs the others.
          const v = Float64Array.from({ length: LENGTH }, (_, k) => {
            const x = k / LENGTH;
            return a + b * x + c * x ** 2 + d * x ** 3;
          });
          const integral = (k: number) => {
            const x = k / LENGTH;
            return LENGTH * (a * x + (b * x ** 2) / 2 + (c * x ** 3) / 3 + (d * x ** 4) / 4);
          };
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
