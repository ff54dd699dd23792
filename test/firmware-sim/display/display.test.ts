import { describe, expect, test } from "vitest";
import { Display, type DisplaySource } from "../../../firmware-sim/display/display.ts";
import { DEFAULT_DISPLAY, type DisplaySettings, displayProblem } from "../../../firmware-sim/display/screens.ts";
import { renderLcd } from "../../../src/cli/lcd.ts";
import type { MeasureKey } from "../../../src/core/measures.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";

const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil(0) });

const VALUES: Partial<Record<MeasureKey, number | null>> = {
  activeEnergyImport: 1_234_567_899_999,
  activeEnergyExport: 0,
  activePower: -2_760_999,
  quadrant: 2,
  activePowerL1: -2_760_999,
  voltageL1: 230_440,
  currentL1: 12_345_678,
  powerFactor: null,
};

function source(more: Partial<DisplaySource> = {}): DisplaySource {
  return {
    value: (key) => VALUES[key] ?? null,
    clock: () => ({ date: "26-11-25", time: "01:02:03" }),
    phases: 1,
    icons: () => ({ alarm: false, relayOpen: false, tripPending: false, battery: false, rate: 2 }),
    errors: () => [],
    ...more,
  };
}

function display(settings: Partial<DisplaySettings> = {}, from = source()): Display {
  return new Display({ ...DEFAULT_DISPLAY, auto: ["1-0:1.8.0", "activePower", "time"], ...settings }, from, at(0));
}

const digits = (d: Display, seconds: number) => d.show(at(seconds)).digits;

describe("the automatic cycle", () => {
  test("starts with every segment, then turns every five seconds and begins again", () => {
    const d = display();
    expect(d.show(at(1.9))).toMatchObject({ digits: "88888888", test: true });
    expect([2, 6.9, 7, 11.9, 12, 17, 22].map((s) => digits(d, s))).toEqual([
      "234567.89",
      "234567.89",
      "-2.7609",
      "-2.7609",
      "01:02:03",
      "234567.89",
      "-2.7609",
    ]);
  });

  test("cuts digits off and rolls over, and says which measure it is", () => {
    expect(display().show(at(3))).toMatchObject({ digits: "234567.89", unit: "kWh", label: "1.8.0" });
    expect(display({ label: "number", energyDecimals: 0 }).show(at(3))).toMatchObject({
      digits: "234567",
      label: "01",
    });
  });

  test("errors that stand come at its end", () => {
    const d = display({ auto: ["time"] }, source({ errors: () => ["04", "06"] }));
    expect([3, 8, 13, 18].map((s) => digits(d, s))).toEqual(["01:02:03", "Err-04", "Err-06", "01:02:03"]);
  });

  test("long sleep of whoever draws turns no faster than time", () => {
    const d = display();
    expect(digits(d, 2 + 15 * 1_000 + 5)).toBe("-2.7609");
  });
});

describe("the buttons", () => {
  test("walk to and fro through their own cycle, which ends by itself", () => {
    const d = display({ buttons: ["voltageL1", "currentL1", "powerFactor", "voltageL2"], returnAfter: 30 });
    const pressed = [1, 2, 3, 4].map((s) => {
      d.press("down", at(s));
      return digits(d, s);
    });
    // L2 is no screen of a meter with one phase.
    expect(pressed).toEqual(["230.4", "12.345", "--------", "230.4"]);
    d.press("up", at(5));
    expect(digits(d, 34.9)).toBe("--------");
    expect(digits(d, 35)).toBe("234567.89");
    expect(digits(d, 40)).toBe("-2.7609");
  });
});

test("arrows show the quadrant and which way each phase flows", () => {
  expect(display().show(at(3))).toMatchObject({ quadrant: 2, phases: [{ present: true, flow: -1 }] });
});

test("settings that name nothing are refused by that name", () => {
  expect(displayProblem({ ...DEFAULT_DISPLAY, auto: ["1-0:99.99.99"] })).toContain('auto: "1-0:99.99.99"');
  expect(displayProblem({ ...DEFAULT_DISPLAY, buttons: [] })).toContain("1 to 99 items");
  expect(displayProblem({ ...DEFAULT_DISPLAY, seconds: 0 })).toContain("1 to 3600");
  expect(displayProblem(DEFAULT_DISPLAY)).toBeUndefined();
});

test("the glass in the terminal: seven segments, the point behind its digit, lines of one width", () => {
  const picture = renderLcd(display().show(at(3)), true);
  expect(new Set(picture.map((line) => [...line].length)).size).toBe(1);
  expect(picture.slice(2, 5).map((line) => line.slice(2, 38))).toEqual([
    "     _   _       _   _   _   _   _  ",
    "     _|  _| |_| |_  |_    | |_| |_| ",
    "    |_   _|   |  _| |_|   |.|_|  _| ",
  ]);
  expect(picture[4]).toContain("kWh");
  expect(picture[1]).toContain("L1◀");
  expect(picture[1]).toContain("T2");
});
