import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { temporaryDirectory } from "../programs.ts";
import { compare, keyOf, microsOf, scaled } from "./compare.ts";
import { type Outage, quietLatency, recoveries } from "./outages.ts";
import { comparePolled } from "./polled.ts";
import type { Published } from "./store-tail.ts";
import { COMPARED } from "./witness.ts";

const T = Date.parse("2026-11-29T12:00:00Z");
const directory = temporaryDirectory();
afterAll(() => directory.remove());

let files = 0;
let db: Database.Database;
beforeEach(() => {
  files += 1;
  db = new Database(join(directory.path, `${files}.db`));
  const columns = COMPARED.map(([, column]) => `${column} INTEGER`).join(", ");
  db.exec(`CREATE TABLE meters (number INTEGER PRIMARY KEY, id TEXT);
    CREATE TABLE readings (meter INTEGER, time INTEGER, source INTEGER, sequence INTEGER, ${columns}, PRIMARY KEY (meter, time));
    INSERT INTO meters VALUES (1, 'm1'), (2, 'p1');`);
});

function published(sequence: number, more: Partial<Published> = {}): Published {
  const at = T + sequence * 60_000;
  const values = COMPARED.map(() => "1.25");
  const reading = {
    meter: "m1",
    sequence,
    time: at * 1_000,
    published: at,
    values,
    acknowledged: true,
    visible: at + 50,
  };
  return { ...reading, ...more };
}

function store(reading: Published, change: { time?: number; voltage?: number } = {}): void {
  const values = COMPARED.map(([, column, decimals], i) =>
    column === "voltageL1" && change.voltage !== undefined ? change.voltage : scaled(reading.values[i] ?? "", decimals),
  );
  const marks = [1, change.time ?? reading.time, 2, reading.sequence, ...values];
  db.prepare(`INSERT INTO readings VALUES (${marks.map(() => "?").join(", ")})`).run(...marks);
}

function judged(readings: readonly Published[]) {
  const { examples, ...counts } = compare(db, new Map(readings.map((r) => [keyOf(r.meter, r.sequence), r])));
  return { ...counts, examples };
}

describe("the store against the witnesses", () => {
  test("agrees when every acknowledged reading is there once", () => {
    const readings = [published(1), published(2), published(3, { acknowledged: false })];
    for (const reading of readings.slice(0, 2)) store(reading);
    expect(judged(readings)).toMatchObject({ acknowledged: 2, missing: 0, twice: 0, different: 0, invented: 0 });
  });

  test("finds what is missing, twice, different and invented", () => {
    const readings = [published(1), published(2), published(3), published(4)];
    store(readings[0] as Published);
    store(readings[1] as Published, { voltage: 1_251 });
    store(readings[2] as Published);
    store(readings[2] as Published, { time: 5 });
    store(published(9));
    expect(judged(readings)).toMatchObject({ missing: 1, twice: 1, different: 1, invented: 1 });
    expect(judged(readings).examples).toContain("missing: m1 4");
    expect(judged(readings).examples).toContain("different: m1 2 voltageL1 1251, published 1250");
  });

  test("reads times to the microsecond and values as integers", () => {
    expect(microsOf("2026-11-29T12:00:00.000001Z")).toBe(T * 1_000 + 1);
    expect(microsOf("2026-11-29T12:00:00Z")).toBe(T * 1_000);
    expect(scaled("-12.5", 6)).toBe(-12_500_000);
    expect(scaled("230", 3)).toBe(230_000);
  });
});

describe("polled meters", () => {
  const run = { began: T, ended: T + 180_000, everySeconds: 60 };
  const row = (at: number, energy: number, source = 1) =>
    db
      .prepare("INSERT INTO readings (meter, time, source, activeEnergyImport) VALUES (2, ?, ?, ?)")
      .run(at * 1_000, source, energy);

  test("are right when each row was served", () => {
    for (const minute of [0, 1, 2, 3]) row(T + minute * 60_000, minute);
    // Read later from its load profile: no poll.
    row(T + 30_000, 5, 3);
    const served = new Map([["p1", [0, 1, 2, 3].map((minute) => ({ at: T + minute * 60_000 + 5, energy: minute }))]]);
    expect(comparePolled(db, served, run, [])).toEqual({ meters: 1, rows: 4, wrong: 0, twice: 0, longestGap: 60 });
  });

  test("a value that nobody served, a row too many and a gap are found", () => {
    row(T, 0);
    row(T + 10_000, 77);
    const served = new Map([["p1", [{ at: T, energy: 0 }]]]);
    expect(comparePolled(db, served, run, [])).toMatchObject({ wrong: 1, twice: 1, longestGap: 170 });
  });
});

describe("lateness", () => {
  const outage: Outage = { process: "broker", began: T + 60_000, ended: T + 65_000 };

  test("is the outage's while its backlog lasts, and counts in quiet times", () => {
    const readings = [
      published(0),
      published(1, { visible: T + 68_000 }),
      published(2, { published: T + 200_000, time: (T + 200_000) * 1_000, visible: T + 203_000 }),
    ];
    const found = recoveries(readings, [outage], T + 300_000);
    expect(found).toMatchObject([{ backlogSeconds: 3, late: 1 }]);
    expect(quietLatency(readings, found, T + 300_000)).toMatchObject({ readings: 2, p50: 50, most: 3_000 });
  });

  test("what never became visible counts until the end", () => {
    expect(quietLatency([published(1, { visible: 0 })], [], T + 90_000).p99).toBe(30_000);
  });
});
