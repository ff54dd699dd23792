/** The JSON Schema of the messages, published as `docs/mqtt.schema.json`. It says what the decoders accept, as far as a schema can. */
import { MEASURES, type Measure, shownDecimals, shownUnit } from "../../src/core/measures.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../../src/core/signature.ts";
import { EVENT_STATES, OPERATIONS, REJECTIONS, STATUSES } from "./message.ts";
import { ANSWER_PARTS, PART_RECORDS, RECORD_MARKS } from "./profile.ts";
import { CHANNELS } from "./topics.ts";

type Schema = Readonly<Record<string, unknown>>;

const MOST = Number.MAX_SAFE_INTEGER;

/** As parseDecimal reads it: trailing zeros may go on beyond the measure's decimals, other digits may not. */
function decimalPattern(decimals: number): string {
  return decimals === 0 ? "^[+-]?\\d+(\\.0+)?$" : `^[+-]?\\d+(\\.\\d{1,${decimals}}0*)?$`;
}

function valueSchema(m: Measure): Schema {
  return {
    title: m.title,
    description: `${m.key}, ${shownUnit(m)}`,
    type: ["string", "null"],
    pattern: decimalPattern(shownDecimals(m)),
    maxLength: 40,
  };
}

/** Bytes as hex digits. */
const hex = (bytes: number): Schema => ({ type: "string", pattern: `^[0-9a-fA-F]{${2 * bytes}}$` });

const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` });

/** An object of these members, all required; more members may follow in later versions. */
function message(description: string, properties: Record<string, Schema>): Schema {
  return {
    description,
    type: "object",
    properties: { version: { const: 1 }, ...properties },
    required: ["version", ...Object.keys(properties)],
  };
}

function withOptional(schema: Schema, properties: Record<string, Schema>): Schema {
  return { ...schema, properties: { ...(schema["properties"] as object), ...properties } };
}

export const MQTT_SCHEMA: Schema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "urn:meterworks:mqtt:1",
  title: "meterworks messages over MQTT",
  description: `Topics: meters/{meter}/{${CHANNELS.join("|")}}; QoS 1.`,
  anyOf: [ref("telemetry"), ref("event"), ref("command"), ref("response")],
  $defs: {
    telemetry: message(
      "On meters/{meter}/telemetry. The sequence number counts every message of the meter: a gap is a lost reading.",
      {
        meter: ref("meter"),
        model: { type: "string", minLength: 1, maxLength: 64 },
        sequence: { type: "integer", minimum: 0, maximum: MOST },
        time: ref("time"),
        values: ref("values"),
      },
    ),
    event: message(
      "On meters/{meter}/event, when an event begins, ends, or is done at once. It has a sequence of its own: a gap is a lost event.",
      {
        meter: ref("meter"),
        kind: { const: "event" },
        sequence: { type: "integer", minimum: 1, maximum: MOST },
        time: ref("time"),
        event: {
          description: "what it was, such as voltageLoss or relayTrip",
          type: "string",
          minLength: 1,
          maxLength: 64,
        },
        phase: { description: "1 to 3, or 0 for the meter as a whole", enum: [0, 1, 2, 3] },
        state: { enum: EVENT_STATES },
        start: ref("local"),
        end: { description: "null while it goes on", anyOf: [ref("local"), { type: "null" }] },
        values: ref("values"),
      },
    ),
    local: {
      description: "ISO 8601 on the meter's own clock in its zone",
      type: "string",
      pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}$",
    },
    command: { description: "On meters/{meter}/cmd.", oneOf: [ref("order"), ref("query"), ref("profileQuery")] },
    order: message(
      "Carried out at most once: a repeated id is answered with its first outcome. Not carried out once it has expired, nor without a good signature.",
      {
        kind: { const: "order" },
        id: ref("id"),
        operation: { enum: OPERATIONS },
        argument: {
          description:
            "clock-set: seconds since 1970 in UTC; credit-add and credit-refund: minor units, or mWh where credit is energy; otherwise 0",
          type: "integer",
          minimum: -MOST,
          maximum: MOST,
        },
        expires: ref("time"),
        counter: { description: "above that of every order before", ...ref("id") },
        key: { description: "the signer's public key, Ed25519", ...hex(PUBLIC_KEY_BYTES) },
        signature: { description: "Ed25519 over the order's lines, see mqtt.md", ...hex(SIGNATURE_BYTES) },
      },
    ),
    query: message("Asks for a state response.", { kind: { const: "query" }, id: ref("id") }),
    response: {
      description: "On meters/{meter}/resp.",
      oneOf: [ref("outcome"), ref("rejected"), ref("state"), ref("profile")],
    },
    outcome: message("The end of an order.", {
      kind: { const: "outcome" },
      meter: ref("meter"),
      time: ref("time"),
      id: ref("id"),
      status: { enum: STATUSES },
      relay: { description: "after the order: 1 closed, 0 open", enum: [0, 1] },
    }),
    rejected: message("The meter did not look at the order: nothing was done, and its id is not used up.", {
      kind: { const: "rejected" },
      meter: ref("meter"),
      time: ref("time"),
      id: ref("id"),
      reason: { enum: REJECTIONS },
      counter: { description: "of the message, null where it had none", anyOf: [ref("id"), { type: "null" }] },
      last: { description: "of the last order that was taken", type: "integer", minimum: 0, maximum: MOST },
    }),
    state: message("The meter as it is now; query is the id of the query answered.", {
      kind: { const: "state" },
      meter: ref("meter"),
      time: ref("time"),
      query: ref("id"),
      relay: { description: "1 closed, 0 open, null where the meter has none", enum: [0, 1, null] },
      values: ref("values"),
    }),
    profileQuery: withOptional(
      message("Asks for the records of the load profile that end within from to to, both included, 31 days at most.", {
        kind: { const: "profile" },
        id: ref("id"),
        from: ref("time"),
        to: ref("time"),
      }),
      {
        step: {
          description: "minutes: only records at its multiples of the UTC day",
          type: "integer",
          minimum: 1,
          maximum: 1440,
        },
      },
    ),
    profile: message("A part of the answer to a profile query.", {
      kind: { const: "profile" },
      meter: ref("meter"),
      time: ref("time"),
      query: ref("id"),
      interval: {
        description: "the meter's own interval in minutes; 0 where it keeps no energies",
        type: "integer",
        minimum: 0,
        maximum: MOST,
      },
      part: { type: "integer", minimum: 1, maximum: ANSWER_PARTS },
      last: { description: "no further part follows", type: "boolean" },
      records: { type: "array", maxItems: PART_RECORDS, items: ref("record") },
    }),
    record: {
      description: "time is the end of the interval. Marks of later versions are passed over.",
      type: "object",
      properties: {
        time: ref("time"),
        marks: { description: RECORD_MARKS.join(", "), type: "array", maxItems: RECORD_MARKS.length },
        values: ref("values"),
      },
      required: ["time", "marks", "values"],
    },
    meter: { type: "string", pattern: "^[A-Za-z0-9_.-]{1,64}$" },
    id: { type: "integer", minimum: 1, maximum: MOST },
    time: {
      description: "ISO 8601 with an offset; meters send UTC: 2026-11-24T16:00:00Z",
      type: "string",
      pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2})$",
    },
    values: {
      description:
        "By OBIS code: a decimal string in the unit named, null where the meter has no value. Unknown codes are passed over.",
      type: "object",
      properties: Object.fromEntries(MEASURES.map((m) => [m.obis, valueSchema(m)])),
    },
  },
};
