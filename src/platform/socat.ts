/** Runs socat, which makes the pseudo terminals: Node itself cannot, and a compiled addon for it would be one more. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { PlatformError, systemCode } from "./errors.ts";

const READY_TIMEOUT_MS = 5000;
const POLL_MS = 5;
const SHELL_NOT_FOUND = 127;

/** Raw from the start: before a peer sets the line itself, an echo would be read as a frame. */
export function ptyAddress(linkPath: string): string {
  // Characters that mean something in socat's address language stand for themselves behind a backslash.
  return `PTY,raw,echo=0,link=${linkPath.replace(/[^\w./-]/g, "\\$&")}`;
}

/**
 * Waits until all `linkPaths` exist. The command must end by itself, removing them, at the end of its standard input: that
 * comes even when we are killed, so neither a process nor a symlink to a terminal that is gone outlives us.
 */
export async function startSocat(
  command: string,
  args: readonly string[],
  linkPaths: readonly string[],
): Promise<ChildProcess> {
  for (const path of linkPaths) checkPlace(path);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  let complaint = "";
  let failed: unknown;
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-500);
  });
  child.on("error", (error) => {
    failed = error;
  });
  for (let waited = 0; waited < READY_TIMEOUT_MS; waited += POLL_MS) {
    if (failed !== undefined || child.exitCode !== null) break;
    if (linkPaths.every((path) => existsSync(path))) return child;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  child.kill("SIGKILL");
  const missing = systemCode(failed) === "ENOENT" || child.exitCode === SHELL_NOT_FOUND;
  throw missing ? missingSocat() : socatFailed(complaint.trim() || "it made no terminal");
}

export function stopSocat(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("close", () => resolve());
    child.stdin?.end();
  });
}

/** @throws PlatformError where no terminal can be made under this name */
export function checkPlace(path: string): void {
  if (!existsSync(dirname(path)))
    throw new PlatformError(
      "not-found",
      `no folder ${dirname(path)} for the terminal ${path}`,
      "make it, or choose another path",
    );
  if (existsSync(path))
    throw new PlatformError("in-use", `${path} exists already`, "choose another path, or remove it if nothing uses it");
}

function missingSocat(): PlatformError {
  return new PlatformError(
    "missing-program",
    "a virtual serial port (PTY) needs the program socat, which is not installed",
    "install the Debian package: sudo apt-get install socat",
  );
}

function socatFailed(why: string): PlatformError {
  return new PlatformError("failed", `socat failed: ${why}`, "check that the path is writable");
}
