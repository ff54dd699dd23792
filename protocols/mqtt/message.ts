/**
 * Messages of the JSON profile. Values go by OBIS code as decimal strings in the shown unit (kWh, V, …), time is ISO 8601
 * in UTC. Unknown members and unknown OBIS codes are passed over: a newer meter may say more. The published schema is
 * `docs/mqtt.schema.json`, see schema.ts.
 */
import type { MeasureValues } from "../../src/core/measures.ts";
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import { utf8 } from "../../src/core/text.ts";
import { type Civil, civil, MICROS_PER_SECOND, toIso } from "../../src/core/time.ts";
import type { JsonObject } from "../json.ts";
import {
  type MeterOrder,
  ORDER_OPERATIONS,
  ORDER_STATUSES,
  type OrderNumber,
  type OrderOperation,
  type OrderOutcome,
  type OrderStatus,
} from "../orders.ts";
import type { PayloadError } from "./errors.ts";
import {
  PAYLOAD_LIMIT,
  readChoice,
  readDocument,
  readInteger,
  readMeter,
  readRelay,
  readText,
  readTime,
  readValues,
} from "./fields.ts";
import { type OrderProof, proofFields, readProof } from "./order-proof.ts";
import {
  decodeProfilePart,
  decodeProfileQuery,
  type ProfilePart,
  type ProfileQuery,
  profilePartFields,
  profileQueryFields,
} from "./profile.ts";
import { showValues } from "./show.ts";
import { isMeterName } from "./topics.ts";

export interface Telemetry {
  readonly meter: string;
  readonly model: string;
  /** Counts every telemetry message of this meter, across restarts: a gap is a lost reading. */
  readonly sequence: number;
  readonly time: Civil;
  readonly values: MeasureValues;
}

/**
 * On `cmd`. An order past `expires` is not carried out; a query asks for relay and registers as they are now, a profile query
 * for the load profile.
 */
export type MeterCommand =
  | {
      readonly kind: "order";
      readonly order: MeterOrder;
      readonly expires: Civil;
      /** Undefined where nobody signed it. */
      readonly proof: OrderProof | undefined;
    }
  | { readonly kind: "query"; readonly id: number }
  | ProfileQuery;

/**
 * Why a meter did not look at an order: nobody signed it, another than the key it belongs to, not with that key or not this
 * order, with a counter that is not above the last, or after its deadline by the meter's clock.
 */
export const REJECTIONS = ["unsigned", "other-key", "bad-signature", "old-counter", "expired"] as const;
export type Rejection = (typeof REJECTIONS)[number];

/** On `resp`. `query` is the id of the query that is answered. */
export type MeterResponse =
  | {
      readonly kind: "rejected";
      readonly meter: string;
      readonly id: OrderNumber;
      readonly reason: Rejection;
      /** That of the message, so that the sender knows its own; null where it had none. */
      readonly counter: number | null;
      /** That of the last order which the meter took, 0 before the first. */
      readonly last: number;
      readonly time: Civil;
    }
  | { readonly kind: "outcome"; readonly meter: string; readonly outcome: OrderOutcome; readonly time: Civil }
  | {
      readonly kind: "state";
      readonly meter: string;
      readonly query: number;
      readonly relay: 0 | 1 | null;
      readonly time: Civil;
      readonly values: MeasureValues;
    }
  | ProfilePart;

/** On `event`. What it was, and when, by the meter's own clock in its zone. */
export interface MeterEvent {
  readonly meter: string;
  /** Counts every event message of the meter, across restarts: a gap is a lost one. Telemetry counts for itself. */
  readonly sequence: number;
  /** When the message was made. */
  readonly time: Civil;
  readonly event: string;
  /** 0 is the meter as a whole. */
  readonly phase: 0 | 1 | 2 | 3;
  readonly state: EventState;
  /** Seconds since 1970 of the local clock; null where the event goes on. */
  readonly start: number;
  readonly end: number | null;
  /** Energies at the beginning or the end. */
  readonly values: MeasureValues;
}

export const EVENT_STATES = ["begin", "end", "done"] as const;
export type EventState = (typeof EVENT_STATES)[number];

export const OPERATIONS = Object.keys(ORDER_OPERATIONS) as readonly OrderOperation[];
export const STATUSES = Object.keys(ORDER_STATUSES) as readonly OrderStatus[];

function encode(fields: JsonObject): Uint8Array {
  const bytes = utf8(JSON.stringify({ version: 1, ...fields }));
  assert(bytes.length <= PAYLOAD_LIMIT, "a message stays below the limit its reader has");
  return bytes;
}

function named(meter: string): string {
  assert(isMeterName(meter), `"${meter}" is no meter name`);
  return meter;
}

export function encodeTelemetry(t: Telemetry): Uint8Array {
  return encode({
    meter: named(t.meter),
    model: t.model,
    sequence: t.sequence,
    time: toIso(t.time),
    values: showValues(t.values),
  });
}

export function decodeTelemetry(bytes: Uint8Array): Result<Telemetry, PayloadError> {
  const document = readDocument(bytes);
  if (!document.ok) return document;
  const meter = readMeter(document.value);
  if (!meter.ok) return meter;
  const model = readText(document.value, "model");
  if (!model.ok) return model;
  const sequence = readInteger(document.value, "sequence", 0);
  if (!sequence.ok) return sequence;
  const time = readTime(document.value, "time");
  if (!time.ok) return time;
  const values = readValues(document.value);
  if (!values.ok) return values;
  return success({
    meter: meter.value,
    model: model.value,
    sequence: sequence.value,
    time: time.value,
    values: values.value,
  });
}

export function encodeEvent(e: MeterEvent): Uint8Array {
  const { event, phase, state, sequence, start, end } = e;
  const [from, to] = [showLocal(start), end === null ? null : showLocal(end)];
  const values = showValues(e.values);
  return encode({
    ...{ meter: named(e.meter), kind: "event", sequence, time: toIso(e.time) },
    ...{ event, phase, state, start: from, end: to, values },
  });
}

/** ISO 8601 without an offset: the message does not say in which zone the meter's clock is. */
function showLocal(seconds: number): string {
  return toIso(civil(seconds * MICROS_PER_SECOND)).slice(0, "2026-11-24T16:00:00".length);
}

export function encodeCommand(command: MeterCommand): Uint8Array {
  if (command.kind === "query") return encode({ kind: "query", id: command.id });
  if (command.kind === "profile") return encode(profileQueryFields(command));
  const { id, operation, argument } = command.order;
  const proof = command.proof === undefined ? {} : proofFields(command.proof);
  return encode({ kind: "order", id, operation, argument, expires: toIso(command.expires), ...proof });
}

export function decodeCommand(bytes: Uint8Array): Result<MeterCommand, PayloadError> {
  const document = readDocument(bytes);
  if (!document.ok) return document;
  const kind = readChoice(document.value, "kind", ["order", "query", "profile"]);
  if (!kind.ok) return kind;
  const id = readInteger(document.value, "id", 1);
  if (!id.ok) return id;
  if (kind.value === "query") return success({ kind: "query", id: id.value });
  if (kind.value === "profile") return decodeProfileQuery(document.value, id.value);
  const operation = readChoice(document.value, "operation", OPERATIONS);
  if (!operation.ok) return operation;
  const argument = readInteger(document.value, "argument");
  if (!argument.ok) return argument;
  const expires = readTime(document.value, "expires");
  if (!expires.ok) return expires;
  const proof = readProof(document.value);
  if (!proof.ok) return proof;
  const order = { id: id.value as OrderNumber, operation: operation.value, argument: argument.value };
  return success({ kind: "order", order, expires: expires.value, proof: proof.value });
}

export function encodeResponse(response: MeterResponse): Uint8Array {
  if (response.kind === "profile") return encode({ meter: named(response.meter), ...profilePartFields(response) });
  const { kind } = response;
  const meter = named(response.meter);
  const time = toIso(response.time);
  if (kind === "outcome") return encode({ kind, meter, time, ...response.outcome });
  if (kind === "rejected") {
    const { id, reason, counter, last } = response;
    return encode({ kind, meter, time, id, reason, counter, last });
  }
  const { query, relay, values } = response;
  return encode({ kind, meter, time, query, relay, values: showValues(values) });
}

export function decodeResponse(bytes: Uint8Array): Result<MeterResponse, PayloadError> {
  const document = readDocument(bytes);
  if (!document.ok) return document;
  const kind = readChoice(document.value, "kind", ["outcome", "rejected", "state", "profile"]);
  if (!kind.ok) return kind;
  const meter = readMeter(document.value);
  if (!meter.ok) return meter;
  const time = readTime(document.value, "time");
  if (!time.ok) return time;
  const from = { meter: meter.value, time: time.value };
  if (kind.value === "rejected") return decodeRejected(document.value, from);
  if (kind.value === "profile") return decodeProfilePart(document.value, from);
  const relay = readRelay(document.value);
  if (!relay.ok) return relay;
  return kind.value === "outcome"
    ? decodeOutcome(document.value, from, relay.value)
    : decodeState(document.value, from, relay.value);
}

function decodeOutcome(
  fields: JsonObject,
  from: Pick<ProfilePart, "meter" | "time">,
  relay: 0 | 1 | null,
): Result<MeterResponse, PayloadError> {
  const id = readInteger(fields, "id", 1);
  if (!id.ok) return id;
  const status = readChoice(fields, "status", STATUSES);
  if (!status.ok) return status;
  if (relay === null) return failure({ kind: "bad-field", field: "relay", reason: "an outcome says 0 or 1" });
  return success({ kind: "outcome", ...from, outcome: { id: id.value as OrderNumber, status: status.value, relay } });
}

function decodeRejected(
  fields: JsonObject,
  from: Pick<ProfilePart, "meter" | "time">,
): Result<MeterResponse, PayloadError> {
  const id = readInteger(fields, "id", 1);
  if (!id.ok) return id;
  const reason = readChoice(fields, "reason", REJECTIONS);
  if (!reason.ok) return reason;
  const last = readInteger(fields, "last", 0);
  if (!last.ok) return last;
  const counter = fields["counter"] === null ? success(null) : readInteger(fields, "counter", 1);
  if (!counter.ok) return counter;
  const what = { id: id.value as OrderNumber, reason: reason.value, counter: counter.value, last: last.value };
  return success({ kind: "rejected", ...from, ...what });
}

function decodeState(
  fields: JsonObject,
  from: Pick<ProfilePart, "meter" | "time">,
  relay: 0 | 1 | null,
): Result<MeterResponse, PayloadError> {
  const query = readInteger(fields, "query", 1);
  if (!query.ok) return query;
  const values = readValues(fields);
  if (!values.ok) return values;
  return success({ kind: "state", ...from, query: query.value, relay, values: values.value });
}
