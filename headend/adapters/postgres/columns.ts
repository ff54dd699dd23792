/** The columns of the measures: `activeEnergyImport` is `active_energy_import`, so that nobody has to quote it in psql. */
import { type MeasureKey, USUAL_MEASURES } from "../../../src/core/measures.ts";

export const MEASURE_COLUMNS: ReadonlyMap<MeasureKey, string> = new Map(
  USUAL_MEASURES.map(({ key }) => [key, key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]),
);

/** The column of a measure that is stored. */
export function columnOf(key: MeasureKey): string {
  return MEASURE_COLUMNS.get(key) as string;
}

/** What every reading has beside its measures, in the order in which readings are written and read. */
export const READING_COLUMNS = "meter, time, source, sequence, quality, no_value";
