/** Small integers for what stands in every reading row. Append only: the numbers are in the files of users. */
import type { Quality } from "../../src/core/measures.ts";
import { assert } from "../../src/core/result.ts";
import type { MeterReading } from "../ports.ts";

type Source = MeterReading["source"];

export const SOURCE_CODES: Readonly<Record<Source, number>> = { modbus: 1, mqtt: 2, profile: 3 };

/** SQL: not out of a load profile, which is read long after: such a reading is never a meter's newest. */
export const READ_NOW = `source <> ${SOURCE_CODES.profile}`;

export const QUALITY_CODES: Readonly<Record<Quality, number>> = {
  good: 1,
  estimated: 2,
  late: 3,
  "clock-doubt": 4,
  invalid: 5,
  missing: 6,
};

const SOURCES = reversed(SOURCE_CODES);
const QUALITIES = reversed(QUALITY_CODES);

function reversed<K extends string>(codes: Readonly<Record<K, number>>): ReadonlyMap<number, K> {
  return new Map((Object.entries(codes) as [K, number][]).map(([name, code]) => [code, name]));
}

export function sourceOf(code: number): Source {
  const source = SOURCES.get(code);
  assert(source !== undefined, `source code ${code} in the database`);
  return source;
}

export function qualityOf(code: number): Quality {
  const quality = QUALITIES.get(code);
  assert(quality !== undefined, `quality code ${code} in the database`);
  return quality;
}
