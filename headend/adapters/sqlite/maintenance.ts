/** Housekeeping in the writer's thread, a short step at a time, so that a commit that comes meanwhile hardly waits. */
import type BetterSqlite3 from "better-sqlite3";
import { MICROS_PER_SECOND } from "../../../src/core/time.ts";
import type { MaintenanceReport } from "../../ports.ts";
import type { RetentionPolicy } from "../../retention.ts";
import { Archive } from "./archive.ts";
import { type Budget, Compaction } from "./compaction.ts";
import { dayOf, slotOf } from "./readings-schema.ts";
import { reclaimPages } from "./space.ts";
import type { Upkeep } from "./upkeep.ts";

const STEP_MS = 50;
/** Younger readings are looked for among the fresh rows: most late ones have come by then. */
const FOLD_AFTER = 30 * 60 * MICROS_PER_SECOND;
/** A meter that brings a backlog would have its day written anew for each few readings. */
const LATE_EVERY = 10 * 60 * MICROS_PER_SECOND;

export class Maintenance {
  readonly #db: BetterSqlite3.Database;
  readonly #upkeep: Upkeep;
  readonly #policy: RetentionPolicy;
  readonly #compaction: Compaction;
  readonly #archive: Archive;
  #lateAt = Number.NEGATIVE_INFINITY;

  constructor(db: BetterSqlite3.Database, upkeep: Upkeep, policy: RetentionPolicy) {
    this.#db = db;
    this.#upkeep = upkeep;
    this.#policy = policy;
    this.#compaction = new Compaction(db, upkeep);
    this.#archive = new Archive(db, upkeep, policy);
  }

  /** One step. @param now µs since 1970 */
  maintain(now: number): MaintenanceReport {
    const end = performance.now() + STEP_MS;
    const budget = () => performance.now() < end;
    // What an archive that is begun has written must not change until it is removed.
    if (!this.#archive.isOpen) {
      const compacted = this.#transaction(() => this.#compact(now, budget));
      if (compacted !== undefined) return { more: true, compacted, archived: 0 };
    }
    const archived = this.#transaction(() => this.#archive.step(now, budget));
    if (archived !== undefined) return { more: true, compacted: 0, archived };
    return { more: reclaimPages(this.#db, budget), compacted: 0, archived: 0 };
  }

  /** @returns readings written; undefined when there was nothing to do. */
  #compact(now: number, budget: Budget): number | undefined {
    if (!this.#compaction.fold(slotOf(now - FOLD_AFTER), budget)) return 0;
    const written = this.#compaction.step(dayOf(now) - this.#policy.compactAfterDays, budget);
    if (written !== undefined) return written;
    if (now < this.#lateAt + LATE_EVERY && now >= this.#lateAt) return undefined;
    const merged = this.#compaction.mergeLate(budget);
    if (merged === undefined) this.#lateAt = now;
    return merged;
  }

  #transaction<T>(work: () => T): T {
    try {
      return this.#db.transaction(work).immediate();
    } finally {
      this.#upkeep.forget();
    }
  }
}
