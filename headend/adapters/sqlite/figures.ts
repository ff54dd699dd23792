/** What a store's file is made of, for people who plan disks. */
import { statSync } from "node:fs";
import type BetterSqlite3 from "better-sqlite3";
import { openReader } from "./connection.ts";
import { dateOf } from "./days.ts";
import { explained } from "./errors.ts";
import { SLOTS_PER_DAY } from "./readings-schema.ts";
import { requireCurrent } from "./schema.ts";

export interface StoreFigures {
  readonly fileBytes: number;
  /** Of the file: pages that hold nothing and are used again. */
  readonly freeBytes: number;
  /** Commits that are not folded into the file yet. */
  readonly logBytes: number;
  /** Whether free pages are given back to the file system. */
  readonly shrinks: boolean;
  readonly meters: number;
  /** Readings (a meter at a time), of them such in compacted days. */
  readonly readings: number;
  readonly compactedReadings: number;
  /** Meter-days, and the values in them. */
  readonly compactedDays: number;
  readonly compactedValues: number;
  /** Bytes of the pages of compacted days ÷ their values: times, qualities, keys and all; null where there are none. */
  readonly bytesPerValue: number | null;
  /** Days before this date are compacted; null where none is. */
  readonly compactedBefore: string | null;
  /** Meter-days for which readings came after they had been compacted: taken in within some minutes. */
  readonly lateDays: number;
  /** Dates of the oldest and newest reading, in UTC. */
  readonly oldest: string | null;
  readonly newest: string | null;
}

/** Looks at a store, also of a running head-end. @throws Error with a sentence. */
export function storeFigures(file: string): StoreFigures {
  return explained(() => {
    const db = openReader(file);
    try {
      requireCurrent(db);
      return { ...fileFigures(db, file), ...readingFigures(db) };
    } finally {
      db.close();
    }
  });
}

function fileFigures(db: BetterSqlite3.Database, file: string) {
  const pragma = (name: string) => db.pragma(name, { simple: true }) as number;
  const pageSize = pragma("page_size");
  return {
    fileBytes: pragma("page_count") * pageSize,
    freeBytes: pragma("freelist_count") * pageSize,
    logBytes: statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0,
    shrinks: pragma("auto_vacuum") === 2,
  };
}

function readingFigures(db: BetterSqlite3.Database) {
  const one = <T>(sql: string) => db.prepare(sql).pluck().get() as T;
  const days = db.prepare("SELECT count(*) AS n, sum(rows) AS rows, sum(cells) AS cells FROM reading_days").get() as {
    readonly n: number;
    readonly rows: number | null;
    readonly cells: number | null;
  };
  const pages = one<number | null>("SELECT sum(pgsize) FROM dbstat WHERE name = 'reading_days'") ?? 0;
  const sealed = one<number>("SELECT sealed FROM upkeep");
  const [firstSlot, lastSlot] = [
    one<number | null>("SELECT min(slot) FROM readings"),
    one<number | null>("SELECT max(slot) FROM readings"),
  ];
  const [firstKey, lastKey] = [
    one<number | null>("SELECT min(key) >> 32 FROM reading_days"),
    one<number | null>("SELECT max(key) >> 32 FROM reading_days"),
  ];
  return {
    meters: one<number>("SELECT count(*) FROM meters"),
    readings: one<number | null>("SELECT sum(count) FROM reading_counts") ?? 0,
    compactedReadings: days.rows ?? 0,
    compactedDays: days.n,
    compactedValues: days.cells ?? 0,
    bytesPerValue: days.cells === null ? null : Number((pages / days.cells).toFixed(2)),
    compactedBefore: sealed === 0 ? null : dateOf(sealed),
    lateDays: one<number>("SELECT count(*) FROM late_days"),
    oldest: extreme(Math.min, firstSlot, firstKey),
    newest: extreme(Math.max, lastSlot, lastKey),
  };
}

function extreme(choose: (...days: number[]) => number, slot: number | null, day: number | null): string | null {
  const days = [slot === null ? null : Math.floor(slot / SLOTS_PER_DAY), day].filter((d) => d !== null);
  return days.length === 0 ? null : dateOf(choose(...days));
}
