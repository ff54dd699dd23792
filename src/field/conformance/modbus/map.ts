/** What a Modbus device's owner declares of it: functions, ranges that exist, ranges that may be written, what is left out. */
import { failure, type Result, success } from "../../../core/result.ts";
import type { Declarations } from "../check.ts";
import { isObject, type JsonObject, type MapHeader, parseMapFile, parseMapHeader, wholeNumber } from "../map-file.ts";

export const TABLES = ["coil", "discrete", "holding", "input"] as const;
export type Table = (typeof TABLES)[number];
export type WritableTable = "coil" | "holding";

export interface Range {
  /** PDU address, 0-based. */
  readonly address: number;
  readonly count: number;
}

export interface WriteRange extends Range {
  /** Two values that each of its registers takes; of a coil 0 and 1. */
  readonly values: readonly [number, number];
}

export interface ModbusMap extends Declarations, MapHeader {
  /** `03`, `2B`, and of the diagnostics the sub-function too: `08/0A`. */
  readonly functions: ReadonlySet<string>;
  readonly read: Readonly<Record<Table, readonly Range[]>>;
  readonly write: Readonly<Record<WritableTable, readonly WriteRange[]>>;
  /** Ranges of which no address exists. */
  readonly absent: Readonly<Record<Table, readonly Range[]>>;
  /** Holding registers that can be read and not be written. */
  readonly readOnly: readonly Range[];
}

/** Codes of `functions` that are checked. */
export const FUNCTION_FEATURES: readonly string[] = [
  ..."01 02 03 04 05 06 07 0B 0C 0F 10 11 14 15 16 17 18 2B".split(" "),
  ..."00 01 02 03 04 0A 0B 0C 0D 0E 0F 10 11 12 14".split(" ").map((sub) => `08/${sub}`),
];

/** Values that a write range without `values` is written with: every byte and many bits differ. */
const DEFAULT_VALUES: readonly [number, number] = [0x1234, 0xa5c3];
const KEYS = ["functions", "read", "write", "absent", "readOnly"];

/**
 * The map behind its parts; `declares` knows functions (`03`, `08/0A`), ranges (`read:coil`, `absent:input`,
 * `readOnly:holding`) and `functions`, declared where a file
 * lists them.
 */
export function modbusMap(parts: Omit<ModbusMap, "declares">): ModbusMap {
  const { functions, read, write, absent, readOnly } = parts;
  const lists: Readonly<Record<string, Readonly<Record<string, readonly Range[]>>>> = {
    read,
    write,
    absent,
    readOnly: { holding: readOnly },
  };
  const declares = (feature: string): boolean => {
    const [list, table] = feature.split(":") as [string, string | undefined];
    if (feature === "functions") return parts.given;
    return table === undefined ? functions.has(feature) : (lists[list]?.[table] ?? []).length > 0;
  };
  return { ...parts, declares };
}

/** Reads the text of a map file; an error names the place. */
export function parseModbusMap(text: string): Result<ModbusMap, string> {
  const json = parseMapFile(text, "modbus", KEYS);
  if (!json.ok) return json;
  const header = parseMapHeader(json.value, (feature) => FUNCTION_FEATURES.includes(feature));
  if (!header.ok) return header;
  const { functions } = json.value as { functions?: unknown };
  if (!Array.isArray(functions)) return failure('"functions" is no list, such as ["03", "04", "08/00"]');
  const unknown = functions.find((code) => !FUNCTION_FEATURES.includes(code as string));
  if (unknown !== undefined)
    return failure(`functions: ${JSON.stringify(unknown)} is unknown; known: ${FUNCTION_FEATURES.join(", ")}`);
  const read = rangesByTable(json.value, "read", TABLES);
  if (!read.ok) return read;
  const write = rangesByTable(json.value, "write", ["coil", "holding"] as const);
  if (!write.ok) return write;
  const absent = rangesByTable(json.value, "absent", TABLES);
  if (!absent.ok) return absent;
  const readOnly = rangesOf((json.value as { readOnly?: unknown }).readOnly ?? [], "readOnly");
  if (!readOnly.ok) return readOnly;
  return success(
    modbusMap({
      ...header.value,
      given: true,
      functions: new Set(functions as string[]),
      read: read.value,
      write: write.value,
      absent: absent.value,
      readOnly: readOnly.value,
    }),
  );
}

function rangesByTable<T extends Table>(
  json: JsonObject,
  key: string,
  tables: readonly T[],
): Result<Record<T, WriteRange[]>, string> {
  const value = json[key] ?? {};
  if (!isObject(value)) return failure(`"${key}" is no object of table and ranges`);
  const unknown = Object.keys(value).find((table) => !(tables as readonly string[]).includes(table));
  if (unknown !== undefined) return failure(`${key}: "${unknown}" is no table; known: ${tables.join(", ")}`);
  const all = {} as Record<T, WriteRange[]>;
  for (const table of tables) {
    const ranges = rangesOf(value[table] ?? [], `${key}.${table}`);
    if (!ranges.ok) return ranges;
    all[table] = ranges.value;
  }
  return success(all);
}

function rangesOf(value: unknown, where: string): Result<WriteRange[], string> {
  if (!Array.isArray(value)) return failure(`${where} is no list of {"address", "count"}`);
  const ranges: WriteRange[] = [];
  for (const [i, entry] of value.entries()) {
    const { address, count, values = DEFAULT_VALUES } = (isObject(entry) ? entry : {}) as Record<string, unknown>;
    const from = wholeNumber(address, 0, 0xffff);
    const size = wholeNumber(count, 1, 0x1_0000 - (from ?? 0));
    if (from === undefined || size === undefined)
      return failure(`${where}[${i}] needs "address" 0..65535 and "count" from 1, not past 65535`);
    const [first, second] = (Array.isArray(values) ? values : []).map((v) => wholeNumber(v, 0, 0xffff));
    if (first === undefined || second === undefined || first === second)
      return failure(`${where}[${i}]: "values" are two different values 0..65535`);
    ranges.push({ address: from, count: size, values: [first, second] });
  }
  return success(ranges);
}
