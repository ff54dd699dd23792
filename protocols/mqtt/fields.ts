/** Reading the members of a JSON payload. Every reader gives a Result whose error names the member. */
import { findMeasureByObis, type MeasureKey, type MeasureValues, parseShownValue } from "../../src/core/measures.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { fromUtf8 } from "../../src/core/text.ts";
import { type Civil, parseIso } from "../../src/core/time.ts";
import { isJsonObject, type JsonObject, printable, quoteValue } from "../json.ts";
import type { PayloadError } from "./errors.ts";
import { isMeterName } from "./topics.ts";

/** A message larger than this is not parsed at all; the fullest telemetry has about 3 KiB. */
export const PAYLOAD_LIMIT = 65_536;

function bad(field: string, reason: string): Result<never, PayloadError> {
  // Reasons of the number and time readers quote what was sent.
  return failure({ kind: "bad-field", field, reason: printable(reason, 160) });
}

/** The document's top-level object, of the version this profile has. */
export function readDocument(bytes: Uint8Array): Result<JsonObject, PayloadError> {
  if (bytes.length > PAYLOAD_LIMIT) return failure({ kind: "too-large", bytes: bytes.length, limit: PAYLOAD_LIMIT });
  const text = fromUtf8(bytes);
  if (text === undefined) return failure({ kind: "not-utf8" });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return failure({ kind: "not-json" });
  }
  if (!isJsonObject(document)) return failure({ kind: "not-object" });
  const version = member(document, "version");
  return version === 1 ? success(document) : bad("version", `1 is understood, not ${quoteValue(version)}`);
}

function member(fields: JsonObject, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

export function readMeter(fields: JsonObject): Result<string, PayloadError> {
  const value = member(fields, "meter");
  if (typeof value === "string" && isMeterName(value)) return success(value);
  return bad("meter", `a name of 1 to 64 letters, digits, "_", "." or "-" is needed, not ${quoteValue(value)}`);
}

export function readText(fields: JsonObject, name: string): Result<string, PayloadError> {
  const value = member(fields, name);
  if (typeof value === "string" && value.length >= 1 && value.length <= 64) return success(value);
  return bad(name, `a text of 1 to 64 characters is needed, not ${quoteValue(value)}`);
}

/** A JSON number that is an integer in lowest..2^53−1; a larger one has already lost digits and is refused. */
export function readInteger(
  fields: JsonObject,
  name: string,
  lowest = Number.MIN_SAFE_INTEGER,
): Result<number, PayloadError> {
  const value = member(fields, name);
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= lowest) return success(value + 0);
  return bad(name, `an integer from ${lowest} to ${Number.MAX_SAFE_INTEGER} is needed, not ${quoteValue(value)}`);
}

export function readTime(fields: JsonObject, name: string): Result<Civil, PayloadError> {
  const value = member(fields, name);
  if (typeof value !== "string") return bad(name, `an ISO 8601 time is needed, not ${quoteValue(value)}`);
  const time = parseIso(value);
  return time.ok ? time : bad(name, time.error);
}

/** One of a closed list of texts. */
export function readChoice<T extends string>(
  fields: JsonObject,
  name: string,
  choices: readonly T[],
): Result<T, PayloadError> {
  const value = member(fields, name);
  const choice = choices.find((c) => c === value);
  return choice !== undefined
    ? success(choice)
    : bad(name, `one of ${choices.join(", ")} is needed, not ${quoteValue(value)}`);
}

/** Relay state: 1 closed, 0 open, null where the meter has none or does not know. */
export function readRelay(fields: JsonObject): Result<0 | 1 | null, PayloadError> {
  const value = member(fields, "relay");
  if (value === 0 || value === 1 || value === null) return success(value);
  return bad("relay", `0, 1 or null is needed, not ${quoteValue(value)}`);
}

/** `values`: OBIS code → decimal string in the shown unit, or null. Codes of a newer meter are passed over. */
export function readValues(fields: JsonObject): Result<MeasureValues, PayloadError> {
  const object = member(fields, "values");
  if (!isJsonObject(object)) return bad("values", `an object of OBIS codes is needed, not ${quoteValue(object)}`);
  const values: Partial<Record<MeasureKey, number | null>> = {};
  for (const [obis, text] of Object.entries(object)) {
    const m = findMeasureByObis(obis);
    if (m === undefined) continue;
    if (text === null) {
      values[m.key] = null;
      continue;
    }
    if (typeof text !== "string")
      return bad(`values.${obis}`, `a decimal string or null is needed, not ${quoteValue(text)}`);
    const value = parseShownValue(m, text);
    if (!value.ok) return bad(`values.${obis}`, value.error);
    values[m.key] = value.value + 0;
  }
  return success(values);
}

/** A list of at most `most` items. */
export function readList(fields: JsonObject, name: string, most: number): Result<readonly unknown[], PayloadError> {
  const value = member(fields, name);
  if (Array.isArray(value) && value.length <= most) return success(value);
  return bad(name, `a list of at most ${most} is needed, not ${quoteValue(value)}`);
}
