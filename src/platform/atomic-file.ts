/** Small files that are there whole or not at all: configuration, tokens, the marks of a process. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { errorText, PlatformError, systemCode } from "./errors.ts";

/** Replaces the file's content in one step that survives a power cut. Readable by its owner only, unless told otherwise. */
export function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o600): void {
  const draft = `${path}.${process.pid}.new`;
  try {
    writeDurably(draft, typeof content === "string" ? new TextEncoder().encode(content) : content, mode);
    renameSync(draft, path);
    syncDirectory(dirname(path));
  } catch (error) {
    rmSync(draft, { force: true });
    throw fileError(error, path);
  }
}

function writeDurably(path: string, bytes: Uint8Array, mode: number): void {
  const fd = openSync(path, "w", mode);
  try {
    writeWhole(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes all bytes, from `offset` of the file on; one call of the system may write fewer. */
export function writeWhole(fd: number, bytes: Uint8Array, offset = 0): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, offset + at);
}

/** Makes names in a directory durable: a file's own fsync does not cover the entry that leads to it. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Says what to do about a file that cannot be had. */
export function fileError(error: unknown, path: string): PlatformError {
  switch (systemCode(error)) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new PlatformError("permission", `not allowed to write ${path}`, "choose a folder that belongs to you");
    case "ENOENT":
      return new PlatformError("not-found", `there is no folder for ${path}`, "make it first");
    case "ENOTDIR":
    case "EEXIST":
      return new PlatformError("not-found", `part of ${path} is no folder`, "choose another path");
    case "ENOSPC":
    case "EDQUOT":
      return new PlatformError("failed", `no space left for ${path}`, "free some space on that disk");
    default:
      return new PlatformError("failed", `cannot write ${path}: ${errorText(error)}`, "check the path and the disk");
  }
}
