/** Pages that no longer hold anything. */
import type BetterSqlite3 from "better-sqlite3";
import Database from "better-sqlite3";
import type { Budget } from "./compaction.ts";
import { holdLock } from "./connection.ts";
import { explained } from "./errors.ts";

/** Of the file: as much will be filled again by the next days. */
const KEPT_FREE = 0.25;
const STEP_PAGES = 256;

/**
 * Gives pages back to the file system where more than a quarter of the file is free. Files made before there was compaction
 * keep their size: their free pages are used again, and `meterworks store compact --vacuum` makes them anew.
 * @returns whether there is more to give back.
 */
export function reclaimPages(db: BetterSqlite3.Database, budget: Budget, keptFree = KEPT_FREE): boolean {
  if (db.pragma("auto_vacuum", { simple: true }) !== 2) return false;
  const surplus = () => (pragma(db, "freelist_count") as number) - Math.floor(keptFree * pragma(db, "page_count"));
  let left = surplus();
  while (left > 0) {
    db.pragma(`incremental_vacuum(${Math.min(left, STEP_PAGES)})`);
    left = surplus();
    if (!budget()) break;
  }
  return left > 0;
}

function pragma(db: BetterSqlite3.Database, name: string): number {
  return db.pragma(name, { simple: true }) as number;
}

/**
 * Gives all free pages back, of a store that nobody has open. `whole` writes the file anew, after which it can shrink by
 * itself, whichever version made it; the disk needs room for a second one meanwhile.
 * @throws Error with a sentence.
 */
export function rewriteStore(file: string, whole: boolean): void {
  explained(() => {
    const lock = holdLock(file);
    const db = new Database(file, { fileMustExist: true });
    try {
      if (whole) db.exec("PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
      else reclaimPages(db, () => true, 0);
      db.pragma("wal_checkpoint(TRUNCATE)");
    } finally {
      db.close();
      lock.close();
    }
  });
}
