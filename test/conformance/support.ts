/** What the conformance tests share: servers under test, servers of others, and what a reading must look like. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { requirePeer } from "../peers.ts";
import { freePort, type Program, REPOSITORY, run, runCli, start, startCli, temporaryDirectory } from "../programs.ts";
import { knownFloats, SDM630 } from "./sdm630.ts";
import { floatWords } from "./wire.ts";

export const CONFORMANCE = join(REPOSITORY, "test/conformance");

/** Stops what a describe block started, last first. */
export class Cleanup {
  readonly #steps: (() => unknown)[] = [];

  constructor() {
    afterAll(async () => {
      for (const step of this.#steps.reverse()) await step();
    });
  }

  program(program: Program): Program {
    this.#steps.push(() => program.stop());
    return program;
  }

  directory(): string {
    const directory = temporaryDirectory();
    this.#steps.push(() => directory.remove());
    return directory.path;
  }

  closing<T extends { close(): unknown }>(thing: T): T {
    this.#steps.push(() => thing.close());
    return thing;
  }
}

export interface TcpMeter {
  readonly port: number;
  readonly program: Program;
}

/** `meterworks meter --tcp …` on a free port. */
export async function startTcpMeter(cleanup: Cleanup, args: readonly string[]): Promise<TcpMeter> {
  const port = await freePort();
  const program = cleanup.program(await startCli(["meter", "--tcp", `127.0.0.1:${port}`, ...args]));
  return { port, program };
}

/** `meterworks meter --pty …`; the path that a serial program opens. */
export async function startPtyMeter(cleanup: Cleanup, args: readonly string[]): Promise<string> {
  const path = join(cleanup.directory(), "meter");
  cleanup.program(await startCli(["meter", "--pty", path, ...args]));
  return path;
}

/** Two joined pseudo terminals: what one end writes the other reads. */
export async function startPtyPair(cleanup: Cleanup): Promise<readonly [string, string]> {
  const directory = cleanup.directory();
  const ends = [join(directory, "a"), join(directory, "b")] as const;
  const args = ["-d", "-d", ...ends.map((end) => `pty,raw,echo=0,link=${end}`)];
  cleanup.program(await start(requirePeer("socat"), args, { ready: /starting data transfer loop/ }));
  return ends;
}

/** Compiles `c/NAME.c` against libmodbus; the path of the program. */
export async function compileC(cleanup: Cleanup, name: string): Promise<string> {
  const flags = await run("pkg-config", ["--cflags", "--libs", "libmodbus"]);
  const output = join(cleanup.directory(), name);
  const source = join(CONFORMANCE, "c", `${name}.c`);
  const args = ["-Wall", "-Wextra", "-Werror", "-o", output, source, ...flags.stdout.trim().split(/\s+/)];
  const result = await run(requirePeer("libmodbus"), args, { timeoutMs: 60_000 });
  expect(result.stderr).toBe("");
  return output;
}

type SerialKind = "rtu" | "ascii";

/** A pymodbus server that serves the known SDM630 values, on a port or on a serial path. */
export async function startPymodbusServer(
  cleanup: Cleanup,
  where: number | string,
  serial: SerialKind = "rtu",
): Promise<void> {
  const map = join(cleanup.directory(), "map.json");
  writeFileSync(map, JSON.stringify({ unit: 1, floats: Object.fromEntries(knownFloats()) }));
  const args = [join(CONFORMANCE, "py/server.py"), typeof where === "number" ? "tcp" : serial, String(where), map];
  cleanup.program(await start(requirePeer("pymodbus"), args, { ready: /^ready/ }));
}

/** The same on libmodbus; `program` as {@link compileC} built it. */
export async function startLibmodbusServer(cleanup: Cleanup, program: string, where: number | string): Promise<void> {
  const map = join(cleanup.directory(), "map.txt");
  const lines = [...knownFloats()].flatMap(([address, value]) =>
    floatWords(value).map((word, index) => `${address + index} ${word}`),
  );
  writeFileSync(map, `${lines.join("\n")}\n`);
  const args = [typeof where === "number" ? "tcp" : "rtu", String(where), "1", map];
  cleanup.program(await start(program, args, { ready: /^ready/ }));
}

export type Operation = readonly [
  code: number,
  unit: number,
  address: number,
  argument: number | boolean | readonly (number | readonly number[])[],
];
export interface OperationResult {
  readonly registers?: readonly number[];
  readonly bits?: readonly number[];
  readonly written?: true;
  readonly status?: number;
  readonly message?: number;
  readonly events?: number;
  readonly log?: readonly number[];
  readonly identifier?: readonly number[];
  readonly conformity?: number;
  readonly objects?: Readonly<Record<string, string>>;
  readonly exception?: number;
  readonly error?: string;
}

/** Runs these operations with pymodbus' client. */
export async function askWithPymodbus(
  where: number | string,
  operations: readonly Operation[],
  serial: SerialKind = "rtu",
): Promise<readonly OperationResult[]> {
  const args = [join(CONFORMANCE, "py/client.py"), typeof where === "number" ? "tcp" : serial, String(where)];
  const result = await run(requirePeer("pymodbus"), args, { input: JSON.stringify(operations) });
  if (result.code !== 0) throw new Error(`pymodbus: ${result.stderr}`);
  return JSON.parse(result.stdout) as OperationResult[];
}

/** Runs mbpoll once; the values it prints by address, or its error text. */
export async function mbpoll(args: readonly string[]): Promise<{
  code: number | null;
  values: ReadonlyMap<number, number>;
  error: string;
}> {
  const result = await run(requirePeer("mbpoll"), ["-0", "-1", "-o", "2", ...args]);
  const values = new Map<number, number>();
  for (const [, address, value] of result.stdout.matchAll(/^\[(\d+)\]:\s+(-?[\d.e+]+)/gm)) {
    values.set(Number(address), Number(value));
  }
  return { code: result.code, values, error: result.stderr.trim() };
}

export interface Reading {
  readonly measure: string;
  readonly obis: string;
  readonly value: string | null;
  readonly unit: string;
  readonly time: string;
  readonly quality: string;
}

/** `meterworks read … --json`. */
export async function readJson(args: readonly string[]): Promise<readonly Reading[]> {
  const result = await runCli(["read", ...args, "--json"]);
  expect(result, result.stderr).toMatchObject({ code: 0, timedOut: false });
  return JSON.parse(result.stdout) as Reading[];
}

/** Each known SDM630 register was read, with its exact value, unit and OBIS code. */
export function expectKnownReadings(readings: readonly Reading[]): void {
  for (const { measure, unit, obis, known } of SDM630) {
    const reading = readings.find((candidate) => candidate.measure === measure);
    expect(reading, measure).toMatchObject({ measure, value: String(known), unit, obis, quality: "good" });
    expect(reading?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  }
}

/** Within this share of the expected value. */
export function expectNear(value: number | undefined, expected: number, share: number, what: string): void {
  expect(value, what).toBeDefined();
  expect(Math.abs((value ?? Number.NaN) / expected - 1), `${what}: ${value}, not ${expected}`).toBeLessThanOrEqual(
    share,
  );
}
