/**
 * Readings by COPY into a table of the session's own, and from there to where they belong. Only the columns that the group
 * fills are sent: a hundred empty ones would cost more than the values.
 */
import { once } from "node:events";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { MeasureKey } from "../../../src/core/measures.ts";
import type { MeterReading } from "../../ports.ts";
import { QUALITY_CODES, SOURCE_CODES } from "../sqlite/codes.ts";
import { columnOf, MEASURE_COLUMNS, READING_COLUMNS } from "./columns.ts";
import type { MeterNumbers } from "./meter-numbers.ts";

/** Characters handed to the socket at once. */
const CHUNK = 65_536;

/** Made once for each session; it is empty whenever no transaction is open. */
export const CREATE_STAGING = "CREATE TEMP TABLE staging (LIKE meterworks.readings) ON COMMIT DELETE ROWS";

export class ReadingWriter {
  readonly #client: pg.Client;
  readonly #meters: MeterNumbers;

  constructor(client: pg.Client, meters: MeterNumbers) {
    this.#client = client;
    this.#meters = meters;
  }

  /** Inside a transaction, whose meters are known. What is stored already stays as it is and is not counted. */
  async write(readings: readonly MeterReading[]): Promise<void> {
    if (readings.length === 0) return;
    const keys = this.#keysOf(readings);
    const columns = [READING_COLUMNS, ...keys.map(columnOf)].join(", ");
    await this.#copy(readings, keys, columns);
    const insert = `INSERT INTO meterworks.readings (${columns}) SELECT ${columns} FROM pg_temp.staging
      ON CONFLICT (meter, time) DO NOTHING`;
    const first = (readings[0] as MeterReading).source;
    if (readings.every(({ source }) => source === first)) {
      const { rowCount } = await this.#client.query(insert);
      await this.#count([SOURCE_CODES[first]], [rowCount ?? 0]);
    } else {
      const { rows } = await this.#client.query<{ source: number; count: string }>(
        `WITH added AS (${insert} RETURNING source) SELECT source, count(*) FROM added GROUP BY source`,
      );
      await this.#count(
        rows.map(({ source }) => source),
        rows.map(({ count }) => Number(count)),
      );
    }
    await this.#meters.keepGrown();
  }

  /** The measures that any of them has a value of, by the order of the columns. */
  #keysOf(readings: readonly MeterReading[]): readonly MeasureKey[] {
    const seen = new Set<string>();
    for (const { meter, values } of readings) {
      const known = this.#meters.get(meter);
      for (const key in values) {
        if (typeof values[key as MeasureKey] !== "number") continue;
        seen.add(key);
        if (!known.measures.has(key as MeasureKey) && MEASURE_COLUMNS.has(key as MeasureKey))
          this.#meters.grow(known, key as MeasureKey);
      }
    }
    return [...MEASURE_COLUMNS.keys()].filter((key) => seen.has(key));
  }

  async #copy(readings: readonly MeterReading[], keys: readonly MeasureKey[], columns: string): Promise<void> {
    const stream = this.#client.query(copyFrom(`COPY pg_temp.staging (${columns}) FROM STDIN`));
    const finished = new Promise<void>((resolve, reject) => stream.once("finish", resolve).once("error", reject));
    // Where it fails while we wait for the socket, it is told below.
    finished.catch(() => {});
    let chunk = "";
    for (const reading of readings) {
      chunk += this.#line(reading, keys);
      if (chunk.length < CHUNK) continue;
      const more = stream.write(chunk);
      chunk = "";
      if (!more) await Promise.race([once(stream, "drain"), finished]);
    }
    stream.end(chunk);
    await finished;
  }

  #line({ meter, time, source, sequence, quality, values }: MeterReading, keys: readonly MeasureKey[]): string {
    let without = "";
    for (const key in values)
      if (values[key as MeasureKey] === null && MEASURE_COLUMNS.has(key as MeasureKey))
        without += without === "" ? key : `,${key}`;
    let line = `${this.#meters.get(meter).number}\t${time}\t${SOURCE_CODES[source]}\t${sequence ?? "\\N"}\t${
      QUALITY_CODES[quality]
    }\t${without === "" ? "\\N" : without}`;
    for (const key of keys) line += `\t${values[key] ?? "\\N"}`;
    return `${line}\n`;
  }

  async #count(sources: readonly number[], counts: readonly number[]): Promise<void> {
    await this.#client.query(
      `INSERT INTO meterworks.reading_counts AS c (source, count)
       SELECT * FROM unnest($1::smallint[], $2::bigint[]) AS added (source, count) WHERE added.count > 0
       ON CONFLICT (source) DO UPDATE SET count = c.count + excluded.count`,
      [sources, counts],
    );
  }
}
