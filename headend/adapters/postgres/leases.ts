/** Leases in the store itself, on a connection of their own: a long commit must not keep them from being renewed. */
import { randomUUID } from "node:crypto";
import { civil } from "../../../src/core/time.ts";
import type { LeaseAnswer, Leases } from "../../leases.ts";
import { type Connection, connect } from "./connection.ts";
import { explain } from "./errors.ts";
import { NUMBERS } from "./rows.ts";

export interface PostgresLeasesOptions {
  readonly url: string;
  /** What is to be held: `site`, `line bus-1`. */
  readonly resources: readonly string[];
  /** For people: who holds it. */
  readonly name: string;
  readonly seconds: number;
}

interface LeaseRow {
  readonly taken: boolean;
  readonly r: string;
  readonly f: number;
  readonly holder_name: string;
  readonly until_us: number;
  readonly free_in_us: number;
}

/** The tables are there already, see `preparePostgres`. */
export class PostgresLeases implements Leases {
  readonly #options: PostgresLeasesOptions;
  /** Another one after each start, though the name may be the same. */
  readonly #holder = randomUUID();
  #connection: Connection | undefined;

  constructor(options: PostgresLeasesOptions) {
    this.#options = options;
  }

  async take(): Promise<LeaseAnswer> {
    const { resources, name, seconds } = this.#options;
    const rows = await this.#ask<LeaseRow>("SELECT * FROM meterworks.take_leases($1, $2, $3, $4)", [
      ...[this.#holder, name, resources, seconds],
    ]);
    const other = rows.find(({ taken }) => !taken);
    if (other === undefined) return { kind: "held", fences: rows.map(({ r, f }) => ({ resource: r, fence: f })) };
    const { r: resource, holder_name: holder, until_us: until, free_in_us: freeIn } = other;
    return { kind: "busy", resource, holder, until: civil(until), freeIn };
  }

  async release(): Promise<void> {
    await this.#ask("SELECT meterworks.release_leases($1)", [this.#holder]);
  }

  async close(): Promise<void> {
    await this.#connection?.end();
    this.#connection = undefined;
  }

  async #ask<T>(text: string, values: unknown[]): Promise<T[]> {
    let hung: NodeJS.Timeout | undefined;
    try {
      if (this.#connection?.lost === true) this.#connection = undefined;
      this.#connection ??= await connect(this.#options.url, "meterworks leases");
      const { client } = this.#connection;
      // An answer that takes a whole lease is of no use any more.
      hung = setTimeout(() => this.#connection?.drop(), this.#options.seconds * 1_000);
      return (await client.query<T & Record<string, unknown>>({ text, values, types: NUMBERS })).rows;
    } catch (error) {
      throw new Error(explain(error), { cause: error });
    } finally {
      clearTimeout(hung);
    }
  }
}
