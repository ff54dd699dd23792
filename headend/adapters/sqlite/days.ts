/** Compacted days: one row per meter and day, read and written as the readings they hold. */
import type BetterSqlite3 from "better-sqlite3";
import type { MeasureKey } from "../../../src/core/measures.ts";
import { assert } from "../../../src/core/result.ts";
import { type Civil, civil, MICROS_PER_SECOND, SECONDS_PER_DAY, toIso } from "../../../src/core/time.ts";
import type { DayColumn, DayRows } from "../../compact/day-codec.ts";
import type { MeterId, MeterReading } from "../../ports.ts";
import { QUALITY_CODES, qualityOf, SOURCE_CODES, sourceOf } from "../codes.ts";
import { packDay, unpackDay } from "./day-blob.ts";

const METERS = 2 ** 32;

export function dayKey(day: number, meter: number): number {
  return day * METERS + meter;
}

export function partsOf(key: number): { readonly day: number; readonly meter: number } {
  const day = Math.floor(key / METERS);
  return { day, meter: key - day * METERS };
}

/** `2026-11-29`. */
export function dateOf(day: number): string {
  return toIso(civil(day * SECONDS_PER_DAY * MICROS_PER_SECOND)).slice(0, 10);
}

export class DayTable {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #numbers = new Map<MeasureKey, number>();
  readonly #keys = new Map<number, MeasureKey>();

  constructor(db: BetterSqlite3.Database) {
    this.#statements = prepare(db);
    const numbers = db.prepare<[], { number: number; key: MeasureKey }>("SELECT number, key FROM measure_numbers");
    for (const { number, key } of numbers.all()) {
      this.#numbers.set(key, number);
      this.#keys.set(number, key);
    }
  }

  /** The days from `from` to `to` (both included) of which there is one of any meter, upwards. */
  *days(from: number, to: number): Iterable<number> {
    for (let day = from; ; day++) {
      const key = this.#statements.next.get(dayKey(day, 0));
      if (key === undefined) return;
      day = partsOf(key).day;
      if (day > to) return;
      yield day;
    }
  }

  /** Keys from `from` on, below `below`. */
  keys(from: number, below: number, limit: number): readonly number[] {
    return this.#statements.keys.all(from, below, limit);
  }

  has(key: number): boolean {
    return this.#statements.next.get(key) === key;
  }

  /**
   * The readings of a meter's day by time; none where it is not compacted.
   * @throws Error with a sentence where its data is damaged.
   */
  read(key: number, meter: MeterId): readonly MeterReading[] {
    const rows = this.#rows(key);
    return rows === undefined ? [] : this.#readings(rows, meter);
  }

  /** Their times alone. @throws as {@link read} */
  times(key: number): readonly number[] {
    return this.#rows(key)?.times ?? [];
  }

  /** Replaces a meter's day by these readings, which are in the order of their times. */
  write(key: number, readings: readonly MeterReading[]): void {
    const rows = this.#fromReadings(readings);
    let cells = 0;
    for (const column of rows.columns) for (const cell of column.cells) if (cell !== undefined) cells++;
    const data = packDay(rows);
    // Their rows are removed afterwards, so what is written is proven first.
    const proof = unpackDay(data);
    if (!proof.ok) throw new Error(`the day ${dateOf(partsOf(key).day)} could not be compacted: ${proof.error}`);
    assert(proof.value.times.length === readings.length, "a compacted day has all its readings");
    this.#statements.put.run(key, readings.length, cells, data);
  }

  remove(key: number): void {
    this.#statements.remove.run(key);
  }

  #rows(key: number): DayRows | undefined {
    const data = this.#statements.data.get(key);
    if (data === undefined) return undefined;
    const rows = unpackDay(data);
    if (rows.ok) return rows.value;
    const { day, meter } = partsOf(key);
    throw new Error(`the stored day ${dateOf(day)} of meter number ${meter} cannot be read: ${rows.error}`);
  }

  #readings({ times, sources, qualities, sequences, columns }: DayRows, meter: MeterId): MeterReading[] {
    const readings = times.map((time, i) => ({
      meter,
      time: civil(time),
      source: sourceOf(sources[i] as number),
      sequence: sequences[i] ?? null,
      quality: qualityOf(qualities[i] as number),
      values: {} as Partial<Record<MeasureKey, number | null>>,
    }));
    for (const { measure, cells } of columns) {
      const key = this.#keys.get(measure);
      assert(key !== undefined, `measure ${measure} in the database`);
      for (let i = 0; i < cells.length; i++) {
        const cell = cells[i];
        if (cell !== undefined) (readings[i] as (typeof readings)[number]).values[key] = cell;
      }
    }
    return readings;
  }

  #fromReadings(readings: readonly MeterReading[]): DayRows {
    const columns = new Map<MeasureKey, (number | null | undefined)[]>();
    for (const [i, { values }] of readings.entries())
      for (const key in values) {
        let cells = columns.get(key as MeasureKey);
        if (cells === undefined) {
          cells = new Array(readings.length).fill(undefined);
          columns.set(key as MeasureKey, cells);
        }
        cells[i] = values[key as MeasureKey];
      }
    const numbered = [...columns].map(([key, cells]): DayColumn => {
      const measure = this.#numbers.get(key);
      assert(measure !== undefined, `a number of ${key} in the database`);
      return { measure, cells };
    });
    return {
      times: readings.map((r) => r.time),
      sources: readings.map((r) => SOURCE_CODES[r.source]),
      qualities: readings.map((r) => QUALITY_CODES[r.quality]),
      sequences: readings.map((r) => r.sequence),
      columns: numbered.sort((a, b) => a.measure - b.measure),
    };
  }
}

/** Both in the order of time, as one; what is in both is taken from `hot`. */
export function mergeByTime(hot: readonly MeterReading[], days: readonly MeterReading[]): readonly MeterReading[] {
  if (days.length === 0) return hot;
  const byTime = new Map<Civil, MeterReading>();
  for (const reading of days) byTime.set(reading.time, reading);
  for (const reading of hot) byTime.set(reading.time, reading);
  return [...byTime.values()].sort((a, b) => a.time - b.time);
}

function prepare(db: BetterSqlite3.Database) {
  return {
    next: db.prepare<[number], number>("SELECT key FROM reading_days WHERE key >= ? ORDER BY key LIMIT 1").pluck(),
    keys: db
      .prepare<[number, number, number], number>(
        "SELECT key FROM reading_days WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
      )
      .pluck(),
    data: db.prepare<[number], Uint8Array>("SELECT data FROM reading_days WHERE key = ?").pluck(),
    put: db.prepare<[number, number, number, Uint8Array]>("INSERT OR REPLACE INTO reading_days VALUES (?, ?, ?, ?)"),
    remove: db.prepare<[number]>("DELETE FROM reading_days WHERE key = ?"),
  };
}
