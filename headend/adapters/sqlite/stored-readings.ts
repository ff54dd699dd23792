/** Readings as queries see them: fresh rows and compacted days as one, each once. */
import type BetterSqlite3 from "better-sqlite3";
import type { Civil } from "../../../src/core/time.ts";
import type { MeterId, MeterReading } from "../../ports.ts";
import { QUALITY_CODES, READ_NOW } from "../codes.ts";
import { DayTable, dayKey, mergeByTime } from "./days.ts";
import { FreshReadings } from "./fresh-readings.ts";
import { dayOf } from "./readings-schema.ts";

interface Newest {
  readonly meter: number;
  readonly id: MeterId;
  readonly time: number;
  readonly goodTime: number | null;
}

/** Inside a transaction of the caller's, or what is being compacted could be missed in both places. */
export class StoredReadings {
  readonly #fresh: FreshReadings;
  readonly #days: DayTable;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: BetterSqlite3.Database) {
    this.#fresh = new FreshReadings(db);
    this.#days = new DayTable(db);
    this.#statements = prepare(db);
  }

  /** @throws Error with a sentence where a day that is needed is damaged. */
  range(id: MeterId, from: Civil, to: Civil, limit: number): readonly MeterReading[] {
    const meter = this.#statements.number.get(id);
    if (meter === undefined || from >= to) return [];
    const compacted: MeterReading[] = [];
    for (const day of this.#days.days(Math.max(0, dayOf(from)), dayOf(to))) {
      for (const reading of this.#days.read(dayKey(day, meter), id))
        if (reading.time >= from && reading.time < to) compacted.push(reading);
      if (compacted.length >= limit) break;
    }
    return mergeByTime(this.#fresh.range(id, meter, from, to, limit), compacted).slice(0, limit);
  }

  latest(id: MeterId): MeterReading | undefined {
    const meter = this.#statements.number.get(id);
    if (meter === undefined) return undefined;
    const since = this.#fresh.newestSince(id, meter, this.#statements.folded.get() as number);
    if (since !== undefined) return since;
    const time = this.#statements.newestTime.get(meter);
    return time === undefined ? undefined : this.#fresh.at(id, meter, time);
  }

  /** The newest reading of every meter, and the newest good one, both by id. */
  newest(): { readonly latest: readonly MeterReading[]; readonly latestGood: readonly MeterReading[] } {
    const latest: MeterReading[] = [];
    const latestGood: MeterReading[] = [];
    for (const { meter, id, time, goodTime } of this.#statements.newest.all()) {
      const reading = this.#fresh.at(id, meter, time);
      if (reading !== undefined) latest.push(reading);
      const good = goodTime === null ? undefined : goodTime === time ? reading : this.#fresh.at(id, meter, goodTime);
      if (good !== undefined) latestGood.push(good);
    }
    return { latest, latestGood };
  }
}

function prepare(db: BetterSqlite3.Database) {
  return {
    number: db.prepare<[string], number>("SELECT number FROM meters WHERE id = ?").pluck(),
    folded: db.prepare<[], number>("SELECT folded FROM upkeep").pluck(),
    newestTime: db.prepare<[number], number>("SELECT time FROM newest WHERE meter = ?").pluck(),
    newest: db.prepare<[], Newest>(
      `SELECT m.number AS meter, m.id, max(n.time) AS time, max(n.good_time) AS goodTime FROM (
         SELECT meter, time, good_time FROM newest
         UNION ALL
         SELECT meter, max(time), max(CASE quality WHEN ${QUALITY_CODES.good} THEN time END)
         FROM readings WHERE slot >= (SELECT folded FROM upkeep) AND ${READ_NOW} GROUP BY meter
       ) n JOIN meters m ON m.number = n.meter GROUP BY m.number ORDER BY m.id`,
    ),
  };
}
