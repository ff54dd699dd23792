/**
 * Readings by COPY into a table of the session's own, and from there to where they belong. Only the columns that the group
 * fills are sent: a hundred empty ones would cost more than the values.
 */
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { MeasureKey, MeasureValues } from "../../../src/core/measures.ts";
import type { MeterReading } from "../../ports.ts";
import { QUALITY_CODES, SOURCE_CODES } from "../sqlite/codes.ts";
import { columnOf, MEASURE_COLUMNS, READING_COLUMNS } from "./columns.ts";
import type { MeterNumbers } from "./meter-numbers.ts";

/** Sets of columns that have a table for their readings in the session; beyond this the oldest is dropped. */
const STAGING_TABLES = 32;

/** By source, how many readings were added: 0 for those that were stored already. */
export type Added = Readonly<Record<MeterReading["source"], number>>;

export class ReadingWriter {
  readonly #client: pg.Client;
  readonly #meters: MeterNumbers;
  readonly #shapes = new Shapes();
  /** Staging tables by their columns. */
  readonly #staging = new Map<string, string>();
  #made = 0;

  constructor(client: pg.Client, meters: MeterNumbers) {
    this.#client = client;
    this.#meters = meters;
  }

  /** Where the transaction is undone, a table that was made in it is gone. */
  forget(): void {
    this.#staging.clear();
  }

  /** Inside a transaction, whose meters are known. What is stored already stays as it is and is not counted. */
  async write(readings: readonly MeterReading[]): Promise<Added> {
    const added = { modbus: 0, mqtt: 0 };
    if (readings.length === 0) return added;
    const { keys, ...looked } = this.#lookAt(readings);
    const columns = [READING_COLUMNS, ...keys.map(columnOf)].join(", ");
    const staging = await this.#stagingFor(columns);
    await copy(this.#client, staging, textOf(readings, keys, looked));
    const insert = `INSERT INTO meterworks.readings (${columns}) SELECT ${columns} FROM ${staging}
      ON CONFLICT (meter, time) DO NOTHING`;
    const first = (readings[0] as MeterReading).source;
    if (readings.every(({ source }) => source === first)) {
      added[first] = (await this.#client.query(insert)).rowCount ?? 0;
    } else {
      const { rows } = await this.#client.query<Record<"modbus" | "mqtt", string>>(
        `WITH added AS (${insert} RETURNING source)
         SELECT count(*) FILTER (WHERE source = ${SOURCE_CODES.modbus}) AS modbus,
           count(*) FILTER (WHERE source = ${SOURCE_CODES.mqtt}) AS mqtt FROM added`,
      );
      for (const source of ["modbus", "mqtt"] as const) added[source] = Number(rows[0]?.[source]);
    }
    await this.#meters.keepGrown();
    return added;
  }

  /** The measures that any of them has a value of, by the order of the columns; and what each line needs beside its reading. */
  #lookAt(readings: readonly MeterReading[]): Looked & { readonly keys: readonly MeasureKey[] } {
    const distinct = new Set<Shape>();
    const numbers: number[] = [];
    const without: string[] = [];
    for (const { meter, values } of readings) {
      const known = this.#meters.get(meter);
      const shape = this.#shapes.of(values);
      numbers.push(known.number);
      without.push(shape.without);
      distinct.add(shape);
      if (known.newest === shape) continue;
      known.newest = shape;
      for (const key of shape.valued) if (!known.measures.has(key)) this.#meters.grow(known, key);
    }
    const seen = new Set([...distinct].flatMap(({ valued }) => valued));
    return { keys: [...MEASURE_COLUMNS.keys()].filter((key) => seen.has(key)), numbers, without };
  }

  /** Inside a transaction, which empties it at its end. */
  async #stagingFor(columns: string): Promise<string> {
    const known = this.#staging.get(columns);
    if (known !== undefined) return known;
    const [oldest] = this.#staging;
    if (this.#staging.size >= STAGING_TABLES && oldest !== undefined) {
      await this.#client.query(`DROP TABLE ${oldest[1]}`);
      this.#staging.delete(oldest[0]);
    }
    this.#made += 1;
    const name = `pg_temp.staging_${this.#made}`;
    await this.#client.query(
      `CREATE TEMP TABLE staging_${this.#made} ON COMMIT DELETE ROWS AS SELECT ${columns} FROM meterworks.readings LIMIT 0`,
    );
    this.#staging.set(columns, name);
    return name;
  }
}

/** By the place of the reading: its meter's number, and the cell `no_value`. */
interface Looked {
  readonly numbers: readonly number[];
  readonly without: readonly string[];
}

/** The lines that COPY takes. */
function textOf(readings: readonly MeterReading[], keys: readonly MeasureKey[], { numbers, without }: Looked): string {
  let text = "";
  for (let i = 0; i < readings.length; i++) {
    const { time, source, sequence, quality, values } = readings[i] as MeterReading;
    text += `${numbers[i]}\t${time}\t${SOURCE_CODES[source]}\t${sequence ?? "\\N"}\t${QUALITY_CODES[quality]}\t${without[i]}`;
    for (const key of keys) text += `\t${values[key] ?? "\\N"}`;
    text += "\n";
  }
  return text;
}

/** A group is bounded, so its text is handed over whole. */
function copy(client: pg.Client, staging: string, text: string): Promise<void> {
  const stream = client.query(copyFrom(`COPY ${staging} FROM STDIN`));
  return new Promise((resolve, reject) => stream.once("finish", resolve).once("error", reject).end(text));
}

/** Which measures a reading has a value of, and which it was asked for in vain. */
interface Shape {
  readonly valued: readonly MeasureKey[];
  /** The cell `no_value` as COPY takes it. */
  readonly without: string;
}

/** Few kinds of readings come again and again: what is known of the last kinds is not worked out for each reading. */
class Shapes {
  readonly #known = new Map<string, Shape>();
  #lastKeys: readonly string[] = [];
  #lastShape: Shape = { valued: [], without: "\\N" };

  of(values: MeasureValues): Shape {
    const { valued } = this.#lastShape;
    const keys = Object.keys(values) as MeasureKey[];
    // Only where everything has a value: then the names alone say it.
    if (valued.length === keys.length && sameKeys(keys, this.#lastKeys) && keys.every((key) => values[key] !== null))
      return this.#lastShape;
    const shape = this.#kept(values, keys);
    this.#lastKeys = keys;
    this.#lastShape = shape;
    return shape;
  }

  #kept(values: MeasureValues, keys: readonly MeasureKey[]): Shape {
    const stored = keys.filter((key) => MEASURE_COLUMNS.has(key));
    const valued = stored.filter((key) => typeof values[key] === "number");
    const without = stored.filter((key) => values[key] === null);
    const name = `${valued.join(",")};${without.join(",")}`;
    let shape = this.#known.get(name);
    if (shape === undefined) {
      shape = { valued, without: without.length === 0 ? "\\N" : without.join(",") };
      if (this.#known.size >= 1_000) this.#known.clear();
      this.#known.set(name, shape);
    }
    return shape;
  }
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
