/** What a display can show, and how: which measure under which label, with how many digits. */
import { findMeasureByObis, isMeasureKey, type Measure, type MeasureKey, measure } from "../../src/core/measures.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import type { Digits } from "./digits.ts";

/** An item that is no measure: shown from the clock, or a picture of all segments. */
const SPECIAL_ITEMS = ["date", "time", "test"] as const;
export type SpecialItem = (typeof SPECIAL_ITEMS)[number];

export type Screen =
  | { readonly kind: "measure"; readonly measure: Measure }
  | { readonly kind: "special"; readonly item: SpecialItem };

export interface DisplaySettings {
  /** Items of the cycle that runs by itself and of the one that the buttons walk through: measure keys, OBIS codes, or `date`, `time`, `test`. */
  readonly auto: readonly string[];
  readonly buttons: readonly string[];
  /** Seconds that a screen of the automatic cycle stays. */
  readonly seconds: number;
  /** Seconds without a button after which the automatic cycle goes on. */
  readonly returnAfter: number;
  /** What stands beside the value: the OBIS code's C.D.E, or the number of the screen. */
  readonly label: "obis" | "number";
  readonly energyDecimals: 0 | 1 | 2 | 3;
  readonly powerDecimals: 0 | 1 | 2 | 3 | 4;
}

export const DEFAULT_DISPLAY: DisplaySettings = {
  auto: ["activeEnergyImport", "activeEnergyExport", "activePower", "date", "time"],
  buttons: [
    "test",
    "activeEnergyImport",
    "activeEnergyExport",
    "reactiveEnergyQ1",
    "reactiveEnergyQ2",
    "reactiveEnergyQ3",
    "reactiveEnergyQ4",
    "activePower",
    "reactivePower",
    "powerFactor",
    "frequency",
    "voltageL1",
    "voltageL2",
    "voltageL3",
    "currentL1",
    "currentL2",
    "currentL3",
    "date",
    "time",
  ],
  seconds: 5,
  returnAfter: 60,
  label: "obis",
  energyDecimals: 2,
  powerDecimals: 4,
};

/** A cycle has at most so many screens (facts: key cycles up to 99). */
const MOST_SCREENS = 99;

/** The screens of a list of items, or which item is none. */
export function screensOf(items: readonly string[]): Result<readonly Screen[], string> {
  if (items.length === 0 || items.length > MOST_SCREENS)
    return failure(`a display cycle has 1 to ${MOST_SCREENS} items, not ${items.length}`);
  const screens: Screen[] = [];
  for (const item of items) {
    const special = SPECIAL_ITEMS.find((name) => name === item);
    const found = isMeasureKey(item) ? measure(item as MeasureKey) : findMeasureByObis(item);
    if (special !== undefined) screens.push({ kind: "special", item: special });
    else if (found !== undefined) screens.push({ kind: "measure", measure: found });
    else return failure(`"${item}" is nothing that a display shows: a measure, an OBIS code, date, time or test`);
  }
  return success(screens);
}

/** Why a display can't be set so, or undefined. */
export function displayProblem(settings: DisplaySettings): string | undefined {
  for (const list of ["auto", "buttons"] as const) {
    const screens = screensOf(settings[list]);
    if (!screens.ok) return `${list}: ${screens.error}`;
  }
  const inRange = (value: number) => Number.isInteger(value) && value >= 1 && value <= 3600;
  return inRange(settings.seconds) && inRange(settings.returnAfter)
    ? undefined
    : "a screen stays 1 to 3600 whole seconds, and so does the wait for a button";
}

/** Digits of a measure on an LCD of eight: energies XXXXXX.XX, powers XX.XXXX. */
export function digitsOf(m: Measure, settings: DisplaySettings): Digits {
  const { energyDecimals: e, powerDecimals: p } = settings;
  switch (m.unit) {
    case "Wh":
      return { unit: "kWh", whole: 6, decimals: e };
    case "varh":
      return { unit: "kvarh", whole: 6, decimals: e };
    case "VAh":
      return { unit: "kVAh", whole: 6, decimals: e };
    case "W":
      return { unit: "kW", whole: 1, decimals: p };
    case "var":
      return { unit: "kvar", whole: 1, decimals: p };
    case "VA":
      return { unit: "kVA", whole: 1, decimals: p };
    case "V":
      return { unit: "V", whole: 1, decimals: 1 };
    case "A":
      return { unit: "A", whole: 1, decimals: 3 };
    case "Hz":
      return { unit: "Hz", whole: 1, decimals: 2 };
    case "deg":
      return { unit: "deg", whole: 1, decimals: 1 };
    case "%":
      return { unit: "%", whole: 1, decimals: 2 };
    case "1":
      return { unit: undefined, whole: 1, decimals: m.kind === "status" ? 0 : 3 };
    default:
      return { unit: undefined, whole: 1, decimals: 0 };
  }
}
