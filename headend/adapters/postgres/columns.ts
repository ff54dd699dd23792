/** The columns of the measures: `activeEnergyImport` is `active_energy_import`, so that nobody has to quote it in psql. */
import type pg from "pg";
import { type MeasureKey, USUAL_MEASURES } from "../../../src/core/measures.ts";

export const MEASURE_COLUMNS: ReadonlyMap<MeasureKey, string> = new Map(
  USUAL_MEASURES.map(({ key }) => [key, key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]),
);

/** The columns that `readings` has: one comes with the first value of its measure, so that no row carries empty ones. */
export class MeasureColumns {
  readonly #client: pg.Client;
  readonly #present = new Set<string>();

  constructor(client: pg.Client) {
    this.#client = client;
  }

  async open(): Promise<void> {
    const { rows } = await this.#client.query<{ attname: string }>(
      "SELECT attname FROM pg_attribute WHERE attrelid = 'meterworks.readings'::regclass AND NOT attisdropped",
    );
    for (const { attname } of rows) this.#present.add(attname);
  }

  /** Outside a transaction: adds those that are missing, which takes no rewriting. */
  async require(keys: readonly MeasureKey[]): Promise<void> {
    const missing = keys.map(columnOf).filter((column) => !this.#present.has(column));
    if (missing.length === 0) return;
    const add = missing.map((column) => `ADD COLUMN IF NOT EXISTS ${column} bigint`).join(", ");
    await this.#client.query(`ALTER TABLE meterworks.readings ${add}`);
    for (const column of missing) this.#present.add(column);
  }
}

/** The column of a measure that is stored. */
export function columnOf(key: MeasureKey): string {
  return MEASURE_COLUMNS.get(key) as string;
}

/** What every reading has beside its measures, in the order in which readings are written and read. */
export const READING_COLUMNS = "meter, time, source, sequence, quality, no_value";
