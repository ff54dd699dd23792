/** Readings as rows of cells, and back. */
import type { MeasureKey, MeasureValues } from "../../../src/core/measures.ts";
import { isMeasureKey } from "../../../src/core/measures.ts";
import { civil } from "../../../src/core/time.ts";
import type { MeterId, MeterReading } from "../../ports.ts";
import { qualityOf, sourceOf } from "../sqlite/codes.ts";
import { columnOf, MEASURE_COLUMNS } from "./columns.ts";

export type ReadingCells = (number | string | null)[];

/** The measures of a set in the order of the columns, and the list of columns to select from `readings r`. */
export function readingList(measures: ReadonlySet<MeasureKey>) {
  const keys = [...MEASURE_COLUMNS.keys()].filter((key) => measures.has(key));
  const columns = ["time", "source", "sequence", "quality", "no_value", ...keys.map(columnOf)];
  return { keys, columns: columns.map((column) => `r.${column}`).join(", ") };
}

/** A row of {@link readingList} that begins at cell `start`. */
export function readingFrom(
  meter: MeterId,
  keys: readonly MeasureKey[],
  cells: ReadingCells,
  start: number,
): MeterReading {
  const values: { -readonly [K in keyof MeasureValues]: MeasureValues[K] } = {};
  for (let i = 0; i < keys.length; i++) {
    const value = cells[start + 5 + i];
    if (typeof value === "number") values[keys[i] as MeasureKey] = value;
  }
  const without = cells[start + 4] as string | null;
  if (without !== null) for (const key of without.split(",")) if (isMeasureKey(key)) values[key] = null;
  return {
    meter,
    time: civil(cells[start] as number),
    source: sourceOf(cells[start + 1] as number),
    sequence: cells[start + 2] as number | null,
    quality: qualityOf(cells[start + 3] as number),
    values,
  };
}
