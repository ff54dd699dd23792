/** One measurement on a paced line: a slave that keeps t3.5, a master under test, and the line's own record of every byte. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rtuTiming } from "../../protocols/modbus/timing.ts";
import { createPacedLine, type PacedLine } from "../../src/platform/pacer.ts";
import { run, start, temporaryDirectory } from "../programs.ts";
import type { Pin, Tools } from "./machine.ts";
import { REGISTERS } from "./pattern.ts";

/** 8N1. */
const BITS = 10;
const REQUEST = 8;
const REPLY = 5 + 2 * REGISTERS;
/** Polls that a master in Node gets to have its code compiled. */
const WARM = 10;

export interface LineSpeed {
  readonly baud: number;
  readonly polls: number;
  /** The longest median cycle, in legal ones. */
  readonly ratio: number;
}

export const LINE_SPEEDS: readonly LineSpeed[] = [
  { baud: 9_600, polls: 40, ratio: 1.02 },
  { baud: 115_200, polls: 300, ratio: 1.1 },
];

/** µs of t3.5: 3.5 characters of 11 bits up to 19200 baud, 1.75 ms above. */
export const silenceAt = (baud: number): number => rtuTiming(baud).t35;

/** µs from one request to the next when both sides leave exactly t3.5: nobody may be faster. */
export function legalCycle(baud: number): number {
  return ((REQUEST + REPLY) * BITS * 1e6) / baud + 2 * silenceAt(baud);
}

export const LINE_MASTERS = ["meterworks", "libmodbus", "modbus-serial"] as const;
export type LineMaster = (typeof LINE_MASTERS)[number];

export interface LineSample {
  /** µs between the starts of two requests. */
  readonly cycles: readonly number[];
  /** µs of silence before each request. */
  readonly silences: readonly number[];
  readonly cpuPerPoll: number;
  readonly errors: number;
}

interface MasterReport {
  readonly polls: number;
  readonly errors: number;
  readonly cpuMicros: number;
}

export async function measureLine(
  master: LineMaster,
  { baud, polls }: LineSpeed,
  tools: Tools,
  pin: Pin,
): Promise<LineSample> {
  const directory = temporaryDirectory();
  const log = join(directory.path, "bytes");
  const line = await createPacedLine({ baud, bitsPerChar: BITS, log });
  try {
    await pinLine(line, pin);
    const [slaveCommand = "", ...slaveArgs] = pin("server", [tools.rtuSlave, line.b, String(silenceAt(baud))]);
    const slave = await start(slaveCommand, slaveArgs, { ready: /^ready/ });
    const numbers = [baud, WARM, polls].map(String);
    const [command = "", ...args] = pin("client", [...masterCommand(master, tools), line.a, ...numbers]);
    const result = await run(command, args, { timeoutMs: 120_000 });
    await slave.stop();
    if (result.code !== 0) throw new Error(`${master} at ${baud} baud: ${result.stderr}`);
    const report = JSON.parse(result.stdout) as MasterReport;
    await line.end();
    const { cycles, silences } = readRecord(readFileSync(log, "utf8"), WARM);
    return { cycles, silences, cpuPerPoll: report.cpuMicros / report.polls, errors: report.errors };
  } finally {
    await line.end();
    directory.remove();
  }
}

function masterCommand(master: LineMaster, tools: Tools): readonly string[] {
  if (master === "libmodbus") return [tools.rtuClient];
  return [process.execPath, fileURLToPath(new URL("rtu-client.js", import.meta.url)), master];
}

/** The line's process beside the slave, on another core than the master. */
async function pinLine({ pid }: PacedLine, pin: Pin): Promise<void> {
  const [taskset, list, core] = pin("server", ["true"]);
  if (taskset === "taskset" && list !== undefined && core !== undefined)
    await run(taskset, ["-p", list, core, String(pid)]);
}

/**
 * Requests come from end a, replies from b. A silence begins when the reply's last byte was handed over.
 * @param skip so many cycles at the beginning are left out
 */
export function readRecord(text: string, skip = 0): { readonly cycles: number[]; readonly silences: number[] } {
  const cycles: number[] = [];
  const silences: number[] = [];
  let requestAt: number | undefined;
  let replyEnd: number | undefined;
  let speaker = "";
  for (const heard of text.trimEnd().split("\n")) {
    const [from = "", begun, ended] = heard.split(" ");
    const start = Number(begun) / 1_000;
    if (from === "a" && speaker !== "a") {
      if (requestAt !== undefined) cycles.push(start - requestAt);
      if (replyEnd !== undefined) silences.push(start - replyEnd);
      requestAt = start;
    }
    if (from === "b") replyEnd = Number(ended) / 1_000;
    speaker = from;
  }
  return { cycles: cycles.slice(skip), silences: silences.slice(skip) };
}
