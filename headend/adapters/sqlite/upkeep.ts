/**
 * How far the housekeeping is, and what a commit must do about readings that come for a time it has passed: upsert-once holds
 * over fresh rows and compacted days, and the newest reading of each meter stays known.
 */
import type BetterSqlite3 from "better-sqlite3";
import { QUALITY_CODES, SOURCE_CODES } from "../codes.ts";
import { DayTable, dayKey } from "./days.ts";
import { dayOf, SLOTS_PER_DAY, slotOf } from "./readings-schema.ts";

export interface UpkeepState {
  /** Minutes below have been folded into `newest`. */
  readonly folded: number;
  /** Days below are compacted, but for the last of them while one of the next two says where it is. */
  readonly sealed: number;
  readonly nextMeter: number | null;
  readonly nextSlot: number | null;
}

/** Meter-days whose times are kept in memory, for a meter that brings a backlog. */
const CACHED_DAYS = 64;

export class Upkeep {
  readonly days: DayTable;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #times = new Map<number, ReadonlySet<number>>();
  #state: UpkeepState;

  constructor(db: BetterSqlite3.Database) {
    this.days = new DayTable(db);
    this.#statements = prepare(db);
    this.#state = this.#load();
  }

  get state(): UpkeepState {
    return this.#state;
  }

  /** Minutes below have been dealt with: what comes for them has to be noted. */
  get passed(): number {
    return Math.max(this.#state.folded, this.#state.sealed * SLOTS_PER_DAY);
  }

  /** Inside a transaction; should it fail, {@link forget}. */
  save(change: Partial<UpkeepState>): void {
    this.#state = { ...this.#state, ...change };
    this.#statements.save.run(this.#state);
  }

  /** Drops what memory has beyond the file, after a transaction that was rolled back or that changed days. */
  forget(): void {
    this.#times.clear();
    this.#state = this.#load();
  }

  /** @throws Error with a sentence where the day's data is damaged. */
  isCompacted(meter: number, time: number): boolean {
    const day = dayOf(time);
    if (day >= this.#state.sealed) return false;
    const key = dayKey(day, meter);
    let times = this.#times.get(key);
    if (times === undefined) {
      times = new Set(this.days.times(key));
      if (this.#times.size >= CACHED_DAYS) this.#times.clear();
      this.#times.set(key, times);
    }
    return times.has(time);
  }

  /** Notes a reading that was stored for a time that has been passed. */
  noteLate(meter: number, time: number, quality: number, source: number): void {
    const day = dayOf(time);
    if (day < this.#state.sealed) this.#statements.late.run(dayKey(day, meter));
    if (source !== SOURCE_CODES.profile && slotOf(time) < this.#state.folded)
      this.advance(meter, time, quality === QUALITY_CODES.good ? time : null);
  }

  /** Makes newer readings the newest of their meter. Fresh rows stay while they are the newest, others go with their day. */
  advance(meter: number, time: number, goodTime: number | null): void {
    const before = this.#statements.newest.get(meter);
    const good = Math.max(before?.good_time ?? Number.NEGATIVE_INFINITY, goodTime ?? Number.NEGATIVE_INFINITY);
    const after = {
      time: Math.max(before?.time ?? Number.NEGATIVE_INFINITY, time),
      goodTime: Number.isFinite(good) ? good : null,
    };
    if (before !== undefined && after.time === before.time && after.goodTime === before.good_time) return;
    this.#statements.setNewest.run(meter, after.time, after.goodTime);
    for (const old of new Set([before?.time ?? null, before?.good_time ?? null]))
      if (old !== null && old !== after.time && old !== after.goodTime) this.#release(meter, old);
  }

  /** Removes a row that was kept only because it was the newest. */
  #release(meter: number, time: number): void {
    const { sealed, nextMeter, nextSlot } = this.#state;
    const done = nextMeter === null && nextSlot === null ? sealed : sealed - 1;
    const day = dayOf(time);
    // Later days, and those with late readings, are still to be compacted, and this row with them.
    if (day >= done || this.#statements.isLate.get(dayKey(day, meter)) !== undefined) return;
    const source = this.#statements.remove.get(slotOf(time), meter, time);
    // Its day is gone into the archive, so this was the last of it.
    if (source !== undefined && !this.isCompacted(meter, time)) this.#statements.uncount.run(1, source);
  }

  #load(): UpkeepState {
    return this.#statements.load.get() as UpkeepState;
  }
}

function prepare(db: BetterSqlite3.Database) {
  return {
    load: db.prepare<[], UpkeepState>(
      "SELECT folded, sealed, next_meter AS nextMeter, next_slot AS nextSlot FROM upkeep",
    ),
    save: db.prepare<[UpkeepState]>(
      `UPDATE upkeep SET folded = @folded, sealed = @sealed, next_meter = @nextMeter, next_slot = @nextSlot`,
    ),
    late: db.prepare<[number]>("INSERT OR IGNORE INTO late_days VALUES (?)"),
    isLate: db.prepare<[number], number>("SELECT key FROM late_days WHERE key = ?").pluck(),
    newest: db.prepare<[number], { time: number; good_time: number | null }>(
      "SELECT time, good_time FROM newest WHERE meter = ?",
    ),
    setNewest: db.prepare<[number, number, number | null]>("INSERT OR REPLACE INTO newest VALUES (?, ?, ?)"),
    remove: db
      .prepare<[number, number, number], number>(
        "DELETE FROM readings WHERE slot = ? AND meter = ? AND time = ? RETURNING source",
      )
      .pluck(),
    uncount: db.prepare<[number, number]>("UPDATE reading_counts SET count = count - ? WHERE source = ?"),
  };
}
