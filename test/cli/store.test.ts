/** `meterworks store` on files of a store: figures, compaction by hand, the space given back. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
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

test("months go to an archive, which others can read and which can be read back", async () => {
  const readings = await filled();
  const folder = join(directory.path, "archive");
  const { code, stdout } = await cli("archive", "--keep-months", "1", "--archive", folder, "--json");
  expect(code).toBe(0);
  // A meter's newest reading stays: what comes next is judged against it.
  expect(JSON.parse(stdout)).toMatchObject({ readings: 1, compactedDays: 0 });
  const archive = join(folder, "readings-2026-01.csv.gz");
  const manifest = JSON.parse(readFileSync(`${archive}.manifest.json`, "utf8"));
  expect(manifest).toMatchObject({ month: "2026-01", readings: 2_880, lines: 5_760, bytes: statSync(archive).size });
  expect(createHash("sha256").update(readFileSync(archive)).digest("hex")).toBe(manifest.sha256);
  const lines = execFileSync("gzip", ["-dc", archive], { encoding: "utf8" }).trimEnd().split("\n");
  expect(lines).toHaveLength(5_761);
  expect(lines.slice(0, 3)).toEqual([
    "meter,time,source,sequence,quality,measure,obis,value,unit",
    "flat-7,2026-01-01T00:00:00Z,mqtt,0,good,voltageL1,1-0:32.7.0,229,V",
    "flat-7,2026-01-01T00:00:00Z,mqtt,0,good,activeEnergyImport,1-0:1.8.0,0,kWh",
  ]);
  for (let again = 0; again < 2; again++) expect((await cli("import", archive)).code).toBe(0);
  const head = await opened();
  expect(await head.query.readings(meterId("flat-7"), civil(START), civil(START + 31 * DAY), 9_999)).toEqual(readings);
  expect(await head.query.counts()).toMatchObject({ modbus: 0, mqtt: 2_880 });
  await head.close();
  writeFileSync(archive, readFileSync(archive).subarray(1));
  expect((await cli("import", archive)).stderr).toMatch(/is damaged: its SHA-256 is not the one in its manifest/);
});

test.each([
  ["an action that is none", ["shrink"], /ACTION "shrink" is unknown; one of: show, compact, archive, import/],
  ["a file that is not there", [], /there is no store .*meters.db; give --store/],
  ["an archive without policy", ["archive"], /archive needs --keep-months and --archive/],
  ["an import of nothing", ["import"], /no archive is named/],
  ["--vacuum without compact", ["--vacuum"], /--vacuum belongs to compact; write: store compact --vacuum/],
])("wrong usage: %s", async (name, args, expected) => {
  if (name.startsWith("--vacuum")) await (await opened()).close();
  const { code, stdout, stderr } = await cli(...args);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(expected);
});
