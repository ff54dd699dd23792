/** What a meter's load profile and freezes are told: what is captured, and when. */
import { failure, type Result, success } from "../../src/core/result.ts";
import { SECONDS_PER_DAY } from "../../src/core/time.ts";
import { type LocalSecond, localDay, localSecond } from "../clock/local-time.ts";

/** Classes 1 to 6 of DL/T 645 by place, 0 to 5. */
export const PROFILE_CLASSES = 6;
/** Values that one class captures at most. */
export const MAX_CAPTURES = 8;

export interface ClassSettings {
  /** 1..60; captures lie on its multiples within the day. */
  readonly intervalMinutes: number;
  /** Names that the meter's `Capture` knows: measures, and the demands `demandActive` and `demandReactive`. */
  readonly captures: readonly string[];
}

export interface ProfileSettings {
  /** By place; null: this class captures nothing (mode word 04000901). */
  readonly classes: readonly (ClassSettings | null)[];
}

/** Interval 5 min as vendors set it; three phases (a meter with one stores "no value" for the others). */
export const DEFAULT_PROFILE: ProfileSettings = {
  classes: [
    ["voltageL1", "voltageL2", "voltageL3", "currentL1", "currentL2", "currentL3", "frequency"],
    [
      ...["activePower", "activePowerL1", "activePowerL2", "activePowerL3"],
      ...["reactivePower", "reactivePowerL1", "reactivePowerL2", "reactivePowerL3"],
    ],
    ["powerFactor", "powerFactorL1", "powerFactorL2", "powerFactorL3"],
    ["activeEnergyImport", "activeEnergyExport", "reactiveEnergyImport", "reactiveEnergyExport"],
    ["reactiveEnergyQ1", "reactiveEnergyQ2", "reactiveEnergyQ3", "reactiveEnergyQ4"],
    ["demandActive", "demandReactive"],
  ].map((captures) => ({ intervalMinutes: 5, captures })),
};

/** Refuses settings with the reason for people. @param known whether the meter can capture a name */
export function checkProfileSettings(
  value: ProfileSettings,
  known: (key: string) => boolean,
): Result<ProfileSettings, string> {
  if (value.classes.length !== PROFILE_CLASSES)
    return failure(`a load profile has ${PROFILE_CLASSES} classes, not ${value.classes.length}`);
  for (const [i, settings] of value.classes.entries()) {
    if (settings === null) continue;
    const { intervalMinutes: interval, captures } = settings;
    if (!isWithin(interval, 1, 60)) return failure(`class ${i + 1}: an interval of ${interval} minutes is not 1 to 60`);
    if (captures.length < 1 || captures.length > MAX_CAPTURES)
      return failure(`class ${i + 1} captures ${captures.length} values; 1 to ${MAX_CAPTURES} are possible`);
    const unknown = captures.find((key) => !known(key));
    if (unknown !== undefined) return failure(`class ${i + 1}: the meter knows no "${unknown}"`);
  }
  return success(value);
}

export interface FreezeSettings {
  /** Fields that are null match any: the pattern of the freeze command (C = 16). Null as a whole: no timed freeze. */
  readonly timed: {
    readonly month: number | null;
    readonly day: number | null;
    readonly hour: number | null;
    readonly minute: number;
  } | null;
  /** From `start` on every `interval` minutes (04001201, 04001202); null: off. */
  readonly hourly: { readonly start: LocalSecond; readonly intervalMinutes: number } | null;
  /** Minutes after midnight (04001203); null: off. */
  readonly dailyMinute: number | null;
}

export const DEFAULT_FREEZE: FreezeSettings = {
  timed: null,
  hourly: { start: localSecond(0), intervalMinutes: 60 },
  dailyMinute: 0,
};

/** Refuses settings with the reason for people. */
export function checkFreezeSettings(value: FreezeSettings): Result<FreezeSettings, string> {
  const { timed, hourly, dailyMinute } = value;
  if (timed !== null) {
    const possible =
      (timed.month === null || isWithin(timed.month, 1, 12)) &&
      (timed.day === null || isWithin(timed.day, 1, longestMonth(timed.month))) &&
      (timed.hour === null || isWithin(timed.hour, 0, 23)) &&
      isWithin(timed.minute, 0, 59);
    if (!possible) return failure("a timed freeze at a date and time that never comes");
  }
  if (hourly !== null && !isWithin(hourly.intervalMinutes, 1, 24 * 60))
    return failure(`an hourly freeze every ${hourly.intervalMinutes} minutes: 1 to 1440 are possible`);
  if (hourly !== null && !Number.isSafeInteger(hourly.start)) return failure("the start of hourly freezes is no time");
  if (dailyMinute !== null && !isWithin(dailyMinute, 0, 24 * 60 - 1))
    return failure(`a daily freeze at minute ${dailyMinute} of the day: 0 to 1439 are possible`);
  return success(value);
}

/** The first multiple of `seconds` within the day behind `at`; midnight is one. */
export function nextOfDay(at: LocalSecond, seconds: number): LocalSecond {
  const midnight = localDay(at) * SECONDS_PER_DAY;
  const next = (Math.floor((at - midnight) / seconds) + 1) * seconds;
  return localSecond(midnight + Math.min(next, SECONDS_PER_DAY));
}

function longestMonth(month: number | null): number {
  if (month === 2) return 29;
  return month !== null && [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function isWithin(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high;
}
