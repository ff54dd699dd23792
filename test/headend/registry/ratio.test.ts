/** Ratios: what is primary, exactly, and which held when. */
import { expect, test } from "vitest";
import { blankEntry } from "../../../headend/registry/entry.ts";
import { parseRatio, primaryValue, transformersAt } from "../../../headend/registry/ratio.ts";
import { type MeasureKey, measure } from "../../../src/core/measures.ts";
import { civil } from "../../../src/core/time.ts";
import { meterId } from "../fakes.ts";

const T = civil(1_800_000_000_000_000);
const ENTRY = {
  ...blankEntry(meterId("m")),
  ct: [
    { from: civil(0), value: { primary: 200, secondary: 5 } },
    { from: T, value: { primary: 400, secondary: 3 } },
  ],
  vt: [{ from: civil(0), value: { primary: 10_000, secondary: 100 } }],
};
const shown = (key: MeasureKey, value: number, at = civil(T - 1)) =>
  primaryValue(measure(key), value, transformersAt({ ratio: 1 }, ENTRY, at));

test.each([
  ["activeEnergyImport", 12_345_678, "49382.712"],
  ["activePower", -2_760_000, "-11040000"],
  ["apparentPowerL2", 1, "4"],
  ["reactiveEnergyExport", 9_007_199_254_740_991, "36028797018963.964"],
  ["voltageL1", 57_735, "5773.5"],
  ["currentNeutral", 5_000_000, "200"],
  ["powerFactor", 800_000, undefined],
  ["frequency", 50_000, undefined],
  ["clock", 1_800_000_000, undefined],
] as const)("%s of %d", (key, value, primary) => {
  expect(shown(key, value)).toBe(primary);
});

test("from its date on the new ratio holds, and what is no whole step is rounded to the nearest, half to even", () => {
  // 1 mWh × 400/3 × 100 = 13333.33… mWh
  expect(shown("activeEnergyImport", 1, T)).toBe("0.013333");
  expect(shown("currentL1", 1, T)).toBe("0.000133");
});

test("of a configured product energy and power are known, currents and voltages are not", () => {
  const configured = transformersAt({ ratio: 4000 }, undefined, T);
  expect(primaryValue(measure("activeEnergyImport"), 1_000_000, configured)).toBe("4000");
  expect(primaryValue(measure("currentL1"), 1_000_000, configured)).toBeUndefined();
  expect(primaryValue(measure("voltageL1"), 230_000, configured)).toBeUndefined();
});

test.each(["0", "5/0", "200:5", "200/5/1", "-200/5", "1.5", "10000000/1", ""])("%j is no ratio", (text) => {
  expect(parseRatio(text).ok).toBe(false);
});
