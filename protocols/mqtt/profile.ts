/** The load profile over MQTT: a query on `cmd`, answered on `resp` by parts of bounded size of which the last says so. */
import type { MeasureValues } from "../../src/core/measures.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { type Civil, MICROS_PER_SECOND, toIso } from "../../src/core/time.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import type { PayloadError } from "./errors.ts";
import { readInteger, readList, readTime, readValues } from "./fields.ts";
import { showValues } from "./show.ts";

/** Records of one message at most: it stays far below what a reader takes, whatever the values are. */
export const PART_RECORDS = 32;
/** Parts of one answer at most: 2048 records, more than the virtual meters keep. */
export const ANSWER_PARTS = 64;
/** The longest span one query may ask for, µs. */
export const LONGEST_SPAN = 31 * 86_400 * MICROS_PER_SECOND;
const LONGEST_STEP_MINUTES = 1440;

/** What happened in the interval of a record. */
export const RECORD_MARKS = ["power-cut", "clock-changed", "clock-doubt"] as const;
export type RecordMark = (typeof RECORD_MARKS)[number];

/** Asks for the records that end within `from` to `to`, both included. */
export interface ProfileQuery {
  readonly kind: "profile";
  readonly id: number;
  readonly from: Civil;
  readonly to: Civil;
  /** Only records at multiples of so many minutes of the UTC day; 0 for all. */
  readonly step: number;
}

export interface ProfileRecord {
  /** End of the interval. */
  readonly time: Civil;
  readonly marks: readonly RecordMark[];
  readonly values: MeasureValues;
}

export interface ProfilePart {
  readonly kind: "profile";
  readonly meter: string;
  /** When the part was made. */
  readonly time: Civil;
  /** Id of the query that is answered. */
  readonly query: number;
  /** The meter's own interval in minutes; 0 where it keeps no energies. */
  readonly interval: number;
  /** Counts from 1. */
  readonly part: number;
  /** No further part follows. */
  readonly last: boolean;
  readonly records: readonly ProfileRecord[];
}

export function profileQueryFields({ kind, id, from, to, step }: ProfileQuery): JsonObject {
  return { kind, id, from: toIso(from), to: toIso(to), ...(step === 0 ? {} : { step }) };
}

/** @param id the one that every command has, already read */
export function decodeProfileQuery(fields: JsonObject, id: number): Result<ProfileQuery, PayloadError> {
  const from = readTime(fields, "from");
  if (!from.ok) return from;
  const to = readTime(fields, "to");
  if (!to.ok) return to;
  if (to.value < from.value) return bad("to", "it is before `from`");
  if (to.value - from.value > LONGEST_SPAN) return bad("to", "one query asks for 31 days at most");
  const step = Object.hasOwn(fields, "step") ? readInteger(fields, "step", 1) : success(0);
  if (!step.ok) return step;
  if (step.value > LONGEST_STEP_MINUTES) return bad("step", "a step is 1 to 1440 minutes");
  return success({ kind: "profile", id, from: from.value, to: to.value, step: step.value });
}

export function profilePartFields({ kind, time, query, interval, part, last, records }: ProfilePart): JsonObject {
  const shown = records.map((record) => ({
    time: toIso(record.time),
    marks: record.marks,
    values: showValues(record.values),
  }));
  return { kind, time: toIso(time), query, interval, part, last, records: shown };
}

export function decodeProfilePart(
  fields: JsonObject,
  from: Pick<ProfilePart, "meter" | "time">,
): Result<ProfilePart, PayloadError> {
  const query = readInteger(fields, "query", 1);
  if (!query.ok) return query;
  const interval = readInteger(fields, "interval", 0);
  if (!interval.ok) return interval;
  const part = readInteger(fields, "part", 1);
  if (!part.ok) return part;
  if (part.value > ANSWER_PARTS) return bad("part", `an answer has ${ANSWER_PARTS} parts at most`);
  const { last } = fields;
  if (typeof last !== "boolean") return bad("last", "true or false is needed");
  const items = readList(fields, "records", PART_RECORDS);
  if (!items.ok) return items;
  const records: ProfileRecord[] = [];
  for (const item of items.value) {
    const record = decodeRecord(item);
    if (!record.ok) return record;
    records.push(record.value);
  }
  const numbers = { query: query.value, interval: interval.value, part: part.value };
  return success({ kind: "profile", ...from, ...numbers, last, records });
}

function decodeRecord(item: unknown): Result<ProfileRecord, PayloadError> {
  if (!isJsonObject(item)) return bad("records", "an object for each record is needed");
  const time = readTime(item, "time");
  if (!time.ok) return time;
  const marks = readList(item, "marks", RECORD_MARKS.length);
  if (!marks.ok) return marks;
  const values = readValues(item);
  if (!values.ok) return values;
  // Marks of a newer meter are passed over.
  const known = RECORD_MARKS.filter((mark) => marks.value.includes(mark));
  return success({ time: time.value, marks: known, values: values.value });
}

function bad(field: string, reason: string): Result<never, PayloadError> {
  return failure({ kind: "bad-field", field, reason });
}
