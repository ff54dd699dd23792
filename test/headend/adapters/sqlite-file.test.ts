/** The file itself: what is refused and how it is said, upgrades, the lock, other programs that look. */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { explain } from "../../../headend/adapters/sqlite/errors.ts";
import type { StoreRecord } from "../../../headend/ports.ts";
import { civil } from "../../../src/core/time.ts";
import { account, audit, meterId, order, posting, reading } from "../../contracts/store.ts";
import { buildStore, open, temporaryDirectory, WORKER } from "./sqlite-support.ts";

beforeAll(buildStore);

let directory: ReturnType<typeof temporaryDirectory>;
let file: string;
beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, "head-end.db");
});
afterEach(() => directory.remove());

/** A row of schema 2. */
interface Old {
  readonly time: number;
  readonly sequence: number | null;
  readonly quality: number;
  readonly no_value: string | null;
  readonly voltageL1: number;
  readonly activeEnergyImport: number;
  readonly activePowerL3: number | null;
}

/** A database with one of everything, closed. */
async function filled(): Promise<void> {
  const store = await open(file);
  const records: StoreRecord[] = [
    { kind: "meter", meter: { id: meterId("m"), model: "eastron-sdm630", ratio: 1, via: "line a unit 1" } },
    { kind: "reading", reading: reading("m", 0) },
    { kind: "order", order: order(1, "m") },
    { kind: "posting", posting: posting("t1", "m") },
    { kind: "account", account: account("m") },
    { kind: "audit", entry: audit("started") },
  ];
  await store.commit(records);
  await store.close();
}

function withDatabase<T>(work: (db: Database.Database) => T): T {
  const db = new Database(file);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

describe("a file that cannot be used is refused with one sentence", () => {
  test("the directory is missing", async () => {
    const missing = join(directory.path, "no", "such", "head-end.db");
    await expect(open(missing)).rejects.toThrow(/no\/such\/head-end\.db cannot be opened: .*directory does not exist/);
  });

  test("the path is a directory", async () => {
    await expect(open(directory.path)).rejects.toThrow(/cannot be opened: .*check the path/);
  });

  test("the file is no database, and stays as it is", async () => {
    const text = "date;kWh\n2026-11-24;12.5\n".repeat(40);
    writeFileSync(file, text);
    await expect(open(file)).rejects.toThrow(/not an SQLite database/);
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  test("the database is another program's, and stays as it is", async () => {
    withDatabase((db) => db.exec("CREATE TABLE bookmarks (url TEXT)"));
    const before = readFileSync(file);
    await expect(open(file)).rejects.toThrow(/another program/);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test("a newer version wrote it", async () => {
    await filled();
    withDatabase((db) => db.pragma("user_version = 999"));
    await expect(open(file)).rejects.toThrow(/newer meterworks wrote it \(schema 999.*update/);
  });

  test("a name that means memory", async () => {
    for (const name of ["", ":memory:", "file:x?mode=memory"])
      await expect(open(name)).rejects.toThrow(/give the path of a file/);
  });

  test("the worker is not where it should be", async () => {
    await expect(open(file, { worker: new URL("missing.js", WORKER) })).rejects.toThrow(/cannot be opened: .*missing/);
  });
});

test("after a refusal the same path can be opened once it is good", async () => {
  writeFileSync(file, "not a database ".repeat(100));
  await expect(open(file)).rejects.toThrow();
  writeFileSync(file, "");
  const store = await open(file);
  await store.commit([{ kind: "reading", reading: reading("m", 0) }]);
  await store.close();
});

test("a second head-end on the file is refused while the first one runs, and welcome afterwards", async () => {
  const first = await open(file);
  await expect(open(file)).rejects.toThrow(/another head-end is using it/);
  await first.commit([{ kind: "reading", reading: reading("m", 0) }]);
  await first.close();
  const second = await open(file);
  expect(await second.query.counts()).toEqual({ modbus: 1, mqtt: 0, profile: 0 });
  await second.close();
});

test("another program reads while the store writes, and may hold its read open", async () => {
  const store = await open(file);
  await store.commit([{ kind: "reading", reading: reading("m", 0) }]);
  const guest = new Database(file, { readonly: true });
  const held = guest.prepare("SELECT time, voltageL1, activeEnergyImport FROM readings").iterate();
  expect(held.next().value).toEqual({ time: reading("m", 0).time, voltageL1: 230_123, activeEnergyImport: 12_345_678 });
  await store.commit([{ kind: "reading", reading: reading("m", 1) }]);
  held.return?.();
  guest.close();
  expect(await store.query.counts()).toEqual({ modbus: 2, mqtt: 0, profile: 0 });
  await store.close();
});

test("a query does not wait behind a writer", async () => {
  const store = await open(file);
  await store.commit([{ kind: "reading", reading: reading("m", 0) }]);
  const guest = new Database(file);
  guest.exec("BEGIN IMMEDIATE");
  let committed = false;
  const commit = store.commit([{ kind: "reading", reading: reading("m", 1) }]).then(() => {
    committed = true;
  });
  expect(await store.query.counts()).toEqual({ modbus: 1, mqtt: 0, profile: 0 });
  expect(committed).toBe(false);
  guest.exec("ROLLBACK");
  guest.close();
  await commit;
  expect(await store.query.counts()).toEqual({ modbus: 2, mqtt: 0, profile: 0 });
  await store.close();
});

test("it is one file after a clean stop: the log is folded in", async () => {
  await filled();
  expect(existsSync(`${file}-wal`)).toBe(false);
  const copy = `${file}.copy`;
  copyFileSync(file, copy);
  const store = await open(copy);
  expect(await store.query.counts()).toEqual({ modbus: 1, mqtt: 0, profile: 0 });
  await store.close();
});

test("a measure new in the vocabulary becomes a column, and what is stored stays", async () => {
  await filled();
  withDatabase((db) => db.exec("ALTER TABLE readings DROP COLUMN frequency"));
  const store = await open(file);
  const added = reading("m", 1, { values: { frequency: 50_000 } });
  await store.commit([{ kind: "reading", reading: added }]);
  expect(await store.query.readings(meterId("m"), civil(0), civil(Number.MAX_SAFE_INTEGER), 10)).toEqual([
    reading("m", 0),
    added,
  ]);
  await store.close();
});

test("a store of an older version is upgraded: its readings are the same, and are compacted like others", async () => {
  withDatabase((db) => db.exec(readFileSync("fixtures/stores/schema-2-readings.sql", "utf8")));
  const before = withDatabase((db) => db.prepare("SELECT * FROM readings ORDER BY meter, time").all()) as Old[];
  let store = await open(file);
  const upgraded = async () => {
    const of = (id: string) => store.query.readings(meterId(id), civil(0), civil(Number.MAX_SAFE_INTEGER), 100);
    return [...(await of("m")), ...(await of("n"))];
  };
  const expected = before.map((row) => ({
    time: row.time,
    sequence: row.sequence,
    invalid: row.quality === 5,
    voltage: row.voltageL1,
    energy: row.activeEnergyImport,
    power: row.activePowerL3 ?? undefined,
    frequency: row.no_value === "frequency" ? null : undefined,
  }));
  const seen = async () =>
    (await upgraded()).map(({ time, sequence, quality, values }) => ({
      ...{ time, sequence, invalid: quality === "invalid", voltage: values.voltageL1 },
      ...{ energy: values.activeEnergyImport, power: values.activePowerL3, frequency: values.frequency },
    }));
  expect(expected).toHaveLength(96);
  expect(await seen()).toEqual(expected);
  expect((await store.snapshot()).latestGood.map((r) => r.time)).toEqual([before[47]?.time, before[95]?.time]);
  while ((await store.maintain(civil((before[95] as Old).time + 9 * 86_400_000_000))).more);
  await store.close();
  expect(withDatabase((db) => db.prepare("SELECT count(*) AS n FROM compacted_days").get())).toEqual({ n: 4 });
  store = await open(file);
  expect(await seen()).toEqual(expected);
  await store.close();
});

test("audit and postings refuse changes from any connection, tables refuse what is no integer", async () => {
  await filled();
  withDatabase((db) => {
    const run = (sql: string) => () => db.exec(sql);
    expect(run("UPDATE audit SET actor = 'nobody'")).toThrow(/append-only/);
    expect(run("DELETE FROM audit")).toThrow(/append-only/);
    expect(run("UPDATE postings SET amount = 1")).toThrow(/append-only/);
    expect(run("DELETE FROM postings")).toThrow(/append-only/);
    expect(run("UPDATE readings SET voltageL1 = 230.5")).toThrow(/REAL value in INTEGER/);
    expect(run("UPDATE accounts SET charged = 'x'")).toThrow(/TEXT value in INTEGER/);
  });
});

test("a value that is no integer fails its batch, and only that", async () => {
  const store = await open(file);
  const bad = reading("m", 0, { values: { voltageL1: 230.5 } });
  await expect(store.commit([{ kind: "reading", reading: bad }])).rejects.toThrow(/INTEGER column readings.voltageL1/);
  const beyond = reading("m", 0, { values: { voltageL1: 2 ** 53 } });
  await expect(store.commit([{ kind: "reading", reading: beyond }])).rejects.toThrow(/beyond the range/);
  await store.commit([{ kind: "reading", reading: reading("m", 0) }]);
  expect(await store.query.latest(meterId("m"))).toEqual(reading("m", 0));
  await store.close();
});

test.each([
  ["SQLITE_FULL", /disk is full/],
  ["SQLITE_IOERR_WRITE", /check the disk/],
  ["SQLITE_READONLY_DIRECTORY", /cannot be written: check its owner/],
  ["SQLITE_CORRUPT_INDEX", /restore a backup/],
  ["SQLITE_BUSY_SNAPSHOT", /another program holds/],
  ["SQLITE_CONSTRAINT_UNIQUE", /what it said \(SQLITE_CONSTRAINT_UNIQUE\)/],
])("%s is said in words, with the code for the curious", (code, words) => {
  const text = explain(Object.assign(new Error("what it said"), { code }));
  expect(text).toMatch(words);
  expect(text).toContain(code);
});
