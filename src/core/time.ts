/**
 * Time is two integers in microseconds that never mix: monotonic for wires and timeouts, civil for registers, tariffs
 * and everything a person sees. The core is given both as {@link Now} and reads no clock.
 */
import { failure, type Result, success } from "./result.ts";

/** Microseconds since an arbitrary start; only differences mean something. */
export type Monotonic = number & { readonly __clock: "monotonic" };
/** Microseconds since 1970-01-01T00:00:00Z, without leap seconds. */
export type Civil = number & { readonly __clock: "civil" };

export interface Now {
  readonly mono: Monotonic;
  readonly civil: Civil;
}

/** When an actor wants to be woken, on either clock; `Infinity` means "not by this clock". */
export interface Wake {
  readonly mono: number;
  readonly civil: number;
}

export const MICROS_PER_MS = 1_000;
export const MICROS_PER_SECOND = 1_000_000;
export const SECONDS_PER_DAY = 86_400;

export const NEVER: Wake = { mono: Number.POSITIVE_INFINITY, civil: Number.POSITIVE_INFINITY };

/** The earlier of two wakes, clock by clock. */
export function earlier(a: Wake, b: Wake): Wake {
  return { mono: Math.min(a.mono, b.mono), civil: Math.min(a.civil, b.civil) };
}

export function wakeAtMono(mono: number): Wake {
  return { mono, civil: Number.POSITIVE_INFINITY };
}

export function wakeAtCivil(civil: number): Wake {
  return { mono: Number.POSITIVE_INFINITY, civil };
}

export function mono(micros: number): Monotonic {
  return micros as Monotonic;
}

export function civil(micros: number): Civil {
  return micros as Civil;
}

/** Days since 1970-01-01 of a proleptic Gregorian date (month 1..12). */
export function daysFromDate(year: number, month: number, day: number): number {
  // Years are counted from March, so that the leap day is the last day of its year.
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The date that is so many days after 1970-01-01. */
export function dateFromDays(days: number): { year: number; month: number; day: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor((doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365);
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const shifted = Math.floor((5 * doy + 2) / 153);
  const day = doy - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return { year: yoe + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

const two = (n: number): string => String(n).padStart(2, "0");

/** ISO 8601 in UTC; the fraction is shown only where there is one: `2026-11-24T16:00:00Z`, `…:00.25Z`. */
export function toIso(at: Civil): string {
  const seconds = Math.floor(at / MICROS_PER_SECOND);
  const micros = at - seconds * MICROS_PER_SECOND;
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const ofDay = seconds - days * SECONDS_PER_DAY;
  const { year, month, day } = dateFromDays(days);
  const fraction = micros === 0 ? "" : `.${String(micros).padStart(6, "0").replace(/0+$/, "")}`;
  const clock = `${two(Math.floor(ofDay / 3600))}:${two(Math.floor(ofDay / 60) % 60)}:${two(ofDay % 60)}`;
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${clock}${fraction}Z`;
}

const ISO = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6})\d*)?(Z|[+-]\d{2}:\d{2})$/;

/** Reads an ISO 8601 time with an offset or `Z`; dates that do not exist are refused. */
export function parseIso(text: string): Result<Civil, string> {
  const m = ISO.exec(text);
  if (m === null) return failure(`"${text}" is not an ISO 8601 time such as 2026-11-24T16:00:00Z`);
  const [year, month, day, hour, minute, second] = m.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const days = daysFromDate(year, month, day);
  const back = dateFromDays(days);
  if (month < 1 || month > 12 || back.month !== month || back.day !== day || hour > 23 || minute > 59 || second > 59)
    return failure(`"${text}" is not a time that exists`);
  const zone = m[8] as string;
  const offset =
    zone === "Z" ? 0 : (zone[0] === "-" ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6)));
  const seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset * 60;
  return success(civil(seconds * MICROS_PER_SECOND + Number((m[7] ?? "").padEnd(6, "0"))));
}
