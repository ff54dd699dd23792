/**
 * Readings by COPY into a table of the session's own, and from there to where they belong. Only the columns that the group
 * fills are sent: a hundred empty ones would cost more than the values.
 */
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { MeasureKey } from "../../../src/core/measures.ts";
import type { MeterReading } from "../../ports.ts";
import { QUALITY_CODES, SOURCE_CODES, sourceOf } from "../codes.ts";
import { columnOf, MEASURE_COLUMNS, MeasureColumns, READING_COLUMNS } from "./columns.ts";
import type { MeterNumbers } from "./meter-numbers.ts";
import { Partitions } from "./partitions.ts";
import { type Shape, Shapes } from "./shapes.ts";

/** Sets of columns that have a table for their readings in the session; beyond this the oldest is dropped. */
const STAGING_TABLES = 32;

/** By source, how many readings were added: 0 for those that were stored already. */
export type Added = Readonly<Record<MeterReading["source"], number>>;

/** Readings whose months and columns are there, each with its shape. */
interface Prepared {
  readonly readings: readonly MeterReading[];
  readonly shapes: readonly Shape[];
  /** The measures that any of them has a value of, by the order of the columns. */
  readonly keys: readonly MeasureKey[];
}

export class ReadingWriter {
  readonly #client: pg.Client;
  readonly #meters: MeterNumbers;
  readonly #partitions: Partitions;
  readonly #columns: MeasureColumns;
  readonly #shapes = new Shapes();
  /** Staging tables by their columns. */
  readonly #staging = new Map<string, string>();
  #made = 0;

  constructor(client: pg.Client, meters: MeterNumbers) {
    this.#client = client;
    this.#meters = meters;
    this.#partitions = new Partitions(client);
    this.#columns = new MeasureColumns(client);
  }

  /** Before the first use. */
  async open(): Promise<void> {
    await this.#partitions.open();
    await this.#columns.open();
  }

  /** Where the transaction is undone, a table that was made in it is gone. */
  forget(): void {
    this.#staging.clear();
  }

  /** Before the transaction: makes the months and columns that these readings need. */
  async prepare(readings: readonly MeterReading[]): Promise<Prepared> {
    const shapes: Shape[] = [];
    const distinct = new Set<Shape>();
    for (const { time, values } of readings) {
      const shape = this.#shapes.of(values);
      shapes.push(shape);
      distinct.add(shape);
      if (!this.#partitions.has(time)) await this.#partitions.require(time);
    }
    const seen = new Set([...distinct].flatMap(({ valued }) => valued));
    const keys = [...MEASURE_COLUMNS.keys()].filter((key) => seen.has(key));
    await this.#columns.require(keys);
    return { readings, shapes, keys };
  }

  /** Inside a transaction, whose meters are known. What is stored already stays as it is and is not counted. */
  async write(prepared: Prepared): Promise<Added> {
    const { readings, keys } = prepared;
    const added = { modbus: 0, mqtt: 0, profile: 0 };
    if (readings.length === 0) return added;
    const columns = [READING_COLUMNS, ...keys.map(columnOf)].join(", ");
    const staging = await this.#stagingFor(columns);
    await copy(this.#client, staging, this.#text(prepared));
    const insert = `INSERT INTO meterworks.readings (${columns}) SELECT ${columns} FROM ${staging}
      ON CONFLICT (meter, time) DO NOTHING`;
    const first = (readings[0] as MeterReading).source;
    if (readings.every(({ source }) => source === first)) {
      added[first] = (await this.#client.query(insert)).rowCount ?? 0;
    } else {
      const { rows } = await this.#client.query<{ source: number; count: string }>(
        `WITH added AS (${insert} RETURNING source) SELECT source, count(*) FROM added GROUP BY source`,
      );
      for (const { source, count } of rows) added[sourceOf(source)] = Number(count);
    }
    await this.#meters.keepGrown();
    return added;
  }

  /** The lines that COPY takes. */
  #text({ readings, shapes, keys }: Prepared): string {
    let text = "";
    for (let i = 0; i < readings.length; i++) {
      const { meter, time, source, sequence, quality, values } = readings[i] as MeterReading;
      const shape = shapes[i] as Shape;
      const known = this.#meters.get(meter);
      if (known.newest !== shape) this.#meters.fills(known, shape);
      text += `${known.number}\t${time}\t${SOURCE_CODES[source]}\t${sequence ?? "\\N"}\t${QUALITY_CODES[quality]}\t${shape.without}`;
      for (const key of keys) text += `\t${values[key] ?? "\\N"}`;
      text += "\n";
    }
    return text;
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

/** A group is bounded, so its text is handed over whole. */
function copy(client: pg.Client, staging: string, text: string): Promise<void> {
  const stream = client.query(copyFrom(`COPY ${staging} FROM STDIN`));
  return new Promise((resolve, reject) => stream.once("finish", resolve).once("error", reject).end(text));
}
