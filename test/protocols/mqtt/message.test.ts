import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { payloadErrorText } from "../../../protocols/mqtt/errors.ts";
import {
  decodeCommand,
  decodeResponse,
  decodeTelemetry,
  encodeCommand,
  encodeResponse,
  encodeTelemetry,
  type MeterCommand,
  type MeterResponse,
  type Telemetry,
} from "../../../protocols/mqtt/message.ts";
import type { OrderNumber } from "../../../protocols/orders.ts";
import { MEASURES, type MeasureKey } from "../../../src/core/measures.ts";
import { civil } from "../../../src/core/time.ts";

const json = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString("utf8"));
const bytes = (document: unknown): Uint8Array =>
  Uint8Array.from(Buffer.from(typeof document === "string" ? document : JSON.stringify(document)));
// 2026-11-24T16:00:00Z, from `date -u -d @1795536000`.
const TIME = civil(1_795_536_000_000_000);

const telemetry: Telemetry = {
  meter: "demo-3p",
  model: "meterworks-3p",
  sequence: 42,
  time: TIME,
  values: {
    voltageL1: 230_123,
    activePower: -2_760_000,
    activeEnergyImport: 12_345_678,
    powerFactor: null,
    relayState: 1,
  },
};

/** Written by hand: what a meter of another maker would send. */
const telemetryDocument = {
  version: 1,
  meter: "demo-3p",
  model: "meterworks-3p",
  sequence: 42,
  time: "2026-11-24T16:00:00Z",
  values: {
    "1-0:16.7.0": "-2760",
    "1-0:13.7.0": null,
    "1-0:32.7.0": "230.123",
    "1-0:1.8.0": "12.345678",
    "0-0:96.3.10": "1",
  },
};

const orderDocument = {
  version: 1,
  kind: "order",
  id: 7,
  operation: "relay-open",
  argument: 0,
  expires: "2026-11-24T16:00:00Z",
  counter: 3,
  key: "ab".repeat(32),
  signature: "0c".repeat(64),
};

const stateDocument = {
  version: 1,
  kind: "state",
  meter: "demo-1p",
  query: 9,
  relay: null,
  time: "2026-11-24T16:00:00.25Z",
  values: { "1-0:1.8.0": "0.000001" },
};

const outcomeDocument = {
  version: 1,
  kind: "outcome",
  meter: "demo-1p",
  time: "2026-11-24T16:00:00Z",
  id: 7,
  status: "done",
  relay: 0,
};

describe("what is sent, and what is understood of the same by hand", () => {
  test("telemetry", () => {
    expect(json(encodeTelemetry(telemetry))).toEqual(telemetryDocument);
    expect(decodeTelemetry(bytes(telemetryDocument))).toEqual({ ok: true, value: telemetry });
  });
  test("order and query", () => {
    const order: MeterCommand = {
      kind: "order",
      order: { id: 7 as OrderNumber, operation: "relay-open", argument: 0 },
      expires: TIME,
      proof: { counter: 3, key: new Uint8Array(32).fill(0xab), signature: new Uint8Array(64).fill(0x0c) },
    };
    expect(json(encodeCommand(order))).toEqual(orderDocument);
    expect(decodeCommand(bytes(orderDocument))).toEqual({ ok: true, value: order });
    expect(json(encodeCommand({ kind: "query", id: 9 }))).toEqual({ version: 1, kind: "query", id: 9 });
    expect(decodeCommand(bytes({ version: 1, kind: "query", id: 9 }))).toEqual({
      ok: true,
      value: { kind: "query", id: 9 },
    });
  });
  test("outcome and state", () => {
    const outcome: MeterResponse = {
      kind: "outcome",
      meter: "demo-1p",
      outcome: { id: 7 as OrderNumber, status: "done", relay: 0 },
      time: TIME,
    };
    expect(json(encodeResponse(outcome))).toEqual(outcomeDocument);
    expect(decodeResponse(bytes(outcomeDocument))).toEqual({ ok: true, value: outcome });
    const state: MeterResponse = {
      kind: "state",
      meter: "demo-1p",
      query: 9,
      relay: null,
      time: civil(TIME + 250_000),
      values: { activeEnergyImport: 1 },
    };
    expect(json(encodeResponse(state))).toEqual(stateDocument);
    expect(decodeResponse(bytes(stateDocument))).toEqual({ ok: true, value: state });
  });
});

test("a newer meter may say more: unknown members and OBIS codes are passed over", () => {
  const newer = {
    ...telemetryDocument,
    firmware: "2.0",
    values: { ...telemetryDocument.values, "1-0:99.99.9": { x: 1 } },
  };
  expect(decodeTelemetry(bytes(newer))).toEqual({ ok: true, value: telemetry });
});

test("a time with an offset is the same instant", () => {
  expect(decodeTelemetry(bytes({ ...telemetryDocument, time: "2026-11-24T17:00:00+01:00" }))).toEqual({
    ok: true,
    value: telemetry,
  });
});

function refusal(result: ReturnType<typeof decodeTelemetry | typeof decodeCommand | typeof decodeResponse>): string {
  if (result.ok) throw new Error(`accepted: ${JSON.stringify(result.value)}`);
  return payloadErrorText(result.error);
}

describe("bad payloads are refused with the member and the reason", () => {
  const of = (change: object) => bytes({ ...telemetryDocument, ...change });
  const without = (name: string) =>
    bytes(Object.fromEntries(Object.entries(telemetryDocument).filter(([k]) => k !== name)));
  test.each<[string, Uint8Array, RegExp]>([
    ["not UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d), /^the payload is not UTF-8$/],
    ["not JSON", bytes("{"), /^the payload is not JSON$/],
    ["a list", bytes([]), /^the payload is no JSON object$/],
    ["null", bytes("null"), /^the payload is no JSON object$/],
    ["empty", new Uint8Array(0), /^the payload is not JSON$/],
    ["too large", bytes(" ".repeat(65_537)), /^65537 bytes are more than the 65536/],
    ["no version", without("version"), /^version: 1 is understood, not nothing$/],
    ["another version", of({ version: 2 }), /^version: .*not 2$/],
    ["no meter", without("meter"), /^meter: .*not nothing$/],
    ["a meter with a level", of({ meter: "a/b" }), /^meter: .*not 'a\/b'$/],
    ["an empty model", of({ model: "" }), /^model: /],
    ["a sequence in a string", of({ sequence: "42" }), /^sequence: .*not '42'$/],
    ["a negative sequence", of({ sequence: -1 }), /^sequence: /],
    ["half a sequence", of({ sequence: 1.5 }), /^sequence: /],
    [
      "an unsafe sequence",
      bytes(JSON.stringify(telemetryDocument).replace('"sequence":42', '"sequence":9007199254740993')),
      /^sequence: /,
    ],
    ["a time that does not exist", of({ time: "2026-02-30T00:00:00Z" }), /^time: .*not a time that exists$/],
    ["a time as a number", of({ time: 1795536000 }), /^time: /],
    ["values as a list", of({ values: [] }), /^values: .*not a list$/],
    [
      "a value as a number",
      of({ values: { "1-0:1.8.0": 12.5 } }),
      /^values\.1-0:1\.8\.0: a decimal string or null is needed, not 12\.5$/,
    ],
    ["a value with an exponent", of({ values: { "1-0:1.8.0": "1e3" } }), /^values\.1-0:1\.8\.0: /],
    ["a value too fine", of({ values: { "1-0:1.8.0": "0.0000001" } }), /more than 6 decimals/],
    ["a value too large", of({ values: { "1-0:1.8.0": "99999999999999" } }), /beyond the range/],
  ])("%s", (_, payload, message) => {
    expect(refusal(decodeTelemetry(payload))).toMatch(message);
  });

  test("what was sent reaches a log without escape sequences, and cut", () => {
    for (const change of [{ time: "\u001b[2J" }, { meter: "\u001b[2J" }, { values: { "1-0:1.8.0": "\u001b[2J\n" } }]) {
      const text = refusal(decodeTelemetry(bytes({ ...telemetryDocument, ...change })));
      expect(text).toContain("?[2J");
      expect(text).not.toMatch(/\p{Cc}/u);
    }
    expect(refusal(decodeTelemetry(bytes({ ...telemetryDocument, time: "x".repeat(60_000) }))).length).toBeLessThan(
      200,
    );
  });

  test("commands", () => {
    const order = (change: object) => refusal(decodeCommand(bytes({ ...orderDocument, ...change })));
    expect(order({ kind: "orders" })).toBe("kind: one of order, query, profile is needed, not 'orders'");
    expect(order({ id: 0 })).toMatch(/^id: an integer from 1 /);
    expect(order({ operation: "relay-toggle" })).toMatch(
      /^operation: one of relay-open, relay-close, clock-set, credit-add, credit-refund, relay-allow is needed/,
    );
    expect(order({ operation: "toString" })).toMatch(/^operation: /);
    expect(order({ argument: null })).toMatch(/^argument: /);
    expect(order({ expires: "soon" })).toMatch(/^expires: /);
  });

  test("responses", () => {
    expect(refusal(decodeResponse(bytes({ ...outcomeDocument, status: "ok" })))).toMatch(/^status: one of none, done/);
    expect(refusal(decodeResponse(bytes({ ...outcomeDocument, relay: null })))).toBe("relay: an outcome says 0 or 1");
    expect(refusal(decodeResponse(bytes({ ...stateDocument, relay: true })))).toBe(
      "relay: 0, 1 or null is needed, not true",
    );
    expect(refusal(decodeResponse(bytes({ ...stateDocument, query: 0 })))).toMatch(/^query: /);
    expect(refusal(decodeResponse(bytes({ ...stateDocument, values: null })))).toMatch(/^values: /);
  });
});

test("the meter's own mistakes stop at once", () => {
  expect(() => encodeTelemetry({ ...telemetry, meter: "a/b" })).toThrow("assertion");
});

const values = fc
  .subarray(MEASURES.map((m) => m.key))
  .chain((keys) => fc.record(Object.fromEntries(keys.map((k) => [k, fc.option(fc.maxSafeInteger())]))))
  .map((v) => v as Partial<Record<MeasureKey, number | null>>);

test("what is encoded is decoded as it was, whatever the values", () => {
  fc.assert(
    fc.property(
      values,
      fc.nat(Number.MAX_SAFE_INTEGER),
      fc.integer({ min: 0, max: 4_000_000_000_000_000 }),
      (v, sequence, micros) => {
        const sent = { ...telemetry, sequence, time: civil(micros), values: v };
        expect(decodeTelemetry(encodeTelemetry(sent))).toEqual({ ok: true, value: sent });
      },
    ),
  );
});

test("any bytes and any JSON give a Result", () => {
  const all = (payload: Uint8Array) => [decodeTelemetry(payload), decodeCommand(payload), decodeResponse(payload)];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (b) => {
      all(b);
    }),
  );
  fc.assert(
    fc.property(fc.json(), (text) => {
      all(bytes(text));
    }),
  );
  // Deep nesting must not cost the stack.
  expect(all(bytes("[".repeat(65_000))).every((r) => !r.ok)).toBe(true);
  expect(all(bytes('{"__proto__":{"version":1}}')).every((r) => !r.ok)).toBe(true);
});
