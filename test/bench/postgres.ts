/** Our PostgreSQL store beside the same work done by hand with `pg`: the same rows, key, partitions and server. */
import { performance } from "node:perf_hooks";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { openPostgresStore } from "../../headend/adapters/postgres/store.ts";
import type { MeterId, MeterReading, StoreBatch } from "../../headend/ports.ts";
import { civil } from "../../src/core/time.ts";
import type { PostgresServer } from "../postgres-server.ts";

export const POSTGRES_SIDES = ["meterworks", "by hand"] as const;
export type PostgresSide = (typeof POSTGRES_SIDES)[number];

/** As in facts of a collector that lags: 1 GB of cache, no full checkpoint within a run; fsync and synchronous_commit on. */
export const SERVER_SETTINGS = ["shared_buffers = 1GB", "max_wal_size = 8GB", "checkpoint_timeout = 1h", "jit = off"];

const METERS = 10_000;
const START = Date.UTC(2026, 10, 1) * 1_000;
const MINUTE = 60_000_000;
const COLUMNS = [
  ...["voltage_l1", "voltage_l2", "voltage_l3", "current_l1", "active_power", "frequency"],
  ...["active_energy_import", "active_energy_export"],
];

/** Eight values of a meter at a minute. */
function valuesOf(meter: number, minute: number): number[] {
  const draw = (meter * 7_919 + minute * 104_729) % 1_000;
  return [230_000 + draw, 229_000 + draw, 231_000 + draw, 5_000_000 + draw, 1_150_000 + draw, 50_000].concat(
    1_000_000 * meter + minute * 19_166 + draw,
    draw,
  );
}

function readingOf(meter: number, minute: number): MeterReading {
  const v = valuesOf(meter, minute) as [number, number, number, number, number, number, number, number];
  return {
    meter: `meter-${meter}` as MeterId,
    time: civil(START + minute * MINUTE),
    source: "mqtt",
    sequence: minute,
    quality: "good",
    values: {
      voltageL1: v[0],
      voltageL2: v[1],
      voltageL3: v[2],
      currentL1: v[3],
      activePower: v[4],
      frequency: v[5],
      activeEnergyImport: v[6],
      activeEnergyExport: v[7],
    },
  };
}

/** Commits one batch after the other; readings per second. Every meter is known before the clock starts. */
export async function measureIngest(
  server: PostgresServer,
  side: PostgresSide,
  batch: number,
  rows: number,
): Promise<number> {
  await server.query("DROP SCHEMA IF EXISTS meterworks CASCADE; DROP SCHEMA IF EXISTS bare CASCADE; CHECKPOINT");
  const writer = side === "meterworks" ? await ours(server.url) : await byHand(server.url);
  try {
    for (let first = 0; first < METERS; first += batch) await writer.prepare(first, batch)();
    let seconds = 0;
    for (let first = METERS; first < METERS + rows; first += batch) {
      const write = writer.prepare(first, batch);
      const began = performance.now();
      await write();
      seconds += (performance.now() - began) / 1_000;
    }
    const stored = await server.query(`SELECT count(*)::int AS n FROM ${writer.table}`);
    if (stored[0]?.["n"] !== METERS + rows) throw new Error(`${side} stored ${stored[0]?.["n"]} rows`);
    return rows / seconds;
  } finally {
    await writer.close();
  }
}

interface Writer {
  readonly table: string;
  /** Rows first .. first + count − 1, every meter once a minute, as they are in memory; the call then writes them. */
  prepare(first: number, count: number): () => Promise<void>;
  close(): Promise<void>;
}

async function ours(url: string): Promise<Writer> {
  const store = await openPostgresStore({ url });
  return {
    table: "meterworks.readings",
    prepare(first, count) {
      const batch: StoreBatch = Array.from({ length: count }, (_, i) => ({
        kind: "reading",
        reading: readingOf((first + i) % METERS, Math.floor((first + i) / METERS)),
      }));
      return () => store.commit(batch);
    },
    close: () => store.close(),
  };
}

/** What one would write without us: COPY into a temporary table, INSERT … ON CONFLICT, COMMIT. */
async function byHand(url: string): Promise<Writer> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const values = COLUMNS.map((column) => `${column} bigint`).join(", ");
  const month = (n: number) => Date.UTC(2026, n) * 1_000;
  await client.query(`CREATE SCHEMA bare;
    CREATE TABLE bare.readings (meter bigint NOT NULL, time bigint NOT NULL, source smallint NOT NULL, sequence bigint,
      quality smallint NOT NULL, ${values}, PRIMARY KEY (meter, time)) PARTITION BY RANGE (time);
    CREATE TABLE bare.readings_11 PARTITION OF bare.readings FOR VALUES FROM (${month(10)}) TO (${month(11)});
    CREATE TABLE bare.readings_12 PARTITION OF bare.readings FOR VALUES FROM (${month(11)}) TO (${month(12)});
    CREATE TEMP TABLE staging (LIKE bare.readings) ON COMMIT DELETE ROWS`);
  return {
    table: "bare.readings",
    prepare(first, count) {
      const rows = Array.from({ length: count }, (_, i) => {
        const [meter, minute] = [(first + i) % METERS, Math.floor((first + i) / METERS)];
        return [meter, START + minute * MINUTE, 2, minute, 1, ...valuesOf(meter, minute)];
      });
      return () => writeByHand(client, rows);
    },
    close: () => client.end(),
  };
}

async function writeByHand(client: pg.Client, rows: readonly (readonly number[])[]): Promise<void> {
  let text = "";
  for (const row of rows) text += `${row.join("\t")}\n`;
  await client.query("BEGIN");
  const copy = client.query(copyFrom("COPY staging FROM STDIN"));
  await new Promise<void>((resolve, reject) => copy.once("finish", resolve).once("error", reject).end(text));
  await client.query("INSERT INTO bare.readings SELECT * FROM staging ON CONFLICT DO NOTHING");
  await client.query("COMMIT");
}

export interface MonthTable {
  readonly url: string;
  /** Ids of the meters that have the whole month. */
  readonly full: readonly string[];
  readonly meters: number;
  readonly rows: number;
  readonly from: number;
  readonly to: number;
}

/** A quarter of an hour: 2,880 rows in November. */
const PERIOD = 15 * MINUTE;

/**
 * 100,000 meters with a row a day, of which 200, spread over all, have one each quarter of an hour: in the order of time, as
 * they come in, so that a meter's rows lie as far apart as they do in life.
 */
export async function fillMonth(server: PostgresServer, meters: number): Promise<MonthTable> {
  // Beside the tables of the other rows, which are made anew again and again.
  await server.query("CREATE DATABASE month");
  const url = server.url.replace(/[^/]*$/, "month");
  const store = await openPostgresStore({ url });
  // One reading by our own hand, so that tables and measures are as the store makes them.
  await store.commit([{ kind: "reading", reading: readingOf(0, 0) }]);
  await store.close();
  const [from, to] = [Date.UTC(2026, 10) * 1_000, Date.UTC(2026, 11) * 1_000];
  const columns = COLUMNS.join(", ");
  const values = COLUMNS.map((_, i) => `${(i + 1) * 100_000} + n % 1000`).join(", ");
  const every = Math.floor(meters / 200);
  await server.query(
    `
    INSERT INTO meterworks.meters (id, measures) SELECT 'meter-' || n, (SELECT measures FROM meterworks.meters)
      FROM generate_series(1, ${meters - 1}) n;
    INSERT INTO meterworks.readings (meter, time, source, sequence, quality, ${columns})
      SELECT due.number, t, 1, n, 1, ${values}
      FROM (
        SELECT n, m.number FROM generate_series(0, 2879, 96) n, meterworks.meters m
        UNION SELECT n, m.number FROM generate_series(0, 2879) n, meterworks.meters m WHERE m.number % ${every} = 0
      ) due, LATERAL (SELECT ${from} + n * ${PERIOD}::bigint AS t) at ORDER BY t, due.number ON CONFLICT DO NOTHING;
    ANALYZE meterworks.readings; ANALYZE meterworks.meters`,
    url,
  );
  await server.query("VACUUM meterworks.readings", url);
  const [row] = await server.query("SELECT count(*)::int AS n FROM meterworks.readings", url);
  const full = await server.query(`SELECT id FROM meterworks.meters WHERE number % ${every} = 0`, url);
  return { url, full: full.map(({ id }) => String(id)), meters, rows: Number(row?.["n"]), from, to };
}

export interface MonthSample {
  readonly p50: Readonly<Record<PostgresSide, number>>;
  readonly p99: Readonly<Record<PostgresSide, number>>;
}

/** A meter's month after the other, both sides by turns on the same meter; milliseconds. */
export async function measureMonth(month: MonthTable, queries: number): Promise<MonthSample> {
  const store = await openPostgresStore({ url: month.url });
  const client = new pg.Client({ connectionString: month.url });
  await client.connect();
  const text = `SELECT time, source, sequence, quality, no_value, ${COLUMNS.join(", ")} FROM meterworks.readings
    WHERE meter = (SELECT number FROM meterworks.meters WHERE id = $1) AND time >= $2 AND time < $3 ORDER BY time`;
  const sides: Readonly<Record<PostgresSide, (id: string) => Promise<number>>> = {
    meterworks: async (id) =>
      (await store.query.readings(id as MeterId, civil(month.from), civil(month.to), 10_000)).length,
    "by hand": async (id) => (await client.query(text, [id, month.from, month.to])).rows.length,
  };
  const times: Record<PostgresSide, number[]> = { meterworks: [], "by hand": [] };
  try {
    for (let i = -20; i < queries; i++) {
      const id = month.full[(Math.abs(i) * 37) % month.full.length] as string;
      for (const side of i % 2 === 0 ? POSTGRES_SIDES : [...POSTGRES_SIDES].reverse()) {
        const began = performance.now();
        const rows = await sides[side](id);
        if (i >= 0) times[side].push(performance.now() - began);
        if (rows !== 2_880) throw new Error(`${side}: ${rows} rows of ${id}`);
      }
    }
  } finally {
    await client.end();
    await store.close();
  }
  const at = (side: PostgresSide, part: number) => {
    const sorted = times[side].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] as number;
  };
  const both = (part: number) => ({ meterworks: at("meterworks", part), "by hand": at("by hand", part) });
  return { p50: both(0.5), p99: both(0.99) };
}
