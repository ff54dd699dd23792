import { describe, expect, test } from "vitest";
import {
  type AccuracyClass,
  baseCurrent,
  CLASSES,
  INFLUENCES,
  intrinsicLimit,
  isDirect,
  noLoadTest,
  repeatabilityLimit,
  temperatureLimit,
  upDownLimit,
  variationLimit,
} from "../../../firmware-sim/bench/limits.ts";
import { ACREL_ADW300 } from "../../../protocols/models/acrel-adw300.ts";
import { METERWORKS_3P } from "../../../protocols/models/meterworks-3p.ts";

const DIRECT = METERWORKS_3P.plate;
const TRANSFORMER = ACREL_ADW300.plate;

describe("limits", () => {
  test("the plates' base currents: Ib 5 A of 0.5(100) A, In 5 A of 0.25(6) A", () => {
    expect([isDirect(DIRECT), baseCurrent(DIRECT)]).toEqual([true, 5]);
    expect([isDirect(TRANSFORMER), baseCurrent(TRANSFORMER)]).toEqual([false, 5]);
  });

  // Class, amperes, PF 1, one phase, limit: rows of the standards' tables for a direct meter with Ib = 5 A, Itr = 0.5 A.
  test.each([
    ["B", 0.25, true, false, 1.5],
    ["B", 0.5, true, false, 1.0],
    ["C", 0.49, false, false, 1.0],
    ["C", 100, false, false, 0.6],
    ["D", 0.25, true, false, 0.4],
    ["D", 5, true, false, 0.2],
    ["D", 5, false, false, 0.3],
    ["E", 0.5, true, true, 0.1],
    ["1", 0.25, true, false, 1.5],
    ["1", 0.5, true, false, 1.0],
    ["1", 0.5, false, false, 1.5],
    ["1", 1, false, false, 1.0],
    ["1", 5, false, true, 2.0],
    ["2", 0.49, true, false, 2.5],
    ["2", 100, true, true, 3.0],
  ] as const)("class %s at %d A, PF 1 %s, one phase %s: %d %%", (cls, amperes, unity, single, limit) => {
    expect(intrinsicLimit(cls, DIRECT, { amperes, unity, single }).percent).toBe(limit);
  });

  test.each([
    ["0.5S", 0.05, true, false, 1.0],
    ["0.5S", 0.25, true, false, 0.5],
    ["0.5S", 0.5, false, false, 0.6],
    ["0.5S", 5, false, true, 1.0],
    ["0.2S", 0.1, false, false, 0.5],
    ["0.2S", 5, true, true, 0.3],
    ["1", 0.1, true, false, 1.5],
    ["1", 0.25, true, false, 1.0],
    ["1", 0.25, false, false, 1.5],
  ] as const)(
    "behind transformers, class %s at %d A, PF 1 %s, one phase %s: %d %%",
    (cls, amperes, unity, single, limit) => {
      expect(intrinsicLimit(cls, TRANSFORMER, { amperes, unity, single }).percent).toBe(limit);
    },
  );

  test("no load: 100e3/(b·C·d·1.1·Un·Imin) hours, or K·1e6/(C·m·Un·Imax) minutes", () => {
    expect(noLoadTest("D", DIRECT, 3).seconds).toBeCloseTo(4_743.08, 1);
    expect(noLoadTest("1", DIRECT, 3).seconds).toBeCloseTo(521.74, 1);
    expect(noLoadTest("0.2S", DIRECT, 3).seconds).toBeCloseTo(782.61, 1);
    expect([noLoadTest("D", DIRECT, 3).voltage, noLoadTest("2", DIRECT, 3).voltage]).toEqual([1.1, 1.15]);
  });

  test("influences: only what a bench program has is not recalled", () => {
    const marks = (cls: AccuracyClass) => INFLUENCES.filter((i) => variationLimit(cls, i)?.recalled === false).length;
    expect([marks("1"), marks("0.5S"), marks("0.2S"), marks("D"), marks("2")]).toEqual([10, 9, 8, 0, 0]);
    expect(variationLimit("0.2S", "sequence")).toEqual({ percent: 0.05, recalled: false });
    expect(variationLimit("D", "phaseFired")).toEqual({ percent: 0.4, recalled: true });
    expect(variationLimit("0.5S", "halfWave")).toBeUndefined();
    expect([variationLimit("A", "voltage"), variationLimit("E", "voltage"), variationLimit("0.5", "voltage")]).toEqual(
      [1, 0.05, 0.2].map((percent) => ({ percent, recalled: true })),
    );
  });

  test("every class has limits for up and down, repetition and temperature, narrower from class to class", () => {
    const r46 = ["A", "B", "C", "D", "E"] as const;
    for (const of of [
      (c: AccuracyClass) => upDownLimit(c),
      (c: AccuracyClass) => repeatabilityLimit(c),
      (c: AccuracyClass) => temperatureLimit(c, true),
      (c: AccuracyClass) => temperatureLimit(c, false),
    ]) {
      const percents = r46.map((c) => of(c).percent);
      expect(percents.every((p) => p > 0)).toBe(true);
      expect([...percents].sort((a, b) => b - a)).toEqual(percents);
      for (const c of CLASSES) expect(of(c).percent).toBeGreaterThan(0);
    }
    expect([upDownLimit("0.2S"), upDownLimit("0.5S"), upDownLimit("1")]).toEqual(
      [0.05, 0.12, 0.25].map((percent) => ({ percent, recalled: false })),
    );
  });
});
