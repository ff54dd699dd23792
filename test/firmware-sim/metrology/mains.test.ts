import { describe, expect, it } from "vitest";
import {
  angleFromPowerFactor,
  constantLoad,
  mainsOf,
  mainsProblem,
  stepLoad,
} from "../../../firmware-sim/metrology/mains.ts";
import { civil } from "../../../src/core/time.ts";

describe("angleFromPowerFactor", () => {
  it.each([
    ["0.8", 36.87, 1],
    ["0.8L", 36.87, 1],
    ["+0.8l", 36.87, 1],
    ["-0.8C", 143.13, 2],
    ["-0.8L", 216.87, 3],
    ["-0.8", 216.87, 3],
    ["0.8C", 323.13, 4],
    ["1", 0, 1],
    ["1C", 0, 1],
    ["-1", 180, 3],
    ["0.5L", 60, 1],
    [".5C", 300, 4],
    ["0", 90, 1],
    ["0C", 270, 4],
  ])("%s is %f°, quadrant %i", (text, degrees) => {
    const angle = angleFromPowerFactor(text);
    expect(angle.ok && angle.value).toBeCloseTo(degrees, 2);
  });

  it.each(["", "L", "1.01", "-2", "0.8X", "0.8LL", "0,8", "1e-1", "Infinity", "NaN", "--0.8", "0x1", "."])(
    "refuses %j with a sentence",
    (text) => {
      expect(angleFromPowerFactor(text)).toEqual({
        ok: false,
        error: `"${text}" is not a power factor: a number from -1 to 1 with L (inductive) or C (capacitive) behind it, such as 0.8L`,
      });
    },
  );
});

describe("mainsOf", () => {
  it("takes one value for all phases or one for each, in the sequence L1-L2-L3", () => {
    const mains = mainsOf({ phases: 3, voltage: [230, 231, 232], current: 5, angle: [0, 30, 330], frequency: 60 });
    expect(mains.frequency).toBe(60);
    expect(mains.phases.map((p) => [p.voltage, p.voltageAngle, p.current, p.angle])).toEqual([
      [230, 0, 5, 0],
      [231, -120, 5, 30],
      [232, 120, 5, 330],
    ]);
  });
});

describe("load sources", () => {
  const at = (current: number) => mainsOf({ phases: 1, voltage: 230, current });
  const second = 1_000_000;

  it("constant: one state without end", () => {
    const load = constantLoad(at(5));
    expect(load.at(civil(-5))).toEqual({ mains: at(5), until: Number.POSITIVE_INFINITY });
    expect(load.at(civil(7e15))).toBe(load.at(civil(0)));
  });

  it("steps: each for its seconds, the first before, the last for ever", () => {
    const load = stepLoad(civil(10 * second), [
      { seconds: 1.5, mains: at(1) },
      { seconds: 2, mains: at(2) },
      { seconds: 1, mains: at(3) },
    ]);
    const seen = [0, 10, 11.499999, 11.5, 13.499999, 13.5, 14.5, 1e6].map((s) => {
      const state = load.at(civil(s * second));
      return [state.mains.phases[0]?.current, state.until / second];
    });
    const end = Number.POSITIVE_INFINITY;
    expect(seen).toEqual([
      [1, 11.5],
      [1, 11.5],
      [1, 11.5],
      [2, 13.5],
      [2, 13.5],
      [3, end],
      [3, end],
      [3, end],
    ]);
  });
});

describe("mainsProblem", () => {
  const good = mainsOf({ phases: 1, voltage: 230, current: 5, voltageHarmonics: [{ order: 3, ratio: 0.1, angle: 0 }] });
  const [phase] = good.phases as [(typeof good.phases)[number]];

  it("finds none in mains that can be measured", () => {
    expect(mainsProblem(good)).toBeUndefined();
    expect(mainsProblem({ ...good, frequency: 40 })).toBeUndefined();
  });

  it.each([
    [{ ...good, frequency: 400 }, "a mains frequency of 400 Hz is outside 40..70 Hz"],
    [{ ...good, frequency: Number.NaN }, "a mains frequency of NaN Hz is outside 40..70 Hz"],
    [
      { ...good, phases: [{ ...phase, voltage: -1 }] },
      "voltages and currents are numbers of 0 or more, their angles numbers",
    ],
    [
      { ...good, phases: [phase, { ...phase, angle: Number.NaN }] },
      "voltages and currents are numbers of 0 or more, their angles numbers",
    ],
    [
      { ...good, phases: [{ ...phase, currentHarmonics: [{ order: 2.5, ratio: 0.1, angle: 0 }] }] },
      "2.5 is not the order of a harmonic: 2, 3, …",
    ],
  ])("names the trouble of %j", (mains, problem) => {
    expect(mainsProblem(mains)).toBe(problem);
  });
});
