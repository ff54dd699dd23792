/**
 * Moves whole days from fresh rows into `reading_days`, in steps that each are one short transaction, so that a kill at any
 * moment leaves every reading in at least one of the two, and queries see it once.
 *
 * A day is sealed first: from then on readings that come for it are noted as late. All its meters are written, one after the
 * other; then its rows are removed minute by minute, as they lie in the file: meter by meter each would touch every page of
 * the day. Rows that are a meter's newest stay as well.
 */
import type BetterSqlite3 from "better-sqlite3";
import type { MeterId, MeterReading } from "../../ports.ts";
import { QUALITY_CODES, READ_NOW } from "../codes.ts";
import { dayKey, mergeByTime, partsOf } from "./days.ts";
import { FreshReadings } from "./fresh-readings.ts";
import { SLOTS_PER_DAY, slotOf } from "./readings-schema.ts";
import type { Upkeep } from "./upkeep.ts";

/** Whether there is time left in a step; the first piece of a step is always done. */
export type Budget = () => boolean;

export class Compaction {
  readonly #upkeep: Upkeep;
  readonly #fresh: FreshReadings;
  readonly #statements: ReturnType<typeof prepare>;
  #slots: { readonly day: number; readonly slots: readonly number[] } = { day: -1, slots: [] };

  constructor(db: BetterSqlite3.Database, upkeep: Upkeep) {
    this.#upkeep = upkeep;
    this.#fresh = new FreshReadings(db);
    this.#statements = prepare(db);
  }

  /** Days that are begun are gone on with; then days below `day` are begun. @returns readings written, undefined when done. */
  step(day: number, budget: Budget): number | undefined {
    const { sealed, nextMeter, nextSlot } = this.#upkeep.state;
    if (nextMeter !== null) return this.#writeMeters(sealed - 1, nextMeter, budget);
    if (nextSlot !== null) return this.#removeRows(sealed - 1, nextSlot, budget);
    if (sealed >= day) return undefined;
    return this.#seal(sealed, day);
  }

  /** Takes readings that came late into their days. @returns readings written, undefined when there are none. */
  mergeLate(budget: Budget): number | undefined {
    const { sealed, nextMeter } = this.#upkeep.state;
    // The day that is being written takes them in as it comes to their meters, or afterwards.
    return this.#mergeLate(0, nextMeter === null ? sealed : sealed - 1, budget);
  }

  /** Goes from minute to minute below `slot` and keeps what is newest. @returns whether it got there. */
  fold(slot: number, budget: Budget): boolean {
    let next = this.#upkeep.state.folded;
    if (next >= slot) return true;
    const newest = new Map<number, { time: number; good: number | null }>();
    let arrived = true;
    for (const at of this.#fresh.slots(next, slot - 1)) {
      if (newest.size > 0 && !budget()) {
        arrived = false;
        break;
      }
      for (const row of this.#statements.newestOfSlot.all(at)) newest.set(row.meter, later(newest.get(row.meter), row));
      next = at + 1;
    }
    this.#upkeep.save({ folded: arrived ? slot : next });
    for (const meter of [...newest.keys()].sort((a, b) => a - b)) {
      const { time, good } = newest.get(meter) as { time: number; good: number | null };
      this.#upkeep.advance(meter, time, good);
    }
    return arrived;
  }

  /** Begins with the first day from `sealed` on, below `day`, that has a reading. */
  #seal(sealed: number, day: number): number {
    const [first] = this.#fresh.slots(sealed * SLOTS_PER_DAY, day * SLOTS_PER_DAY - 1);
    if (first === undefined) this.#upkeep.save({ sealed: day });
    else this.#upkeep.save({ sealed: Math.floor(first / SLOTS_PER_DAY) + 1, nextMeter: 0 });
    return 0;
  }

  #writeMeters(day: number, from: number, budget: Budget): number {
    let written = 0;
    for (const { number, id } of this.#statements.meters.all(from)) {
      written += this.#write(day, number, id).length;
      this.#upkeep.save({ nextMeter: number + 1 });
      if (!budget()) return written;
    }
    const { nextMeter } = this.#upkeep.state;
    if (nextMeter === null || this.#statements.meters.get(nextMeter) === undefined)
      this.#upkeep.save({ nextMeter: null, nextSlot: day * SLOTS_PER_DAY });
    return written;
  }

  /** @returns the readings of the meter's day that were fresh. */
  #write(day: number, number: number, id: MeterId): readonly MeterReading[] {
    const fresh = this.#fresh.inSlots(id, number, this.#slotsOf(day));
    const key = dayKey(day, number);
    if (fresh.length > 0) this.#upkeep.days.write(key, mergeByTime(fresh, this.#upkeep.days.read(key, id)));
    return fresh;
  }

  #removeRows(day: number, from: number, budget: Budget): number {
    // What came for the day since its meter was written would go with its rows.
    const merged = this.#mergeLate(day, day + 1, budget) ?? 0;
    if (this.#statements.late.get(dayKey(day, 0), dayKey(day + 1, 0)) !== undefined) return merged;
    for (const slot of this.#fresh.slots(from, (day + 1) * SLOTS_PER_DAY - 1)) {
      this.#statements.removeSlot.run(slot);
      if (budget()) continue;
      this.#upkeep.save({ nextSlot: slot + 1 });
      return merged;
    }
    this.#upkeep.save({ nextSlot: null });
    return merged;
  }

  #mergeLate(fromDay: number, toDay: number, budget: Budget): number | undefined {
    let written: number | undefined;
    for (const key of this.#statements.late.all(dayKey(fromDay, 0), dayKey(toDay, 0))) {
      const { day, meter } = partsOf(key);
      const id = this.#statements.id.get(meter) as MeterId;
      // Minutes that were empty when the day was sealed may have a reading by now.
      this.#slots = { day: -1, slots: [] };
      const fresh = this.#write(day, meter, id);
      for (const { time } of fresh) this.#statements.removeRow.run(slotOf(time), meter, time);
      written = (written ?? 0) + fresh.length;
      this.#statements.forgetLate.run(key);
      if (!budget()) break;
    }
    return written;
  }

  #slotsOf(day: number): readonly number[] {
    if (this.#slots.day !== day)
      this.#slots = { day, slots: [...this.#fresh.slots(day * SLOTS_PER_DAY, (day + 1) * SLOTS_PER_DAY - 1)] };
    return this.#slots.slots;
  }
}

type Newest = { readonly time: number; readonly good: number | null };

function later(known: Newest | undefined, { time, good }: Newest): Newest {
  if (known === undefined) return { time, good };
  return { time: Math.max(known.time, time), good: good ?? known.good };
}

function prepare(db: BetterSqlite3.Database) {
  const isNewest =
    "EXISTS (SELECT 1 FROM newest n WHERE n.meter = readings.meter AND readings.time IN (n.time, n.good_time))";
  return {
    meters: db.prepare<[number], { number: number; id: MeterId }>(
      "SELECT number, id FROM meters WHERE number >= ? ORDER BY number LIMIT 200",
    ),
    id: db.prepare<[number], string>("SELECT id FROM meters WHERE number = ?").pluck(),
    newestOfSlot: db.prepare<[number], { meter: number } & Newest>(
      `SELECT meter, max(time) AS time, max(CASE quality WHEN ${QUALITY_CODES.good} THEN time END) AS good
       FROM readings WHERE slot = ? AND ${READ_NOW} GROUP BY meter`,
    ),
    removeSlot: db.prepare<[number]>(`DELETE FROM readings WHERE slot = ? AND NOT ${isNewest}`),
    removeRow: db.prepare<[number, number, number]>(
      `DELETE FROM readings WHERE slot = ? AND meter = ? AND time = ? AND NOT ${isNewest}`,
    ),
    late: db
      .prepare<[number, number], number>("SELECT key FROM late_days WHERE key >= ? AND key < ? ORDER BY key LIMIT 100")
      .pluck(),
    forgetLate: db.prepare<[number]>("DELETE FROM late_days WHERE key = ?"),
  };
}
