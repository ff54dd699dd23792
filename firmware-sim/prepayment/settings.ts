/**
 * What in-meter credit is ruled by, as plain data. Amounts are whole minor units (money mode) or mWh (energy mode). Defaults as
 * one vendor's build has them: alarms at 10.00 and 5.00, no overdraft, hoarding limit 999999.99 (DL/T 645 04001001..05).
 */
import { failure, type Result, success } from "../../src/core/result.ts";

export interface FriendlyPeriod {
  /** Minutes of the day, 0..1440, `from` below `to`: a night is two periods. */
  readonly from: number;
  readonly to: number;
}

export interface FriendlyDay {
  /** Without it: every year. */
  readonly year?: number;
  readonly month: number;
  readonly day: number;
}

/** Times in which credit never opens the relay. */
export interface FriendlySettings {
  readonly hours: readonly FriendlyPeriod[];
  /** 0 is Sunday. */
  readonly weekdays: readonly number[];
  readonly days: readonly FriendlyDay[];
}

export interface CreditSettings {
  readonly mode: "money" | "energy";
  /** Credit of a meter that is new. */
  readonly opening: number;
  /** At or below it the light is on; null: off. */
  readonly alarm1: number | null;
  /** At or below it the relay is opened once, and the customer may close it again; null: off. */
  readonly alarm2: number | null;
  /** How far below zero credit may go; there the relay is opened and stays open. */
  readonly overdraftLimit: number;
  /** A top-up that would bring credit above it is refused. */
  readonly hoardingLimit: number;
  /** Remaining credit from which the relay may be closed. */
  readonly closeAllowed: number;
  readonly friendly: FriendlySettings;
}

const MOST_PERIODS = 14;
const MOST_DAYS = 254;
const MINUTES_PER_DAY = 1440;
const LONGEST_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
/** Money in hundredths; the same figures in kWh hundredths are 10 000 mWh each. */
const MILLIWATTHOURS_PER_HUNDREDTH = 10_000;

/** A new meter's credit: nothing on it yet, never friendly. */
export function defaultCredit(mode: CreditSettings["mode"]): CreditSettings {
  const unit = mode === "money" ? 1 : MILLIWATTHOURS_PER_HUNDREDTH;
  return {
    mode,
    opening: 0,
    alarm1: 1_000 * unit,
    alarm2: 500 * unit,
    overdraftLimit: 0,
    hoardingLimit: 99_999_999 * unit,
    closeAllowed: 0,
    friendly: { hours: [], weekdays: [], days: [] },
  };
}

/** The settings, or what is wrong with them. */
export function checkCredit(value: CreditSettings): Result<CreditSettings, string> {
  if (value.mode !== "money" && value.mode !== "energy")
    return failure(`credit mode is "money" or "energy", not "${String(value.mode)}"`);
  const amounts = ["opening", "alarm1", "alarm2", "overdraftLimit", "hoardingLimit", "closeAllowed"] as const;
  for (const name of amounts) {
    const amount = value[name];
    if (amount === null && (name === "alarm1" || name === "alarm2")) continue;
    if (!Number.isSafeInteger(amount) || Number(amount) < 0)
      return failure(`${name} is a whole amount from 0 on, not ${amount}`);
  }
  if (value.alarm1 !== null && value.alarm2 !== null && value.alarm2 > value.alarm1)
    return failure(`alarm2 (${value.alarm2}) is above alarm1 (${value.alarm1}): the light must come first`);
  if (value.opening > value.hoardingLimit)
    return failure(`opening credit ${value.opening} is above the hoarding limit ${value.hoardingLimit}`);
  const friendly = checkFriendly(value.friendly);
  return friendly.ok ? success(value) : friendly;
}

function checkFriendly({ hours, weekdays, days }: FriendlySettings): Result<void, string> {
  if (hours.length > MOST_PERIODS) return failure(`${hours.length} friendly periods are more than ${MOST_PERIODS}`);
  for (const { from, to } of hours) {
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || from >= to || to > MINUTES_PER_DAY)
      return failure(`a friendly period is from below to within 0..${MINUTES_PER_DAY} minutes, not ${from}..${to}`);
  }
  if (weekdays.some((d) => !Number.isInteger(d) || d < 0 || d > 6))
    return failure("a friendly weekday is 0 (Sunday) to 6 (Saturday)");
  if (days.length > MOST_DAYS) return failure(`${days.length} friendly days are more than ${MOST_DAYS}`);
  for (const { month, day } of days) {
    if (!Number.isInteger(day) || day < 1 || day > (LONGEST_MONTH[month - 1] ?? 0))
      return failure(`there is no friendly day ${month}-${day} (month-day)`);
  }
  return success(undefined);
}
