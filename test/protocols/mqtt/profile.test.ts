/** Queries for the load profile and the parts of their answers: what is taken, what is refused, and what the schema says of both. */
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { payloadErrorText } from "../../../protocols/mqtt/errors.ts";
import { decodeCommand, decodeResponse, encodeCommand, encodeResponse } from "../../../protocols/mqtt/message.ts";
import { PART_RECORDS, type ProfilePart, RECORD_MARKS } from "../../../protocols/mqtt/profile.ts";
import { MQTT_SCHEMA } from "../../../protocols/mqtt/schema.ts";
import { civil } from "../../../src/core/time.ts";

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
ajv.addSchema(MQTT_SCHEMA);
const isCommand = ajv.compile({ $ref: "urn:meterworks:mqtt:1#/$defs/command" });
const isResponse = ajv.compile({ $ref: "urn:meterworks:mqtt:1#/$defs/response" });
const json = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
const bytes = (document: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(document));

const seconds = fc.integer({ min: 946_684_800, max: 4_102_444_799 }).map((s) => civil(s * 1_000_000));
const energy = fc.option(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), { nil: null });
const record = fc.record({
  time: seconds,
  marks: fc.subarray([...RECORD_MARKS]),
  values: fc.record({ activeEnergyImport: energy, reactiveEnergyExport: energy }),
});
const part: fc.Arbitrary<ProfilePart> = fc.record({
  kind: fc.constant("profile" as const),
  meter: fc.constant("flat-7"),
  time: seconds,
  query: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  interval: fc.integer({ min: 0, max: 60 }),
  part: fc.integer({ min: 1, max: 64 }),
  last: fc.boolean(),
  records: fc.array(record, { maxLength: PART_RECORDS }),
});

test("a part comes back as it was sent, and the schema takes it", () => {
  fc.assert(
    fc.property(part, (sent) => {
      const payload = encodeResponse(sent);
      expect(payload.length).toBeLessThan(16_384);
      expect(decodeResponse(payload)).toEqual({ ok: true, value: sent });
      expect(isResponse(json(payload))).toBe(true);
    }),
  );
});

test("a query comes back as it was sent, and the schema takes it", () => {
  const span = fc.tuple(seconds, fc.integer({ min: 0, max: 31 * 86_400 }));
  fc.assert(
    fc.property(span, fc.integer({ min: 0, max: 1_440 }), ([from, length], step) => {
      const query = { kind: "profile", id: 5, from, to: civil(from + length * 1e6), step } as const;
      const payload = encodeCommand(query);
      expect(decodeCommand(payload)).toEqual({ ok: true, value: query });
      expect(isCommand(json(payload))).toBe(true);
    }),
  );
});

const GOOD = {
  ...{
    version: 1,
    kind: "profile",
    meter: "m",
    time: "2026-11-26T07:00:02Z",
    query: 9,
    interval: 5,
    part: 1,
    last: true,
  },
  records: [{ time: "2026-11-25T00:15:00Z", marks: ["power-cut"], values: { "1-0:1.8.0": "12.345678" } }],
};
const [RECORD] = GOOD.records;

describe("a part by hand", () => {
  test("is taken, and marks of a newer meter are passed over", () => {
    const document = { ...GOOD, records: [{ ...RECORD, marks: ["sun-spots", "power-cut"] }] };
    const decoded = decodeResponse(bytes(document));
    expect(decoded.ok && decoded.value).toMatchObject({
      records: [{ time: Date.parse("2026-11-25T00:15:00Z") * 1_000, marks: ["power-cut"] }],
    });
    expect(isResponse(document)).toBe(true);
  });

  test.each([
    [{ part: 0 }, /^part: an integer from 1/],
    [{ part: 65 }, /^part: an answer has 64 parts at most/],
    [{ last: "yes" }, /^last: true or false is needed/],
    [{ interval: -5 }, /^interval: /],
    [{ records: {} }, /^records: a list of at most 32 is needed/],
    [{ records: Array(33).fill(RECORD) }, /^records: a list of at most 32 is needed/],
    [{ records: ["2026"] }, /^records: an object for each record is needed/],
    [{ records: [{ ...RECORD, time: "noon" }] }, /^time: .*ISO 8601/],
    [{ records: [{ ...RECORD, marks: "power-cut" }] }, /^marks: a list of at most 3/],
    [{ records: [{ ...RECORD, values: { "1-0:1.8.0": 12 } }] }, /^values.1-0:1.8.0: a decimal string or null/],
  ])("%j is refused, by the schema too", (change, reason) => {
    const decoded = decodeResponse(bytes({ ...GOOD, ...change }));
    expect(decoded.ok ? "taken" : payloadErrorText(decoded.error)).toMatch(reason);
    expect(isResponse({ ...GOOD, ...change })).toBe(false);
  });
});
