/** Refuses tariffs that a meter could not follow, whether they come from a file or over a protocol. */
import { integer, listOf, object, Report } from "../../protocols/models/shape.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { dateFromDays, daysFromDate } from "../../src/core/time.ts";
import {
  type DaySlot,
  MOST_DAY_TABLES,
  MOST_HOLIDAYS,
  MOST_RATES,
  MOST_SETTLEMENT_DAYS,
  MOST_SLOTS,
  MOST_STEPS,
  MOST_YEARLY_DAYS,
  MOST_ZONES,
  type Step,
  type TariffSettings,
  type TariffTables,
  type TwoSets,
} from "./settings.ts";

/** Local seconds of 2000-01-01 and 2100-01-01: what a clock with two digits for the year can show. */
const EARLIEST = 946_684_800;
const LATEST = 4_102_444_799;
/** A leap year: the 29th of February is a day of some years. */
const LEAP_YEAR = 2000;
/** Below it every product of the money parts stays far from any limit: ten million units of money per kWh. */
const HIGHEST_PRICE = 1e15;

const MONTH = integer(1, 12);
const DAY = integer(1, 31);
const HOUR = integer(0, 23);
const TABLE = integer(1, MOST_DAY_TABLES);
const PRICE = integer(0, HIGHEST_PRICE);
/** Days that every month has. */
const SAFE_DAY = integer(1, 28);

const twoSets = (table: ReturnType<typeof object>) =>
  object({ first: table, second: table, runs: integer(1, 2) }, { switchAt: integer(EARLIEST, LATEST) });

const SLOT = object({ hour: HOUR, minute: integer(0, 59), rate: integer(1, MOST_RATES) });
const TABLES = object({
  rates: integer(1, MOST_RATES),
  zones: twoSets(listOf(object({ month: MONTH, day: DAY, table: TABLE }), 1, MOST_ZONES)),
  days: twoSets(listOf(listOf(SLOT, 1, MOST_SLOTS), 1, MOST_DAY_TABLES)),
  holidays: listOf(object({ month: MONTH, day: DAY, table: TABLE }, { year: integer(2000, 2099) }), 0, MOST_HOLIDAYS),
  workdays: integer(0, 0x7f),
  weekendTable: TABLE,
});
const STEPS = object({
  steps: listOf(object({ from: integer(0, Number.MAX_SAFE_INTEGER), price: PRICE }), 0, MOST_STEPS),
  yearly: listOf(object({ month: MONTH, day: SAFE_DAY, hour: HOUR }), 0, MOST_YEARLY_DAYS),
});
const SETTINGS = object({
  tables: TABLES,
  prices: twoSets(listOf(PRICE, 1, MOST_RATES)),
  steps: twoSets(STEPS),
  settlementDays: listOf(object({ day: SAFE_DAY, hour: HOUR }), 0, MOST_SETTLEMENT_DAYS),
});

/** The value as settings, or the first thing wrong with it: where, what, and what it must be. */
export function checkTariff(value: unknown): Result<TariffSettings, string> {
  const report = new Report();
  SETTINGS.check(value, "tariff", report);
  if (report.problems.length === 0) checkMeaning(value as TariffSettings, report);
  const problem = report.problems[0];
  return problem === undefined ? success(value as TariffSettings) : failure(`${problem.place}: ${problem.message}`);
}

function checkMeaning(settings: TariffSettings, report: Report): void {
  const { tables, prices, steps, settlementDays } = settings;
  checkTables(tables, report);
  eachSet(prices, "tariff.prices", (list, place) => {
    if (list.length !== tables.rates)
      report.add(place, `it has ${list.length} prices for ${tables.rates} rates; give one for each`);
  });
  eachSet(steps, "tariff.steps", (table, place) => {
    checkSteps(table.steps, `${place}.steps`, report);
    checkDistinct(table.yearly, `${place}.yearly`, report);
  });
  checkDistinct(settlementDays, "tariff.settlementDays", report);
}

function checkTables(tables: TariffTables, report: Report): void {
  const known = Math.min(tables.days.first.length, tables.days.second.length);
  const checkTable = (table: number, place: string): void => {
    if (table > known)
      report.add(place, `day table ${table} is not in both sets of day tables; they share tables 1 to ${known}`);
  };
  eachSet(tables.days, "tariff.tables.days", (set, place) => {
    for (const [i, table] of set.entries()) checkSlots(table, tables.rates, `${place}[${i}]`, report);
  });
  eachSet(tables.zones, "tariff.tables.zones", (zones, place) => {
    checkOrder(
      zones.map((zone) => zone.month * 100 + zone.day),
      place,
      "the year",
      report,
    );
    for (const [i, zone] of zones.entries()) {
      checkDate(LEAP_YEAR, zone, `${place}[${i}]`, report);
      checkTable(zone.table, `${place}[${i}].table`);
    }
  });
  for (const [i, holiday] of tables.holidays.entries()) {
    checkDate(holiday.year ?? LEAP_YEAR, holiday, `tariff.tables.holidays[${i}]`, report);
    checkTable(holiday.table, `tariff.tables.holidays[${i}].table`);
  }
  checkDistinct(
    tables.holidays.map(({ year, month, day }) => ({ year, month, day })),
    "tariff.tables.holidays",
    report,
  );
  checkTable(tables.weekendTable, "tariff.tables.weekendTable");
}

function checkSlots(slots: readonly DaySlot[], rates: number, place: string, report: Report): void {
  checkOrder(
    slots.map((slot) => slot.hour * 60 + slot.minute),
    place,
    "the day",
    report,
  );
  for (const [i, { rate }] of slots.entries())
    if (rate > rates) report.add(`${place}[${i}].rate`, `rate ${rate} is above the ${rates} rates in use`);
}

function checkSteps(steps: readonly Step[], place: string, report: Report): void {
  if (steps.length > 0 && steps[0]?.from !== 0) report.add(`${place}[0].from`, "the first step begins at 0 mWh");
  checkOrder(
    steps.map((step) => step.from),
    place,
    "their thresholds",
    report,
  );
}

function checkOrder(starts: readonly number[], place: string, of: string, report: Report): void {
  for (let i = 1; i < starts.length; i++)
    if ((starts[i] as number) <= (starts[i - 1] as number))
      report.add(
        `${place}[${i}]`,
        `it does not come after the entry before it; put them in the order of ${of}, each once`,
      );
}

function checkDate(year: number, date: { month: number; day: number }, place: string, report: Report): void {
  const back = dateFromDays(daysFromDate(year, date.month, date.day));
  if (back.month !== date.month) report.add(place, `month ${date.month} has no day ${date.day}`);
}

function checkDistinct(list: readonly object[], place: string, report: Report): void {
  const seen = new Map<string, number>();
  for (const [i, entry] of list.entries()) {
    // Members in one order, however the file has them.
    const key = JSON.stringify(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)));
    const before = seen.get(key);
    if (before !== undefined) report.add(`${place}[${i}]`, `it is the same as entry ${before}; give each once`);
    seen.set(key, i);
  }
}

function eachSet<T>(two: TwoSets<T>, place: string, check: (table: T, place: string) => void): void {
  check(two.first, `${place}.first`);
  check(two.second, `${place}.second`);
}
