import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import type { ChipOptions } from "../../../firmware-sim/metrology/front-end.ts";
import { constantLoad, type LoadSource, mainsOf, stepLoad } from "../../../firmware-sim/metrology/mains.ts";
import { profileLoad } from "../../../firmware-sim/metrology/profile.ts";
import { civil } from "../../../src/core/time.ts";
import { anyMains, PLATE, ppm, SECOND, shown, truth, uniform } from "./oracle.ts";

const chipOf = (load: LoadSource, phases: 1 | 3 = 1, more: Partial<ChipOptions> = {}) =>
  new ClosedFormChip({ plate: PLATE, phases, load, start: civil(0), seed: 1, errors: { noise: 0 }, ...more });

/** Total active energy of L1 and the number of windows up to a time. */
function run(chip: ClosedFormChip, until: number) {
  let energy = 0n;
  let count = 0;
  chip.advance(civil(until), (w) => {
    energy += BigInt(w[0]?.active as number);
    count += 1;
  });
  return { energy, count };
}

const load = (current: number, angle = 0) => mainsOf({ phases: 1, voltage: 230, current, angle });

describe("the closed form", () => {
  it("is the truth on any mains, to the rounding of its registers", () => {
    fc.assert(
      fc.property(anyMains, (mains) => {
        const r = chipOf(constantLoad(mains), 3).readings();
        for (const [p, phase] of mains.phases.entries()) {
          const expected = truth(phase);
          const seen = shown(r, p);
          for (const power of ["active", "reactive", "apparent"] as const)
            expect(Math.abs(ppm(seen[power], expected[power], expected.apparent))).toBeLessThan(4);
          expect(Math.abs(ppm(seen.voltage, expected.voltage))).toBeLessThan(4);
          expect(Math.abs(ppm(seen.current, expected.current))).toBeLessThan(1);
        }
      }),
    );
  });

  it("takes a gain as a factor and a delay as a shift of the whole wave, harmonics and all", () => {
    const error = fc.record({
      gain: uniform(-0.05, 0.05),
      delay: uniform(-100, 100),
    });
    fc.assert(
      fc.property(anyMains, error, error, (mains, voltage, current) => {
        const r = chipOf(constantLoad(mains), 3, { errors: { noise: 0, voltage, current } }).readings();
        for (const [p, phase] of mains.phases.entries()) {
          // Late current has more lag, late voltage makes it less.
          const lag = 360e-6 * mains.frequency * (current.delay - voltage.delay);
          const expected = truth({
            ...phase,
            voltage: phase.voltage * (1 + voltage.gain),
            current: phase.current * (1 + current.gain),
            angle: phase.angle + lag,
          });
          const seen = shown(r, p);
          for (const power of ["active", "reactive", "apparent"] as const)
            expect(Math.abs(ppm(seen[power], expected[power], expected.apparent))).toBeLessThan(4);
        }
      }),
    );
  });

  it("shows the load at once, and wakes only where it changes", () => {
    const steady = chipOf(constantLoad(load(5, 60)));
    expect(steady.readings().active).toEqual([575_000]);
    expect(steady.nextWake()).toEqual({ mono: Number.POSITIVE_INFINITY, civil: Number.POSITIVE_INFINITY });
    const stepping = chipOf(
      stepLoad(civil(0), [
        { seconds: 10, mains: load(5) },
        { seconds: 10, mains: load(6) },
      ]),
    );
    expect(stepping.nextWake().civil).toBe(10 * SECOND);
    expect(run(stepping, 10 * SECOND).count).toBe(1);
    expect(stepping.readings().current).toEqual([6_000_000]);
    expect(stepping.nextWake().civil).toBe(Number.POSITIVE_INFINITY);
  });

  it("counts power × time exactly over months, however the time is cut", () => {
    fc.assert(
      fc.property(
        uniform(0.1, 100),
        uniform(0, 360),
        fc.array(fc.integer({ min: 1, max: 3 * 86_400_000_000 }), { minLength: 1, maxLength: 30 }),
        (current, angle, pieces) => {
          const source = constantLoad(load(current, angle));
          // A second gives the power in µW.
          const { energy: perSecond } = run(chipOf(source), SECOND);
          const chip = chipOf(source);
          let time = 0;
          let energy = 0n;
          for (const piece of pieces) {
            time += piece;
            energy += run(chip, time).energy;
          }
          expect(energy).toBe((perSecond * BigInt(time)) / 1_000_000n);
        },
      ),
    );
  });

  it("splits at every change of a profile and keeps its annual energy", () => {
    const values = Array.from({ length: 96 }, (_, i) => 1 + Math.sin(i / 10) ** 2);
    const profile = profileLoad({ phases: 1, voltage: 230, values, annualKwh: 4000 });
    if (!profile.ok) throw new Error(profile.error);
    const { energy, count } = run(chipOf(profile.value), 365 * 86_400 * SECOND);
    expect(count).toBe(365 * 96);
    expect(Math.abs(ppm(Number(energy), 4000 * 3.6e12))).toBeLessThan(1);
  });

  it("keeps every window below 2^53 µJ at a megawatt over a year", () => {
    const plate = { ...PLATE, imax: 5000 };
    const chip = chipOf(constantLoad(load(4500)), 1, { plate });
    let largest = 0;
    chip.advance(civil(365 * 86_400 * SECOND), ([e]) => {
      largest = Math.max(largest, e?.active as number);
    });
    expect(largest).toBeGreaterThan(0);
    expect(Number.isSafeInteger(3 * largest)).toBe(true);
  });

  it("has no current behind an open relay, from that instant to the closing", () => {
    const chip = chipOf(constantLoad(load(10)));
    expect(run(chip, 10 * SECOND).energy).toBe(23_000_000_000n);
    chip.setRelay(false);
    expect(chip.readings()).toMatchObject({ current: [0], active: [0], voltage: [230_000], frequency: 50_000 });
    expect(run(chip, 20 * SECOND).energy).toBe(0n);
    chip.setRelay(true);
    expect(run(chip, 21 * SECOND).energy).toBe(2_300_000_000n);
  });

  it("shows and counts nothing below half the starting current", () => {
    for (const [current, counts] of [
      [0, false],
      [0.019, false],
      [0.021, true],
      [0.04, true],
    ] as const) {
      const chip = chipOf(constantLoad(load(current)));
      expect(run(chip, 3600 * SECOND).energy > 0n).toBe(counts);
      expect(chip.readings().current[0] !== 0).toBe(counts);
    }
  });

  it("has no frequency and no reactive power without a voltage to take cycles from", () => {
    const r = chipOf(constantLoad(mainsOf({ phases: 1, voltage: 20, current: 50, angle: 90 }))).readings();
    expect(r).toMatchObject({ frequency: 0, reactive: [0], angle: [0] });
  });
});
