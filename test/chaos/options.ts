/** What a chaos run is asked for. */
import { parseArgs } from "node:util";

export const USAGE = `usage: node dist/test/chaos/main.js [--meters N] [--polled N] [--minutes M] [--every S] [--json FILE] [--keep DIR]
  --meters N    meters that publish by MQTT (default 10000)
  --polled N    meters that are polled by Modbus TCP (default 1000; a tenth of --meters where that is given)
  --minutes M   length of the run (default 10)
  --every S     seconds between two readings of a meter (default 60)
  --json FILE   the report as JSON
  --keep DIR    leaves store, witness files and logs there
through make: make chaos ARGS="--meters 500 --minutes 1"
`;

export interface ChaosOptions {
  readonly meters: number;
  readonly polled: number;
  readonly seconds: number;
  readonly everySeconds: number;
  readonly json: string | undefined;
  readonly keep: string | undefined;
}

/** Asked for wrongly, or on a machine that cannot carry it: exit code 2. */
export class ChaosUsage extends Error {}

/** @throws ChaosUsage with what is wrong; undefined where help was asked for. */
export function readOptions(args: readonly string[]): ChaosOptions | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const meters = whole("--meters", values.meters ?? "10000", 1, 20_000);
  const polled = whole(
    "--polled",
    values.polled ?? (values.meters === undefined ? "1000" : `${meters / 10}`),
    0,
    5_000,
  );
  const minutes = Number(values.minutes ?? "10");
  if (!(minutes >= 0.1 && minutes <= 24 * 60)) throw new ChaosUsage("--minutes takes a number from 0.1 to 1440");
  const everySeconds = whole("--every", values.every ?? "60", 1, 3_600);
  return { meters, polled, seconds: minutes * 60, everySeconds, json: values.json, keep: values.keep };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = { meters: text, polled: text, minutes: text, every: text, json: text, keep: text };
  try {
    return parseArgs({ args: [...args], options: { ...options, help: { type: "boolean", default: false } } }).values;
  } catch (error) {
    throw new ChaosUsage(error instanceof Error ? error.message : String(error));
  }
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = Math.floor(Number(text));
  if (!(value >= least && value <= most)) throw new ChaosUsage(`${flag} takes a number from ${least} to ${most}`);
  return value;
}
