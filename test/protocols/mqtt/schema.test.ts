import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeCommand,
  decodeResponse,
  decodeTelemetry,
  encodeCommand,
  encodeResponse,
  encodeTelemetry,
} from "../../../protocols/mqtt/message.ts";
import { MQTT_SCHEMA } from "../../../protocols/mqtt/schema.ts";
import type { OrderNumber } from "../../../protocols/orders.ts";
import { MEASURES } from "../../../src/core/measures.ts";
import { civil } from "../../../src/core/time.ts";

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
ajv.addSchema(MQTT_SCHEMA);
// Compiled once: a compilation takes longer than a thousand validations.
const validators = new Map(
  ["telemetry", "command", "response"].map((name) => [
    name,
    ajv.compile({ $ref: `urn:meterworks:mqtt:1#/$defs/${name}` }),
  ]),
);
const valid = (name: string, document: unknown): boolean => validators.get(name)?.(document) === true;
const json = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString("utf8"));
const bytes = (document: unknown): Uint8Array => Uint8Array.from(Buffer.from(JSON.stringify(document)));

/** When this fails after a change of the schema: `npx vitest run test/protocols/mqtt/schema.test.ts -u` writes the file anew. */
test("docs/mqtt.schema.json is the schema", async () => {
  await expect(`${JSON.stringify(MQTT_SCHEMA, null, 2)}\n`).toMatchFileSnapshot("../../../docs/mqtt.schema.json");
});

const TIME = civil(1_795_536_000_000_000);

test("what the meter sends is valid", () => {
  const all = Object.fromEntries(MEASURES.map((m, i) => [m.key, i % 5 === 0 ? null : 10 ** (i % 12) + i]));
  const telemetry = { meter: "m1", model: "meterworks-3p", sequence: 0, time: TIME, values: all };
  expect(valid("telemetry", json(encodeTelemetry(telemetry)))).toBe(true);
  const order = { id: 1 as OrderNumber, operation: "clock-set", argument: 1_795_536_000 } as const;
  const proof = { counter: 1, key: new Uint8Array(32), signature: new Uint8Array(64) };
  expect(valid("command", json(encodeCommand({ kind: "order", order, expires: TIME, proof })))).toBe(true);
  expect(valid("command", json(encodeCommand({ kind: "query", id: 5 })))).toBe(true);
  const outcome = { id: 1 as OrderNumber, status: "locked", relay: 1 } as const;
  expect(valid("response", json(encodeResponse({ kind: "outcome", meter: "m1", outcome, time: TIME })))).toBe(true);
  const rejected = { kind: "rejected", meter: "m1", time: TIME, id: 1 as OrderNumber, reason: "unsigned" } as const;
  expect(valid("response", json(encodeResponse({ ...rejected, counter: null, last: 0 })))).toBe(true);
  expect(
    valid(
      "response",
      json(encodeResponse({ kind: "state", meter: "m1", query: 5, relay: null, time: TIME, values: all })),
    ),
  ).toBe(true);
});

const base = {
  telemetry: {
    version: 1,
    meter: "m1",
    model: "x",
    sequence: 3,
    time: "2026-11-24T16:00:00Z",
    values: { "1-0:1.8.0": "12.345678", "1-0:13.7.0": null, "9-9:9.9.9": true },
  },
  command: {
    version: 1,
    kind: "order",
    id: 3,
    operation: "relay-close",
    argument: 0,
    expires: "2026-11-24T16:00:00+01:00",
    counter: 9,
    key: "0A".repeat(32),
    signature: "ff".repeat(64),
  },
  response: { version: 1, kind: "state", meter: "m1", query: 3, relay: 1, time: "2026-11-24T16:00:00.5Z", values: {} },
};
type Name = keyof typeof base;
const decoders = { telemetry: decodeTelemetry, command: decodeCommand, response: decodeResponse };

describe("samples by hand", () => {
  test.each(["telemetry", "command", "response"] as const)("a good %s, and the file as a whole knows it", (name) => {
    expect(valid(name, base[name])).toBe(true);
    expect(ajv.validate("urn:meterworks:mqtt:1", base[name])).toBe(true);
  });
  test.each<[Name, object]>([
    ["telemetry", { sequence: "3" }],
    ["telemetry", { meter: "a/b" }],
    ["telemetry", { time: "today" }],
    ["telemetry", { values: { "1-0:1.8.0": 12.3 } }],
    ["telemetry", { values: { "1-0:1.8.0": "12.3456789" } }],
    ["telemetry", { version: 2 }],
    ["command", { operation: "open" }],
    ["command", { id: 0 }],
    ["response", { relay: 2 }],
    ["response", { kind: "outcome" }],
  ])("a bad %s: %j", (name, change) => {
    expect(valid(name, { ...base[name], ...change })).toBe(false);
  });
});

test("schema and decoder agree on what they accept", () => {
  const members = fc.constantFrom(
    "version",
    "meter",
    "model",
    "sequence",
    "time",
    "values",
    "kind",
    "id",
    "operation",
    "argument",
    "expires",
    "query",
    "relay",
    "status",
    "extra",
  );
  const pool = fc.constantFrom<unknown>(
    null,
    true,
    0,
    1,
    -1,
    1.5,
    2 ** 53,
    2 ** 53 - 1,
    "",
    "1",
    "m1",
    "a b",
    "x".repeat(64),
    "x".repeat(65),
    "order",
    "query",
    "state",
    "outcome",
    "done",
    "refused",
    "relay-open",
    "clock-set",
    "2026-11-24T16:00:00Z",
    "2026-11-24 16:00:00",
    "2026-11-24T16:00:00.1234567-05:30",
    [],
    {},
    { "1-0:1.8.0": "+1.50000000000" },
    { "1-0:1.8.0": "1." },
    { "1-0:1.8.0": ".5" },
    { "1-0:1.8.0": "-0" },
    { "0-0:96.3.10": "1.0" },
    { "0-0:96.3.10": "0.5" },
    { "0-0:96.3.10": null },
    { "1-0:32.7.0": "230.1230" },
    { "1-0:32.7.0": "1".repeat(41) },
    { other: "x" },
  );
  const change = fc.array(fc.tuple(members, fc.option(pool, { nil: undefined })), { maxLength: 3 });
  fc.assert(
    fc.property(fc.constantFrom<Name>("telemetry", "command", "response"), change, (name, changes) => {
      // undefined drops the member, as JSON.stringify does.
      const document = JSON.parse(JSON.stringify({ ...base[name], ...Object.fromEntries(changes) }));
      expect([document, valid(name, document)]).toEqual([document, decoders[name](bytes(document)).ok]);
    }),
    { numRuns: 2000 },
  );
});
