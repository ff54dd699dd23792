import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { referencePower } from "../../../firmware-sim/bench/reference.ts";
import { halfWave, phaseFired, sourceOf } from "../../../firmware-sim/bench/waves.ts";
import { type Mains, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { civil } from "../../../src/core/time.ts";
import { currentAt, meanOverCycle, voltageAt } from "./waves.ts";

function summed(mains: Mains): number {
  return mains.phases.reduce((watts, p) => watts + meanOverCycle((d) => voltageAt(p, d) * currentAt(p, d)), 0);
}

const harmonics = fc.array(
  fc.record({
    order: fc.integer({ min: 2, max: 21 }),
    ratio: fc.double({ min: 0, max: 0.4, noNaN: true }),
    angle: fc.double({ min: -180, max: 180, noNaN: true }),
  }),
  { maxLength: 4 },
);

describe("the reference of the bench", () => {
  test("is the mean of the products of the waves, whatever their harmonics", () => {
    const amperes = fc.double({ min: 0, max: 100, noNaN: true });
    const degrees = fc.double({ min: 0, max: 360, noNaN: true });
    fc.assert(
      fc.property(
        harmonics,
        harmonics,
        fc.tuple(amperes, amperes, amperes),
        fc.tuple(degrees, degrees, degrees),
        (voltageHarmonics, currentHarmonics, current, angle) => {
          const mains = mainsOf({ phases: 3, voltage: 230, current, angle, voltageHarmonics, currentHarmonics });
          expect(Math.abs(referencePower({ mains }) - summed(mains))).toBeLessThan(1e-6);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("halves what flows in bursts", () => {
    const mains = mainsOf({ phases: 1, voltage: 230, current: 10 });
    expect(referencePower({ mains, burst: 2 })).toBeCloseTo(1_150, 9);
  });
});

describe("chopped currents", () => {
  const chopped = {
    halfWave: { wave: halfWave(), cut: (d: number) => (d % 360 < 180 ? Math.sin((d * Math.PI) / 180) : 0) },
    phaseFired: { wave: phaseFired(), cut: (d: number) => (d % 180 > 90 ? Math.sin((d * Math.PI) / 180) : 0) },
  };

  test.each(Object.entries(chopped))("%s has the power and, but for DC and orders above 38, the wave", (_, c) => {
    const { fundamental, angle, harmonics: currentHarmonics } = c.wave;
    const mains = mainsOf({ phases: 1, voltage: 230, current: fundamental, angle, currentHarmonics });
    const [phase] = mains.phases;
    if (phase === undefined) throw new Error("no phase");
    const power = meanOverCycle((d) => voltageAt(phase, d) * c.cut(d));
    expect(Math.abs(referencePower({ mains }) / power - 1)).toBeLessThan(1e-6);
    const mean = meanOverCycle(c.cut);
    const difference = meanOverCycle((d) => (currentAt(phase, d) - (c.cut(d) - mean)) ** 2);
    // The edge of the fired wave leaves a little above order 38: (1/π)² Σ 2/n² of the odd ones.
    expect(Math.sqrt(difference)).toBeLessThan(0.06);
    expect(Math.sqrt(difference)).toBeLessThan(0.15 * Math.sqrt(meanOverCycle((d) => (c.cut(d) - mean) ** 2)));
  });

  test("bursts are on and off for whole cycles, from edge to edge", () => {
    const start = civil(1_000_000);
    const mains = mainsOf({ phases: 1, voltage: 230, current: 10, frequency: 49 });
    const source = sourceOf({ mains, burst: 2 }, start);
    let time = start as number;
    const lengths: number[] = [];
    for (let n = 0; n < 1_000; n++) {
      const { mains: now, until } = source.at(civil(time));
      expect(now.phases[0]?.current).toBe(n % 2 === 0 ? 10 : 0);
      lengths.push(until - time);
      time = until;
    }
    expect(time - start).toBe(Math.round((2_000 / 49) * 1e6));
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
  });
});
