/** The store under test runs in worker threads, so it is the compiled one: built here, so that no test sees an old copy. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSqliteStore, type SqliteStoreOptions } from "../../../headend/adapters/sqlite/store.ts";
import type { MaintainedStore } from "../../../headend/retention.ts";

const ROOT = new URL("../../../", import.meta.url);
export const COMPILED = new URL("dist/headend/adapters/sqlite/", ROOT);
export const WORKER = new URL("worker.js", COMPILED);

/** Type errors do not stop the emit and are reported by `make check`. */
export function buildStore(): void {
  const compiler = fileURLToPath(new URL("node_modules/typescript/bin/tsc", ROOT));
  try {
    execFileSync(process.execPath, [compiler, "-b", "headend/adapters"], { cwd: fileURLToPath(ROOT), stdio: "pipe" });
  } catch (error) {
    console.warn(`headend/adapters has type errors:\n${(error as { stdout: Buffer }).stdout}`);
  }
}

export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "meterworks-store-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function open(file: string, options: Partial<SqliteStoreOptions> = {}): Promise<MaintainedStore> {
  return openSqliteStore({ file, worker: WORKER, ...options });
}
