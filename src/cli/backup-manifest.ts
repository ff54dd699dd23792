/** The manifest beside a backup: what the file must be, so that a cut or changed one is known before it is needed. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { RowCounts, StoreContent } from "../../headend/adapters/sqlite/backup.ts";
import { failure, type Result, success } from "../core/result.ts";

export interface Manifest extends StoreContent {
  readonly format: "meterworks-backup";
  readonly version: 1;
  /** The moment of the copy, ISO 8601: everything committed before is in it. */
  readonly takenAt: string;
  readonly madeBy: string;
  readonly bytes: number;
  readonly sha256: string;
}

export function manifestPath(backup: string): string {
  return `${backup}.manifest.json`;
}

/** One line for people. */
export function showManifest({ takenAt, bytes, schema, rows }: Manifest): string {
  return `taken ${takenAt}, ${rows.readings} readings of ${rows.meters} meters, ${bytes} bytes, schema ${schema}`;
}

/** A manifest's text, or what is wrong with it. */
export function parseManifest(text: string): Result<Manifest, string> {
  let value: Partial<Manifest> | null;
  try {
    value = JSON.parse(text) as Partial<Manifest> | null;
  } catch {
    return failure("it is no JSON");
  }
  if (value?.format !== "meterworks-backup") return failure("it is no manifest of a backup");
  if (value.version !== 1) return failure(`a newer meterworks wrote it (version ${value.version}): update meterworks`);
  const sound =
    typeof value.sha256 === "string" &&
    /^[0-9a-f]{64}$/.test(value.sha256) &&
    [value.bytes, value.schema].every((n) => Number.isSafeInteger(n)) &&
    typeof value.takenAt === "string" &&
    !Number.isNaN(Date.parse(value.takenAt)) &&
    typeof value.madeBy === "string" &&
    areCounts(value.rows);
  return sound ? success(value as Manifest) : failure("a field is missing or of the wrong kind");
}

function areCounts(rows: unknown): rows is RowCounts {
  return typeof rows === "object" && rows !== null && Object.values(rows).every((n) => Number.isSafeInteger(n));
}

/** Tables whose rows differ, as "readings 10 instead of 12"; undefined where all agree. */
export function differentRows(expected: RowCounts, found: RowCounts): string | undefined {
  const tables = Object.keys(found) as (keyof RowCounts)[];
  const differing = tables.filter((table) => expected[table] !== found[table]);
  if (differing.length === 0) return undefined;
  return differing.map((table) => `${table} ${found[table]} instead of ${expected[table]}`).join(", ");
}

const CHUNK_BYTES = 1 << 20;

/**
 * Reads a file to its end: its length and SHA-256. `onProgress` gets the share done, `onChunk` each piece before the next is read.
 * Rejects with the system's error, and with what the two throw.
 */
export async function digest(
  path: string,
  onProgress: (share: number) => void,
  onChunk?: (bytes: Uint8Array) => Promise<void>,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const hash = createHash("sha256");
    const buffer = new Uint8Array(CHUNK_BYTES);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) return { bytes, sha256: hash.digest("hex") };
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      bytes += bytesRead;
      await onChunk?.(chunk);
      onProgress(Math.min(1, bytes / size));
    }
  } finally {
    await file.close();
  }
}
