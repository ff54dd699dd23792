/** Reading of event messages; what they hold is in message.ts. */
import { failure, type Result, success } from "../../src/core/result.ts";
import { MICROS_PER_SECOND, parseIso } from "../../src/core/time.ts";
import type { JsonObject } from "../json.ts";
import type { PayloadError } from "./errors.ts";
import { readChoice, readDocument, readInteger, readMeter, readText, readTime, readValues } from "./fields.ts";
import { EVENT_STATES, type MeterEvent } from "./message.ts";

/** A kind of event is one word; a newer meter may have kinds that nobody knows here. */
const KIND = /^[A-Za-z][A-Za-z0-9]{0,63}$/;

export function decodeEvent(bytes: Uint8Array): Result<MeterEvent, PayloadError> {
  const document = readDocument(bytes);
  if (!document.ok) return document;
  const fields = document.value;
  const meter = readMeter(fields);
  if (!meter.ok) return meter;
  const sequence = readInteger(fields, "sequence", 0);
  if (!sequence.ok) return sequence;
  const time = readTime(fields, "time");
  if (!time.ok) return time;
  const event = readText(fields, "event");
  if (!event.ok) return event;
  if (!KIND.test(event.value)) return failure({ kind: "bad-field", field: "event", reason: "a kind is one word" });
  const phase = readInteger(fields, "phase", 0);
  if (!phase.ok) return phase;
  if (phase.value > 3) return failure({ kind: "bad-field", field: "phase", reason: "is 0 to 3" });
  const state = readChoice(fields, "state", EVENT_STATES);
  if (!state.ok) return state;
  const start = readLocal(fields, "start");
  if (!start.ok) return start;
  const end = fields["end"] === null ? success(null) : readLocal(fields, "end");
  if (!end.ok) return end;
  const values = readValues(fields);
  if (!values.ok) return values;
  return success({
    ...{ meter: meter.value, sequence: sequence.value, time: time.value, event: event.value },
    ...{ phase: phase.value as MeterEvent["phase"], state: state.value, start: start.value, end: end.value },
    values: values.value,
  });
}

/** Seconds since 1970 of a local time without an offset. */
function readLocal(fields: JsonObject, field: string): Result<number, PayloadError> {
  const text = readText(fields, field);
  if (!text.ok) return text;
  const parsed = parseIso(`${text.value}Z`);
  if (!parsed.ok) return failure({ kind: "bad-field", field, reason: `${parsed.error.replace(/Z"/, '"')}` });
  return success(Math.floor(parsed.value / MICROS_PER_SECOND));
}
