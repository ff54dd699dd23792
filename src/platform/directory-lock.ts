/** One process per state directory: two meters on one set of counters would both be wrong. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileError } from "./atomic-file.ts";
import { PlatformError, systemCode } from "./errors.ts";

const LOCK = "lock";

/**
 * Takes the directory, which must exist; the lock of a process that died is taken over. Returns the way to give it back.
 * @throws PlatformError `in-use` while another process has it, `permission` where we may not write.
 */
export function lockDirectory(directory: string): () => void {
  const lock = join(directory, LOCK);
  const mine = join(directory, `${LOCK}.${process.pid}`);
  const content = processMark(process.pid);
  try {
    writeFileSync(mine, content);
    // A hard link appears whole or fails: nobody sees a lock that is half written.
    while (!tryLink(mine, lock)) removeStale(lock, directory);
  } catch (error) {
    throw error instanceof PlatformError ? error : fileError(error, directory);
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (read(lock) === content) rmSync(lock, { force: true });
  };
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

function removeStale(lock: string, directory: string): void {
  const holder = read(lock);
  if (holder === undefined) return;
  if (isAlive(holder)) {
    const pid = holder.split(" ")[0];
    throw new PlatformError(
      "in-use",
      `${directory} is in use by process ${pid}`,
      "stop that process, or give this one a folder of its own",
    );
  }
  // Moved aside and looked at again, in case somebody else took it over between our look and our hand.
  const aside = `${lock}.stale.${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  if (read(aside) !== holder) tryLink(aside, lock);
  rmSync(aside, { force: true });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** A process and when it started: after a reboot the same number is somebody else's. */
function processMark(pid: number): string {
  return `${pid} ${startTime(pid)}\n`;
}

function isAlive(mark: string): boolean {
  const pid = Number(mark.split(" ")[0]);
  // A lock that names no process is left from a crash in the middle of something: nobody holds it.
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Not permitted to signal it means that it exists.
    if (systemCode(error) !== "EPERM") return false;
  }
  return mark === processMark(pid);
}

/** Field 22 of /proc/PID/stat, in clock ticks since boot; `-` where there is no /proc. */
function startTime(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets and may itself hold blanks and brackets.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-";
}
