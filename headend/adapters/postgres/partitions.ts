/**
 * The monthly tables of the readings: made ahead at the start, and where a reading is of a month that has none.
 * A month far from today goes to the default table, since meters' clocks go wrong.
 */
import type pg from "pg";
import { codeOf } from "./errors.ts";

/** Months before and after the present one that get a table of their own. */
const PAST = 180;
const AHEAD = 12;
/** How many are made at the start: the present one and those to come. */
const MADE_AHEAD = 3;

export class Partitions {
  readonly #client: pg.Client;
  /** Months that are settled: since 1970, in UTC. */
  readonly #known = new Set<number>();
  #present = 0;
  /** A month whose readings need no look: the newest seen, as [from, to) in µs. */
  #from = 0;
  #to = 0;
  #partitioned = true;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Looks at what there is and makes the months to come. Where a person has made `readings` a table of another kind, none. */
  async open(): Promise<void> {
    const { rows } = await this.#client.query<{ relkind: string; present: number }>(
      `SELECT relkind, (extract(year FROM now() AT TIME ZONE 'UTC') * 12
         + extract(month FROM now() AT TIME ZONE 'UTC') - 1 - 1970 * 12)::int AS present
       FROM pg_class WHERE oid = 'meterworks.readings'::regclass`,
    );
    this.#partitioned = rows[0]?.relkind === "p";
    this.#present = rows[0]?.present ?? 0;
    if (!this.#partitioned) return;
    for (let month = this.#present; month < this.#present + MADE_AHEAD; month++) await this.#make(month);
  }

  /** Whether a reading of this time (µs) may be written; where not, see {@link require}. */
  has(time: number): boolean {
    if (!this.#partitioned || (time >= this.#from && time < this.#to)) return true;
    const month = monthOf(time);
    if (!this.#known.has(month)) return false;
    [this.#from, this.#to] = [startOf(month), startOf(month + 1)];
    return true;
  }

  /** Makes the table of this time's month, outside the transaction of the readings. */
  async require(time: number): Promise<void> {
    const month = monthOf(time);
    if (month < this.#present - PAST || month > this.#present + AHEAD) this.#known.add(month);
    else await this.#make(month);
  }

  /** Attaching, unlike CREATE TABLE … PARTITION OF, lets others go on reading. */
  async #make(month: number): Promise<void> {
    const table = `meterworks.${tableOf(month)}`;
    const [from, to] = [startOf(month), startOf(month + 1)];
    const exists = await this.#client.query("SELECT to_regclass($1) AS found", [table]);
    if (exists.rows[0].found === null) {
      try {
        await this.#client.query(`BEGIN;
          CREATE TABLE ${table} (LIKE meterworks.readings INCLUDING DEFAULTS INCLUDING INDEXES);
          WITH moved AS (DELETE FROM meterworks.readings_other WHERE time >= ${from} AND time < ${to} RETURNING *)
            INSERT INTO ${table} SELECT * FROM moved;
          ALTER TABLE meterworks.readings ATTACH PARTITION ${table} FOR VALUES FROM (${from}) TO (${to});
          COMMIT`);
      } catch (error) {
        await this.#client.query("ROLLBACK");
        // 42P07: another program was faster.
        if (codeOf(error) !== "42P07") throw error;
      }
    }
    this.#known.add(month);
  }
}

function monthOf(time: number): number {
  const date = new Date(time / 1_000);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
}

/** µs since 1970. */
function startOf(month: number): number {
  return Date.UTC(1970 + Math.floor(month / 12), month % 12) * 1_000;
}

/** `readings_2026_11`. */
function tableOf(month: number): string {
  return `readings_${1970 + Math.floor(month / 12)}_${String((month % 12) + 1).padStart(2, "0")}`;
}
