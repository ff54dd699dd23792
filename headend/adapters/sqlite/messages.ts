/** What crosses between the event loop and the two worker threads. Everything is cloned, so bigint and undefined survive. */
import type { StoreQuery, StoreSnapshot } from "../../ports.ts";
import type { MaintenanceReport, RetentionPolicy } from "../../retention.ts";
import type { CommitOutcome } from "../group-commit.ts";
import type { Synchronous } from "./connection.ts";
import type { FileCheck } from "./file-check.ts";
import type { PackedBatch } from "./packed.ts";

/** One worker writes, the other reads, so that no query waits behind a long transaction. */
export interface WorkerRole {
  readonly role: "writer" | "reader";
  readonly file: string;
  readonly synchronous: Synchronous;
  /** What the writer looks at before it takes the file. */
  readonly check: FileCheck;
  readonly retention: RetentionPolicy;
}

/** What a reader answers: the queries of the port, synchronously, and the snapshot. */
export type ReaderMethods = {
  [K in keyof StoreQuery]: (...args: Parameters<StoreQuery[K]>) => Awaited<ReturnType<StoreQuery[K]>>;
} & { snapshot(): StoreSnapshot };

export interface WriterMethods {
  commit(batches: readonly PackedBatch[]): readonly CommitOutcome[];
}

/** What else the writing thread does. */
export interface MaintenanceMethods {
  /** One step; `now` in µs since 1970. */
  maintain(now: number): MaintenanceReport;
}

export interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: string };

/** The answer to a call that nobody made: whether the worker could open the file. */
export const OPENED = 0;

/** The method of a last call, answered after the file is closed: the thread may be ended then. */
export const CLOSE = "close";
