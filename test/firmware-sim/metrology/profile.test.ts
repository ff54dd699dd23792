import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseProfile, profileLoad } from "../../../firmware-sim/metrology/profile.ts";
import { civil } from "../../../src/core/time.ts";

const DAY = 86_400_000_000;

function loadOf(description: Partial<Parameters<typeof profileLoad>[0]>) {
  const load = profileLoad({ phases: 1, voltage: 230, values: [1], ...description });
  if (!load.ok) throw new Error(load.error);
  return load.value;
}

/** Watts on all phases at a time, from what is on the terminals. */
function watts(load: ReturnType<typeof loadOf>, time: number): number {
  return load
    .at(civil(time))
    .mains.phases.reduce((sum, p) => sum + p.voltage * p.current * Math.cos((p.angle * Math.PI) / 180), 0);
}

describe("parseProfile", () => {
  it.each([
    ["1\n2.5\n-3\n", [1, 2.5, -3]],
    ["# comment\r\n\r\n 4 \r\n5", [4, 5]],
    ["time,kW\n00:00,0.5\n00:15,0.75\n", [0.5, 0.75]],
    ["\uFEFFtime;load\n00:00;1e3\n", [1000]],
    ["00:00\t12\n", [12]],
  ])("reads %j", (text, values) => {
    expect(parseProfile(text)).toEqual({ ok: true, value: values });
  });

  it.each([
    ["1\n2\nthree\n", 'line 3: "three" is not a number'],
    ["a,b\nc,d\n1,2\n", 'line 2: "d" is not a number'],
    ["1,\n", "the profile holds no number"],
    ["5\n1,\n", 'line 2: "" is not a number'],
    ["", "the profile holds no number"],
    ["1\n".repeat(1441), "line 1441: a profile is one day of at most 1440 values (one per minute)"],
  ])("refuses %j", (text, error) => {
    expect(parseProfile(text)).toEqual({ ok: false, error });
  });
});

describe("a profile load", () => {
  it("repeats its watts every day and says until when", () => {
    const load = loadOf({ values: [100, 200, 300, 400] });
    for (const day of [0, 20_000]) {
      expect([0, 6, 12, 18].map((h) => watts(load, day * DAY + h * 3_600_000_000))).toEqual([100, 200, 300, 400]);
      expect(load.at(civil(day * DAY + 7 * 3_600_000_000)).until).toBe(day * DAY + DAY / 2);
      expect(load.at(civil(day * DAY + DAY - 1)).until).toBe(day * DAY + DAY);
    }
  });

  it("tiles the day without gap for any number of intervals", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1440 }), fc.integer({ min: 0, max: 30_000 }), (count, day) => {
        const load = loadOf({ values: Array.from({ length: count }, (_, i) => i + 1) });
        let time = day * DAY;
        for (let i = 0; i < count; i++) {
          const { until } = load.at(civil(time));
          expect(until).toBeGreaterThan(time);
          expect(watts(load, time)).toBeCloseTo(i + 1, 6);
          expect(watts(load, until - 1)).toBeCloseTo(i + 1, 6);
          time = until;
        }
        expect(time).toBe((day + 1) * DAY);
      }),
      { numRuns: 20 },
    );
  });

  it("scales to the annual energy, over the phases together", () => {
    const load = loadOf({ phases: 3, voltage: [220, 230, 240], values: [1, 3, 0, 4], annualKwh: 3650, angle: 30 });
    const daily = [0, 1, 2, 3].reduce((sum, i) => sum + watts(load, i * 6 * 3_600_000_000) * 6, 0);
    expect(daily).toBeCloseTo(10_000, 6);
    const phases = load.at(civil(0)).mains.phases;
    expect(phases.map((p) => p.angle)).toEqual([30, 30, 30]);
    expect(phases.map((p) => p.voltage * p.current)).toEqual(
      Array(3).fill(expect.closeTo((phases[0]?.voltage as number) * (phases[0]?.current as number), 9)),
    );
  });

  it("exports where its values are negative, inductive or capacitive as the angle says", () => {
    const load = loadOf({ values: [500, -500], angle: -30 });
    expect(load.at(civil(0)).mains.phases[0]?.angle).toBe(330);
    expect(load.at(civil(DAY / 2)).mains.phases[0]?.angle).toBe(150);
    expect(watts(load, DAY / 2)).toBeCloseTo(-500, 9);
  });

  it("jitters by seed and interval, not by who asks when", () => {
    const make = (seed: number) => loadOf({ values: Array(96).fill(1000), jitter: { ratio: 0.1, seed } });
    const times = Array.from({ length: 96 * 5 }, (_, i) => i * 900_000_000);
    const seen = times.map((t) => watts(make(1), t));
    const load = make(1);
    expect(times.toReversed().map((t) => watts(load, t + 5))).toEqual(seen.toReversed());
    expect(watts(make(2), 0)).not.toBe(seen[0]);
    const mean = seen.reduce((a, b) => a + b, 0) / seen.length;
    const deviation = Math.sqrt(seen.reduce((a, b) => a + (b - mean) ** 2, 0) / seen.length);
    // 480 draws of σ = 100 W: mean ± 4.6 W, σ ± 3.2 W (one standard error).
    expect(Math.abs(mean - 1000)).toBeLessThan(23);
    expect(Math.abs(deviation - 100)).toBeLessThan(17);
  });

  it.each([
    [{ values: [] }, "a profile has 1 to 1440 values, not 0"],
    [
      { values: [1, -1], annualKwh: 100 },
      "a profile whose values add up to nothing can't be scaled to an annual energy",
    ],
    [{ values: [1], angle: 90 }, "a profile gives active power: its power factor must be at least 0.01, and import"],
  ])("refuses %j", (description, error) => {
    expect(profileLoad({ phases: 1, voltage: 230, ...description })).toEqual({ ok: false, error });
  });
});
