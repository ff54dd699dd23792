/** The files of backup and restore: drafts that become whole files in one step, and the proof that a backup is what it was. */
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { setImmediate } from "node:timers/promises";
import { inspectStore } from "../../headend/adapters/sqlite/backup.ts";
import { fileError, syncDirectory } from "../platform/atomic-file.ts";
import { errorText, PlatformError } from "../platform/errors.ts";
import { differentRows, digest, type Manifest, manifestPath, parseManifest } from "./backup-manifest.ts";
import { type CommandError, failed } from "./errors.ts";
import type { CommandProcess } from "./process.ts";
import { showProgress } from "./progress.ts";

/** What SQLite lays beside a database while it is open, or leaves when its process is killed. */
const COMPANIONS = ["-journal", "-wal", "-shm"] as const;

/**
 * Does `work` on a path beside `target` where nothing is yet. Whatever happens, Ctrl-C included, nothing stays there:
 * `work` ends by {@link putInPlace}, or what it wrote is removed.
 */
export async function withDraft<T>(
  proc: CommandProcess,
  target: string,
  work: (draft: string) => Promise<T>,
): Promise<T> {
  const draft = `${target}.${process.pid}.new`;
  const done = work(draft);
  proc.cleanup(async () => {
    await done.catch(() => undefined);
    for (const name of [draft, ...COMPANIONS.map((suffix) => draft + suffix)]) rmSync(name, { force: true });
  });
  return done;
}

/** Shows how far it is on stderr, and ends the work where the command was asked to end. */
export function watchedProgress(proc: CommandProcess): (share: number) => void {
  const show = showProgress();
  return (share) => {
    if (proc.ending) throw failed("interrupted", "nothing was changed");
    show?.(share);
  };
}

/** Where in the whole the parts begin and end, 0..1, as measured: most time goes into the check of the database. */
export const PARTS = { copy: [0, 0.4], hash: [0.85, 1], verify: [0, 0.25] } as const;

/** The progress of one part as progress of the whole. */
export function partOf(
  onProgress: (share: number) => void,
  [from, to]: readonly [number, number],
): (share: number) => void {
  return (share) => onProgress(from + share * (to - from));
}

/** Gives a whole draft its name, durably. */
export function putInPlace(draft: string, target: string): void {
  try {
    renameSync(draft, target);
    syncDirectory(dirname(target));
  } catch (error) {
    throw unwritable(error, target);
  }
}

/** What the system refuses here is the work that was asked for: it failed, and the command was used rightly. */
export function unwritable(error: unknown, path: string): CommandError {
  const { message, hint } = error instanceof PlatformError ? error : fileError(error, path);
  return failed(message, hint);
}

/**
 * Moves a store, with the commits that are only in its log, out of the way.
 * The database goes first: without it SQLite takes no log for its own.
 */
export function setAside(file: string, aside: string): void {
  try {
    if (existsSync(file)) renameSync(file, aside);
    for (const suffix of COMPANIONS) if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
    syncDirectory(dirname(file));
  } catch (error) {
    throw unwritable(error, aside);
  }
}

const ANOTHER = "take another backup";

/** The manifest beside the backup. */
export function readManifest(backup: string): Manifest {
  const path = manifestPath(backup);
  if (!existsSync(backup)) throw failed(`there is no backup ${backup}`, "check the path");
  if (!existsSync(path))
    throw failed(`${backup} has no manifest ${path}`, "copy both files; a backup that was cut off has none");
  const manifest = parseManifest(readFileSync(path, "utf8"));
  if (!manifest.ok) throw failed(`the manifest ${path} is damaged: ${manifest.error}`, ANOTHER);
  return manifest.value;
}

/** Reads the backup to its end and compares length and SHA-256. */
export async function verifyBytes(backup: string, manifest: Manifest, onProgress: (share: number) => void) {
  requireBytes(backup, manifest, await digest(backup, onProgress));
}

/** Copies the backup to `draft`, and lets only the very bytes pass that were backed up. */
export async function copyVerified(
  backup: string,
  manifest: Manifest,
  draft: string,
  onProgress: (share: number) => void,
): Promise<void> {
  const target = await open(draft, "wx").catch((error) => Promise.reject(unwritable(error, draft)));
  try {
    const read = await digest(backup, onProgress, (chunk) => writeChunk(target, chunk, draft));
    await target.sync();
    requireBytes(backup, manifest, read);
  } finally {
    await target.close();
  }
}

async function writeChunk(target: FileHandle, chunk: Uint8Array, path: string): Promise<void> {
  try {
    for (let at = 0; at < chunk.length; ) at += (await target.write(chunk, at)).bytesWritten;
  } catch (error) {
    throw unwritable(error, path);
  }
}

function requireBytes(backup: string, manifest: Manifest, read: { bytes: number; sha256: string }): void {
  if (read.bytes !== manifest.bytes)
    throw failed(`${backup} is cut or has grown: ${read.bytes} bytes instead of ${manifest.bytes}`, ANOTHER);
  if (read.sha256 !== manifest.sha256)
    throw failed(`${backup} is damaged: its SHA-256 is not the one in its manifest`, ANOTHER);
}

/** Opens a copy as a database, checks it in full, and compares schema and rows with the manifest. */
export async function verifyContent(copy: string, backup: string, manifest: Manifest): Promise<void> {
  let content: ReturnType<typeof inspectStore>;
  try {
    content = inspectStore(copy);
  } catch (error) {
    throw failed(`${backup} cannot be used: ${errorText(error)}`);
  }
  // The check holds the event loop: a Ctrl-C that came meanwhile is heard in the next turn, which the second wait is behind.
  await setImmediate();
  await setImmediate();
  const difference = differentRows(manifest.rows, content.rows);
  if (difference !== undefined) throw failed(`${backup} is not what its manifest says: ${difference}`, ANOTHER);
}
