/** From data sets to readings and to the measures of the vocabulary. */
import { formatDecimal, parseDecimal } from "../../src/core/decimal.ts";
import { findMeasureByObis, type MeasureKey, type MeasureValues, type Phase } from "../../src/core/measures.ts";
import { MICROS_PER_SECOND } from "../../src/core/time.ts";
import type { ExplainedReading } from "../explain.ts";
import { isTimestamp, parseClock, parseTimestamp } from "./clock.ts";
import { type DataSet, formatGroup, type ValueGroup } from "./dataset.ts";
import { DECIMAL, measureSum, measureValue } from "./measure-value.ts";
import { normalObis, parseObis } from "./obis.ts";

/** The data set's one value under its address, as people look for it. */
interface MainValue extends ValueGroup {
  readonly address: string;
}

/**
 * The value among a data set's groups: the only group, else the only one with a unit (the others say when), else the first
 * that is no time stamp. Undefined for lists of values such as event logs.
 */
function mainValue({ address, groups }: DataSet): MainValue | undefined {
  const [first, second] = groups;
  if (first !== undefined && groups.length === 1) return { address, ...first };
  const meterBus = oldMeterBusValue(groups);
  if (meterBus !== undefined) return meterBus;
  if (first === undefined || second === undefined || groups.length > 2) return undefined;
  const main = groups.find((group) => group.unit !== undefined) ?? groups.find((group) => !isTimestamp(group.value));
  return { address, ...(main ?? first) };
}

/** P1 before version 4: time, status, period, count, then code and unit as groups, and the value on a line of its own. */
function oldMeterBusValue(groups: readonly ValueGroup[]): MainValue | undefined {
  const [code, unit, value] = groups.slice(4);
  if (groups.length !== 7 || code === undefined || unit === undefined || value === undefined) return undefined;
  return parseObis(code.value) === undefined
    ? undefined
    : { address: code.value, value: value.value, unit: unit.value };
}

/** A number without its padding: `001846.0` is 1846. */
function plainDecimal(text: string): string | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const decimals = text.split(".")[1]?.length ?? 0;
  const parsed = parseDecimal(text, decimals);
  return parsed.ok ? formatDecimal(parsed.value, decimals) : undefined;
}

/**
 * A value for people. What has a unit or a decimal point is a number, and null when it can't be read as one; anything else is
 * a code or a name whose zeros count, and stays as it was sent.
 */
function readingValue({ value, unit }: ValueGroup): string | null {
  const text = value.trim();
  if (text === "") return null;
  if (unit !== undefined && unit !== "") return plainDecimal(text) ?? null;
  return text.includes(".") ? (plainDecimal(text) ?? text) : text;
}

/** One reading for each data set; a list of values is shown as it was sent. */
export function readingsOf(sets: readonly DataSet[]): ExplainedReading[] {
  return sets.map((set) => {
    const main = mainValue(set);
    const id = main?.address ?? set.address;
    const obis = normalObis(id);
    return {
      id,
      ...(obis === undefined ? {} : { obis }),
      value: main === undefined ? set.groups.map(formatGroup).join("") : readingValue(main),
      unit: main?.unit ?? "",
    };
  });
}

export interface MappingOptions {
  /** Seconds by which the meter's standard time is ahead of UTC; without it the clock is no measure. */
  readonly clockOffset?: number;
}

/**
 * The measures in a readout, by OBIS code and unit. Values without the unit they need, stored values of former periods and
 * codes outside the vocabulary are left out: a guess about a unit would be a bill wrong by a thousand.
 */
export function measuresOf(sets: readonly DataSet[], options: MappingOptions = {}): MeasureValues {
  const values: MeasureValues = {};
  const mains = new Map<string, ValueGroup>();
  for (const set of sets) {
    const main = mainValue(set);
    const obis = main === undefined ? undefined : parseObis(main.address);
    if (main === undefined || obis === undefined || obis.history !== undefined) continue;
    mains.set(obis.code, main);
    const m = findMeasureByObis(obis.code);
    const value = m === undefined || m.key === "clock" ? undefined : measureValue(m, main);
    if (m !== undefined && value !== undefined) values[m.key] = value;
  }
  addTariffTotals(values, mains);
  addNetPowers(values, mains);
  const clock = options.clockOffset === undefined ? undefined : clockSeconds(mains, options.clockOffset);
  if (clock !== undefined) values.clock = clock;
  return values;
}

/** Value group C of the energies that meters count by tariff: active and reactive, import and export. */
const BY_TARIFF = [1, 2, 3, 4];
const MOST_TARIFFS = 9;

/**
 * P1 shows each tariff and no total: the total is their sum, cut only once. From tariff 1 on without a gap and at least two,
 * each of them readable: a sum that lacks one would be a total that runs backwards when it comes back.
 */
function addTariffTotals(values: MeasureValues, mains: ReadonlyMap<string, ValueGroup>): void {
  for (const c of BY_TARIFF) {
    const m = findMeasureByObis(`1-0:${c}.8.0`);
    if (m === undefined || values[m.key] !== undefined || mains.has(m.obis)) continue;
    const tariffs = Array.from({ length: MOST_TARIFFS }, (_, i) => mains.get(`1-0:${c}.8.${i + 1}`));
    const count = tariffs.findLastIndex((group) => group !== undefined) + 1;
    const shown = tariffs.slice(0, count).flatMap((group) => group ?? []);
    const total = count >= 2 && shown.length === count ? measureSum(m, shown) : undefined;
    if (total !== undefined) values[m.key] = total;
  }
}

/** Meters that count no signed power show import (C = 1) and export (C = 2), of which one is zero. */
function addNetPowers(values: MeasureValues, mains: ReadonlyMap<string, ValueGroup>): void {
  for (const phase of [0, 1, 2, 3]) {
    const key: MeasureKey = phase === 0 ? "activePower" : `activePowerL${phase as Phase}`;
    const m = findMeasureByObis(`1-0:${16 + 20 * phase}.7.0`);
    const [plus, minus] = [1, 2].map((c) => mains.get(`1-0:${c + 20 * phase}.7.0`));
    if (m === undefined || values[key] !== undefined || plus === undefined || minus === undefined) continue;
    const [taken, given] = [measureValue(m, plus), measureValue(m, minus)];
    if (typeof taken === "number" && typeof given === "number") values[key] = taken - given;
  }
}

function clockSeconds(mains: ReadonlyMap<string, ValueGroup>, offset: number): number | undefined {
  const [time, date, both] = ["1-0:0.9.1", "1-0:0.9.2", "0-0:1.0.0"].map((code) => mains.get(code)?.value);
  const at =
    time !== undefined && date !== undefined
      ? parseClock(date, time, offset)
      : both === undefined
        ? undefined
        : parseTimestamp(both, offset);
  return at === undefined ? undefined : Math.floor(at / MICROS_PER_SECOND);
}
