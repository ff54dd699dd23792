/** The store's file against the witnesses, row by row, read with SQLite alone. */
import type BetterSqlite3 from "better-sqlite3";
import type { Published } from "./store-tail.ts";
import { COMPARED } from "./witness.ts";

export interface Comparison {
  readonly published: number;
  readonly acknowledged: number;
  /** Acknowledged and not in the store. */
  readonly missing: number;
  /** Rows of one meter and sequence number beyond the first. */
  readonly twice: number;
  /** Rows whose time or one of the values is not what was published. */
  readonly different: number;
  /** Rows that nobody published. */
  readonly invented: number;
  /** The first of each, for people. */
  readonly examples: readonly string[];
}

interface Row extends Record<string, number | string | null> {
  readonly id: string;
  readonly sequence: number;
  readonly time: number;
}

const EXAMPLES = 5;

/** As the store's columns hold it: an integer of the measure's smallest unit. */
export function scaled(text: string, decimals: number): number {
  const [whole = "", fraction = ""] = text.split(".");
  return Number(BigInt(whole + fraction.padEnd(decimals, "0")));
}

/** µs since 1970 of an ISO 8601 time in UTC, whose fraction `Date` would cut to ms. */
export function microsOf(iso: string): number {
  const fraction = /\.(\d{1,6})/.exec(iso)?.[1] ?? "";
  return Date.parse(iso.replace(/\.\d+/, "")) * 1_000 + Number(fraction.padEnd(6, "0"));
}

export function compare(db: BetterSqlite3.Database, published: ReadonlyMap<string, Published>): Comparison {
  const found = new Set<string>();
  const examples: string[] = [];
  const counts = { missing: 0, twice: 0, different: 0, invented: 0 };
  const fault = (kind: keyof typeof counts, what: string): void => {
    counts[kind] += 1;
    if (counts[kind] <= EXAMPLES) examples.push(`${kind}: ${what}`);
  };
  const columns = COMPARED.map(([, column]) => `r.${column}`).join(", ");
  const rows = db.prepare(
    `SELECT m.id, r.sequence, r.time, ${columns} FROM readings r JOIN meters m ON m.number = r.meter
     WHERE r.sequence IS NOT NULL`,
  );
  for (const row of rows.iterate() as IterableIterator<Row>) {
    const key = keyOf(row.id, row.sequence);
    const reading = published.get(key);
    if (found.has(key)) fault("twice", key);
    else if (reading === undefined) fault("invented", key);
    else {
      const wrong = difference(row, reading);
      if (wrong !== undefined) fault("different", `${key} ${wrong}`);
    }
    found.add(key);
  }
  let acknowledged = 0;
  for (const [key, reading] of published) {
    if (!reading.acknowledged) continue;
    acknowledged += 1;
    if (!found.has(key)) fault("missing", key);
  }
  return { published: published.size, acknowledged, ...counts, examples };
}

export function keyOf(meter: string, sequence: number): string {
  return `${meter} ${sequence}`;
}

function difference(row: Row, reading: Published): string | undefined {
  if (row.time !== reading.time) return `time ${row.time}, published ${reading.time}`;
  for (const [i, [, column, decimals]] of COMPARED.entries()) {
    const value = scaled(reading.values[i] as string, decimals);
    if (row[column] !== value) return `${column} ${row[column]}, published ${value}`;
  }
  return undefined;
}
