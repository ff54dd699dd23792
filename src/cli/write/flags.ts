/** What `write` is asked to set, whatever the protocol. */
import { readFileSync } from "node:fs";
import { type Civil, parseIso } from "../../core/time.ts";
import type { Dlt645Choices } from "../dlt645-options.ts";
import { usage } from "../errors.ts";
import type { Iec62056ReadFlags } from "../iec62056-line.ts";
import type { WireFlags } from "../wires.ts";

/** A setting that has a name, as `--set NAME=VALUE` gives it. */
export type Settings = ReadonlyMap<string, string>;

/** `now` is the time of this machine when the order is sent. */
export type ClockWish = "now" | Civil;
export const RELAY_WISHES = ["open", "close", "allow-close"] as const;

export interface WriteFlags extends WireFlags, Iec62056ReadFlags {
  readonly model?: string;
  readonly unit?: number;
  readonly address?: string;
  readonly dlt645?: Dlt645Choices;
  readonly set?: Settings;
  readonly clock?: ClockWish;
  readonly broadcast?: true;
  readonly relay?: (typeof RELAY_WISHES)[number];
  readonly table?: unknown;
  readonly password?: string;
  readonly level?: number;
  readonly operator: string;
  readonly timeout: number;
  readonly retries: number;
  readonly echo?: true;
  readonly yes?: true;
  readonly json?: true;
}

/** A commander argument parser: repeatable, each name once. */
export function setting(text: string, before: Settings = new Map()): Settings {
  const m = /^([A-Za-z0-9.:*-]+)=(.*)$/.exec(text);
  if (m === null) throw usage(`--set "${text}" is no NAME=VALUE`, "for example unit=7");
  const [name, value] = [m[1] as string, m[2] as string];
  if (before.has(name)) throw usage(`--set ${name} is given twice`);
  return new Map([...before, [name, value]]);
}

/** A commander argument parser. */
export function clockWish(text: string): ClockWish {
  if (text === "now") return "now";
  const at = parseIso(text);
  if (at.ok) return at.value;
  throw usage(`--clock ${at.error}`, "or give now");
}

/** A commander argument parser: the file's JSON. */
export function tableFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw usage(`--table ${path} can't be read: ${(error as Error).message}`, "it is a JSON file, see docs/write.md");
  }
}

/** Refuses names that this protocol does not set. */
export function checkNames(settings: Settings | undefined, known: RegExp, shown: string): void {
  for (const name of settings?.keys() ?? [])
    if (!known.test(name)) throw usage(`--set ${name} is unknown here`, `this meter takes ${shown}`);
}
