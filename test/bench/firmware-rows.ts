/** The meter's CPU with every function on: each row a program that measures itself on the server's core. */
import { fileURLToPath } from "node:url";
import { run } from "../programs.ts";
import type { Pin } from "./machine.ts";
import { median, table } from "./table.ts";

export const FLEET = 100_000;

export const FIRMWARE_ROWS = [
  { name: "firmware, one phase, load of every second", args: ["seconds", "1"] },
  { name: "firmware, three phases, load of every second", args: ["seconds", "3"] },
  { name: "firmware, one phase, closed form", args: ["closed", "1"] },
  { name: "firmware, three phases, closed form", args: ["closed", "3"] },
  { name: `firmware, ${FLEET} meters in one process`, args: ["fleet", String(FLEET)] },
] as const;

/** The row by which the target is judged: the hardest load there is. */
const JUDGED = FIRMWARE_ROWS[0].name;
const LEAST = 1.6e6;
const YEAR = 365 * 86_400;

/** Meter-seconds per second of one core; bytes of memory per meter where many are in one process. */
export interface FirmwareSample {
  readonly speed: number;
  readonly energy: number;
  readonly bytes?: number;
}

export interface MeasuredFirmware {
  readonly row: (typeof FIRMWARE_ROWS)[number];
  readonly samples: FirmwareSample[];
}

const PROGRAM = fileURLToPath(new URL("firmware.js", import.meta.url));

/** @throws when the program fails. */
export async function measureFirmware(row: MeasuredFirmware["row"], pin: Pin): Promise<FirmwareSample> {
  const [command, ...args] = pin("server", [process.execPath, PROGRAM, ...row.args]) as [string, ...string[]];
  const { code, stdout, stderr } = await run(command, args, { timeoutMs: 900_000 });
  if (code !== 0) throw new Error(`${row.name} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as FirmwareSample;
}

/** @throws when a run came to another energy than the one before: then it did something else. */
export function firmwareReport(measured: readonly MeasuredFirmware[]): readonly string[] {
  if (measured.length === 0) return [];
  for (const { row, samples } of measured)
    if (samples.some(({ energy }) => energy !== samples[0]?.energy))
      throw new Error(`${row.name}: runs came to different energies`);
  const rows = measured.map(({ row, samples }) => {
    const speed = median(samples.map((sample) => sample.speed));
    const all = samples.map((sample) => (sample.speed / 1e6).toFixed(2)).join(" ");
    const bytes = samples.flatMap((sample) => sample.bytes ?? []);
    const memory = bytes.length === 0 ? "" : `${(median(bytes) / 1_000).toFixed(1)} kB`;
    return [row.name, (speed / 1e6).toFixed(2), all, (YEAR / speed).toFixed(1), memory];
  });
  const judged = measured.find(({ row }) => row.name === JUDGED);
  return [
    "The meter's CPU on one core with every function on: clock, rates, steps, demand, profiles, freezes, events, relay, credit, checkpoints",
    ...table([["row", "M meter-seconds/s", "all runs", "s for a year", "memory each"], ...rows], new Set([0, 2])),
    ...(judged === undefined ? [] : verdict(median(judged.samples.map((sample) => sample.speed)))),
    "",
  ];
}

function verdict(speed: number): readonly string[] {
  const target = `firmware >= 1.6 M meter-seconds/s: ${(speed / 1e6).toFixed(2)} M`;
  return [`${speed >= LEAST ? "PASS  " : "MISSED"}  ${target}`];
}
