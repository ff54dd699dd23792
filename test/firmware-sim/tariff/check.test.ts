import { expect, test } from "vitest";
import { checkTariff } from "../../../firmware-sim/tariff/check.ts";
import { FOUR_RATES, ONE_RATE } from "../../../firmware-sim/tariff/settings.ts";

test("what the meter brings along is good, also after a way through JSON", () => {
  for (const settings of [ONE_RATE, FOUR_RATES]) {
    expect(checkTariff(settings)).toEqual({ ok: true, value: settings });
    expect(checkTariff(JSON.parse(JSON.stringify(settings)))).toEqual({ ok: true, value: settings });
  }
});

/** A change in a copy of the four-rate tariff, by the path to what is changed. */
function changed(path: string, value: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(FOUR_RATES));
  const names = path.split(".");
  const last = names.pop() as string;
  let at = copy;
  for (const name of names) at = at[name];
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

const slots = (n: number) => Array.from({ length: n }, (_, hour) => ({ hour, minute: 0, rate: 1 }));
const zoneList = (...days: [number, number, number][]) => days.map(([month, day, table]) => ({ month, day, table }));
const manyHolidays = Array.from({ length: 255 }, (_, i) => ({
  year: 2000 + (i % 100),
  month: 1,
  day: 1 + Math.floor(i / 100),
  table: 1,
}));

test.each<[string, unknown, string]>([
  ["tables", undefined, "tariff.tables: this is missing"],
  ["tables.rates", 64, "tariff.tables.rates: 64 is wrong; it must be an integer from 1 to 63"],
  ["tables.rates", 3, "rate 4 is above the 3 rates in use"],
  ["tables.zones.first", [], "a list of 1 to 14 entries"],
  ["tables.zones.first", Array.from({ length: 15 }, (_, i) => ({ month: 1, day: i + 1, table: 1 })), "a list of 15"],
  [
    "tables.zones.second",
    zoneList([4, 1, 1], [3, 31, 1]),
    "zones.second[1]: it does not come after the entry before it",
  ],
  ["tables.zones.first", zoneList([4, 31, 1]), "zones.first[0]: month 4 has no day 31"],
  ["tables.zones.first.0.table", 4, "day table 4 is not in both sets of day tables; they share tables 1 to 3"],
  ["tables.days.second", [slots(2)], "they share tables 1 to 1"],
  ["tables.days.first.0", slots(15), "a list of 1 to 14 entries"],
  ["tables.days.first.1.0.hour", 24, "days.first[1][0].hour: 24 is wrong"],
  ["tables.days.first.1.0.rate", 0, "days.first[1][0].rate: 0 is wrong; it must be an integer from 1 to 63"],
  ["tables.days.first.0.1.hour", 6, "days.first[0][1]: it does not come after the entry before it"],
  ["tables.days.switchAt", 1.5, "tables.days.switchAt: 1.5 is wrong"],
  ["tables.days.runs", 0, "tables.days.runs: 0 is wrong"],
  ["tables.holidays", manyHolidays, "a list of 0 to 254 entries"],
  ["tables.holidays.0", { year: 2027, month: 2, day: 29, table: 1 }, "month 2 has no day 29"],
  ["tables.holidays.0.table", 8, "holidays[0].table: day table 8 is not in both sets"],
  ["tables.workdays", 128, "tables.workdays: 128 is wrong"],
  ["tables.weekendTable", 5, "weekendTable: day table 5 is not in both sets"],
  ["prices.second", [1, 2, 3], "prices.second: it has 3 prices for 4 rates"],
  ["prices.first.2", -1, "prices.first[2]: -1 is wrong"],
  ["steps.first.steps.0.from", 1, "steps.first.steps[0].from: the first step begins at 0 mWh"],
  ["steps.first.steps.2.from", 2_160_000_000, "steps.first.steps[2]: it does not come after"],
  ["steps.second.yearly.0.day", 29, "steps.second.yearly[0].day: 29 is wrong; it must be an integer from 1 to 28"],
  ["settlementDays", new Array(4).fill({ day: 1, hour: 0 }), "a list of 0 to 3 entries"],
  [
    "settlementDays",
    [
      { day: 1, hour: 0 },
      { hour: 0, day: 1 },
    ],
    "settlementDays[1]: it is the same as entry 0",
  ],
  ["settlementDay", [], "settlementDay: this name is unknown; did you mean settlementDays?"],
])("%s = %j", (path, value, reason) => {
  expect(checkTariff(changed(path, value))).toMatchObject({ ok: false, error: expect.stringContaining(reason) });
});

test("a holiday twice with different tables is refused, a dated one beside a yearly one is not", () => {
  const twice = [
    { month: 1, day: 1, table: 1 },
    { month: 1, day: 1, table: 2 },
  ];
  expect(checkTariff(changed("tables.holidays", twice)).ok).toBe(false);
  expect(checkTariff(changed("tables.holidays", [{ year: 2026, ...twice[0] }, twice[1]])).ok).toBe(true);
});
