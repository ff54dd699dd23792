/** JSON Schemas of the registry's routes. */

import { COLUMNS } from "../registry/columns.ts";
import { REGISTRY_STATES } from "../registry/entry.ts";
import {
  cursor,
  decimal,
  flag,
  integer,
  key,
  limit,
  list,
  meterId,
  next,
  orNull,
  record,
  ref,
  type Schema,
  text,
  time,
} from "./schemas.ts";

/** Of an import: far more than 20,000 lines need. */
export const LONGEST_TABLE = 8_000_000;
const MOST_PROPOSALS = 1_000;

const state: Schema = { description: `one of ${REGISTRY_STATES.join(", ")}`, enum: REGISTRY_STATES };
const since: Schema = orNull({ ...time, description: "the time from which it holds; null: from the beginning" });
const place: Schema = { type: "string", description: '"line NAME unit 1" or "mqtt"' };
const plateNumber: Schema = orNull({
  type: "number",
  description: "a number above zero; null: as the model says",
  exclusiveMinimum: 0,
  maximum: 999_999.999,
});
const plate = { un: plateNumber, imax: plateNumber, constant: plateNumber };
const ratios = list(
  record({ from: since, ratio: { type: "string", description: "as on the transformer, such as 200/5" } }),
);
const bindings = list(record({ from: since, id: text }));
const energy: Schema = {
  type: "string",
  description: 'the +A register in kWh, a decimal string such as "12345.67"',
  pattern: "^[0-9]{1,9}(\\.[0-9]{1,6})?$",
};

/** What a person may say of a meter. */
const members = {
  ...{ state, model: text, where: orNull(place), serial: orNull(text), plate: record(plate, Object.keys(plate)) },
  ...{ ct: ratios, vt: ratios, customer: bindings, tariff: bindings },
  ...{ orderKey: orNull({ type: "string", description: "an Ed25519 public key: 32 bytes in base64" }), note: text },
};

const exchange = record({
  ...{
    at: time,
    closing: decimal,
    opening: decimal,
    energyUnit: text,
    oldSerial: orNull(text),
    newSerial: orNull(text),
  },
  ...{ oldModel: text, newModel: text, key: text, actor: text, recordedAt: time },
});
const changes = list(record({ column: { enum: COLUMNS.map(({ name }) => name) }, before: text, after: text }));

export const REGISTRY_COMPONENTS: Readonly<Record<string, Schema>> = {
  RegistryMeter: record({
    id: meterId,
    ratio: { type: "number", description: "CT × VT as it held when it was last said" },
    ...members,
    plate: record(plate),
    exchanges: list(exchange),
  }),
};

export const registryQuery = record({ state, limit, cursor }, ["state", "limit", "cursor"]);
export const registryBody = record(members, Object.keys(members));
export const exchangeBody = record(
  {
    at: { ...time, description: "when the new device took over, an ISO 8601 time; default: now" },
    closing: { ...energy, description: `the old device: ${energy["description"]}; default: its last good reading` },
    opening: { ...energy, description: `the new device: ${energy["description"]}` },
    serial: text,
    model: text,
    key,
  },
  ["at", "closing", "serial", "model"],
);
export const importBody = record(
  {
    csv: { type: "string", description: `a table of at most ${LONGEST_TABLE} characters`, maxLength: LONGEST_TABLE },
    partial: { type: "boolean", description: "true or false: import what is right although other lines are wrong" },
    dryRun: { type: "boolean", description: "true or false: say what would change, and change nothing" },
  },
  ["partial", "dryRun"],
);
export const proposalsBody = record({
  meters: {
    type: "array",
    description: `a list of at most ${MOST_PROPOSALS} meters`,
    maxItems: MOST_PROPOSALS,
    items: record({ id: meterId, where: place, model: text, serial: orNull(text), note: text }, ["serial", "note"]),
  },
});

const row = { meter: meterId, outcome: { enum: ["new", "changed", "unchanged", "refused"] }, changes };

export const registryAnswers = {
  page: record({ meters: list(ref("RegistryMeter")), next }),
  meter: ref("RegistryMeter"),
  changed: record({ meter: ref("RegistryMeter"), outcome: row.outcome, changes }),
  exchanged: record({ meter: meterId, created: flag, exchange }),
  imported: record({
    applied: { ...flag, description: "false on a dry run, and where a line was wrong and `partial` was not asked for" },
    counts: record({ new: integer, changed: integer, unchanged: integer, refused: integer }),
    rows: { ...list(record(row)), description: "the lines that change something, in the table's order" },
    mistakes: list(record({ line: integer, column: text, problem: text })),
  }),
  proposed: record({ meters: list(record({ meter: meterId, outcome: row.outcome, reason: orNull(text) })) }),
};
