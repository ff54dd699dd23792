/** The metering chip in TypeScript beside the same algorithm in C: each a program that measures itself on the server's core. */
import { fileURLToPath } from "node:url";
import { run } from "../programs.ts";
import type { Pin, Tools } from "./machine.ts";
import { OURS } from "./rows.ts";

export const PEER = "C";
export const METROLOGY_SIDES = [OURS, PEER];

/** Three-phase samples per second, and the active power by which one knows that both sides did the same. */
export interface MetrologySample {
  readonly chip: number;
  readonly synthesis: number;
  readonly active: number;
}

export interface MeasuredMetrology {
  readonly side: string;
  readonly samples: MetrologySample[];
}

export const metrologyLabel = (side: string): string => `metrology ${side}`;

const PROGRAM = fileURLToPath(new URL("metrology.js", import.meta.url));

/** @throws when the program fails. */
export async function measureMetrology(
  side: string,
  milliseconds: number,
  tools: Tools,
  pin: Pin,
): Promise<MetrologySample> {
  const program = side === OURS ? [process.execPath, PROGRAM] : [tools.metrology];
  const [command, ...args] = pin("server", [...program, String(milliseconds)]) as [string, ...string[]];
  const { code, stdout, stderr } = await run(command, args, { timeoutMs: 20 * milliseconds + 10_000 });
  if (code !== 0) throw new Error(`${metrologyLabel(side)} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as MetrologySample;
}
