/** One measurement: a fresh server, a warm-up, then requests for a fixed time with the CPU of both sides. */
import { spawn } from "node:child_process";
import { freePort, type Program, start } from "../programs.ts";
import { type Pin, processCpuMicros } from "./machine.ts";

export interface Durations {
  readonly warmMs: number;
  readonly measureMs: number;
}

/** A program as a command line, given the port it listens on or connects to. */
export type CommandFor = (port: number) => readonly string[];

export interface Sample {
  readonly requestsPerSecond: number;
  readonly requests: number;
  /** CPU microseconds per request. */
  readonly clientCpu: number;
  readonly serverCpu: number;
  /** Latency, microseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** What a load generator prints as its last line; latencies in microseconds. */
export interface LoadReport {
  readonly requests: number;
  readonly seconds: number;
  readonly cpuMicros: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Throws when a reply was wrong, or a side died: no figure is better than a wrong one. */
export async function measure(server: CommandFor, client: CommandFor, pin: Pin): Promise<Sample> {
  const port = await freePort();
  const [command = "", ...args] = pin("server", server(port));
  const program = await start(command, args, { ready: /^ready/ });
  try {
    return await drive(program, pin("client", client(port)));
  } finally {
    await program.stop();
  }
}

async function drive(server: Program, client: readonly string[]): Promise<Sample> {
  let cpuBefore = 0;
  let cpuAfter = 0;
  const report = await runLoad(client, (phase) => {
    if (phase === "measuring") cpuBefore = processCpuMicros(server.pid);
    else cpuAfter = processCpuMicros(server.pid);
  });
  if (report.requests === 0) throw new Error(`${client.join(" ")}: not one request was answered`);
  return {
    requestsPerSecond: report.requests / report.seconds,
    requests: report.requests,
    clientCpu: report.cpuMicros / report.requests,
    serverCpu: (cpuAfter - cpuBefore) / report.requests,
    p50: report.p50,
    p95: report.p95,
    p99: report.p99,
  };
}

function runLoad(
  [command = "", ...args]: readonly string[],
  onPhase: (phase: "measuring" | "measured") => void,
): Promise<LoadReport> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let partial = "";
    let report: LoadReport | undefined;
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (partial + text).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "measuring" || line === "measured") onPhase(line);
        else report = JSON.parse(line) as LoadReport;
      }
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0 && report !== undefined) resolve(report);
      else reject(new Error(`${command} ${args.join(" ")} ended with ${code}: ${errors.trim()}`));
    });
  });
}
