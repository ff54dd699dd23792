/** `meterworks restore`: a backup becomes the store again, once it has been proven whole. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { reserveStore, resumeFrom } from "../../../headend/adapters/sqlite/backup.ts";
import { errorText } from "../../platform/errors.ts";
import {
  copyVerified,
  PARTS,
  partOf,
  putInPlace,
  readManifest,
  setAside,
  verifyContent,
  watchedProgress,
  withDraft,
} from "../backup-files.ts";
import { type Manifest, showManifest } from "../backup-manifest.ts";
import { failed, usage } from "../errors.ts";
import { print, printJson } from "../output.ts";
import { CommandProcess } from "../process.ts";
import { storeFile } from "../store-url.ts";

interface Flags {
  readonly store: string;
  readonly force?: true;
  readonly json?: true;
}

const HELP = `
Stop the head-end first. The backup is read, compared with its manifest and checked in full before anything is replaced;
with --force the store that was there is moved aside, to FILE.replaced-TIME, and nothing of it is deleted.
What was stored after the backup is not in it; the backup's time is printed.

Examples:
  meterworks restore /backups/meters-2026-11-29.db --store sqlite:./meters.db
  meterworks restore /backups/meters-2026-11-29.db --store sqlite:./meters.db --force`;

export function addRestore(program: Command): void {
  program
    .command("restore <file>")
    .description("a backup becomes the store again, once it is proven whole")
    .option("--store <URL>", "sqlite:FILE", "sqlite:meterworks.db")
    .option("--force", "replace the store that is there (it is moved aside, not deleted)")
    .option("--json", "what was restored as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(backup: string, flags: Flags): Promise<void> {
  const store = storeFile(
    flags.store,
    (shown) => `stop the head-end, then pg_restore --clean --if-exists --dbname=${shown} BACKUP`,
  );
  if (flags.force !== true && existsSync(store))
    throw usage(`there is a store ${store} already`, "choose another file, or give --force to move it aside");
  await CommandProcess.run(
    1,
    async (proc) => {
      const began = performance.now();
      const manifest = readManifest(backup);
      const replaced = await stopped(store, () => restore(proc, backup, manifest, store));
      const seconds = Number(((performance.now() - began) / 1_000).toFixed(3));
      if (flags.json === true) {
        printJson({ store, backup, replaced, ...manifest, seconds });
        return;
      }
      print(`${store}: restored, ${showManifest(manifest)}, ${seconds} s`);
      if (replaced !== null) print(`the store that was there is ${replaced}`);
    },
    { interruptedExitCode: 1 },
  );
}

/** Keeps head-ends off the store from before the check until it is replaced. */
async function stopped<T>(store: string, work: () => Promise<T>): Promise<T> {
  let release: () => void;
  try {
    release = reserveStore(store);
  } catch (error) {
    throw failed(`${store} cannot be replaced: ${errorText(error)}`);
  }
  try {
    return await work();
  } finally {
    release();
  }
}

/** @returns where the store that was there is now; null where there was none. */
async function restore(
  proc: CommandProcess,
  backup: string,
  manifest: Manifest,
  store: string,
): Promise<string | null> {
  return await withDraft(proc, store, async (draft) => {
    const onProgress = watchedProgress(proc);
    await copyVerified(backup, manifest, draft, partOf(onProgress, PARTS.copy));
    await verifyContent(draft, backup, manifest);
    onProgress(1);
    const now = new Date();
    try {
      resumeFrom(draft, now.getTime() * 1_000, `${backup}, taken ${manifest.takenAt}, SHA-256 ${manifest.sha256}`);
    } catch (error) {
      throw failed(`${store} cannot be restored: ${errorText(error)}`);
    }
    const there = existsSync(store);
    const aside = `${store}.replaced-${now.toISOString().replace(/[-:]/g, "")}`;
    setAside(store, aside);
    putInPlace(draft, store);
    return there ? aside : null;
  });
}
