/** Reading the fresh rows of one meter. They lie by minute first, so it goes from one minute that has any to the next. */
import type BetterSqlite3 from "better-sqlite3";
import type { MeterId, MeterReading } from "../../ports.ts";
import { READ_NOW } from "../codes.ts";
import { type Cell, READING_COLUMNS, readingFrom } from "../mapping.ts";
import { slotOf } from "./readings-schema.ts";

export class FreshReadings {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: BetterSqlite3.Database) {
    this.#statements = prepare(db);
  }

  /** The minutes from `from` to `to` (both included) in which there is a reading of any meter, upwards. */
  *slots(from: number, to: number): Iterable<number> {
    for (let slot = this.#statements.up.get(from); slot != null && slot <= to; slot = this.#statements.up.get(slot + 1))
      yield slot;
  }

  /** Readings with from <= time < to by time, at most `limit`. */
  range(meter: MeterId, number: number, from: number, to: number, limit: number): readonly MeterReading[] {
    const found: MeterReading[] = [];
    for (const slot of this.slots(slotOf(from), slotOf(to)))
      for (const cells of this.#statements.ofSlot.all(slot, number, from, to)) {
        found.push(readingFrom(meter, cells));
        if (found.length === limit) return found;
      }
    return found;
  }

  /** All of the meter in these minutes, by time. */
  inSlots(meter: MeterId, number: number, slots: readonly number[]): readonly MeterReading[] {
    const all: MeterReading[] = [];
    for (const slot of slots)
      for (const cells of this.#statements.ofSlot.all(slot, number, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER))
        all.push(readingFrom(meter, cells));
    return all;
  }

  /** The newest of the meter in the minutes from `from` on. */
  newestSince(meter: MeterId, number: number, from: number): MeterReading | undefined {
    let slot = this.#statements.down.get(Number.MAX_SAFE_INTEGER);
    while (slot != null && slot >= from) {
      const cells = this.#statements.newestOfSlot.get(slot, number);
      if (cells !== undefined) return readingFrom(meter, cells);
      slot = this.#statements.down.get(slot - 1);
    }
    return undefined;
  }

  at(meter: MeterId, number: number, time: number): MeterReading | undefined {
    const cells = this.#statements.ofSlot.get(slotOf(time), number, time, time + 1);
    return cells && readingFrom(meter, cells);
  }
}

function prepare(db: BetterSqlite3.Database) {
  const cells = READING_COLUMNS.join(", ");
  return {
    up: db.prepare<[number], number | null>("SELECT min(slot) FROM readings WHERE slot >= ?").pluck(),
    down: db.prepare<[number], number | null>("SELECT max(slot) FROM readings WHERE slot <= ?").pluck(),
    ofSlot: db
      .prepare<[number, number, number, number], Cell[]>(
        `SELECT ${cells} FROM readings WHERE slot = ? AND meter = ? AND time >= ? AND time < ? ORDER BY time`,
      )
      .raw(),
    newestOfSlot: db
      .prepare<[number, number], Cell[]>(
        `SELECT ${cells} FROM readings WHERE slot = ? AND meter = ? AND ${READ_NOW} ORDER BY time DESC LIMIT 1`,
      )
      .raw(),
  };
}
