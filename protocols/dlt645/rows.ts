/** What the tables of identifiers are written with: formats, rows, what is behind them. BCD, low byte first; XXXXXX.XX is `number(4, 2)`. */
import type { MeasureKey, Phase } from "../../src/core/measures.ts";
import type { AbsentFunction, Behind, Format, Item, MeterFunction } from "./item.ts";

export const number = (bytes: number, decimals: number): Format => ({ kind: "number", bytes, decimals, signed: false });
export const signed = (bytes: number, decimals: number): Format => ({ kind: "number", bytes, decimals, signed: true });
export const moment = (fields: (Format & { kind: "moment" })["fields"]): Format => ({ kind: "moment", fields });
export const text = (bytes: number): Format => ({ kind: "text", bytes });
export const digits = (bytes: number): Format => ({ kind: "digits", bytes });
export const bits = (bytes: number): Format => ({ kind: "bits", bytes });
export const RAW: Format = { kind: "raw" };
export const ENERGY = number(4, 2);
export const SIGNED_ENERGY = signed(4, 2);
export const STAMP = moment("YYMMDDhhmm");
export const STAMP_SECONDS = moment("YYMMDDhhmmss");

export const of = (key: MeasureKey): Behind => ({ kind: "measure", measure: key });
export const fn = (name: MeterFunction): Behind => ({ kind: "function", function: name });
export const no = (what: AbsentFunction): Behind => ({ kind: "absent", what });

export function row(pattern: string, name: string, format: Format, unit: string, behind: Behind): Item {
  return { pattern, name, parts: [{ name, format, unit }], behind };
}

/** What no public source confirms. */
export function recalled(item: Item): Item {
  return { ...item, recalled: true };
}

export const LETTERS = ["A", "B", "C"] as const;
export const PHASES: readonly Phase[] = [1, 2, 3];
export const letter = (p: Phase): string => LETTERS[p - 1] as string;
export const hex = (value: number): string => value.toString(16).padStart(2, "0");
