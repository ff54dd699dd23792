import { describe, expect, test } from "vitest";
import type { Baseline } from "../../../headend/books.ts";
import type { MeterReading } from "../../../headend/ports.ts";
import { isRepeat, judge } from "../../../headend/validate/plausibility.ts";
import type { MeasureValues } from "../../../src/core/measures.ts";
import { type Civil, civil } from "../../../src/core/time.ts";
import { meterId, TEST_MODEL } from "../fakes.ts";

const SECOND = 1_000_000;
const T0 = 1_795_881_600 * SECOND;
const at = (seconds: number): Civil => civil(T0 + seconds * SECOND);

function reading(seconds: number, values: MeasureValues, change: Partial<MeterReading> = {}): MeterReading {
  return {
    meter: meterId("m"),
    time: at(seconds),
    source: "modbus",
    sequence: null,
    quality: "good",
    values,
    ...change,
  };
}

function baseline(values: MeasureValues, seconds = 0): Baseline {
  return { values, time: at(seconds), arrived: at(seconds) };
}

const check = (before: number, after: number, seconds: number, change: Partial<MeterReading> = {}) =>
  judge(
    TEST_MODEL,
    baseline({ activeEnergyImport: before }),
    undefined,
    reading(seconds, { activeEnergyImport: after }, change),
    at(seconds),
  ).quality;

describe("energy registers", () => {
  // 1.2 × 60 A × 1.2 × 230 V = 19 872 W: 19.872 kWh in an hour, and 0.1 kWh of display step with 2 s of clock slack.
  test.each([
    [0, 19_872_000, 3600, "good"],
    [0, 19_872_000 + 100_000 + 11_000, 3600, "good"],
    [0, 19_872_000 + 100_000 + 12_000, 3600, "invalid"],
    [5_000, 5_000, 1, "good"],
    [5_000, 4_999, 1, "invalid"],
    [5_000, 4_999, 100_000, "invalid"],
    // evcc#30592: a slot of 53.7 MWh.
    [1_000_000, 53_701_000_000, 900, "invalid"],
    // Six digits of Wh start again at 1000 kWh.
    [999_999_000, 3_000, 60, "good"],
    [999_999_000, 500_000_000, 60, "invalid"],
    [5_000, -1, 60, "invalid"],
  ] as const)("%i mWh → %i mWh in %i s: %s", (before, after, seconds, quality) => {
    expect(check(before, after, seconds)).toBe(quality);
  });

  test("over MQTT a register does not roll over", () => {
    expect(check(999_999_000, 3_000, 60, { source: "mqtt" })).toBe("invalid");
  });

  test("without a model only going back is implausible", () => {
    const judged = (after: number) =>
      judge(
        undefined,
        baseline({ activeEnergyImport: 1000 }),
        undefined,
        reading(1, { activeEnergyImport: after }),
        at(1),
      );
    expect(judged(10 ** 12).quality).toBe("good");
    expect(judged(999)).toMatchObject({
      quality: "invalid",
      trusted: false,
      reason: "activeEnergyImport went back by 1 mWh",
    });
  });

  test("a phase's register is held to one phase", () => {
    const three = { ...TEST_MODEL, phases: 3 as const };
    const grew = (key: "activeEnergyImport" | "activeEnergyImportL2") =>
      judge(three, baseline({ [key]: 0 }), undefined, reading(3600, { [key]: 50_000_000 }), at(3600)).quality;
    expect(grew("activeEnergyImport")).toBe("good");
    expect(grew("activeEnergyImportL2")).toBe("invalid");
  });

  test("what jumped is believed once the time allows it: nobody is locked out for ever", () => {
    const jump = (hours: number) => check(0, 100_000_000, hours * 3600);
    expect(jump(1)).toBe("invalid");
    expect(jump(6)).toBe("good");
  });

  test("a backlog is judged by the meter's time, a clock set back by the head-end's", () => {
    const before = baseline({ activeEnergyImport: 0 });
    const backlog = reading(3600, { activeEnergyImport: 15_000_000 });
    expect(judge(TEST_MODEL, before, undefined, backlog, at(1)).quality).toBe("good");
    const newest = reading(0, {}, { sequence: 7 });
    const setBack = reading(-7200, { activeEnergyImport: 15_000_000 }, { sequence: 8 });
    expect(judge(TEST_MODEL, before, newest, setBack, at(3600))).toMatchObject({
      quality: "clock-doubt",
      trusted: true,
    });
    expect(judge(TEST_MODEL, before, newest, setBack, at(60))).toMatchObject({ quality: "invalid" });
  });
});

describe("other qualities", () => {
  test("an energy without value is missing, an instantaneous one is not", () => {
    const judged = (values: MeasureValues) =>
      judge(TEST_MODEL, undefined, undefined, reading(0, values), at(0)).quality;
    expect(judged({ activeEnergyImport: null })).toBe("missing");
    expect(judged({ activeEnergyImport: 1, powerFactorL1: null })).toBe("good");
  });

  test("a register that went back is invalid also where another one is missing", () => {
    const before = baseline({ activeEnergyImport: 10, activeEnergyExport: 10 });
    const values = { activeEnergyImport: null, activeEnergyExport: 9 };
    expect(judge(TEST_MODEL, before, undefined, reading(9, values), at(9)).quality).toBe("invalid");
  });

  test("late: the meter's counter and time are not beyond the newest; a counter that began again is not late", () => {
    const newest = reading(100, {}, { sequence: 50 });
    const judged = (seconds: number, sequence: number) =>
      judge(TEST_MODEL, undefined, newest, reading(seconds, {}, { sequence }), at(100)).quality;
    expect(judged(90, 49)).toBe("late");
    expect(judged(110, 51)).toBe("good");
    expect(judged(110, 1)).toBe("good");
  });

  test("a repeat has the same time and counter", () => {
    const newest = reading(1, {}, { sequence: 5 });
    expect(isRepeat(newest, reading(1, {}, { sequence: 5 }))).toBe(true);
    expect(isRepeat(newest, reading(1, {}, { sequence: 6 }))).toBe(false);
    expect(isRepeat(newest, reading(2, {}, { sequence: 5 }))).toBe(false);
    expect(isRepeat(undefined, newest)).toBe(false);
  });
});
