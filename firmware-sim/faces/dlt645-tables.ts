/**
 * Tariff tables behind DL/T 645, read and written. Tables have as many entries as were written; a writer that fills a table up
 * by repeating its last entry, as meters with tables of a fixed length need it, gets the table without the repetitions.
 */
import { ERR } from "../../protocols/dlt645/errors.ts";
import { byteOf } from "../../protocols/dlt645/identifier.ts";
import type { MeterFunction } from "../../protocols/dlt645/item.ts";
import type { LocalSecond } from "../clock/local-time.ts";
import type { Meter } from "../meter.ts";
import {
  type DaySlot,
  type Holiday,
  MOST_SLOTS,
  MOST_ZONES,
  type SetNumber,
  type Step,
  type StepTable,
  setAt,
  type TariffSettings,
  type TariffTables,
  type TwoSets,
  tableAt,
  withSwitch,
  type ZoneStart,
} from "../tariff/settings.ts";
import {
  type Ask,
  type Field,
  type Order,
  ofStamp,
  type Producer,
  pack,
  pairs,
  stampOf,
  type Writer,
} from "./dlt645-fields.ts";

/** Millionths of a minor unit in the last digit of a price, mWh in that of a threshold. */
const PRICE_STEP = 10_000;
const ENERGY_STEP = 10_000;
const CENTURY = 2_000;

const two = (value: number): string => String(value).padStart(2, "0");
const tariffOf = (meter: Meter): TariffSettings => meter.functions.tariff.settings;
const tablesOf = (meter: Meter): TariffTables => tariffOf(meter).tables;

/** The pairs of sets, in the order of their switch times 04000106 to 04000109. */
const PAIRS = ["zones", "days", "prices", "steps"] as const;
export type TablePair = (typeof PAIRS)[number];

/** Where a pair of tables stands: which set runs, and when the other one begins. */
export function tableSwitchOf(
  meter: Meter,
  pair: TablePair,
): { readonly running: SetNumber; readonly switchAt: LocalSecond | undefined } {
  const sets = pairOf(tariffOf(meter), pair);
  return { running: setAt(sets, meter.functions.at), switchAt: sets.switchAt };
}

function pairOf(tariff: TariffSettings, pair: TablePair): TwoSets<unknown> {
  return pair === "zones" || pair === "days" ? tariff.tables[pair] : tariff[pair];
}

/** The set that an identifier means, by a byte of it. */
function setOf<T>(sets: TwoSets<T>, set: number): T {
  return set === 1 ? sets.first : sets.second;
}

function withSet<T>(sets: TwoSets<T>, set: number, table: T): TwoSets<T> {
  return set === 1 ? { ...sets, first: table } : { ...sets, second: table };
}

function configure({ meter, now }: Order, change: Partial<TariffSettings>): number {
  return meter.programming.configure("tariff", { ...tariffOf(meter), ...change }, now).ok ? 0 : ERR.other;
}

function configureTables(order: Order, change: Partial<TariffTables>): number {
  return configure(order, { tables: { ...tablesOf(order.meter), ...change } });
}

/** Entries of two fields each, without those at the end that repeat the last one. */
function entriesOf(fields: readonly Field[]): (readonly [number, string])[] {
  const entries: (readonly [number, string])[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) entries.push([Number(fields[i]), String(fields[i + 1])]);
  const same = (a: (typeof entries)[number] | undefined, b: typeof a) => a?.[0] === b?.[0] && a?.[1] === b?.[1];
  while (entries.length > 1 && same(entries.at(-1), entries.at(-2))) entries.pop();
  return entries;
}

const zones: Producer = ({ meter, item, id }) => {
  const set = setOf(tablesOf(meter).zones, byteOf(id, 2));
  return pack(
    item,
    set.flatMap(({ month, day, table }) => [table, two(month) + two(day)]),
  );
};

const writeZones: Writer = (order) => {
  const entries = entriesOf(order.fields);
  if (entries.length > MOST_ZONES) return ERR.tooManyZones;
  const table = entries.map(([number, date]): ZoneStart => {
    const [month = 0, day = 0] = pairs(date);
    return { month, day, table: number };
  });
  const { zones: sets } = tablesOf(order.meter);
  return configureTables(order, { zones: withSet(sets, byteOf(order.id, 2), table) });
};

const slots: Producer = ({ meter, item, id }) => {
  const table = setOf(tablesOf(meter).days, byteOf(id, 2))[byteOf(id, 0) - 1];
  if (table === undefined) return undefined;
  return pack(
    item,
    table.flatMap(({ hour, minute, rate }) => [rate, two(hour) + two(minute)]),
  );
};

const writeSlots: Writer = (order) => {
  const { days, rates } = tablesOf(order.meter);
  const entries = entriesOf(order.fields);
  if (entries.length > MOST_SLOTS) return ERR.tooManySlots;
  if (entries.some(([rate]) => rate > rates)) return ERR.tooManyTariffs;
  const table = entries.map(([rate, time]): DaySlot => {
    const [hour = 0, minute = 0] = pairs(time);
    return { hour, minute, rate };
  });
  const set = byteOf(order.id, 2);
  const tables = [...setOf(days, set)];
  const place = byteOf(order.id, 0) - 1;
  if (place > tables.length) return ERR.other;
  tables[place] = table;
  return configureTables(order, { days: withSet(days, set, tables) });
};

const tableSwitch: Producer = ({ meter, device, item, id }) => {
  const { switchAt } = tableSwitchOf(meter, pairNumber(id));
  return pack(item, [switchAt === undefined ? null : stampOf(switchAt, device)]);
};

const pairNumber = (id: Ask["id"]): TablePair => PAIRS[byteOf(id, 0) - 6] as TablePair;

/** All zeros: no switch is ahead. */
const writeTableSwitch: Writer = (order) => {
  const stamp = String(order.fields[0]);
  const none = /^0*$/.test(stamp);
  const at = none ? undefined : ofStamp(stamp, order.device);
  if (!none && at === undefined) return ERR.other;
  const pair = pairNumber(order.id);
  const tariff = tariffOf(order.meter);
  const sets = withSwitch(pairOf(tariff, pair), at, order.at);
  return pair === "zones" || pair === "days"
    ? configureTables(order, { [pair]: sets } as Partial<TariffTables>)
    : configure(order, { [pair]: sets } as Partial<TariffSettings>);
};

/** Of the sets that run. */
function sizeOfTariff({ meter, id, at }: Pick<Ask, "meter" | "id" | "at">): number {
  const { tables, steps } = tariffOf(meter);
  const days = tableAt(tables.days, at);
  switch (byteOf(id, 0)) {
    case 1:
      return tableAt(tables.zones, at).length;
    case 2:
      return days.length;
    case 3:
      return Math.max(...days.map((table) => table.length));
    case 4:
      return tables.rates;
    case 5:
      return tables.holidays.length;
    default:
      return Math.max(0, tableAt(steps, at).steps.length - 1);
  }
}

/** The tables say themselves how long they are: only the number of tariffs is set, and new tariffs are free until priced. */
const writeTariffSize: Writer = (order) => {
  const [size] = order.fields;
  if (byteOf(order.id, 0) !== 4 || typeof size !== "number") return size === sizeOfTariff(order) ? 0 : ERR.other;
  const { tables, prices } = tariffOf(order.meter);
  const resized = (list: readonly number[]) => Array.from({ length: size }, (_, i) => list[i] ?? 0);
  if (size < 1 || size > 63) return ERR.tooManyTariffs;
  return configure(order, {
    tables: { ...tables, rates: size },
    prices: { ...prices, first: resized(prices.first), second: resized(prices.second) },
  });
};

/** A holiday of every year has year 00 (recalled), so that one of the year 2000 can't be told. */
const holiday: Producer = ({ meter, item, id }) => {
  const entry = tablesOf(meter).holidays[byteOf(id, 0) - 1];
  if (entry === undefined) return undefined;
  const { year, month, day, table } = entry;
  return pack(item, [table, two(year === undefined ? 0 : year - CENTURY) + two(month) + two(day)]);
};

/** All zeros take the entry out; the ones behind it move up. */
const writeHoliday: Writer = (order) => {
  const [table, date] = order.fields;
  const [year = 0, month = 0, day = 0] = pairs(String(date));
  const holidays = [...tablesOf(order.meter).holidays];
  const place = byteOf(order.id, 0) - 1;
  if (place > holidays.length) return ERR.other;
  if (table === 0 && month === 0 && day === 0) holidays.splice(place, 1);
  else {
    const entry: Holiday = { month, day, table: Number(table), ...(year === 0 ? {} : { year: CENTURY + year }) };
    holidays[place] = entry;
  }
  return configureTables(order, { holidays });
};

/** DDhh; 9999 for a settlement day that is not used (recalled). */
const settlementDay: Producer = ({ meter, item, id }) => {
  const entry = tariffOf(meter).settlementDays[byteOf(id, 0) - 1];
  return pack(item, [entry === undefined ? "9999" : two(entry.day) + two(entry.hour)]);
};

const writeSettlementDay: Writer = (order) => {
  const days = [...tariffOf(order.meter).settlementDays];
  const place = byteOf(order.id, 0) - 1;
  const digits = String(order.fields[0]);
  const [day = 0, hour = 0] = pairs(digits);
  if (place > days.length) return digits === "9999" ? 0 : ERR.other;
  if (digits === "9999") days.splice(place, 1);
  else days[place] = { day, hour };
  return configure(order, { settlementDays: days });
};

const tariffPrice: Producer = ({ meter, item, id }) => {
  const price = setOf(tariffOf(meter).prices, byteOf(id, 1))[byteOf(id, 0) - 1];
  return price === undefined ? undefined : pack(item, [Math.floor(price / PRICE_STEP)]);
};

const writeTariffPrice: Writer = (order) => {
  const { prices } = tariffOf(order.meter);
  const set = byteOf(order.id, 1);
  const place = byteOf(order.id, 0) - 1;
  const list = [...setOf(prices, set)];
  const [price] = order.fields;
  if (place >= list.length) return ERR.noSuchData;
  if (typeof price !== "number") return ERR.other;
  list[place] = price * PRICE_STEP;
  return configure(order, { prices: withSet(prices, set, list) });
};

/** DI1 0 and 1 are the first set's thresholds and prices, 2 and 3 the second's. */
const stepSet = (id: Ask["id"]): number => (byteOf(id, 1) < 2 ? 1 : 2);

/** The n-th threshold is where step n + 1 begins. */
const stepThreshold: Producer = ({ meter, item, id }) => {
  const step = setOf(tariffOf(meter).steps, stepSet(id)).steps[byteOf(id, 0)];
  return step && pack(item, [Math.floor(step.from / ENERGY_STEP)]);
};

const priceOfStep: Producer = ({ meter, item, id }) => {
  const step = setOf(tariffOf(meter).steps, stepSet(id)).steps[byteOf(id, 0) - 1];
  return step && pack(item, [Math.floor(step.price / PRICE_STEP)]);
};

function writeSteps(order: Order, change: (steps: Step[], value: number, number: number) => boolean): number {
  const { steps: sets } = tariffOf(order.meter);
  const set = stepSet(order.id);
  const table: StepTable = setOf(sets, set);
  const steps = [...table.steps];
  const [value] = order.fields;
  if (typeof value !== "number" || !change(steps, value, byteOf(order.id, 0))) return ERR.other;
  return configure(order, { steps: withSet(sets, set, { ...table, steps }) });
}

/** Zero takes the step that begins there out, and those above it; one behind the last makes a new step. */
const writeStepThreshold: Writer = (order) =>
  writeSteps(order, (steps, value, number) => {
    if (number > Math.max(1, steps.length)) return false;
    if (value === 0) {
      steps.length = Math.min(steps.length, number);
      return true;
    }
    if (steps.length === 0) steps.push({ from: 0, price: 0 });
    const price = steps[number]?.price ?? (steps[number - 1] as Step).price;
    steps[number] = { from: value * ENERGY_STEP, price };
    return true;
  });

const writePriceOfStep: Writer = (order) =>
  writeSteps(order, (steps, value, number) => {
    const step = steps[number - 1] ?? (number === 1 ? { from: 0, price: 0 } : undefined);
    if (step === undefined) return false;
    steps[number - 1] = { ...step, price: value * PRICE_STEP };
    return true;
  });

export const TABLE_PRODUCERS = {
  zones,
  slots,
  tableSwitch,
  tariffSize: (ask) => pack(ask.item, [sizeOfTariff(ask)]),
  holiday,
  weeklyRest: ({ meter, item }) => pack(item, [tablesOf(meter).workdays]),
  restTable: ({ meter, item }) => pack(item, [tablesOf(meter).weekendTable]),
  settlementDay,
  tariffPrice,
  stepThreshold,
  priceOfStep,
} satisfies Partial<Record<MeterFunction, Producer>>;

export const TABLE_WRITERS = {
  zones: writeZones,
  slots: writeSlots,
  tableSwitch: writeTableSwitch,
  tariffSize: writeTariffSize,
  holiday: writeHoliday,
  weeklyRest: (order) => configureTables(order, { workdays: Number(order.fields[0]) }),
  restTable: (order) => configureTables(order, { weekendTable: Number(order.fields[0]) }),
  settlementDay: writeSettlementDay,
  tariffPrice: writeTariffPrice,
  stepThreshold: writeStepThreshold,
  priceOfStep: writePriceOfStep,
} satisfies Partial<Record<MeterFunction, Writer>>;
