/** An archive of readings, read back into a store. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { openSqliteStore } from "../../headend/adapters/sqlite/store.ts";
import { ARCHIVE_HEADER, type ArchiveManifest, parseArchiveLine } from "../../headend/archive-format.ts";
import type { MeterReading, Store } from "../../headend/ports.ts";
import { errorText } from "../platform/errors.ts";
import { failed, usage } from "./errors.ts";
import type { CommandProcess } from "./process.ts";

const BATCH = 1_000;

/** Stores what is not stored yet. The archive is compared with its manifest before anything is stored. */
export async function importArchive(proc: CommandProcess, file: string, archive: string): Promise<void> {
  if (!existsSync(archive)) throw usage(`there is no archive ${archive}`, "check the path");
  await verify(archive);
  const store = await openSqliteStore({ file }).catch((error) => {
    throw failed(errorText(error), "stop the head-end, then try again");
  });
  proc.cleanup(() => store.close());
  const before = total(await store.query.counts());
  const read = await storeAll(proc, store, archive);
  const stored = total(await store.query.counts()) - before;
  proc.info("archive-imported", { readings: read, stored, storedBefore: read - stored });
  await store.close();
}

async function verify(archive: string): Promise<void> {
  const manifestFile = `${archive}.manifest.json`;
  if (!existsSync(manifestFile)) throw failed(`${archive} has no manifest ${manifestFile}`, "copy both files");
  let manifest: ArchiveManifest;
  try {
    manifest = JSON.parse(readFileSync(manifestFile, "utf8"));
  } catch (error) {
    throw failed(`the manifest ${manifestFile} is damaged: ${errorText(error)}`, "take another copy");
  }
  if (manifest.format !== "meterworks-readings" || manifest.version !== 1)
    throw failed(`${manifestFile} is no manifest that this version knows`, "update meterworks");
  const hash = createHash("sha256");
  await pipeline(createReadStream(archive), hash);
  if (hash.digest("hex") !== manifest.sha256)
    throw failed(`${archive} is damaged: its SHA-256 is not the one in its manifest`, "take another copy");
}

/** @returns how many readings the archive holds. */
async function storeAll(proc: CommandProcess, store: Store, archive: string): Promise<number> {
  const lines = createInterface({ input: createReadStream(archive).pipe(createGunzip()) });
  let batch: MeterReading[] = [];
  let number = 0;
  let read = 0;
  for await (const line of lines) {
    if (proc.ending) throw failed("interrupted", "import it again: what is stored already stays as it is");
    number += 1;
    if (number === 1 && line === ARCHIVE_HEADER) continue;
    const parsed = parseArchiveLine(line);
    if (!parsed.ok) throw failed(`${archive}, line ${number}: ${parsed.error}`);
    const last = batch.at(-1);
    if (last !== undefined && last.meter === parsed.value.meter && last.time === parsed.value.time)
      batch[batch.length - 1] = { ...last, values: { ...last.values, ...parsed.value.values } };
    else {
      if (batch.length >= BATCH) {
        await commit(store, batch);
        batch = [];
      }
      batch.push(parsed.value);
      read += 1;
    }
  }
  await commit(store, batch);
  return read;
}

function commit(store: Store, readings: readonly MeterReading[]): Promise<void> {
  return store.commit(readings.map((reading) => ({ kind: "reading", reading })));
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
