/**
 * Copies of a store: one taken beside a running head-end, and the look at a file that says what it holds.
 * Which names the files get, and when, is the caller's business.
 */

import type BetterSqlite3 from "better-sqlite3";
import Database from "better-sqlite3";
import { civil } from "../../../src/core/time.ts";
import { RUNS } from "../../alarms/runs.ts";
import { AuditAppender } from "./audit.ts";
import { holdLock, openReader } from "./connection.ts";
import { explain, explained } from "./errors.ts";
import { requireSound } from "./file-check.ts";
import { checkIdentity, LAST_ORDER, migrate } from "./schema.ts";

const COUNTED = ["meters", "readings", "orders", "accounts", "postings", "audit"] as const;

export type RowCounts = Readonly<Record<(typeof COUNTED)[number], number>>;

/** What a store's file holds. */
export interface StoreContent {
  readonly schema: number;
  readonly rows: RowCounts;
}

/** Pages copied between two calls of `onProgress`: 8 MB, some hundredths of a second. */
const STEP_PAGES = 2_000;

/**
 * Copies the store at `file` into `draft`, a path where nothing is yet, as it was at one moment: with every commit that was
 * resolved before the call. The head-end may run and commit meanwhile; it neither waits nor disturbs the copy.
 * `onProgress` gets the share done, 0..1; what it throws ends the copy. The draft is the caller's to remove then.
 * Rejects with a sentence.
 */
export async function copyStore(file: string, draft: string, onProgress: (share: number) => void): Promise<void> {
  const source = explained(() => openReader(file));
  try {
    // A read transaction holds the snapshot. Without it every commit of the head-end would begin the copy anew, and a busy
    // site would never get to its end. Until it is over the write-ahead log cannot be folded in and grows.
    explained(() => {
      source.exec("BEGIN");
      if (checkIdentity(source) === 0) throw new Error("there is no store in it");
    });
    await source.backup(draft, {
      progress({ totalPages, remainingPages }) {
        onProgress(totalPages === 0 ? 0 : (totalPages - remainingPages) / totalPages);
        return STEP_PAGES;
      },
    });
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  } finally {
    source.close();
  }
  explained(() => foldIntoOneFile(draft));
}

/** The copy says of itself that it has a write-ahead log; without this a reader would lay one beside it. */
function foldIntoOneFile(draft: string): void {
  const db = new Database(draft, { fileMustExist: true });
  try {
    db.pragma("journal_mode = DELETE");
  } finally {
    db.close();
  }
}

/**
 * Checks a copy in full and counts its rows; changes nothing.
 * @throws Error with a sentence: damaged, another program's, a newer version's, no store at all.
 */
export function inspectStore(file: string): StoreContent {
  return explained(() => {
    const db = openReader(file);
    try {
      const schema = checkIdentity(db);
      if (schema === 0) throw new Error("there is no store in it");
      requireSound(db, "full");
      return { schema, rows: countRows(db) };
    } finally {
      db.close();
    }
  });
}

function countRows(db: BetterSqlite3.Database): RowCounts {
  const count = (table: string) => [table, db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number];
  const rows = Object.fromEntries(COUNTED.map(count)) as RowCounts;
  return { ...rows, readings: rows.readings + compactedReadings(db) };
}

/** More orders than any head-end gives between a backup and its restore; 2^53 has room for two million restores. */
const ORDER_LEAP = 2 ** 32;

/**
 * Makes the copy of a backup a store to go on with, upgraded to this version's schema. Orders given after the backup are not
 * in it, but meters remember their numbers, and answer a number they know with its first outcome: the next orders therefore
 * get numbers beyond all that can have been given. The audit says that it was restored (`at` in µs since 1970) and from what.
 * @throws Error with a sentence.
 */
export function resumeFrom(copy: string, at: number, detail: string): void {
  explained(() => {
    const db = new Database(copy, { fileMustExist: true });
    try {
      migrate(db);
      db.transaction(() => {
        const last = db.prepare(LAST_ORDER).pluck().get() as number;
        db.prepare("INSERT OR REPLACE INTO order_floor (number, last) VALUES (1, ?)").run(last + ORDER_LEAP);
        const entry = { at: civil(at), actor: "restore", action: "store restored", meter: null, order: null, detail };
        new AuditAppender(db).add(entry, null);
        // What became of the head-end that ran at the backup is not in it: the next start must not call that a crash.
        db.prepare("UPDATE documents SET live = 0 WHERE collection = ?").run(RUNS);
      })();
    } finally {
      db.close();
    }
  });
}

/** Keeps head-ends off the store until the returned function is called. @throws Error with a sentence where one has it open. */
export function reserveStore(file: string): () => void {
  const lock = explained(() => holdLock(file));
  return () => lock.close();
}

/** Of the fresh rows a meter's newest can be in a compacted day as well: it counts twice, in every copy alike. */
function compactedReadings(db: BetterSqlite3.Database): number {
  const isThere = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'reading_days'").get() !== undefined;
  return isThere ? (db.prepare("SELECT coalesce(sum(rows), 0) FROM reading_days").pluck().get() as number) : 0;
}
