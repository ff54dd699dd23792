/** Starting, watching and stopping other programs. Used by the conformance tests and by the benches; knows no test runner. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. Sources run from `test/`, the compiled benches from `dist/test/`; only the root has a package.json. */
export const REPOSITORY = findRepository(dirname(fileURLToPath(import.meta.url)));
export const CLI = join(REPOSITORY, "dist/src/cli/main.js");

function findRepository(from: string): string {
  if (existsSync(join(from, "package.json"))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error("no package.json above the tests");
  return findRepository(parent);
}

/** A TCP port on 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
      server.close(() => resolve(address.port));
    });
  });
}

export interface TemporaryDirectory {
  readonly path: string;
  remove(): void;
}

export function temporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), "meterworks-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface RunOptions {
  /** Killed after this long; default 15 s. */
  readonly timeoutMs?: number;
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunResult {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Runs a program to its end. Rejects only when it cannot be started; a bad exit code is a result. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, env: { ...process.env, ...options.env } });
    const output = collect(child);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, options.timeoutMs ?? 15_000);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, stdout: output.stdout(), stderr: output.stderr(), timedOut });
    });
    // A program that ends without reading its input closes the pipe; that is its right.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
  });
}

export interface Program {
  readonly pid: number;
  /** The line that matched `ready`. */
  readonly ready: string;
  stdout(): string;
  stderr(): string;
  exited(): boolean;
  /** SIGTERM, then SIGKILL after two seconds or `patienceMs`; the exit code, null when killed. Harmless when it has ended. */
  stop(signal?: NodeJS.Signals, patienceMs?: number): Promise<number | null>;
}

export interface StartOptions {
  /** A line on stdout or stderr that says the program answers now. */
  readonly ready: RegExp;
  readonly timeoutMs?: number;
  /** Told the process's id before it is ready, for who may have to end it by then. */
  readonly onSpawn?: (pid: number) => void;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a server-like program and waits for its `ready` line; rejects with what it printed when that does not come. */
export function start(command: string, args: readonly string[], options: StartOptions): Promise<Program> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.pid !== undefined) options.onSpawn?.(child.pid);
  const output = collect(child);
  let ended: { code: number | null } | undefined;
  const end = new Promise<void>((resolve) => {
    child.once("exit", (code) => {
      ended = { code };
      resolve();
    });
  });
  const stop = async (signal: NodeJS.Signals = "SIGTERM", patienceMs = 2_000): Promise<number | null> => {
    if (ended === undefined) {
      child.kill(signal);
      const killer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
      await end;
      clearTimeout(killer);
    }
    return ended?.code ?? null;
  };
  return new Promise((resolve, reject) => {
    let settled = false;
    const fail = (why: string): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      child.kill("SIGKILL");
      const said = `${output.stdout()}${output.stderr()}`.trim();
      reject(new Error(`${command} ${args.join(" ")}: ${why}${said === "" ? "" : `\n${said}`}`));
    };
    const timer = setTimeout(() => fail(`no line ${options.ready} in time`), options.timeoutMs ?? 15_000);
    const look = (): void => {
      const text = `${output.stdout()}\n${output.stderr()}`;
      const line = text.split("\n").find((candidate) => options.ready.test(candidate));
      if (line === undefined || settled) return;
      settled = true;
      clearTimeout(timer);
      resolve({
        pid: child.pid ?? 0,
        ready: line,
        stdout: output.stdout,
        stderr: output.stderr,
        exited: () => ended !== undefined,
        stop,
      });
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => fail(`ended with ${code} before it was ready`));
  });
}

/** Runs `meterworks …` from the build to its end. */
export function runCli(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run(process.execPath, [CLI, ...args], options);
}

/** Starts `meterworks …` from the build and waits for its `ready <where>` line. */
export function startCli(args: readonly string[], options: Partial<StartOptions> = {}): Promise<Program> {
  return start(process.execPath, [CLI, ...args], { ready: /^ready /, ...options });
}

/** Keeps the last part of what a child prints: a chatty server must not fill the memory of the test. */
function collect(child: ChildProcess): { stdout(): string; stderr(): string } {
  const KEPT_CHARACTERS = 4_000_000;
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout = (stdout + text).slice(-KEPT_CHARACTERS);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-KEPT_CHARACTERS);
  });
  return { stdout: () => stdout, stderr: () => stderr };
}
