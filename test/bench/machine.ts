/** Where the bench runs: the C programs it builds, the cores it pins to, and what must be said beside any figure. */
import { mkdirSync, readFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { join } from "node:path";
import { REPOSITORY, run } from "../programs.ts";

const SOURCES = join(REPOSITORY, "test/bench/c");
const BUILD = join(REPOSITORY, "test/bench/build");
const PACKAGES = ["jsmodbus", "modbus-serial"] as const;

/** Something the user has to put right before the bench can run. */
export class SetupError extends Error {}

export interface Tools {
  readonly load: string;
  readonly libmodbusServer: string;
  readonly libmodbusVersion: string;
  readonly rtuSlave: string;
  readonly rtuClient: string;
  readonly metrology: string;
}

/** Compiles the load generator, and the peers in C. */
export async function buildTools(): Promise<Tools> {
  const flags = await run("pkg-config", ["--cflags", "--libs", "libmodbus"]).catch(() => undefined);
  const version = await run("pkg-config", ["--modversion", "libmodbus"]).catch(() => undefined);
  if (flags?.code !== 0 || version?.code !== 0) {
    throw new SetupError('libmodbus for C is missing: run "make peers" (Debian package libmodbus-dev)');
  }
  mkdirSync(BUILD, { recursive: true });
  const load = await compile("load", []);
  const libmodbus = flags.stdout.trim().split(/\s+/);
  return {
    load,
    libmodbusServer: await compile("libmodbus-server", libmodbus),
    libmodbusVersion: version.stdout.trim(),
    rtuSlave: await compile("rtu-slave", []),
    rtuClient: await compile("rtu-client", libmodbus),
    metrology: await compile("metrology", ["-O3", "-march=native", "-lm"]),
  };
}

async function compile(name: string, flags: readonly string[]): Promise<string> {
  const output = join(BUILD, name);
  const args = ["-O2", "-Wall", "-Wextra", "-o", output, join(SOURCES, `${name}.c`), ...flags];
  const result = await run("cc", args, { timeoutMs: 60_000 }).catch(() => undefined);
  if (result === undefined) throw new SetupError('no C compiler: run "make peers" (Debian package build-essential)');
  if (result.code !== 0) throw new SetupError(`cc refused ${name}.c:\n${result.stderr}`);
  return output;
}

type Side = "client" | "server";

/** Puts a command on its side's core, or leaves it alone where there is only one core or no `taskset`. */
export type Pin = (side: Side, command: readonly string[]) => readonly string[];

export async function choosePin(): Promise<{ pin: Pin; note: string }> {
  const possible =
    cpus().length >= 2 && (await run("taskset", ["-c", "0,1", "true"]).catch(() => undefined))?.code === 0;
  if (!possible) return { pin: (_side, command) => command, note: "not pinned (one core, or no taskset)" };
  const core: Record<Side, string> = { client: "0", server: "1" };
  return { pin: (side, command) => ["taskset", "-c", core[side], ...command], note: "client core 0, server core 1" };
}

/** User and system time of a process and all its threads so far, microseconds, from /proc. */
export function processCpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold spaces; utime and stime are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const MICROS_PER_TICK = 10_000; // USER_HZ is 100 on every Linux that Node runs on
  return (Number(fields[11]) + Number(fields[12])) * MICROS_PER_TICK;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly loadBefore: readonly number[];
  readonly pinning: string;
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(tools: Tools, pinning: string): Machine {
  const versions: Record<string, string> = {
    node: process.versions.node,
    meterworks: packageVersion(REPOSITORY),
    libmodbus: tools.libmodbusVersion,
  };
  for (const name of PACKAGES) versions[name] = packageVersion(join(REPOSITORY, "node_modules", name));
  const loadBefore = loadavg().map((load) => Math.round(load * 100) / 100);
  return { cpu: cpus()[0]?.model ?? "?", cores: cpus().length, kernel: release(), loadBefore, pinning, versions };
}

function packageVersion(folder: string): string {
  const parsed: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return typeof parsed === "object" && parsed !== null && "version" in parsed ? String(parsed.version) : "?";
}
