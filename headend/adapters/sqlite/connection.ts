/** Opening the file: one connection that writes, one that only reads, and the lock that keeps a second head-end away. */

import type BetterSqlite3 from "better-sqlite3";
import Database from "better-sqlite3";
import { type FileCheck, requireSound } from "./file-check.ts";
import { migrate } from "./schema.ts";

/** FULL survives a power cut; NORMAL survives a crash of the process and may lose the last commits with the power. */
export type Synchronous = "FULL" | "NORMAL";

/** How long to wait for a foreign writer, such as a person's open transaction or a copy being made. */
const BUSY_MS = 5_000;

export interface WriterConnection {
  readonly db: BetterSqlite3.Database;
  close(): void;
}

/** @throws the library's exceptions, and Error with a sentence; see {@link migrate} and {@link requireSound}. */
export function openWriter(file: string, synchronous: Synchronous, check: FileCheck): WriterConnection {
  const lock = holdLock(file);
  let db: BetterSqlite3.Database | undefined;
  try {
    db = new Database(file, { timeout: BUSY_MS });
    // Before anything is written: what is damaged is not to get worse.
    requireSound(db, check);
    // Before WAL is switched on: a foreign file must stay as it is.
    migrateCarefully(db);
    db.pragma(`synchronous = ${synchronous}`);
    const opened = db;
    return {
      db,
      close() {
        opened.close();
        lock.close();
      },
    };
  } catch (error) {
    db?.close();
    lock.close();
    throw error;
  }
}

function migrateCarefully(db: BetterSqlite3.Database): void {
  db.pragma("foreign_keys = ON");
  // Takes effect in an empty file only: in others free pages are used again, but the file keeps its size.
  db.pragma("auto_vacuum = INCREMENTAL");
  migrate(db);
  db.pragma("journal_mode = WAL");
}

/** @throws the library's exceptions. */
export function openReader(file: string): BetterSqlite3.Database {
  return new Database(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
}

/**
 * Two collectors on one file would give the same order numbers twice. SQLite's own exclusive mode would also keep out
 * people who look with the sqlite3 program, so the lock is a second, empty database held in an exclusive transaction:
 * the kernel drops it with the process, so kill -9 leaves nothing to clean up.
 */
export function holdLock(file: string): BetterSqlite3.Database {
  const lock = new Database(`${file}-lock`, { timeout: 0 });
  try {
    lock.pragma("journal_mode = MEMORY");
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    if ((error as { code?: unknown }).code !== "SQLITE_BUSY") throw error;
    throw new Error("another head-end is using it: stop that one, or give this one a file of its own");
  }
}
