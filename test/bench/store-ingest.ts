/**
 * Storing readings of 8 values, 100 in a transaction at synchronous=FULL: our writer alone, our store as the head-end calls
 * it (event loop, thread and back), and the schema that comes to mind first: a row per value with an index.
 */
import { join } from "node:path";
import Database from "better-sqlite3";
import { openWriter } from "../../headend/adapters/sqlite/connection.ts";
import { BatchPacker } from "../../headend/adapters/sqlite/packed.ts";
import { openSqliteStore } from "../../headend/adapters/sqlite/store.ts";
import { Upkeep } from "../../headend/adapters/sqlite/upkeep.ts";
import { BatchWriter } from "../../headend/adapters/sqlite/writer.ts";
import type { MeterId, MeterReading, StoreBatch } from "../../headend/ports.ts";
import { civil } from "../../src/core/time.ts";
import { temporaryDirectory } from "../programs.ts";

export const STORE_SIDES = ["naive", "writer", "store"] as const;
export type StoreSide = (typeof STORE_SIDES)[number];

export interface StoreSample {
  readonly valuesPerSecond: number;
  /** CPU µs per value, all threads. */
  readonly cpu: number;
}

const METERS = 1_000;
const BATCH = 100;
const VALUES = 8;
const START = 1_764_374_400_000_000;
const MINUTE = 60_000_000;

function readingOf(meter: number, minute: number): MeterReading {
  const values = {
    ...{
      voltageL1: 226_000 + ((meter * 7 + minute * 13) % 80) * 100,
      currentL1: 5_000_000 + ((meter + minute) % 900) * 1_000,
    },
    ...{ activePower: 1_150_000 + ((meter * 3 + minute) % 700) * 100, reactivePower: 20_000 + (minute % 90) * 100 },
    ...{ powerFactor: 990_000 - (minute % 7) * 1_000, frequency: 49_980 + (minute % 5) * 10 },
    ...{ activeEnergyImport: meter * 1e9 + minute * 250_000, reactiveEnergyImport: meter * 1e8 + minute * 30_000 },
  };
  const [id, time] = [`meter-${meter}` as MeterId, civil(START + minute * MINUTE)];
  return { meter: id, time, source: "mqtt", sequence: minute, quality: "good", values };
}

/** All meters minute by minute, as they come. */
function readings(minutes: number): MeterReading[] {
  return Array.from({ length: minutes * METERS }, (_, i) => readingOf(i % METERS, Math.floor(i / METERS)));
}

function batches<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / BATCH) }, (_, i) => items.slice(i * BATCH, (i + 1) * BATCH));
}

/** @throws when not every value is stored. */
export async function measureStore(side: StoreSide, minutes: number): Promise<StoreSample> {
  const directory = temporaryDirectory();
  try {
    const file = join(directory.path, "bench.db");
    const all = readings(minutes);
    const count = all.length * VALUES;
    const work = { naive: naive, writer: writerAlone, store: wholeStore }[side];
    const { ms, cpuMicros } = await work(file, all);
    const db = new Database(file, { readonly: true });
    const stored = db.prepare(
      side === "naive" ? "SELECT count(*) FROM one" : "SELECT count(activePower) * 8 FROM readings",
    );
    if (stored.pluck().get() !== count) throw new Error(`${side}: not all of ${count} values are stored`);
    db.close();
    return { valuesPerSecond: (count * 1_000) / ms, cpu: cpuMicros / count };
  } finally {
    directory.remove();
  }
}

interface Took {
  readonly ms: number;
  readonly cpuMicros: number;
}

async function timed(work: () => Promise<void> | void): Promise<Took> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await work();
  const used = process.cpuUsage(cpu);
  return { ms: performance.now() - began, cpuMicros: used.user + used.system };
}

async function naive(file: string, all: readonly MeterReading[]): Promise<Took> {
  const db = naiveDatabase(file, "FULL");
  const rows = batches(naiveRows(all));
  const took = await timed(() => {
    for (const batch of rows) db.insert(batch);
    db.checkpoint();
  });
  db.close();
  return took;
}

export interface NaiveDatabase {
  insert(rows: readonly number[][]): void;
  checkpoint(): void;
  close(): void;
}

/** A row per value: 38 bytes each, of which about half is the index. */
export function naiveDatabase(file: string, synchronous: "FULL" | "OFF"): NaiveDatabase {
  const db = new Database(file);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
    CREATE TABLE one (meter INTEGER, register INTEGER, time INTEGER, value INTEGER, quality INTEGER);
    CREATE UNIQUE INDEX one_by_meter ON one (meter, register, time)`);
  const statement = db.prepare("INSERT OR IGNORE INTO one VALUES (?, ?, ?, ?, ?)");
  return {
    insert: db.transaction((rows: readonly number[][]) => {
      for (const row of rows) statement.run(row);
    }),
    checkpoint() {
      db.pragma("wal_checkpoint(TRUNCATE)");
    },
    close() {
      db.close();
    },
  };
}

export function naiveRows(all: readonly MeterReading[]): number[][] {
  return all.flatMap(({ meter, time, values }) =>
    Object.values(values).map((value, register) => [Number(meter.slice(6)), register, time, value as number, 1]),
  );
}

const asBatches = (all: readonly MeterReading[]): StoreBatch[] =>
  batches(all.map((reading) => ({ kind: "reading", reading }) as const));

async function writerAlone(file: string, all: readonly MeterReading[]): Promise<Took> {
  const connection = openWriter(file, "FULL", "none");
  const writer = new BatchWriter(connection.db, new Upkeep(connection.db));
  const packer = new BatchPacker();
  const given = asBatches(all);
  const took = await timed(() => {
    for (const batch of given)
      for (const refused of writer.commit([packer.pack(batch)])) if (refused) throw new Error(refused);
    connection.db.pragma("wal_checkpoint(TRUNCATE)");
  });
  connection.close();
  return took;
}

/** One batch after the other, each awaited, as the collector does; closing folds the log in. */
async function wholeStore(file: string, all: readonly MeterReading[]): Promise<Took> {
  const store = await openSqliteStore({ file });
  const given = asBatches(all);
  return timed(async () => {
    for (const batch of given) await store.commit(batch);
    await store.close();
  });
}
