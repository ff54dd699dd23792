/** Friendly hours and days: times in which credit never opens the relay. */
import { SECONDS_PER_DAY } from "../../src/core/time.ts";
import { type LocalSecond, localDay, localFields, localSecond, weekdayOfDay } from "../clock/local-time.ts";
import type { FriendlySettings } from "./settings.ts";

export interface FriendlyState {
  readonly friendly: boolean;
  /** The next second at which it may be otherwise; infinity where it never changes. */
  readonly until: LocalSecond;
}

const NEVER_FRIENDLY: FriendlyState = { friendly: false, until: localSecond(Number.POSITIVE_INFINITY) };

export function friendlyAt(settings: FriendlySettings, at: LocalSecond): FriendlyState {
  const { hours, weekdays, days } = settings;
  if (hours.length === 0 && weekdays.length === 0 && days.length === 0) return NEVER_FRIENDLY;
  const day = localDay(at);
  const midnight = (day + 1) * SECONDS_PER_DAY;
  if (weekdays.includes(weekdayOfDay(day)) || isFriendlyDate(settings, at))
    return { friendly: true, until: localSecond(midnight) };
  let until = midnight;
  let friendly = false;
  for (const { from, to } of hours) {
    const start = day * SECONDS_PER_DAY + from * 60;
    const end = day * SECONDS_PER_DAY + to * 60;
    if (at >= start && at < end) friendly = true;
    if (start > at) until = Math.min(until, start);
    if (end > at) until = Math.min(until, end);
  }
  return { friendly, until: localSecond(until) };
}

function isFriendlyDate({ days }: FriendlySettings, at: LocalSecond): boolean {
  if (days.length === 0) return false;
  const date = localFields(at);
  return days.some(
    (d) => d.month === date.month && d.day === date.day && (d.year === undefined || d.year === date.year),
  );
}
