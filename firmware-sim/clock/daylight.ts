/** Daylight saving of the European Union (directive 2000/84/EC): an hour from end of March to end of October, changed at 01:00 UTC. */
import { dateFromDays, daysFromDate, SECONDS_PER_DAY } from "../../src/core/time.ts";
import { weekdayOfDay } from "./local-time.ts";

const HOUR = 3600;
const CHANGE = HOUR;

export interface DaylightState {
  /** Seconds that the local clock is ahead of standard time. */
  readonly ahead: 0 | 3600;
  /** The UTC second, after the one asked for, at which it changes. */
  readonly until: number;
}

/** @param utc seconds since 1970 */
export function europeanDaylight(utc: number): DaylightState {
  const { year } = dateFromDays(Math.floor(utc / SECONDS_PER_DAY));
  const spring = lastSunday(year, 3);
  const autumn = lastSunday(year, 10);
  if (utc < spring) return { ahead: 0, until: spring };
  if (utc < autumn) return { ahead: HOUR, until: autumn };
  return { ahead: 0, until: lastSunday(year + 1, 3) };
}

/** Both months have 31 days. */
function lastSunday(year: number, month: number): number {
  const last = daysFromDate(year, month, 31);
  return (last - weekdayOfDay(last)) * SECONDS_PER_DAY + CHANGE;
}
