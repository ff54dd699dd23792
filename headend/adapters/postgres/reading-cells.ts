/**
 * Readings out of the table by COPY … TO STDOUT: its answer is read as bytes. A row of `pg` is a text for every cell, which
 * costs more than all else where a meter's month is asked for.
 */
import type pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import type { MeasureKey, MeasureValues } from "../../../src/core/measures.ts";
import { isMeasureKey } from "../../../src/core/measures.ts";
import { civil } from "../../../src/core/time.ts";
import type { MeterId, MeterReading } from "../../ports.ts";
import { qualityOf, sourceOf } from "../codes.ts";
import { columnOf, MEASURE_COLUMNS } from "./columns.ts";

/** The measures of a set in the order of the columns, and the list of columns to select from `readings r`. */
export function readingList(measures: ReadonlySet<MeasureKey>) {
  const keys = [...MEASURE_COLUMNS.keys()].filter((key) => measures.has(key));
  const columns = ["time", "source", "sequence", "quality", "no_value", ...keys.map(columnOf)];
  return { keys, columns: columns.map((column) => `r.${column}`).join(", ") };
}

/** The rows of a SELECT, which has no parameters: COPY takes none. */
export async function copyOut(client: pg.ClientBase, select: string): Promise<CopyCells> {
  const chunks: Buffer[] = [];
  for await (const chunk of client.query(copyTo(`COPY (${select}) TO STDOUT`))) chunks.push(chunk as Buffer);
  return new CopyCells(Buffer.concat(chunks));
}

const [NEWLINE, BACKSLASH, MINUS, ZERO] = [10, 92, 45, 48];

/** The cells of COPY's text format one after the other. No text of ours has a character that COPY escapes. */
export class CopyCells {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get more(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** An integer within ±2^53, or null. */
  number(): number | null {
    const bytes = this.#bytes;
    let at = this.#at;
    if (bytes[at] === BACKSLASH) {
      this.#at = at + 3;
      return null;
    }
    const negative = bytes[at] === MINUS;
    if (negative) at++;
    let value = 0;
    for (let byte = bytes[at++] as number; byte >= ZERO; byte = bytes[at++] as number)
      value = value * 10 + (byte - ZERO);
    this.#at = at;
    return negative ? -value : value;
  }

  text(): string | null {
    const begin = this.#at;
    let end = begin;
    while ((this.#bytes[end] as number) > NEWLINE) end++;
    this.#at = end + 1;
    if (this.#bytes[begin] === BACKSLASH) return null;
    return String.fromCharCode(...this.#bytes.subarray(begin, end));
  }
}

/** The next row of {@link readingList}. */
export function nextReading(meter: MeterId, keys: readonly MeasureKey[], cells: CopyCells): MeterReading {
  const time = civil(cells.number() as number);
  const source = sourceOf(cells.number() as number);
  const sequence = cells.number();
  const quality = qualityOf(cells.number() as number);
  const without = cells.text();
  const values: { -readonly [K in keyof MeasureValues]: MeasureValues[K] } = {};
  for (const key of keys) {
    const value = cells.number();
    if (value !== null) values[key] = value;
  }
  if (without !== null) for (const key of without.split(",")) if (isMeasureKey(key)) values[key] = null;
  return { meter, time, source, sequence, quality, values };
}
