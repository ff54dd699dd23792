/**
 * The load profile as data sets: `P.01(time)(status)(minutes)(values)(code)(unit)…` and then the values of one record behind
 * the other. Where a record is missing or the status changes a new data set begins, so that every record's time is known.
 */
import { parseClock } from "../../protocols/iec62056-21/clock.ts";
import type { DataSet } from "../../protocols/iec62056-21/dataset.ts";
import { parseObis, shortObis } from "../../protocols/iec62056-21/obis.ts";
import { isMeasureKey, type Measure, measure } from "../../src/core/measures.ts";
import { MICROS_PER_SECOND } from "../../src/core/time.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import { cutToDigits, type Digits } from "../display/digits.ts";
import type { LoadProfile } from "../profile/load-profile.ts";
import type { RecordFlags, StoredRecord } from "../profile/record.ts";
import { type ClassSettings, PROFILE_CLASSES } from "../profile/settings.ts";
import { timeStamp } from "./iec62056-21-billing.ts";

/** Value group C of profiles (IEC 62056-61); D is the class. */
const PROFILE_CODE = /^\d-0:99\.([1-9])\.0$/;
const RANGE = /^(\d{10})?(?:;(\d{10})?)?$/;
/** Records of one answer: it stays below what a reader takes as a readout. */
const MOST_RECORDS = 96;
/** Demands are captured under names of their own. */
const DEMANDS: Readonly<Record<string, readonly [code: string, measure: Measure]>> = {
  demandActive: ["1.4.0", measure("activePower")],
  demandReactive: ["3.4.0", measure("reactivePower")],
};
const STATUS = { powerCut: 0x80, clockDoubt: 0x40, clockChanged: 0x20 } as const;

/**
 * The earliest 96 records of a class in a range of local times `YYMMDDhhmm;YYMMDDhhmm`, both included and either left out.
 * Undefined where the address names no class that captures.
 */
export function profileSets(
  profile: LoadProfile,
  address: string,
  range: string,
  digitsOf: (m: Measure) => Digits,
): readonly DataSet[] | "bad-value" | undefined {
  const place = Number(PROFILE_CODE.exec(parseObis(address)?.code ?? "")?.[1]) - 1;
  const settings = place < PROFILE_CLASSES ? profile.settings.classes[place] : undefined;
  if (settings === undefined || settings === null) return undefined;
  const times = RANGE.exec(range);
  const from = times?.[1] === undefined ? localSecond(0) : localTime(times[1]);
  const to = times?.[2] === undefined ? localSecond(Number.MAX_SAFE_INTEGER) : localTime(times[2]);
  if (times === null || from === undefined || to === undefined) return "bad-value";
  const sets: DataSet[] = [];
  for (const run of runsOf(profile.range(place, from, to, MOST_RECORDS), settings.intervalMinutes))
    sets.push(setOf(place, settings, run, digitsOf));
  // A profile without records in the range answers with its head alone.
  return sets.length > 0 ? sets : [setOf(place, settings, [], digitsOf)];
}

/** Records that follow each other at the interval with one status. */
function runsOf(records: readonly StoredRecord[], minutes: number): readonly (readonly StoredRecord[])[] {
  const runs: StoredRecord[][] = [];
  for (const record of records) {
    const last = runs.at(-1)?.at(-1);
    const follows = last?.at === record.at - 60 * minutes && statusOf(last.flags) === statusOf(record.flags);
    if (follows) runs.at(-1)?.push(record);
    else runs.push([record]);
  }
  return runs;
}

function setOf(
  place: number,
  { captures, intervalMinutes }: ClassSettings,
  records: readonly StoredRecord[],
  digitsOf: (m: Measure) => Digits,
): DataSet {
  const columns = captures.map((key) => {
    const [code, m] = DEMANDS[key] ?? columnOf(key);
    return { code, m, digits: digitsOf(m) };
  });
  const [first] = records;
  const head = [
    first === undefined ? "" : timeStamp(first.at),
    first === undefined ? "00" : statusOf(first.flags),
    String(intervalMinutes).padStart(2, "0"),
    String(columns.length),
    ...columns.flatMap(({ code, digits }) => [code, digits.unit ?? ""]),
  ];
  const values = records.flatMap((record) =>
    columns.map(({ m, digits }, i) => {
      const value = record.values[i] ?? null;
      return value === null ? "" : cutToDigits(m, value, digits);
    }),
  );
  return { address: `P.0${place + 1}`, groups: [...head, ...values].map((value) => ({ value, unit: undefined })) };
}

function columnOf(key: string): readonly [string, Measure] {
  // Settings name measures and demands only, see isCapture.
  const m = measure(isMeasureKey(key) ? key : "clock");
  return [shortObis(m.obis), m];
}

/** Two hex digits: 80 power was off before it, 40 the clock was in doubt, 20 the clock was set. */
function statusOf(flags: RecordFlags): string {
  let status = 0;
  for (const [name, bit] of Object.entries(STATUS)) if (flags[name as keyof RecordFlags]) status |= bit;
  return status.toString(16).toUpperCase().padStart(2, "0");
}

function localTime(stamp: string): LocalSecond | undefined {
  const at = parseClock(stamp.slice(0, 6), `${stamp.slice(6)}00`, 0);
  return at === undefined ? undefined : localSecond(at / MICROS_PER_SECOND);
}
