/** What `conformance` needs of each protocol: how its line is opened, and a probe that judges and reports as it goes. */
import type { LineFormat } from "../core/line-format.ts";
import type { Result } from "../core/result.ts";
import type { CheckResult } from "../field/conformance/check.ts";
import type { Probe } from "../field/probe.ts";
import type { SerialOptions } from "../platform/serial.ts";
import { usage } from "./errors.ts";
import type { Spoken, WireFlags } from "./wires.ts";

export interface ConformanceFlags extends WireFlags {
  readonly unit?: number;
  readonly address?: string;
  readonly map?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly json?: true;
  readonly group?: readonly string[];
  readonly check?: readonly string[];
  readonly timeout: number;
  readonly list?: true;
}

export type OnResult = (result: CheckResult, done: number, total: number) => void;

/** A part of the run, on connections of its own. */
export interface Phase {
  /** Connections to one place; a serial line is one whatever this says. */
  readonly connections: number;
  /** Undefined where nothing answers. */
  readonly probe: Probe<CheckResult[] | undefined>;
}

/** One device to be judged. */
export interface Judge {
  /** As its map calls the device. */
  readonly device: string | undefined;
  /** Its address on the line, as people write it. */
  readonly address: string;
  readonly format: LineFormat;
  /** One after the other. */
  readonly phases: readonly Phase[];
}

/** A protocol's part of the command. */
export interface Conformance {
  /** Everything there is to check, for `--list` and for the names that `--group` and `--check` take. */
  checks(spoken: Spoken): readonly CheckResult["check"][];
  /** @param text the map file's content, where one was given */
  judge(spoken: Spoken, flags: ConformanceFlags, text: string | undefined, onResult: OnResult): Judge;
}

/** The map that a file holds. */
export function mapOf<M>(parsed: Result<M, string>, flags: ConformanceFlags): M {
  if (parsed.ok) return parsed.value;
  throw usage(`map file ${flags.map}: ${parsed.error}`, "docs/conformance.md shows the form");
}

/** Settings of a serial port as the format of a line. */
export function formatOf({ baudRate, parity, dataBits, stopBits }: Omit<SerialOptions, "path">): LineFormat {
  return { baud: baudRate, parity, dataBits, stopBits };
}

/** Whether `--group` and `--check` let it run. */
export function isChosen({ id, group }: { id: string; group: string }, flags: ConformanceFlags): boolean {
  const groups = flags.group?.some((name) => name.toLowerCase() === group.toLowerCase()) ?? true;
  return groups && (flags.check?.includes(id) ?? true);
}
