/** Bytes a value takes in the store's file after compaction, everything in the file counted, beside a row per value. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { rewriteStore } from "../../headend/adapters/sqlite/space.ts";
import { openSqliteStore } from "../../headend/adapters/sqlite/store.ts";
import type { MeterReading } from "../../headend/ports.ts";
import { civil } from "../../src/core/time.ts";
import { temporaryDirectory } from "../programs.ts";
import { naiveDatabase, naiveRows } from "./store-ingest.ts";
import { type Profile, profileReadings } from "./store-profiles.ts";

export interface SizeSample {
  readonly values: number;
  readonly bytesPerValue: number;
  readonly naiveBytesPerValue: number;
}

const START = Math.floor(Date.UTC(2025, 0, 1) / 1_000);
const BATCH = 500;

/** @throws when what is read back differs from what was stored. */
export async function measureSize(profile: Profile, meters: number, days: number): Promise<SizeSample> {
  const directory = temporaryDirectory();
  try {
    const byMeter = Array.from({ length: meters }, (_, i) => [...profileReadings(profile, i + 1, START, days)]);
    const slots = (byMeter[0] as MeterReading[]).length;
    const all = Array.from({ length: slots }, (_, slot) => byMeter.map((of) => of[slot] as MeterReading)).flat();
    const values = all.length * Object.keys(profile.steps).length;
    const file = join(directory.path, "ours.db");
    await storeAndCompact(file, all, days, byMeter[0] as MeterReading[]);
    const naiveFile = join(directory.path, "naive.db");
    const naive = naiveDatabase(naiveFile, "OFF");
    for (let i = 0; i < all.length; i += BATCH) naive.insert(naiveRows(all.slice(i, i + BATCH)));
    naive.close();
    return {
      values,
      bytesPerValue: statSync(file).size / values,
      naiveBytesPerValue: statSync(naiveFile).size / values,
    };
  } finally {
    directory.remove();
  }
}

async function storeAndCompact(
  file: string,
  all: readonly MeterReading[],
  days: number,
  first: readonly MeterReading[],
) {
  const store = await openSqliteStore({ file, synchronous: "NORMAL" });
  for (let i = 0; i < all.length; i += BATCH)
    await store.commit(all.slice(i, i + BATCH).map((reading) => ({ kind: "reading", reading })));
  const now = civil((START + (days + 10) * 86_400) * 1_000_000);
  while ((await store.maintain(now)).more);
  const meter = (first[0] as MeterReading).meter;
  const back = await store.query.readings(meter, civil(0), now, first.length + 1);
  await store.close();
  if (JSON.stringify(back.map(inOrder)) !== JSON.stringify(first.map(inOrder)))
    throw new Error(`${meter}: what was compacted is not what was stored`);
  rewriteStore(file, false);
}

/** Its measures in the order of their names. */
function inOrder({ values, ...rest }: MeterReading) {
  return { ...rest, values: Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)) };
}
