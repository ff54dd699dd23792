/** JSON Schemas of the API: what is checked in requests, and what answers look like (published, and held by tests). */
import type { OrderOperation } from "../../protocols/orders.ts";
import { BY } from "../alarms/availability.ts";
import { INCIDENT_ID } from "../alarms/incident.ts";
import { EVENT_KINDS } from "../notice-feed.ts";
import { READING_SOURCES } from "../ports.ts";

export const MAXIMUM_LIMIT = 500;
export const DEFAULT_LIMIT = 100;

export type Schema = Readonly<Record<string, unknown>>;

/** An object that has these properties, all of them required, and no others. */
export function record(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", additionalProperties: false, required, properties };
}

export const list = (items: Schema): Schema => ({ type: "array", items });
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: "null" }] });
export const ref = (id: string): Schema => ({ $ref: `${id}#` });
export const text: Schema = { type: "string" };
export const integer: Schema = { type: "integer" };
export const flag: Schema = { type: "boolean" };
export const time: Schema = { type: "string", description: "an ISO 8601 time in UTC such as 2026-11-24T16:00:00Z" };
export const decimal: Schema = {
  type: "string",
  description: "a decimal number as a string",
  pattern: "^-?[0-9]+(\\.[0-9]+)?$",
};
export const next: Schema = orNull({
  type: "string",
  description: "the cursor of the next page; null on the last one",
});

export const meterId: Schema = {
  type: "string",
  description: "a meter id: 1 to 64 letters, digits, dots, dashes and underlines",
  pattern: "^[A-Za-z0-9_.-]{1,64}$",
};
export const key: Schema = {
  type: "string",
  description:
    "an idempotency key: 1 to 128 visible ASCII characters, new for each thing you want done and the same when you repeat a " +
    "request whose answer was lost, so that it is done once",
  pattern: "^[!-~]{1,128}$",
};
export const limit: Schema = {
  type: "integer",
  description: `a whole number from 1 to ${MAXIMUM_LIMIT} (default ${DEFAULT_LIMIT})`,
  minimum: 1,
  maximum: MAXIMUM_LIMIT,
  default: DEFAULT_LIMIT,
};
export const cursor: Schema = { type: "string", description: "the `next` of the page before", maxLength: 100 };

export const meterParams = record({ id: meterId });
const orderNumber: Schema = { type: "string", description: "an order number", pattern: "^[1-9][0-9]{0,15}$" };
export const orderParams = record({ id: orderNumber });
export const pageQuery = record({ limit, cursor }, ["limit", "cursor"]);
export const ordersQuery = record({ meter: meterId, limit, cursor }, ["limit", "cursor"]);
export const readingsQuery = record(
  {
    from: {
      ...time,
      description: "the first moment, an ISO 8601 time such as 2026-11-24T16:00:00Z; default: the oldest",
    },
    to: { ...time, description: "the first moment not wanted any more, an ISO 8601 time; default: none" },
    limit,
    cursor,
  },
  ["from", "to", "limit", "cursor"],
);

export const alarmParams = record({
  id: { type: "string", description: "an alarm's id, as GET /api/v1/alarms gives it", pattern: INCIDENT_ID.source },
});

export const alarmsQuery = record(
  {
    state: { enum: ["open", "all"], default: "open", description: "one of open, all" },
    limit,
    cursor,
  },
  ["state", "limit", "cursor"],
);

export const availabilityQuery = record(
  {
    by: { enum: BY, default: "site", description: `one of ${BY.join(", ")}` },
    from: { ...time, description: "the first moment, an ISO 8601 time; default: 30 days before `to`" },
    to: { ...time, description: "the first moment not wanted any more, an ISO 8601 time; default: now" },
    limit,
    cursor,
  },
  ["by", "from", "to", "limit", "cursor"],
);

export const acknowledgeBody = record(
  { note: { type: "string", description: "a note of at most 500 characters", maxLength: 500 } },
  ["note"],
);

export const eventsQuery = record(
  {
    kinds: {
      type: "string",
      description: `of ${EVENT_KINDS.join(", ")}, separated by commas; default: all`,
      pattern: `^(${EVENT_KINDS.join("|")})(,(${EVENT_KINDS.join("|")}))*$`,
    },
    meter: meterId,
  },
  ["kinds", "meter"],
);

export const topupBody = record({
  amount: {
    type: "string",
    description: 'a decimal string in the account\'s currency, such as "10.00"',
    pattern: "^[0-9]{1,15}(\\.[0-9]{1,3})?$",
  },
  currency: { type: "string", description: "the account's ISO 4217 code, such as EUR", pattern: "^[A-Z]{3}$" },
  key,
});

/** Credit in meters comes with the books for it: an order alone would change no account. */
const OFFERED: readonly OrderOperation[] = ["relay-open", "relay-close", "relay-allow", "clock-set"];

export const orderBody = record(
  {
    operation: {
      description: `one of ${OFFERED.join(", ")}`,
      enum: OFFERED,
    },
    argument: {
      type: "integer",
      description: "for clock-set the time to set, in whole seconds since 1970 in UTC; absent otherwise",
      minimum: 0,
      maximum: 253_402_300_799,
    },
    key,
    expiresAt: {
      ...time,
      description: "the order's deadline, an ISO 8601 time such as 2026-11-24T16:00:00Z; default: a day from now",
    },
    precondition: {
      ...record(
        {
          relay: { description: "one of open, closed", enum: ["open", "closed"] },
          balanceAtMost: {
            ...decimal,
            description: 'a decimal string in the prepaid account\'s currency, such as "0.00"',
          },
        },
        ["relay", "balanceAtMost"],
      ),
      description: "what must hold just before the order is sent; else it is cancelled",
    },
  },
  ["argument", "expiresAt", "precondition"],
);

export const source: Schema = { enum: READING_SOURCES };
export const quality: Schema = { enum: ["good", "estimated", "late", "clock-doubt", "invalid", "missing"] };

export const ratio: Schema = {
  ...record({ ct: text, vt: text }),
  description: "the transformers that held at its time; absent on a direct meter",
};
const primary: Schema = {
  ...decimal,
  description: "the value on the primary side; absent where it is the value itself or not known",
};
export const values: Schema = list(
  record({ measure: text, obis: text, value: orNull(decimal), primary, unit: text, time, quality }, ["primary"]),
);

/** Shared answers, by route. */
export const answers = {
  health: record({ status: { const: "ok" } }),
  ready: record({
    ready: flag,
    checks: list(
      record({ part: { enum: ["store", "broker", "line"] }, name: text, ok: flag, reason: orNull({ type: "string" }) }),
    ),
  }),
  status: {
    type: "object",
    required: ["version", "readings"],
    properties: { version: text, readings: record(Object.fromEntries(READING_SOURCES.map((of) => [of, integer]))) },
  },
  meters: record({ meters: list(ref("Meter")), next }),
  meter: record({ meter: ref("Meter"), latest: orNull(ref("Reading")) }),
  readings: record({ meter: meterId, readings: list(ref("Reading")), next }),
  account: ref("Account"),
  postings: record({ postings: list(ref("Posting")), next }),
  topup: record({ meter: meterId, amount: decimal, balance: decimal, currency: text, booked: flag }),
  orderReceipt: record({ order: ref("Order"), created: flag }),
  order: ref("Order"),
  orders: record({ orders: list(ref("Order")), next }),
  alarms: record({ alarms: list(ref("Alarm")), unlisted: integer, next }),
  alarm: ref("Alarm"),
  availability: record({
    ...{ by: { enum: BY }, from: time, to: time },
    rows: list(ref("Availability")),
    next,
  }),
  audit: record({ entries: list(ref("AuditEntry")), next }),
} satisfies Record<string, Schema>;

/** The answers of a route: its good ones, and problems for the statuses it may give beside those of all. */
export function responses(
  good: Readonly<Record<number, Schema>>,
  ...problems: readonly number[]
): Record<number, Schema> {
  const all: Record<number, Schema> = {};
  for (const [status, schema] of Object.entries(good)) all[Number(status)] = { description: "", ...schema };
  const problem = { "application/problem+json": { schema: ref("Problem") } };
  for (const status of [400, 401, 403, 500, 503, ...problems])
    all[status] = { description: "refused: `detail` says what to do", content: problem };
  return all;
}
