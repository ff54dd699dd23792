/** `meterworks store` on files of a store: figures, compaction by hand, the space given back. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSqliteStore } from "../../headend/adapters/sqlite/store.ts";
import type { MeterReading, StoreRecord } from "../../headend/ports.ts";
import { civil } from "../../src/core/time.ts";
import { meterId } from "../contracts/store.ts";
import { REPOSITORY, runCli, temporaryDirectory } from "../programs.ts";

const DAY = 86_400_000_000;
const QUARTER = 900_000_000;
const START = Date.UTC(2026, 0, 1) * 1_000;

let directory: ReturnType<typeof temporaryDirectory>;
let store: string;
beforeEach(() => {
  directory = temporaryDirectory();
  store = join(directory.path, "meters.db");
});
afterEach(() => directory.remove());

const opened = () =>
  openSqliteStore({ file: store, worker: new URL(`file://${REPOSITORY}/dist/headend/adapters/sqlite/worker.js`) });

const cli = (...args: string[]) => runCli(["store", ...args, "--store", `sqlite:${store}`]);

/** Thirty days of quarters of an hour. */
async function filled(): Promise<readonly MeterReading[]> {
  const readings = Array.from({ length: 30 * 96 }, (_, i): MeterReading => {
    const values = { voltageL1: 229_000 + ((i * 37) % 23) * 100, activeEnergyImport: i * 250_000 + (i % 7) * 10_000 };
    const time = civil(START + i * QUARTER);
    return { meter: meterId("flat-7"), time, source: "mqtt", sequence: i, quality: "good", values };
  });
  const head = await opened();
  await head.commit(readings.map((reading): StoreRecord => ({ kind: "reading", reading })));
  await head.close();
  return readings;
}

test("shows what the file is made of, compacts it by hand, and nothing of it changes", async () => {
  const readings = await filled();
  const before = JSON.parse((await cli("--json")).stdout);
  expect(before).toMatchObject({
    ...{ readings: 2_880, meters: 1, compactedReadings: 0, compactedDays: 0, bytesPerValue: null, shrinks: true },
    ...{ oldest: "2026-01-01", newest: "2026-01-30", compactedBefore: null },
  });
  const { code, stdout } = await cli("compact");
  expect(code).toBe(0);
  expect(stdout).toMatch(/compacted +2880 in 30 meter-days with 5760 values/);
  const after = JSON.parse((await cli("--json")).stdout);
  expect(after.compactedDays).toBe(30);
  expect(after.bytesPerValue).toBeLessThan(2);
  expect(after.fileBytes).toBeLessThan(before.fileBytes / 2);
  expect(after.freeBytes).toBe(0);
  expect(statSync(store).size).toBe(after.fileBytes);
  const head = await opened();
  expect(await head.query.readings(meterId("flat-7"), civil(START), civil(START + 31 * DAY), 9_999)).toEqual(readings);
  await head.close();
});

test("a store that a head-end has open can be looked at, and is not compacted", async () => {
  await filled();
  const head = await opened();
  expect((await cli()).stdout).toMatch(/readings +2880 of 1 meters, 2026-01-01 to 2026-01-30/);
  const { code, stderr } = await cli("compact");
  expect(code).toBe(1);
  expect(stderr).toMatch(/another head-end is using it.*stop/);
  await head.close();
});

test("--vacuum writes the file anew", async () => {
  await filled();
  expect((await cli("compact", "--vacuum", "--after-days", "1")).code).toBe(0);
  expect(JSON.parse((await cli("--json")).stdout)).toMatchObject({ compactedDays: 30, freeBytes: 0, shrinks: true });
});

test.each([
  ["an action that is none", ["shrink"], /ACTION "shrink" is unknown; one of: show, compact/],
  ["a file that is not there", [], /there is no store .*meters.db; give --store/],
  ["--vacuum without compact", ["--vacuum"], /--vacuum belongs to compact; write: store compact --vacuum/],
])("wrong usage: %s", async (name, args, expected) => {
  if (name.startsWith("--vacuum")) await (await opened()).close();
  const { code, stdout, stderr } = await cli(...args);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(expected);
});
