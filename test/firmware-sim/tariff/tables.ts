/** Random tariff tables, and a calendar that reads them minute by minute, the way a person does with a printed page. */
import fc from "fast-check";
import { type LocalSecond, localSecond } from "../../../firmware-sim/clock/local-time.ts";
import type { DaySlot, SetNumber, TariffTables, TwoSets, ZoneStart } from "../../../firmware-sim/tariff/settings.ts";

export const DAY = 86_400;

export function second(iso: string): LocalSecond {
  return localSecond(Date.parse(`${iso}Z`) / 1000);
}

export function dateOf(at: number): { year: number; month: number; day: number; weekday: number } {
  const date = new Date(at * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
  };
}

export function naiveSet(two: TwoSets<unknown>, at: number): SetNumber {
  if (two.switchAt === undefined || at < two.switchAt) return two.runs;
  return two.runs === 1 ? 2 : 1;
}

export function naiveTable<T>(two: TwoSets<T>, at: number): T {
  return naiveSet(two, at) === 1 ? two.first : two.second;
}

/** Looks back day by day until a zone begins. */
function naiveZone(zones: readonly ZoneStart[], at: number): number {
  for (let back = Math.floor(at / DAY); ; back--) {
    const { year, month, day } = dateOf(back * DAY);
    const begins = (m: number, d: number) => zones.findIndex((zone) => zone.month === m && zone.day === d) + 1;
    const found = begins(month, day);
    if (found > 0) return found;
    // A zone of the 29th of February begins on the 1st of March of other years.
    const leap = new Date(Date.UTC(year, 1, 29)).getUTCDate() === 29;
    if (month === 3 && day === 1 && !leap && begins(2, 29) > 0) return begins(2, 29);
  }
}

/** The day's 1440 minutes, painted slot after slot. */
function paint(slots: readonly DaySlot[]): Uint8Array {
  const minutes = new Uint8Array(1440).fill((slots.at(-1) as DaySlot).rate);
  for (const slot of slots) minutes.fill(slot.rate, slot.hour * 60 + slot.minute);
  return minutes;
}

export interface NaiveMoment {
  readonly rate: number;
  readonly dayTable: number;
  readonly zone: number;
  readonly daySet: SetNumber;
  readonly zoneSet: SetNumber;
}

export class NaiveCalendar {
  readonly #tables: TariffTables;
  readonly #painted = new Map<readonly DaySlot[], Uint8Array>();
  readonly #days = new Map<string, { zone: number; dayTable: number }>();

  constructor(tables: TariffTables) {
    this.#tables = tables;
  }

  at(at: number): NaiveMoment {
    const zoneSet = naiveSet(this.#tables.zones, at);
    const daySet = naiveSet(this.#tables.days, at);
    const { zone, dayTable } = this.#dayOf(at, zoneSet);
    const slots = naiveTable(this.#tables.days, at)[dayTable - 1] as readonly DaySlot[];
    const minutes = this.#painted.get(slots) ?? paint(slots);
    this.#painted.set(slots, minutes);
    const rate = minutes[Math.floor((at % DAY) / 60)] as number;
    return { rate, dayTable, zone, daySet, zoneSet };
  }

  #dayOf(at: number, zoneSet: SetNumber): { zone: number; dayTable: number } {
    const key = `${Math.floor(at / DAY)}/${zoneSet}`;
    const known = this.#days.get(key) ?? this.#readDay(at);
    this.#days.set(key, known);
    return known;
  }

  #readDay(at: number): { zone: number; dayTable: number } {
    const { year, month, day, weekday } = dateOf(at);
    const { holidays, workdays, weekendTable } = this.#tables;
    const zones = naiveTable(this.#tables.zones, at);
    const zone = naiveZone(zones, at);
    const today = holidays.filter((h) => h.month === month && h.day === day);
    const holiday = today.find((h) => h.year === year) ?? today.find((h) => h.year === undefined);
    const rests =
      workdays
        .toString(2)
        .padStart(7, "0")
        .at(-1 - weekday) === "0";
    return { zone, dayTable: holiday?.table ?? (rests ? weekendTable : (zones[zone - 1] as ZoneStart).table) };
  }
}

/** The days of a leap year, from 0. */
const someDays = (least: number, most: number) =>
  fc
    .uniqueArray(fc.integer({ min: 0, max: 365 }), { minLength: least, maxLength: most })
    .map((days) => days.sort((a, b) => a - b).map((n) => dateOf(Date.UTC(2000, 0, 1) / 1000 + n * DAY)));

const TABLES = 4;
const RATES = 63;
const table = fc.integer({ min: 1, max: TABLES });

const zones = someDays(1, 14).chain((days) =>
  fc
    .array(table, { minLength: days.length, maxLength: days.length })
    .map((tables) => days.map(({ month, day }, i) => ({ month, day, table: tables[i] as number }))),
);
const slots = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 1, max: RATES })), {
    minLength: 1,
    maxLength: 14,
    selector: ([minute]) => minute,
  })
  .map((list) =>
    list
      .sort(([a], [b]) => a - b)
      .map(([minute, rate]) => ({ hour: Math.floor(minute / 60), minute: minute % 60, rate })),
  );
const days = fc.array(slots, { minLength: TABLES, maxLength: TABLES });
const holidays = fc.uniqueArray(fc.record({ day: fc.integer({ min: 0, max: 365 }), table, dated: fc.boolean() }), {
  maxLength: 254,
  selector: ({ day, dated }) => `${day}${dated}`,
});

export function twoSets<T>(one: fc.Arbitrary<T>, from: number, to: number): fc.Arbitrary<TwoSets<T>> {
  return fc
    .record({
      first: one,
      second: one,
      runs: fc.constantFrom<SetNumber>(1, 2),
      switchAt: fc.option(fc.integer({ min: from, max: to }), { nil: undefined }),
    })
    .map(({ first, second, runs, switchAt }) =>
      switchAt === undefined ? { first, second, runs } : { first, second, runs, switchAt: localSecond(switchAt) },
    );
}

/** Tables whose switches lie in a span; dated holidays are of the leap year 2028. */
export function tables(from: number, to: number): fc.Arbitrary<TariffTables> {
  return fc.record({
    rates: fc.constant(RATES),
    zones: twoSets(zones, from, to),
    days: twoSets(days, from, to),
    holidays: holidays.map((list) =>
      list.map(({ day, table, dated }) => {
        const date = dateOf(Date.UTC(2000, 0, 1) / 1000 + day * DAY);
        return { ...(dated ? { year: 2028 } : {}), month: date.month, day: date.day, table };
      }),
    ),
    workdays: fc.integer({ min: 0, max: 127 }),
    weekendTable: table,
  });
}
