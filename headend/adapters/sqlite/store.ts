/** The SQLite store: two threads on one WAL database, so that neither the event loop nor a query waits for the disk. */
import { resolve } from "node:path";
import type { Civil } from "../../../src/core/time.ts";
import type { StoreBatch, StoreQuery, StoreSnapshot } from "../../ports.ts";
import {
  DEFAULT_RETENTION,
  type MaintainedStore,
  type MaintenanceReport,
  type RetentionPolicy,
} from "../../retention.ts";
import { type CommitOutcome, GroupCommit, type GroupLimits } from "../group-commit.ts";
import type { Synchronous } from "./connection.ts";
import type { FileCheck } from "./file-check.ts";
import { BatchPacker, type PackedBatch } from "./packed.ts";
import { WorkerClient } from "./worker-client.ts";

export interface SqliteStoreOptions {
  readonly file: string;
  /** Default FULL: a resolved commit survives a power cut. */
  readonly synchronous?: Synchronous;
  /** How the file is checked before it is used; default quick. */
  readonly check?: FileCheck;
  /** What `maintain` does with readings as they age; default: compacts after some days, removes nothing. */
  readonly retention?: RetentionPolicy;
  /** The compiled worker, where this module does not run from beside it. */
  readonly worker?: URL;
}

const GROUPS: GroupLimits = { groupRecords: 1_000, waitingBatches: 10_000 };

/**
 * Opens or creates the database.
 * Rejects with one sentence that names the file: no such directory, no rights, not a database, another program's or a newer
 * version's, damaged, or in use by another head-end.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<MaintainedStore> {
  const { file, synchronous = "FULL", check = "quick", retention = DEFAULT_RETENTION } = options;
  const { worker = new URL("./worker.js", import.meta.url) } = options;
  // SQLite takes these names for databases in memory, of which the second connection would see nothing.
  if (file === "" || file.startsWith(":") || file.startsWith("file:"))
    throw new Error(`the store cannot be opened at "${file}": give the path of a file`);
  const path = resolve(file);
  const settings = { file: path, synchronous, check, retention };
  try {
    const writer = await WorkerClient.start(worker, { role: "writer", ...settings });
    try {
      const reader = await WorkerClient.start(worker, { role: "reader", ...settings });
      return new SqliteStore(writer, reader);
    } catch (error) {
      await writer.close();
      throw error;
    }
  } catch (error) {
    throw new Error(`the store ${path} cannot be opened: ${(error as Error).message}`, { cause: error });
  }
}

class SqliteStore implements MaintainedStore {
  readonly #packer = new BatchPacker();
  readonly query: StoreQuery;
  readonly #writer: WorkerClient;
  readonly #reader: WorkerClient;
  readonly #commits: GroupCommit<PackedBatch>;
  #closing: Promise<void> | undefined;

  constructor(writer: WorkerClient, reader: WorkerClient) {
    this.#writer = writer;
    this.#reader = reader;
    this.#commits = new GroupCommit(
      (batches) => writer.call("commit", [batches]) as Promise<readonly CommitOutcome[]>,
      GROUPS,
    );
    this.query = remoteQuery(reader);
  }

  commit(batch: StoreBatch): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new Error("the store is closed"));
    return this.#commits.commit(this.#packer.pack(batch));
  }

  maintain(now: Civil): Promise<MaintenanceReport> {
    return this.#writer.call("maintain", [now]) as Promise<MaintenanceReport>;
  }

  snapshot(): Promise<StoreSnapshot> {
    return this.#reader.call("snapshot", []) as Promise<StoreSnapshot>;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#commits.idle();
    // The reader first: the last connection to close folds the WAL back into the file, and a reader may not.
    await this.#reader.close();
    await this.#writer.close();
  }
}

function remoteQuery(reader: WorkerClient): StoreQuery {
  const remote =
    <K extends keyof StoreQuery>(method: K) =>
    (...args: Parameters<StoreQuery[K]>) =>
      reader.call(method, args) as ReturnType<StoreQuery[K]>;
  return {
    meters: remote("meters"),
    meter: remote("meter"),
    readings: remote("readings"),
    latest: remote("latest"),
    order: remote("order"),
    orders: remote("orders"),
    account: remote("account"),
    accounts: remote("accounts"),
    postings: remote("postings"),
    audit: remote("audit"),
    document: remote("document"),
    documents: remote("documents"),
    counts: remote("counts"),
  };
}
