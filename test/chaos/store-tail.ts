/**
 * Looks into the store's file beside the head-end, with SQLite alone: when did each published reading become visible to
 * another reader? That is the moment of its commit, as the world sees it.
 */
import { existsSync } from "node:fs";
import type BetterSqlite3 from "better-sqlite3";
import Database from "better-sqlite3";

export interface Published {
  readonly meter: string;
  readonly sequence: number;
  /** The meter's own time, µs since 1970. */
  readonly time: number;
  /** ms since 1970: given to the network; visible in the store (0: not yet). */
  readonly published: number;
  readonly values: readonly string[];
  acknowledged: boolean;
  visible: number;
}

export class StoreTail {
  readonly #file: string;
  readonly #numbers = new Map<string, number>();
  #db: BetterSqlite3.Database | undefined;
  #number: BetterSqlite3.Statement<[string]> | undefined;
  #there: BetterSqlite3.Statement<[number, number, number]> | undefined;
  #pending = new Set<Published>();

  constructor(file: string) {
    this.#file = file;
  }

  watch(reading: Published): void {
    this.#pending.add(reading);
  }

  get pending(): ReadonlySet<Published> {
    return this.#pending;
  }

  /** Stamps what has become visible. */
  look(): void {
    if (this.#pending.size === 0 || !this.#opened()) return;
    // One transaction: every look sees one state of the store.
    this.#db?.transaction(() => {
      const now = Date.now();
      for (const reading of this.#pending) {
        const meter = this.#numberOf(reading.meter);
        if (meter === undefined || this.#there?.get(reading.time, meter, reading.time) === undefined) continue;
        reading.visible = now;
        this.#pending.delete(reading);
      }
    })();
  }

  #numberOf(id: string): number | undefined {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const found = this.#number?.pluck().get(id) as number | undefined;
    if (found !== undefined) this.#numbers.set(id, found);
    return found;
  }

  #opened(): boolean {
    if (this.#db !== undefined) return true;
    if (!existsSync(this.#file)) return false;
    const db = new Database(this.#file, { readonly: true, timeout: 5_000 });
    try {
      this.#number = db.prepare("SELECT number FROM meters WHERE id = ?");
      this.#there = db.prepare(
        "SELECT 1 FROM readings WHERE slot = CAST(? AS INTEGER) / 60000000 AND meter = ? AND time = ?",
      );
      this.#db = db;
      return true;
    } catch {
      // The head-end has not made its tables yet.
      db.close();
      return false;
    }
  }
}
