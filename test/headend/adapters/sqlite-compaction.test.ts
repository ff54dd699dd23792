/** Days that are compacted: nothing is lost, doubled or changed, whatever comes when, and the file gets smaller. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { MaintainedStore, MeterReading, StoreRecord } from "../../../headend/ports.ts";
import { Random } from "../../../src/core/random.ts";
import { civil } from "../../../src/core/time.ts";
import { meterId } from "../../contracts/store.ts";
import { buildStore, open, temporaryDirectory } from "./sqlite-support.ts";

beforeAll(buildStore);

const MINUTE = 60_000_000;
const DAY = 1_440 * MINUTE;
const START = 20_000 * DAY;

let directory: ReturnType<typeof temporaryDirectory>;
let file: string;
let store: MaintainedStore;
beforeEach(async () => {
  directory = temporaryDirectory();
  file = join(directory.path, "head-end.db");
  store = await open(file);
});
afterEach(async () => {
  await store.close();
  directory.remove();
});

function readingAt(meter: string, time: number, change: Partial<MeterReading> = {}): MeterReading {
  const values = {
    voltageL1: 230_000 + (time % 13) * 100,
    activeEnergyImport: Math.floor(time / MINUTE),
    frequency: null,
  };
  return {
    meter: meterId(meter),
    time: civil(time),
    source: "mqtt",
    sequence: null,
    quality: "good",
    values,
    ...change,
  };
}

const records = (readings: readonly MeterReading[]): StoreRecord[] =>
  readings.map((reading) => ({ kind: "reading", reading }));

const all = (meter: string) =>
  store.query.readings(meterId(meter), civil(0), civil(Number.MAX_SAFE_INTEGER), 1_000_000);

async function maintainAll(now: number): Promise<number> {
  let compacted = 0;
  for (let more = true; more; ) {
    const report = await store.maintain(civil(now));
    compacted += report.compacted;
    more = report.more;
  }
  return compacted;
}

function rows(sql: string): unknown[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

test("whole days that are old enough become one row a meter, and queries see no difference", async () => {
  const readings = ["a", "b"].flatMap((meter) =>
    Array.from({ length: 5 * 96 }, (_, i) => readingAt(meter, START + i * 15 * MINUTE)),
  );
  await store.commit(records(readings));
  expect(await maintainAll(START + 5 * DAY + MINUTE)).toBe(2 * 2 * 96);
  expect(rows("SELECT meter, day, rows, cells FROM compacted_days ORDER BY 1, 2")).toEqual(
    ["a", "b"].flatMap((meter) => ["2024-10-04", "2024-10-05"].map((day) => ({ meter, day, rows: 96, cells: 288 }))),
  );
  expect(rows("SELECT count(*) AS n FROM readings")).toEqual([{ n: 2 * 3 * 96 }]);
  expect(await all("a")).toEqual(readings.slice(0, 480));
  const part = await store.query.readings(meterId("b"), civil(START + DAY + MINUTE), civil(START + 3 * DAY), 150);
  expect(part).toEqual(readings.slice(480 + 97, 480 + 97 + 150));
  expect(await store.query.counts()).toMatchObject({ modbus: 0, mqtt: 960, profile: 0 });
});

test("a reading for a compacted day is stored once, before and after it is taken in", async () => {
  const regular = Array.from({ length: 96 }, (_, i) => readingAt("m", START + i * 15 * MINUTE));
  const later = readingAt("m", START + 8 * DAY);
  await store.commit(records([...regular, later]));
  await maintainAll(START + 8 * DAY);
  const late = readingAt("m", START + 5, { source: "modbus", quality: "late", values: {} });
  const again = readingAt("m", START + 15 * MINUTE, { values: { voltageL1: 1 } });
  const expected = [regular[0] as MeterReading, late, ...regular.slice(1), later];
  for (let i = 0; i < 3; i++) {
    await store.commit(records([late, again, late]));
    expect(await all("m")).toEqual(expected);
    expect(await store.query.counts()).toMatchObject({ modbus: 1, mqtt: 97, profile: 0 });
    await maintainAll(START + 8 * DAY + i * 40 * MINUTE);
  }
  expect(rows("SELECT count(*) AS n FROM readings")).toEqual([{ n: 1 }]);
});

test("a meter's newest reading and newest good one stay known, however long it has been silent", async () => {
  const good = readingAt("silent", START);
  const bad = readingAt("silent", START + 60 * MINUTE, { quality: "invalid" });
  await store.commit(records([good, bad, readingAt("busy", START), readingAt("busy", START + 30 * DAY)]));
  await maintainAll(START + 30 * DAY);
  expect(await store.query.latest(meterId("silent"))).toEqual(bad);
  const { latest, latestGood } = await store.snapshot();
  expect(latest).toEqual([readingAt("busy", START + 30 * DAY), bad]);
  expect(latestGood).toEqual([readingAt("busy", START + 30 * DAY), good]);
  expect(await all("silent")).toEqual([good, bad]);
  // It speaks again: what was kept only as the newest goes.
  const back = readingAt("silent", START + 30 * DAY + MINUTE);
  await store.commit(records([back]));
  await maintainAll(START + 40 * DAY);
  expect(await all("silent")).toEqual([good, bad, back]);
  expect(rows("SELECT time FROM readings ORDER BY 1")).toEqual([{ time: START + 30 * DAY }, { time: back.time }]);
  expect((await store.snapshot()).latestGood).toEqual([readingAt("busy", START + 30 * DAY), back]);
});

test.each([1, 2, 3])("anything in any order, step by step beside the housekeeping, seed %i", async (seed) => {
  const random = new Random(seed);
  const model = new Map<string, MeterReading>();
  const meters = ["a", "b", "c"];
  let now = START;
  for (let round = 0; round < 60; round++) {
    now += random.below(12 * 60) * MINUTE;
    const batch = Array.from({ length: random.below(40) }, () => {
      const back = random.chance(1, 4) ? random.below(10 * DAY) : random.below(3 * 60 * MINUTE);
      const time = random.chance(1, 2) ? now - back : now - (back - (back % (15 * MINUTE)));
      const quality = random.pick(["good", "late", "invalid"] as const);
      const values = random.chance(1, 3)
        ? { voltageL1: random.below(1_000), clock: null }
        : { activePower: random.below(9) };
      return readingAt(random.pick(meters), time, { quality, values, sequence: random.chance(1, 2) ? round : null });
    });
    await store.commit(records(batch));
    for (const reading of batch) {
      const key = `${reading.meter} ${reading.time}`;
      if (!model.has(key)) model.set(key, reading);
    }
    for (let step = random.below(6); step > 0; step--) await store.maintain(civil(now));
    if (random.chance(1, 15)) {
      await store.close();
      store = await open(file);
    }
  }
  await maintainAll(now + 20 * DAY);
  const expected = [...model.values()].sort((a, b) => a.time - b.time);
  for (const meter of meters) expect(await all(meter)).toEqual(expected.filter((r) => r.meter === meter));
  expect(await store.query.counts()).toMatchObject({ modbus: 0, mqtt: expected.length, profile: 0 });
  const newest = (of: readonly MeterReading[]) => meters.map((m) => of.filter((r) => r.meter === m).at(-1));
  const snapshot = await store.snapshot();
  expect(snapshot.latest).toEqual(newest(expected));
  expect(snapshot.latestGood).toEqual(newest(expected.filter((r) => r.quality === "good")));
});

test("a damaged day fails the query that needs it, with a sentence, and no other", async () => {
  await store.commit(records([readingAt("m", START), readingAt("m", START + DAY), readingAt("m", START + 9 * DAY)]));
  await maintainAll(START + 9 * DAY);
  await store.close();
  const db = new Database(file);
  db.exec("UPDATE reading_days SET data = x'0100deadbeef00' WHERE key >> 32 = 20000");
  db.close();
  store = await open(file);
  await expect(all("m")).rejects.toThrow(/2024-10-04 of meter number 1 cannot be read: .*damaged.*backup/);
  expect(await store.query.readings(meterId("m"), civil(START + DAY), civil(START + 10 * DAY), 9)).toHaveLength(2);
});

test("pages that became free are given back", async () => {
  const readings = Array.from({ length: 20 }, (_, day) =>
    Array.from({ length: 96 }, (_, i) => readingAt("m", START + day * DAY + i * 15 * MINUTE)),
  ).flat();
  await store.commit(records(readings));
  await store.close();
  const pages = () => (rows("PRAGMA page_count")[0] as { page_count: number }).page_count;
  const before = pages();
  store = await open(file);
  await maintainAll(START + 24 * DAY);
  await store.close();
  expect(pages()).toBeLessThan(before * 0.7);
  store = await open(file);
  expect(await all("m")).toEqual(readings);
});
