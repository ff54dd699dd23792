/** Months that leave the store: each reading is in the store or in an archive at every moment, whatever breaks off. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { MeterReading, StoreRecord } from "../../../headend/ports.ts";
import type { MaintainedStore } from "../../../headend/retention.ts";
import { civil } from "../../../src/core/time.ts";
import { meterId } from "../../contracts/store.ts";
import { buildStore, open, temporaryDirectory } from "./sqlite-support.ts";

beforeAll(buildStore);

const DAY = 86_400_000_000;
const START = Date.UTC(2025, 10, 20) * 1_000;
const NOW = civil(Date.UTC(2026, 5, 15) * 1_000);
const METERS = ["a", "b", "c"];

let directory: ReturnType<typeof temporaryDirectory>;
let archive: string;
let store: MaintainedStore;
const opened = () =>
  open(join(directory.path, "head-end.db"), { retention: { compactAfterDays: 1, keepMonths: 5, archive } });
beforeEach(async () => {
  directory = temporaryDirectory();
  archive = join(directory.path, "archive");
  store = await opened();
});
afterEach(async () => {
  await store.close();
  directory.remove();
});

const readings = METERS.flatMap((meter) =>
  Array.from({ length: 60 * 4 }, (_, i): MeterReading => {
    const values = { activeEnergyImport: i * 1_000, ...(i % 5 === 0 ? { frequency: null } : {}) };
    const time = civil(START + i * (DAY / 4));
    return { meter: meterId(meter), time, source: "modbus", sequence: null, quality: i % 9 ? "good" : "late", values };
  }),
);
const fill = () => store.commit(readings.map((reading): StoreRecord => ({ kind: "reading", reading })));

async function stored(): Promise<readonly MeterReading[]> {
  const all = METERS.map((m) => store.query.readings(meterId(m), civil(0), civil(Number.MAX_SAFE_INTEGER), 9_999));
  return (await Promise.all(all)).flat();
}

/** `meter time` of every reading in finished archives. */
function archived(): readonly string[] {
  return readdirSync(archive)
    .filter((name) => name.endsWith(".csv.gz"))
    .flatMap((name) =>
      gunzipSync(readFileSync(join(archive, name)))
        .toString()
        .trimEnd()
        .split("\n")
        .slice(1),
    )
    .filter((line) => line.includes("activeEnergyImport"))
    .map((line) => line.split(",").slice(0, 2).join(" "));
}

const name = ({ meter, time }: MeterReading) => `${meter} ${new Date(time / 1_000).toISOString().replace(".000", "")}`;

async function finish(): Promise<void> {
  while ((await store.maintain(NOW)).more);
}

test("whole months that ended longer ago go, later ones stay, and each reading goes once", async () => {
  await fill();
  await finish();
  expect(readdirSync(archive).sort()).toEqual(
    ["2025-11", "2025-12"].flatMap((month) => [`readings-${month}.csv.gz`, `readings-${month}.csv.gz.manifest.json`]),
  );
  const left = await stored();
  expect(left.every(({ time }) => time >= Date.UTC(2026, 0, 1) * 1_000)).toBe(true);
  expect([...archived(), ...left.map(name)].sort()).toEqual(readings.map(name).sort());
  expect(await store.query.counts()).toMatchObject({ modbus: left.length });
});

test("broken off and begun again at every step nothing is lost, and at the end each reading is in one place", async () => {
  await store.close();
  store = await open(join(directory.path, "head-end.db"));
  await fill();
  await finish();
  for (let more = true; more; ) {
    await store.close();
    store = await opened();
    ({ more } = await store.maintain(NOW));
    const somewhere = new Set([...(existsSync(archive) ? archived() : []), ...(await stored()).map(name)]);
    expect(somewhere.size).toBe(readings.length);
  }
  expect([...archived(), ...(await stored()).map(name)].sort()).toEqual(readings.map(name).sort());
});

test("a folder that cannot be written stops archives with a reason, not compaction, and is tried again", async () => {
  await fill();
  writeFileSync(archive, "a file, no folder");
  await expect(finish()).rejects.toThrow(/EEXIST|ENOTDIR/);
  expect(await stored()).toHaveLength(readings.length);
  archive = join(directory.path, "elsewhere");
  await store.close();
  mkdirSync(archive);
  store = await opened();
  await finish();
  expect(await stored()).not.toHaveLength(readings.length);
});

test("a reading that comes for an archived month goes into a second file of it", async () => {
  await fill();
  await finish();
  const late = { ...(readings[0] as MeterReading), time: civil(START + 1_000_000) };
  await store.commit([{ kind: "reading", reading: late }]);
  expect((await stored()).map(name)).toContain(name(late));
  while ((await store.maintain(civil(NOW + 3_600_000_000))).more);
  expect(readdirSync(archive)).toContain("readings-2025-11-2.csv.gz");
  expect(archived().filter((of) => of === name(late))).toHaveLength(1);
  expect((await stored()).map(name)).not.toContain(name(late));
});
