/** The audit of a store's file, for whoever verifies or exports it; the head-end may be running. */
import { existsSync } from "node:fs";
import type { ChainedEntry } from "../../audit/chain.ts";
import { chainOf } from "./audit.ts";
import { openReader } from "./connection.ts";
import { explain } from "./errors.ts";
import { CHAINED_SINCE, checkIdentity } from "./schema.ts";

/**
 * Shows the entries one after the other, oldest first, until `take` gives false.
 * @throws Error with a sentence: no such file, not a store, of a newer version, or older than the chain.
 */
export function readAudit(file: string, take: (entry: ChainedEntry) => boolean): void {
  if (!existsSync(file)) throw new Error("there is no such file");
  let db: ReturnType<typeof openReader> | undefined;
  try {
    db = openReader(file);
    if (checkIdentity(db) < CHAINED_SINCE)
      throw new Error(
        "an older meterworks wrote it, its audit is not chained yet: start this version's head-end on it once",
      );
    for (const entry of chainOf(db)) if (!take(entry)) break;
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  } finally {
    db?.close();
  }
}
