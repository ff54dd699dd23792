/** `meterworks backup`: a consistent copy of the store, also of a running head-end, with a manifest that proves it. */
import { existsSync, rmSync } from "node:fs";
import type { Command } from "commander";
import { copyStore, inspectStore } from "../../../headend/adapters/sqlite/backup.ts";
import { writeFileAtomic } from "../../platform/atomic-file.ts";
import { errorText } from "../../platform/errors.ts";
import {
  PARTS,
  partOf,
  putInPlace,
  readManifest,
  unwritable,
  verifyBytes,
  verifyContent,
  watchedProgress,
  withDraft,
} from "../backup-files.ts";
import { digest, type Manifest, manifestPath, showManifest } from "../backup-manifest.ts";
import { failed, usage } from "../errors.ts";
import { print, printJson } from "../output.ts";
import { CommandProcess } from "../process.ts";
import { storeFile } from "../store-url.ts";
import { path } from "../values.ts";
import { VERSION } from "../version.ts";

interface Flags {
  readonly store: string;
  readonly verify?: string;
  readonly json?: true;
}

const HELP = `
The head-end may run: the copy holds every commit made before it began, and the head-end does not wait for it.
FILE.manifest.json beside the copy has its SHA-256, rows and schema; keep the two together. The API's token, the
configuration and the broker's users are files of their own and are not in it.

Examples:
  meterworks backup --store sqlite:./meters.db /backups/meters-$(date +%F).db
  meterworks backup --verify /backups/meters-2026-11-29.db
  meterworks restore /backups/meters-2026-11-29.db --store sqlite:./meters.db`;

export function addBackup(program: Command): void {
  program
    .command("backup [file]")
    .description("a consistent copy of the store, also while the head-end runs")
    .option("--store <URL>", "sqlite:FILE", "sqlite:meterworks.db")
    .option("--verify <FILE>", "check an existing backup and copy nothing", path("--verify", "name a backup"))
    .option("--json", "the manifest as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(target: string | undefined, flags: Flags): Promise<void> {
  const { verify } = flags;
  if (verify !== undefined && target !== undefined)
    throw usage("--verify checks a backup and makes none", `leave "${target}" out`);
  await CommandProcess.run(
    1,
    async (proc) => {
      const began = performance.now();
      const manifest = verify === undefined ? await backUp(proc, target, flags.store) : await check(proc, verify);
      const file = verify ?? target;
      const seconds = Number(((performance.now() - began) / 1_000).toFixed(3));
      if (flags.json === true) printJson({ file, ...manifest, seconds });
      else print(`${file}: ${verify === undefined ? "" : "verified, "}${showManifest(manifest)}, ${seconds} s`);
    },
    { interruptedExitCode: 1 },
  );
}

async function backUp(proc: CommandProcess, target: string | undefined, url: string): Promise<Manifest> {
  const store = storeFile(url, (shown) => `pg_dump --format=custom --schema=meterworks --file=BACKUP ${shown}`);
  if (target === undefined || target === "") throw usage("no backup file is named", "name one, or give --verify FILE");
  if (!existsSync(store)) throw usage(`there is no store ${store}`, "give --store sqlite:FILE");
  for (const name of [target, manifestPath(target)])
    if (existsSync(name)) throw usage(`${name} exists already`, "a backup never replaces one: choose another name");
  const onProgress = watchedProgress(proc);
  return await withDraft(proc, target, async (draft) => {
    const takenAt = new Date().toISOString();
    const content = await attempt(`${store} cannot be backed up to ${target}`, async () => {
      await copyStore(store, draft, partOf(onProgress, PARTS.copy));
      return inspectStore(draft);
    });
    const { bytes, sha256 } = await digest(draft, partOf(onProgress, PARTS.hash));
    const about = { format: "meterworks-backup", version: 1, takenAt, madeBy: VERSION } as const;
    const manifest: Manifest = { ...about, ...content, bytes, sha256 };
    putInPlace(draft, target);
    // Last: a backup without its manifest is known as one that was cut off.
    try {
      writeFileAtomic(manifestPath(target), `${JSON.stringify(manifest, undefined, 2)}\n`);
    } catch (error) {
      rmSync(target);
      throw unwritable(error, manifestPath(target));
    }
    return manifest;
  });
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failed(`${what}: ${errorText(error)}`);
  }
}

async function check(proc: CommandProcess, backup: string): Promise<Manifest> {
  const manifest = readManifest(backup);
  const onProgress = watchedProgress(proc);
  await verifyBytes(backup, manifest, partOf(onProgress, PARTS.verify));
  await verifyContent(backup, backup, manifest);
  onProgress(1);
  return manifest;
}
