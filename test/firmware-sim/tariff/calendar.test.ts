import fc from "fast-check";
import { expect, test } from "vitest";
import { type LocalSecond, localSecond } from "../../../firmware-sim/clock/local-time.ts";
import {
  nextSettlement,
  nextStepPeriod,
  nextYearlySettlement,
  settlementAt,
  settlementsBetween,
  tariffAt,
} from "../../../firmware-sim/tariff/calendar.ts";
import { checkTariff } from "../../../firmware-sim/tariff/check.ts";
import {
  bothSets,
  FOUR_RATES,
  ONE_RATE,
  setAt,
  type TariffSettings,
  type TariffTables,
  withSwitch,
} from "../../../firmware-sim/tariff/settings.ts";
import { DAY, dateOf, NaiveCalendar, naiveTable, second, tables, twoSets } from "./tables.ts";

const FROM = second("2027-11-01T00:00:00");
const TO = second("2029-03-15T00:00:00");

function said(of: TariffTables, at: number): object {
  const { until: _, ...moment } = tariffAt(of, localSecond(at));
  return moment;
}

test("every minute of sixteen months with a leap day has the rate that a person reads from the tables", () => {
  fc.assert(
    fc.property(tables(FROM, TO), fc.integer({ min: 0, max: 59 }), (of, offset) => {
      expect(checkTariff({ ...ONE_RATE, tables: of, prices: bothSets(new Array(63).fill(1)) })).toMatchObject({
        ok: true,
      });
      const naive = new NaiveCalendar(of);
      let moment = tariffAt(of, FROM);
      for (let at = FROM + offset; at < TO; at += 60) {
        if (at >= moment.until) moment = tariffAt(of, localSecond(at));
        const truth = naive.at(at);
        if (
          moment.rate !== truth.rate ||
          moment.dayTable !== truth.dayTable ||
          moment.zone !== truth.zone ||
          moment.daySet !== truth.daySet ||
          moment.zoneSet !== truth.zoneSet
        )
          expect({ at, ...moment }).toEqual({ at, ...truth });
      }
    }),
    { numRuns: 8 },
  );
});

test("asked only at its own edges it says what it says at every second, and no edge is without reason", () => {
  fc.assert(
    fc.property(tables(FROM, FROM + 40 * DAY), fc.integer({ min: 0, max: 50 * DAY }), (of, start) => {
      const naive = new NaiveCalendar(of);
      let at: LocalSecond = localSecond(FROM + start);
      for (let edges = 0; edges < 40; edges++) {
        const { until, ...moment } = tariffAt(of, at);
        expect(until).toBeGreaterThan(at);
        for (const within of [at, Math.floor((at + until) / 2), until - 1]) {
          expect({ within, ...said(of, within) }).toEqual({ within, ...moment });
          expect({ within, ...naive.at(within) }).toEqual({ within, ...moment });
          expect(tariffAt(of, localSecond(within)).until).toBe(until);
        }
        const changes = JSON.stringify(naive.at(until)) !== JSON.stringify(naive.at(until - 1));
        expect(changes || until % DAY === 0).toBe(true);
        at = until;
      }
    }),
    { numRuns: 100 },
  );
});

test("a settlement on the second of a switch is that of the set that then runs, and none comes twice", () => {
  const noon = { month: 5, day: 5, hour: 12 };
  const at = second("2026-05-05T12:00:00");
  const steps = (first: object[], then: object[]) =>
    ({
      ...ONE_RATE,
      settlementDays: [{ day: 5, hour: 12 }],
      steps: {
        first: { steps: [], yearly: first },
        second: { steps: [], yearly: then },
        runs: 1,
        switchAt: at,
      },
    }) as TariffSettings;
  const before = localSecond(at - 1);
  const later = { month: 8, day: 1, hour: 0 };
  expect(nextStepPeriod(steps([noon], [later]), before)).toBe(second("2026-08-01T00:00:00"));
  expect(nextStepPeriod(steps([later], [noon]), before)).toBe(at);
  expect(nextStepPeriod(steps([later], []), before)).toBe(at);
  expect(nextStepPeriod(steps([later], [noon]), at)).toBe(second("2027-05-05T12:00:00"));
  expect(nextStepPeriod(steps([later], []), at)).toBe(second("2026-06-05T12:00:00"));
  expect(nextSettlement(steps([], []), at)).toBe(second("2026-06-05T12:00:00"));
});

test("a day second by second, with a switch of the day tables in the middle of a slot", () => {
  const switchAt = second("2026-03-29T13:37:11");
  const of: TariffTables = {
    ...FOUR_RATES.tables,
    days: { ...FOUR_RATES.tables.days, second: [[{ hour: 9, minute: 30, rate: 2 }], [], []], runs: 1, switchAt },
    workdays: 0x7f,
  };
  const start = second("2026-03-29T00:00:00");
  const changes: [string, number][] = [];
  let rate = 0;
  for (let at = start; at < start + DAY; at = localSecond(at + 1)) {
    const now = tariffAt(of, at).rate;
    if (now !== rate) changes.push([new Date(at * 1000).toISOString().slice(11, 19), now]);
    rate = now;
  }
  expect(changes).toEqual([
    ["00:00:00", 4],
    ["07:00:00", 3],
    ["08:00:00", 2],
    ["11:00:00", 3],
    ["13:37:11", 2],
  ]);
});

test("holidays go before weekends, weekends before zones, and a dated holiday before a yearly one", () => {
  const of: TariffTables = {
    rates: 4,
    zones: bothSets([{ month: 6, day: 1, table: 1 }]),
    days: bothSets([1, 2, 3, 4].map((rate) => [{ hour: 12, minute: 0, rate }])),
    holidays: [
      { year: 2026, month: 1, day: 3, table: 4 },
      { month: 1, day: 3, table: 3 },
      { year: 2025, month: 1, day: 3, table: 1 },
      { month: 2, day: 29, table: 3 },
    ],
    workdays: 0x3e,
    weekendTable: 2,
  };
  const rate = (iso: string) => tariffAt(of, second(iso)).rate;
  expect(rate("2026-01-02T08:00:00")).toBe(1); // a Friday
  expect(rate("2026-01-03T08:00:00")).toBe(4); // a Saturday
  expect(rate("2027-01-03T08:00:00")).toBe(3); // a Sunday
  expect(rate("2026-01-04T08:00:00")).toBe(2);
  expect(rate("2028-02-29T00:00:00")).toBe(3);
  expect(rate("2027-03-01T00:00:00")).toBe(1);
});

test("with one rate all day only midnights are edges", () => {
  const { rate, until } = tariffAt(ONE_RATE.tables, second("2026-05-05T10:00:00"));
  expect([rate, until]).toEqual([1, second("2026-05-06T00:00:00")]);
});

test("a new switch time keeps what runs, and a final switch stays when the clock goes back", () => {
  const pair = { first: "a", second: "b", runs: 1 as const, switchAt: second("2026-01-01T00:00:00") };
  const later = second("2026-06-01T00:00:00");
  const renewed = withSwitch(pair, second("2027-01-01T00:00:00"), later);
  expect(setAt(renewed, later)).toBe(2);
  expect(setAt(renewed, second("2027-01-01T00:00:00"))).toBe(1);
  expect(withSwitch(pair, undefined, later)).toEqual({ first: "a", second: "b", runs: 2 });
});

const monthly = fc.uniqueArray(
  fc.record({ day: fc.integer({ min: 1, max: 28 }), hour: fc.integer({ min: 0, max: 23 }) }),
  {
    maxLength: 3,
    selector: ({ day, hour }) => `${day}/${hour}`,
  },
);
const yearly = fc.uniqueArray(
  fc.record({
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 1, max: 28 }),
    hour: fc.integer({ min: 0, max: 23 }),
  }),
  { maxLength: 4, selector: ({ month, day, hour }) => `${month}/${day}/${hour}` },
);
/** Some second, or a full hour: settlements fall on those. */
const someSecond = fc.oneof(
  fc.integer({ min: FROM, max: TO }),
  fc.integer({ min: 0, max: 40 * 24 }).map((hour) => FROM + hour * 3600),
);
const stepSets = twoSets(
  yearly.map((list) => ({ steps: [], yearly: list })),
  FROM,
  TO,
);
const settings = fc
  .record({ settlementDays: monthly, steps: stepSets })
  .map((some): TariffSettings => ({ ...ONE_RATE, ...some }));

/** Looks at hour after hour, and at the second of a switch, until `is` says yes. */
function firstAfter(after: number, extra: number | undefined, is: (at: number) => boolean): number {
  const last = after + 900 * DAY;
  for (let hour = Math.floor(after / 3600) + 1; hour * 3600 <= last; hour++) {
    const before = (hour - 1) * 3600;
    if (extra !== undefined && extra > after && extra > before && extra < hour * 3600 && is(extra)) return extra;
    if (is(hour * 3600)) return hour * 3600;
  }
  return Number.POSITIVE_INFINITY;
}

function isOn(at: number, on: { month?: number; day: number; hour: number }): boolean {
  const { month, day } = dateOf(at);
  return day === on.day && at % DAY === on.hour * 3600 && (on.month ?? month) === month;
}

test("settlements, yearly settlements and step periods are those that are found hour by hour", () => {
  fc.assert(
    fc.property(settings, someSecond, (of, from) => {
      const after = localSecond(from);
      const settles = (at: number) => of.settlementDays.some((day) => isOn(at, day));
      const next = nextSettlement(of, after);
      expect(next).toBe(firstAfter(after, undefined, settles));
      if (Number.isFinite(next)) {
        expect(settlementAt(of, next)).toBe(of.settlementDays.findIndex((day) => isOn(next, day)) + 1);
        expect(settlementAt(of, localSecond(next + 1))).toBe(0);
      }
      const yearlyTable = of.steps.first;
      expect(nextYearlySettlement(yearlyTable, after)).toBe(
        firstAfter(after, undefined, (at) => yearlyTable.yearly.some((day) => isOn(at, day))),
      );
      const begins = (at: number): boolean => {
        const table = naiveTable(of.steps, at);
        const before = naiveTable(of.steps, at - 1);
        if (table.yearly.length > 0 !== before.yearly.length > 0) return true;
        const first = of.settlementDays[0];
        return table.yearly.length > 0
          ? table.yearly.some((day) => isOn(at, day))
          : first !== undefined && isOn(at, first);
      };
      expect(nextStepPeriod(of, after)).toBe(firstAfter(after, of.steps.switchAt, begins));
    }),
    { numRuns: 100 },
  );
});

test("settlements missed in an outage are the last ones that are found hour by hour", () => {
  const span = fc.integer({ min: 0, max: 200 * DAY });
  fc.assert(
    fc.property(settings, someSecond, span, fc.integer({ min: 1, max: 12 }), (of, from, length, most) => {
      const missed: number[] = [];
      for (let hour = Math.floor(from / 3600) + 1; hour * 3600 <= from + length; hour++)
        if (of.settlementDays.some((day) => isOn(hour * 3600, day))) missed.push(hour * 3600);
      const upTo = localSecond(from + length);
      expect(settlementsBetween(of, localSecond(from), upTo, most)).toEqual(missed.slice(-most));
    }),
  );
});
