/** Archives of readings: CSV, a line per value, as other programs and people read it; times ISO 8601, values as shown everywhere. */
import { isMeasureKey, type MeasureKey, measure, parseShownValue, type Quality } from "../src/core/measures.ts";
import { failure, type Result, success } from "../src/core/result.ts";
import { parseIso, toIso } from "../src/core/time.ts";
import { type MeterId, type MeterReading, READING_SOURCES } from "./ports.ts";
import { valueViews } from "./view.ts";

/** Beside an archive, under its name with `.manifest.json`. */
export interface ArchiveManifest {
  readonly format: "meterworks-readings";
  readonly version: 1;
  /** `2026-01`. */
  readonly month: string;
  readonly readings: number;
  /** Lines without the header: a line per value, one for a reading without any. */
  readonly lines: number;
  readonly bytes: number;
  readonly sha256: string;
}

export const ARCHIVE_HEADER = "meter,time,source,sequence,quality,measure,obis,value,unit";

/** No cell needs quotes: ids, times, numbers and names have no comma. An empty value: the meter had none. */
export function archiveLines({ meter, time, source, sequence, quality, values }: MeterReading): readonly string[] {
  const head = `${meter},${toIso(time)},${source},${sequence ?? ""},${quality}`;
  const views = valueViews(values, time, quality);
  if (views.length === 0) return [`${head},,,,`];
  return views.map((view) => `${head},${view.measure},${view.obis},${view.value ?? ""},${view.unit}`);
}

const QUALITIES: readonly Quality[] = ["good", "estimated", "late", "clock-doubt", "invalid", "missing"];

/** One line as a reading with at most one value; lines of one meter and time belong together. */
export function parseArchiveLine(line: string): Result<MeterReading, string> {
  const [meter, iso, source, sequence, quality, key, , shown] = line.split(",") as (string | undefined)[];
  if (shown === undefined || meter === undefined || !/^[A-Za-z0-9_.-]{1,64}$/.test(meter))
    return failure(`this is no line of an archive: ${line.slice(0, 80)}`);
  const time = parseIso(iso ?? "");
  if (!time.ok) return time;
  const known = { source: READING_SOURCES.find((s) => s === source), quality: QUALITIES.find((q) => q === quality) };
  if (known.source === undefined || known.quality === undefined)
    return failure(`"${source}" or "${quality}" is no source and quality`);
  const values: Partial<Record<MeasureKey, number | null>> = {};
  if (key !== undefined && key !== "") {
    if (!isMeasureKey(key)) return failure(`"${key}" is no measure of this version`);
    if (shown === "") values[key] = null;
    else {
      const value = parseShownValue(measure(key), shown);
      if (!value.ok) return value;
      values[key] = value.value;
    }
  }
  const number = sequence === undefined || sequence === "" ? null : Number(sequence);
  if (number !== null && !Number.isSafeInteger(number)) return failure(`"${sequence}" is no sequence number`);
  return success({
    ...{ meter: meter as MeterId, time: time.value, source: known.source, quality: known.quality },
    ...{ sequence: number, values },
  });
}
