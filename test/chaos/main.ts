/**
 * `make chaos`: the head-end with thousands of meters in processes of their own, killed once, its broker restarted once. Exit
 * code 0 when every goal was reached, 1 when not, 2 when it could not be run.
 */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { openFileLimit } from "../../src/platform/open-files.ts";
import { findMosquitto, NO_MOSQUITTO } from "../mosquitto.ts";
import { temporaryDirectory } from "../programs.ts";
import { type ChaosOptions, ChaosUsage, readOptions, USAGE } from "./options.ts";
import { goalsOf, jsonReport, type RunReport, textReport } from "./report.ts";
import { ChaosRun } from "./run.ts";

/** Beside one file for each connection: store, logs, gateways. */
const FILES_BESIDE = 300;

const say = (text: string): void => {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
};

/** From then on a process that fails does so because it is being ended. */
let interrupted = false;

/** Mosquitto's path. @throws ChaosUsage with what to do about it. */
function requireMachine({ meters, polled, keep }: ChaosOptions): string {
  // The witness files of another run would be taken for this one's.
  if (keep !== undefined && existsSync(keep) && readdirSync(keep).length > 0)
    throw new ChaosUsage(`--keep ${keep} is not empty: name a new folder`);
  const wanted = meters + polled + FILES_BESIDE;
  const limit = openFileLimit();
  // The broker is started from here and has one connection for each meter.
  if (limit !== undefined && limit < wanted)
    throw new ChaosUsage(`${meters} meters need ${wanted} open files, ${limit} are allowed: run "ulimit -n ${wanted}"`);
  const mosquitto = findMosquitto();
  if (mosquitto === undefined) throw new ChaosUsage(NO_MOSQUITTO);
  return mosquitto;
}

function machine(): string {
  const load = loadavg()[0]?.toFixed(2);
  return `${cpus().length} cores of ${cpus()[0]?.model ?? "?"}, Node ${process.versions.node}, load average before ${load}`;
}

async function chaos(options: ChaosOptions): Promise<boolean> {
  const mosquitto = requireMachine(options);
  const before = machine();
  const temporary = options.keep === undefined ? temporaryDirectory() : undefined;
  const attempt = new ChaosRun(options, options.keep ?? temporary?.path ?? "", mosquitto, say);
  for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, () => {
      interrupted = true;
      say("interrupted: the run's processes are ended");
      void attempt.stop().then(() => {
        temporary?.remove();
        process.exit(1);
      });
    });
  try {
    const report: RunReport = { options, machine: before, ...(await attempt.execute()) };
    process.stdout.write(`${textReport(report)}\n`);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(jsonReport(report), null, 2)}\n`);
    return goalsOf(report).every(({ pass }) => pass);
  } finally {
    await attempt.stop();
    temporary?.remove();
  }
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(USAGE);
  else process.exitCode = (await chaos(options)) ? 0 : 1;
} catch (error) {
  const wrong = error instanceof ChaosUsage;
  if (!interrupted)
    process.stderr.write(`chaos: ${error instanceof Error ? (wrong ? error.message : error.stack) : error}\n`);
  if (wrong) process.stderr.write(USAGE);
  process.exitCode = wrong ? 2 : 1;
}
