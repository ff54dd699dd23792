/** The clock in data sets: time 0.9.1 (hhmmss), date 0.9.2 (YYMMDD), both 1.0.0 (YYMMDDhhmmss and, in P1, S or W). */
import { type Civil, civil, MICROS_PER_SECOND, parseIso, toIso } from "../../src/core/time.ts";

const SUMMER_SECONDS = 3600;

/** `hhmmss` and `YYMMDD` of an instant, without a zone: what is put in is what is shown. */
export function formatClock(at: Civil): { readonly time: string; readonly date: string } {
  const iso = toIso(at);
  return { time: iso.slice(11, 19).replaceAll(":", ""), date: iso.slice(2, 10).replaceAll("-", "") };
}

/**
 * The instant of a date and a time of the years 2000 to 2099; the separators that meters print are skipped.
 * @param standardOffset seconds by which the meter's standard time is ahead of UTC; `S` behind the time adds one hour
 * @returns undefined for what is no date and time that exists
 */
export function parseClock(date: string, time: string, standardOffset: number): Civil | undefined {
  const day = /^(\d\d)[-.]?(\d\d)[-.]?(\d\d)$/.exec(date);
  const clock = /^(\d\d):?(\d\d):?(\d\d)([SW]?)$/.exec(time);
  if (day === null || clock === null) return undefined;
  const iso = parseIso(`20${day[1]}-${day[2]}-${day[3]}T${clock[1]}:${clock[2]}:${clock[3]}Z`);
  if (!iso.ok) return undefined;
  const offset = standardOffset + (clock[4] === "S" ? SUMMER_SECONDS : 0);
  return civil(iso.value - offset * MICROS_PER_SECOND);
}

/** As {@link parseClock}, of `YYMMDDhhmmss` and an optional S or W. */
export function parseTimestamp(text: string, standardOffset: number): Civil | undefined {
  return parseClock(text.slice(0, 6), text.slice(6), standardOffset);
}

/** Whether a value looks like a time stamp, YYMMDDhhmm with or without seconds and season. */
export function isTimestamp(text: string): boolean {
  return /^\d{10}(\d\d)?[SW]?$/.test(text);
}
