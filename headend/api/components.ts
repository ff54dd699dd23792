/** What answers are made of, under the names by which the document lists it. */
import { ORDER_OPERATIONS, ORDER_STATUSES } from "../../protocols/orders.ts";
import { INCIDENT_KINDS, PARTS } from "../alarms/incident.ts";
import { ORDER_STATES } from "../ports.ts";
import { DATED_TASKS } from "../schedule/groups.ts";
import { decimal, flag, integer, list, meterId, orNull, record, type Schema, source, text, time } from "./schemas.ts";

const quality: Schema = { enum: ["good", "estimated", "late", "clock-doubt", "invalid", "missing"] };

const ratio: Schema = {
  ...record({ ct: text, vt: text }),
  description: "the transformers that held at its time; absent on a direct meter",
};
const primary: Schema = {
  ...decimal,
  description: "the value on the primary side; absent where it is the value itself or not known",
};
const values: Schema = list(
  record({ measure: text, obis: text, value: orNull(decimal), primary, unit: text, time, quality }, ["primary"]),
);

/** Shared answers, by the name under which the document lists them. */
export const COMPONENTS: Readonly<Record<string, Schema>> = {
  Problem: {
    ...record({ type: text, title: text, status: integer, detail: text, reason: text }),
    description: "RFC 9457 problem details; `detail` says what to do, `reason` is for programs",
  },
  Meter: record({
    id: meterId,
    model: text,
    ratio: { type: "number", description: "CT × VT: readings are secondary values, billing multiplies by this" },
    via: text,
  }),
  Reading: record(
    {
      time,
      source,
      sequence: orNull(integer),
      quality,
      ratio,
      values,
    },
    ["ratio"],
  ),
  DatedRead: record(
    {
      task: { enum: DATED_TASKS },
      slot: { ...time, description: "the time for which it is" },
      taken: { ...time, description: "when the values were taken" },
      basis: {
        enum: ["settlement", "reading"],
        description:
          "settlement: the meter closed its registers itself at the time; reading: only what it showed at `taken`",
      },
      quality,
      ratio,
      values,
      settlement: orNull(
        record({
          meterTime: { type: "string", description: "by the meter's local clock, which tells no zone" },
          clockInDoubt: flag,
          late: flag,
          registers: list(
            record({
              measure: text,
              unit: text,
              total: decimal,
              rates: list(decimal),
              demandUnit: text,
              maximumDemand: orNull(decimal),
              maximumDemandAt: orNull(text),
            }),
          ),
        }),
      ),
    },
    ["ratio"],
  ),
  Order: record({
    id: integer,
    key: text,
    meter: meterId,
    operation: { enum: Object.keys(ORDER_OPERATIONS) },
    argument: integer,
    state: { enum: ORDER_STATES },
    reason: text,
    requestedAt: time,
    expiresAt: time,
    outcome: { enum: [...Object.keys(ORDER_STATUSES), null] },
    relayReadBack: { enum: [0, 1, null] },
    finishedAt: orNull(time),
    requester: text,
    persons: { type: "integer", description: "how many persons must stand behind it, the requester among them" },
    approvedBy: list(text),
    precondition: record({
      relay: { enum: ["open", "closed", null] },
      balanceAtMost: orNull(decimal),
      currency: orNull(text),
    }),
    mass: orNull({ type: "string", description: "the mass order that it is part of" }),
  }),
  Account: record({
    meter: meterId,
    currency: text,
    balance: decimal,
    toppedUp: decimal,
    charged: decimal,
    warnAt: decimal,
    cutAt: decimal,
    pricePerKwh: decimal,
    energyFrom: orNull(decimal),
    energyTo: orNull(decimal),
    energyUnit: text,
  }),
  Posting: record({
    key: text,
    meter: meterId,
    kind: { enum: ["topup", "charge"] },
    currency: text,
    at: time,
    amount: decimal,
    energyTo: orNull(decimal),
    energyUnit: text,
  }),
  Alarm: record({
    id: text,
    kind: { enum: INCIDENT_KINDS },
    part: { enum: PARTS },
    name: text,
    open: flag,
    since: time,
    until: orNull(time),
    seconds: orNull(integer),
    count: integer,
    meters: integer,
    within: orNull(text),
    cause: text,
    advice: text,
    acknowledged: orNull(record({ by: text, at: time, note: text })),
  }),
  Availability: record({
    name: text,
    meters: integer,
    watchedSeconds: decimal,
    downSeconds: decimal,
    outages: integer,
    availability: orNull(decimal),
    mtbfSeconds: orNull(decimal),
    mttrSeconds: orNull(decimal),
  }),
  AuditEntry: record({
    number: integer,
    at: time,
    actor: text,
    action: text,
    meter: orNull(meterId),
    order: orNull(integer),
    detail: text,
  }),
};
