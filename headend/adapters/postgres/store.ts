/** The PostgreSQL store: one connection writes, a few read. */
import { randomBytes, randomUUID } from "node:crypto";
import pg from "pg";
import type { Fence } from "../../leases.ts";
import type { Store, StoreBatch, StoreQuery, StoreSnapshot } from "../../ports.ts";
import { GroupCommit, type GroupLimits } from "../group-commit.ts";
import { clientConfig, connect, showUrl } from "./connection.ts";
import { explain } from "./errors.ts";
import { GroupWriter } from "./group-writer.ts";
import { migrate } from "./migrate.ts";
import { PostgresReader } from "./reader.ts";

export interface PostgresStoreOptions {
  /** `postgres://USER@HOST/DATABASE`; the password there, in PGPASSWORD or in ~/.pgpass. */
  readonly url: string;
  /** What every commit checks. Without any, nobody else may write to this store. */
  readonly fences?: readonly Fence[];
  /** How long a commit waits for a server that is gone before it fails; default 20 s, so that a restart fails none. */
  readonly patienceMs?: number;
}

const GROUPS: GroupLimits = { groupRecords: 10_000, waitingBatches: 10_000 };
const READERS = 4;
/** A query that takes longer is ended by the server. */
const QUERY_MS = 60_000;

/** Creates or upgrades the tables. @throws Error with a sentence that names the server. */
export async function preparePostgres(url: string): Promise<void> {
  const connection = await connect(url, "meterworks migration");
  try {
    await migrate(connection.client);
  } catch (error) {
    throw new Error(`${showUrl(url)}: ${explain(error)}`, { cause: error });
  } finally {
    await connection.end();
  }
}

/** Opens the store, and creates or upgrades its tables. Rejects with a sentence that names the server. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const { url, fences = [], patienceMs = 20_000 } = options;
  await preparePostgres(url);
  const writer = new GroupWriter(url, { id: randomUUID(), fences }, patienceMs, randomBytes(6).readUIntBE(0, 6));
  await writer.open();
  return new PostgresStore(url, writer);
}

export class PostgresStore implements Store {
  readonly query: StoreQuery;
  readonly #writer: GroupWriter;
  readonly #commits: GroupCommit<StoreBatch>;
  readonly #pool: pg.Pool;
  #closing: Promise<void> | undefined;

  constructor(url: string, writer: GroupWriter) {
    this.#writer = writer;
    this.#commits = new GroupCommit<StoreBatch>((batches) => writer.commit(batches), GROUPS);
    this.#pool = new pg.Pool({
      ...clientConfig(url, "meterworks reader"),
      max: READERS,
      statement_timeout: QUERY_MS,
      allowExitOnIdle: true,
    });
    // A connection that breaks while nobody uses it leaves the pool by itself; without a listener it would end the process.
    this.#pool.on("error", () => {});
    this.query = explained(new PostgresReader((work) => this.#lend(work)), () => this.#closing !== undefined);
  }

  commit(batch: StoreBatch): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new Error("the store is closed"));
    return this.#commits.commit(batch);
  }

  async snapshot(): Promise<StoreSnapshot> {
    try {
      return await this.#lend(async (client) => {
        await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        const snapshot = await new PostgresReader((work) => work(client)).snapshot();
        await client.query("COMMIT");
        return snapshot;
      });
    } catch (error) {
      throw new Error(explain(error), { cause: error });
    }
  }

  /** A connection on which something failed is not lent again. */
  async #lend<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /** Waits for what is under way; commits that wait for a lost connection are given up. */
  close(): Promise<void> {
    this.#closing ??= this.#close(() => {
      this.#writer.giveUp();
      return this.#commits.idle();
    });
    return this.#closing;
  }

  /** Ends it without waiting: for one whose lease is lost, since nothing of it may be committed any more. */
  abandon(): Promise<void> {
    this.#closing ??= this.#close(async () => this.#writer.abort());
    return this.#closing;
  }

  async #close(first: () => Promise<void>): Promise<void> {
    await first();
    await this.#writer.close();
    await this.#pool.end();
  }
}

/** Rejections as sentences; after the end of the store every query is one. */
function explained(reader: PostgresReader, closed: () => boolean): StoreQuery {
  const query =
    <K extends keyof StoreQuery>(method: K) =>
    async (...args: Parameters<StoreQuery[K]>) => {
      if (closed()) throw new Error("the store is closed");
      try {
        return await (reader[method] as (...all: unknown[]) => Promise<never>)(...args);
      } catch (error) {
        throw new Error(explain(error), { cause: error });
      }
    };
  return {
    meters: query("meters"),
    meter: query("meter"),
    readings: query("readings"),
    latest: query("latest"),
    order: query("order"),
    orders: query("orders"),
    account: query("account"),
    accounts: query("accounts"),
    postings: query("postings"),
    audit: query("audit"),
    document: query("document"),
    documents: query("documents"),
    counts: query("counts"),
  };
}
