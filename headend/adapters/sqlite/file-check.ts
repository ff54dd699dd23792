/** Whether the file is sound, asked before anything is written to it: damage found late is damage copied into every backup. */
import type BetterSqlite3 from "better-sqlite3";
import { WAY_OUT } from "./errors.ts";

/**
 * `quick` looks at every page and every row's types; `full` compares the indexes with their tables as well;
 * `none` is for a file that was just checked, or one too large to wait for.
 */
export type FileCheck = "none" | "quick" | "full";

/** @throws Error with a sentence that names the first damage and the way out; the library's exceptions where it cannot even look. */
export function requireSound(db: BetterSqlite3.Database, check: FileCheck): void {
  if (check === "none") return;
  const found = db.pragma(check === "quick" ? "quick_check(1)" : "integrity_check(1)", { simple: true }) as string;
  if (found === "ok") return;
  const damage = found.trim().replace(/\s+/g, " ");
  throw new Error(`the database is damaged (${damage}): ${WAY_OUT}`);
}
