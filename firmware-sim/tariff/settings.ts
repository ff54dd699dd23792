/**
 * What a tariff is made of, as plain data: year zones, day tables of slots, holidays and weekends that say which rate runs;
 * prices of rates and steps; settlement days. Limits as in DL/T 645-2007 (04000201..05 and their tables).
 *
 * Zones, day tables, prices and steps come in two sets of which one runs; each pair has its own switch time. Everything here
 * has been through `checkTariff` (check.ts) before it is used: tables that are named exist, lists are in order.
 */
import { type LocalSecond, localSecond } from "../clock/local-time.ts";

export const MOST_ZONES = 14;
export const MOST_DAY_TABLES = 8;
export const MOST_SLOTS = 14;
export const MOST_RATES = 63;
export const MOST_HOLIDAYS = 254;
/** DL/T 645-2007 04000207 counts steps in one BCD byte; 63 is recalled, everyday use has up to seven. */
export const MOST_STEPS = 63;
/** 04000B01..03. */
export const MOST_SETTLEMENT_DAYS = 3;
/** As two public firmwares have it in each set of steps. */
export const MOST_YEARLY_DAYS = 4;

export type SetNumber = 1 | 2;

/** Two sets of one table. Until `switchAt` set number `runs` runs, from that second on the other one. */
export interface TwoSets<T> {
  readonly first: T;
  readonly second: T;
  readonly runs: SetNumber;
  /** Without it `runs` stays. */
  readonly switchAt?: LocalSecond;
}

/** From 00:00 of this day on, each year, workdays follow this day table (1 is the first). */
export interface ZoneStart {
  readonly month: number;
  readonly day: number;
  readonly table: number;
}

/** From this minute on the rate runs, until the next slot; before the day's first slot the table's last one runs. */
export interface DaySlot {
  readonly hour: number;
  readonly minute: number;
  /** 1..63. */
  readonly rate: number;
}

/** Each year, or in the given year only, which then goes before the yearly entry of the same day. */
export interface Holiday {
  readonly year?: number;
  readonly month: number;
  readonly day: number;
  readonly table: number;
}

/** Which rate runs when. A holiday goes before a weekend day, and that before the year zone's table. */
export interface TariffTables {
  /** Rates in use, 1..63: no slot names a higher one. */
  readonly rates: number;
  /** Each in the order of the year; before the first of the year the last one runs. */
  readonly zones: TwoSets<readonly ZoneStart[]>;
  readonly days: TwoSets<readonly (readonly DaySlot[])[]>;
  readonly holidays: readonly Holiday[];
  /**
   * Bit 0 is Sunday, bit 6 Saturday; 1 is a workday, 0 a day of rest (04000801 [two public sources agree], so that the
   * vendors' default 3E rests on Saturday and Sunday).
   */
  readonly workdays: number;
  /** Day table of days of rest (04000802). */
  readonly weekendTable: number;
}

/** What the energy above a threshold of the step period costs on top of the rate's price. */
export interface Step {
  /** mWh (+A) since the period's start; the first step's is 0. */
  readonly from: number;
  /** Millionths of a minor unit per kWh. */
  readonly price: number;
}

/** Month 1..12, day 1..28, hour 0..23. */
export interface YearlyDay {
  readonly month: number;
  readonly day: number;
  readonly hour: number;
}

export interface StepTable {
  /** In order of `from`; empty: no step tariff, price 0. */
  readonly steps: readonly Step[];
  /** When a step period ends; without any it ends on the first settlement day of each month. */
  readonly yearly: readonly YearlyDay[];
}

/** Day 1..28 of each month, hour 0..23. */
export interface SettlementDay {
  readonly day: number;
  readonly hour: number;
}

export interface TariffSettings {
  readonly tables: TariffTables;
  /** Price of rate n at index n - 1, millionths of a minor unit per kWh. */
  readonly prices: TwoSets<readonly number[]>;
  readonly steps: TwoSets<StepTable>;
  /** The first, second and third settlement day. */
  readonly settlementDays: readonly SettlementDay[];
}

/** Both sets alike, the first one running. */
export function bothSets<T>(table: T): TwoSets<T> {
  return { first: table, second: table, runs: 1 };
}

/** Which of the two sets runs at a second. */
export function setAt<T>(two: TwoSets<T>, at: LocalSecond): SetNumber {
  const switched = two.switchAt !== undefined && at >= two.switchAt;
  return switched === (two.runs === 1) ? 2 : 1;
}

/** The table that runs at a second. */
export function tableAt<T>(two: TwoSets<T>, at: LocalSecond): T {
  return setAt(two, at) === 1 ? two.first : two.second;
}

/** The first second after `after` at which another set runs; infinity where none is ahead. */
export function nextSwitch(two: TwoSets<unknown>, after: LocalSecond): LocalSecond {
  return two.switchAt !== undefined && two.switchAt > after ? two.switchAt : localSecond(Number.POSITIVE_INFINITY);
}

/**
 * The pair with a new switch time: what runs at `at` keeps running until then, whatever switch came before.
 * A meter calls it with the time of the order, and with `undefined` to make a switch that has been final.
 */
export function withSwitch<T>(two: TwoSets<T>, switchAt: LocalSecond | undefined, at: LocalSecond): TwoSets<T> {
  const { first, second } = two;
  const runs = setAt(two, at);
  return switchAt === undefined ? { first, second, runs } : { first, second, runs, switchAt };
}

/** A meter as it leaves the factory: one rate all day, no prices, settlement at 00:00 on the first of the month. */
export const ONE_RATE: TariffSettings = {
  tables: {
    rates: 1,
    zones: bothSets([{ month: 1, day: 1, table: 1 }]),
    days: bothSets([[{ hour: 0, minute: 0, rate: 1 }]]),
    holidays: [],
    workdays: 0x7f,
    weekendTable: 1,
  },
  prices: bothSets([0]),
  steps: bothSets({ steps: [], yearly: [] }),
  settlementDays: [{ day: 1, hour: 0 }],
};

const SHARP = 1;
const PEAK = 2;
const FLAT = 3;
const VALLEY = 4;
const slot = (hour: number, rate: number, minute = 0): DaySlot => ({ hour, minute, rate });

const WINTER_DAY = [
  slot(7, FLAT),
  slot(8, PEAK),
  slot(11, FLAT),
  slot(17, PEAK),
  slot(18, SHARP),
  slot(20, PEAK),
  slot(22, FLAT),
  slot(23, VALLEY),
];
const SUMMER_DAY = [
  slot(6, FLAT, 30),
  slot(9, PEAK),
  slot(11, SHARP),
  slot(13, FLAT),
  slot(18, PEAK),
  slot(22, FLAT),
  slot(23, VALLEY, 30),
];
const REST_DAY = [slot(8, FLAT), slot(22, VALLEY)];
const HOUSEHOLD_STEPS: StepTable = {
  steps: [
    { from: 0, price: 0 },
    { from: 2_160_000_000, price: 5_000_000 },
    { from: 4_200_000_000, price: 30_000_000 },
  ],
  yearly: [{ month: 1, day: 1, hour: 0 }],
};

/**
 * The four rates of everyday use (1 sharp, 2 peak, 3 flat, 4 valley) in two seasons with days of rest, and household steps of
 * a year: 0.90, 0.75, 0.50, 0.30 per kWh, 0.05 more above 2160 kWh and 0.30 more above 4200 kWh (minor unit: a hundredth).
 */
export const FOUR_RATES: TariffSettings = {
  tables: {
    rates: 4,
    zones: bothSets([
      { month: 4, day: 1, table: 2 },
      { month: 10, day: 1, table: 1 },
    ]),
    days: bothSets([WINTER_DAY, SUMMER_DAY, REST_DAY]),
    holidays: [
      { month: 1, day: 1, table: 3 },
      { month: 5, day: 1, table: 3 },
      { month: 10, day: 1, table: 3 },
    ],
    workdays: 0x3e,
    weekendTable: 3,
  },
  prices: bothSets([90_000_000, 75_000_000, 50_000_000, 30_000_000]),
  steps: bothSets(HOUSEHOLD_STEPS),
  settlementDays: [{ day: 1, hour: 0 }],
};
