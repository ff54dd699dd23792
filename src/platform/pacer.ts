/**
 * A serial line whose bytes take their time, between two pseudo terminals: a small C program of its own process, compiled
 * when it is wanted, because neither Node nor a plain pseudo terminal can keep the pace of a wire.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PlatformError, systemCode } from "./errors.ts";
import { checkPlace } from "./socat.ts";

export interface PacedLineOptions {
  readonly baud: number;
  /** Start, data, parity and stop bits of a character. */
  readonly bitsPerChar: number;
  /** Where end a is to be; default: in the folder of the line's own. */
  readonly a?: string;
  /** The sender hears its own bytes, as on a two-wire line. */
  readonly echo?: boolean;
  /** Probabilities for each byte, drawn from the seed. */
  readonly faults?: {
    readonly seed: number;
    readonly lose?: number;
    readonly flip?: number;
    readonly double?: number;
    readonly noise?: number;
  };
  /**
   * Gets a line for each byte: the end it came from (a or b), when it began on the wire and when it was handed over (ns since
   * the line began), the byte in hex. Whole once the line has ended.
   */
  readonly log?: string;
}

export interface PacedLine {
  /** The two ends, for any program that opens a serial port; whatever baud it sets, the line's is the one above. */
  readonly a: string;
  readonly b: string;
  /** Of the process that keeps the pace. */
  readonly pid: number;
  readonly end: () => Promise<void>;
}

const READY_TIMEOUT_MS = 5_000;
const SOURCE = "c/line-pacer.c";
/** Beside this file, or where the compiled one came from: the compiler of TypeScript copies no C. */
const PLACES = [`./${SOURCE}`, `../../../src/platform/${SOURCE}`];

/**
 * Makes the line; its terminals live in a folder of their own until `end`.
 * @throws PlatformError `missing-program` without a C compiler, `failed` where it makes no terminals
 */
export async function createPacedLine(options: PacedLineOptions): Promise<PacedLine> {
  if (options.a !== undefined) checkPlace(options.a);
  const folder = await mkdtemp(join(tmpdir(), "meterworks-line-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  const [a, b] = [options.a ?? join(folder, "a"), join(folder, "b")];
  try {
    const program = join(folder, "line-pacer");
    await compile(program);
    const child = await begin(program, [...argumentsOf(options), "--a", a, "--b", b]);
    const end = async () => {
      await stop(child);
      await remove();
    };
    return { a, b, pid: child.pid as number, end };
  } catch (error) {
    await remove();
    throw error;
  }
}

function argumentsOf({ baud, bitsPerChar, echo, faults, log }: PacedLineOptions): string[] {
  const args = ["--baud", String(baud), "--bits", String(bitsPerChar)];
  for (const [name, value] of Object.entries(faults ?? {})) args.push(`--${name}`, String(value));
  if (echo === true) args.push("--echo");
  if (log !== undefined) args.push("--log", log);
  return args;
}

async function compile(output: string): Promise<void> {
  const source = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path));
  if (source === undefined)
    throw new PlatformError("not-found", `${SOURCE} is missing`, "install meterworks with its sources");
  const child = spawn("cc", ["-O2", "-o", output, source], { stdio: ["ignore", "ignore", "pipe"] });
  const { code, complaint } = await outcome(child);
  if (code === "ENOENT")
    throw new PlatformError(
      "missing-program",
      "a paced line needs a C compiler, which is not installed",
      "install the Debian package: sudo apt-get install build-essential",
    );
  if (code !== 0)
    throw new PlatformError("failed", `the C compiler refused ${SOURCE}: ${complaint}`, "a paced line needs Linux");
}

/** How a program ended: its exit code, or the system's error where it never began. */
function outcome(child: ChildProcess): Promise<{ readonly code: number | string | null; readonly complaint: string }> {
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-500);
  });
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: systemCode(error), complaint: error.message }));
    child.once("close", (code) => resolve({ code, complaint: complaint.trim() }));
  });
}

/** It ends with its standard input, which comes even when we are killed: it cannot outlive us. */
async function begin(program: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const ready = new Promise<"ready">((resolve) => child.stdout.once("data", () => resolve("ready")));
  const timer = setTimeout(() => child.kill("SIGKILL"), READY_TIMEOUT_MS);
  const first = await Promise.race([ready, outcome(child)]);
  clearTimeout(timer);
  if (first === "ready") return child;
  throw new PlatformError("failed", `the paced line did not start: ${first.complaint}`, "check that /dev/pts is there");
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("close", () => resolve());
    child.stdin?.end();
  });
}
