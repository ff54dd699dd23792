/**
 * The meter's own time as tariffs, windows and records use it: whole seconds since 1970-01-01T00:00:00 of its local clock,
 * without a zone. How local seconds follow from the civil clock is the clock's business; what is built on them is not.
 */
import { dateFromDays, daysFromDate, SECONDS_PER_DAY } from "../../src/core/time.ts";

/** Seconds since 1970 on the meter's local clock. */
export type LocalSecond = number & { readonly __clock: "local" };

export function localSecond(seconds: number): LocalSecond {
  return seconds as LocalSecond;
}

export interface LocalFields {
  readonly year: number;
  /** 1..12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

/** 1970-01-01 was a Thursday. */
const FIRST_WEEKDAY = 4;

export function localFields(at: LocalSecond): LocalFields {
  const day = localDay(at);
  const ofDay = at - day * SECONDS_PER_DAY;
  return {
    ...dateFromDays(day),
    hour: Math.floor(ofDay / 3600),
    minute: Math.floor(ofDay / 60) % 60,
    second: ofDay % 60,
    weekday: weekdayOfDay(day),
  };
}

/** The local second of a date and a time of day; fields beyond their range carry over, as in "the 0th of March". */
export function localOf(year: number, month: number, day: number, hour = 0, minute = 0, second = 0): LocalSecond {
  return localSecond(daysFromDate(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second);
}

/** Days since 1970-01-01. */
export function localDay(at: LocalSecond): number {
  return Math.floor(at / SECONDS_PER_DAY);
}

/** 0 is Sunday. */
export function weekdayOfDay(day: number): number {
  return (((day + FIRST_WEEKDAY) % 7) + 7) % 7;
}
