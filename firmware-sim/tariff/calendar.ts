/**
 * Which rate runs at a second, and until when; when settlements and step periods fall. Pure functions of the tables and the
 * time: it does not matter how often, or in which order, they are asked.
 */
import { assert } from "../../src/core/result.ts";
import { dateFromDays, SECONDS_PER_DAY } from "../../src/core/time.ts";
import { type LocalSecond, localDay, localFields, localOf, localSecond, weekdayOfDay } from "../clock/local-time.ts";
import {
  type DaySlot,
  nextSwitch,
  type SetNumber,
  type SettlementDay,
  type StepTable,
  setAt,
  type TariffSettings,
  type TariffTables,
  tableAt,
  type YearlyDay,
} from "./settings.ts";

const NEVER = localSecond(Number.POSITIVE_INFINITY);

/** What the tables say for one second. */
export interface TariffMoment {
  /** 1..63. */
  readonly rate: number;
  /** Number of the day table that runs, 1..8. */
  readonly dayTable: number;
  /** Number of the year zone, 1..14; on holidays and days of rest too. */
  readonly zone: number;
  readonly daySet: SetNumber;
  readonly zoneSet: SetNumber;
  /** The next second at which any of this can change: a slot of another rate, midnight, a switch of sets. */
  readonly until: LocalSecond;
}

/** What the tables say at a second. */
export function tariffAt(tables: TariffTables, at: LocalSecond): TariffMoment {
  const day = localDay(at);
  const date = dateFromDays(day);
  const zones = tableAt(tables.zones, at);
  const ofYear = date.month * 100 + date.day;
  let zone = zones.length;
  for (let i = 0; i < zones.length; i++) {
    const start = zones[i];
    if (start !== undefined && start.month * 100 + start.day <= ofYear) zone = i + 1;
  }
  const dayTable =
    holidayTable(tables, date) ?? (isWorkday(tables, day) ? zones[zone - 1]?.table : tables.weekendTable) ?? 0;
  const slots = tableAt(tables.days, at)[dayTable - 1];
  assert(slots !== undefined, "a checked tariff has every day table that it names");
  const midnight = day * SECONDS_PER_DAY;
  const slot = slotAt(slots, at - midnight);
  const edge = midnight + slot.until;
  const until = localSecond(Math.min(edge, nextSwitch(tables.zones, at), nextSwitch(tables.days, at)));
  const daySet = setAt(tables.days, at);
  return { rate: slot.rate, dayTable, zone, daySet, zoneSet: setAt(tables.zones, at), until };
}

/** The rate at a second of the day, and the second of the day at which another one comes, at the latest midnight. */
function slotAt(slots: readonly DaySlot[], secondOfDay: number): { readonly rate: number; readonly until: number } {
  let rate = slots.at(-1)?.rate ?? 0;
  for (const slot of slots) {
    const from = slot.hour * 3600 + slot.minute * 60;
    if (from > secondOfDay && slot.rate !== rate) return { rate, until: from };
    if (from <= secondOfDay) rate = slot.rate;
  }
  return { rate, until: SECONDS_PER_DAY };
}

function holidayTable(tables: TariffTables, date: ReturnType<typeof dateFromDays>): number | undefined {
  let table: number | undefined;
  for (const holiday of tables.holidays) {
    if (holiday.month !== date.month || holiday.day !== date.day) continue;
    if (holiday.year === date.year) return holiday.table;
    if (holiday.year === undefined) table = holiday.table;
  }
  return table;
}

function isWorkday(tables: TariffTables, day: number): boolean {
  return ((tables.workdays >> weekdayOfDay(day)) & 1) === 1;
}

/** The first settlement after a second; infinity for a meter without settlement days. */
export function nextSettlement(settings: TariffSettings, after: LocalSecond): LocalSecond {
  let next = NEVER;
  for (const day of settings.settlementDays) next = earlier(next, nextMonthly(day, after));
  return next;
}

/**
 * The settlements after one second and up to another, oldest first, of many the newest `most`: what a meter makes up for
 * when its power comes back or its clock has been set forward.
 */
export function settlementsBetween(
  settings: TariffSettings,
  after: LocalSecond,
  upTo: LocalSecond,
  most: number,
): readonly LocalSecond[] {
  const found: LocalSecond[] = [];
  for (let at = nextSettlement(settings, after); at <= upTo; at = nextSettlement(settings, at)) {
    found.push(at);
    if (found.length > most) found.shift();
  }
  return found;
}

/** Which settlement day (1, 2, 3) a second is the instant of; 0 for any other second. */
export function settlementAt(settings: TariffSettings, at: LocalSecond): number {
  return settings.settlementDays.findIndex((day) => nextMonthly(day, localSecond(at - 1)) === at) + 1;
}

/** The first yearly settlement of steps after a second; infinity without yearly days. */
export function nextYearlySettlement(table: StepTable, after: LocalSecond): LocalSecond {
  let next = NEVER;
  for (const day of table.yearly) next = earlier(next, nextInYear(day, after));
  return next;
}

/**
 * The first second after `after` at which a step period begins: a yearly settlement of the set that runs then, without such
 * days the month's first settlement day, and a switch from one way to the other.
 */
export function nextStepPeriod(settings: TariffSettings, after: LocalSecond): LocalSecond {
  const { steps } = settings;
  const table = tableAt(steps, after);
  const next = nextPeriodOf(table, settings, after);
  const change = nextSwitch(steps, after);
  if (next < change || change === NEVER) return next;
  const other = tableAt(steps, change);
  if (other.yearly.length > 0 !== table.yearly.length > 0) return change;
  return nextPeriodOf(other, settings, localSecond(change - 1));
}

/** Steps are settled on the first settlement day only [recalled]. */
function nextPeriodOf(table: StepTable, settings: TariffSettings, after: LocalSecond): LocalSecond {
  if (table.yearly.length > 0) return nextYearlySettlement(table, after);
  const first = settings.settlementDays[0];
  return first === undefined ? NEVER : nextMonthly(first, after);
}

function nextMonthly(settlement: SettlementDay, after: LocalSecond): LocalSecond {
  const { year, month } = localFields(after);
  const inMonth = localOf(year, month, settlement.day, settlement.hour);
  if (inMonth > after) return inMonth;
  return month === 12
    ? localOf(year + 1, 1, settlement.day, settlement.hour)
    : localOf(year, month + 1, settlement.day, settlement.hour);
}

function nextInYear(yearly: YearlyDay, after: LocalSecond): LocalSecond {
  const { year } = localFields(after);
  const inYear = localOf(year, yearly.month, yearly.day, yearly.hour);
  return inYear > after ? inYear : localOf(year + 1, yearly.month, yearly.day, yearly.hour);
}

function earlier(a: LocalSecond, b: LocalSecond): LocalSecond {
  return a < b ? a : b;
}
