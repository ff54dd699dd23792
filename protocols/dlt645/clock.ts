/** Times on the wire: two-digit fields of the meter's own clock, years 2000 to 2099, no zone. */
import { type Civil, civil, MICROS_PER_SECOND, parseIso, SECONDS_PER_DAY, toIso } from "../../src/core/time.ts";

export interface ClockFields {
  readonly second: number;
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
  readonly month: number;
  /** Of the century. */
  readonly year: number;
}

const MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND;
/** 1970-01-01 was a Thursday. */
const FIRST_WEEKDAY = 4;

/** The fields of an instant on a clock that is `zone` minutes ahead of UTC (China: 480). */
export function fieldsOf(at: Civil, zone: number): ClockFields {
  const text = toIso(civil(at + zone * MICROS_PER_MINUTE));
  const two = (from: number) => Number(text.slice(from, from + 2));
  return { second: two(17), minute: two(14), hour: two(11), day: two(8), month: two(5), year: two(2) };
}

/** The instant, or undefined where the fields are no date or no time. */
export function instantOf(fields: ClockFields, zone: number): Civil | undefined {
  const at = parseIso(`${showDate(fields)}T${showTime(fields)}Z`);
  return at.ok ? civil(at.value - zone * MICROS_PER_MINUTE) : undefined;
}

/** 0 is Sunday, as the byte WW has it. */
export function weekdayOf(at: Civil, zone: number): number {
  const days = Math.floor((at + zone * MICROS_PER_MINUTE) / MICROS_PER_SECOND / SECONDS_PER_DAY);
  return (((days + FIRST_WEEKDAY) % 7) + 7) % 7;
}

const two = (value: number): string => String(value).padStart(2, "0");

export function showDate(fields: Pick<ClockFields, "day" | "month" | "year">): string {
  return `20${two(fields.year)}-${two(fields.month)}-${two(fields.day)}`;
}

export function showTime(fields: Pick<ClockFields, "second" | "minute" | "hour">): string {
  return `${two(fields.hour)}:${two(fields.minute)}:${two(fields.second)}`;
}
