/** Captured Modbus bytes explained: vectors of the standard's examples and of public captures, and what is wrong with bad ones. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { explainModbusAscii, explainModbusRtu, explainModbusTcp } from "../../../protocols/modbus/explain.ts";
import { fromHex } from "../../../src/core/bytes.ts";

function bytes(hex: string): Uint8Array {
  const parsed = fromHex(hex);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}
const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe("RTU", () => {
  test("a request for two holding registers", () => {
    const { ok, fields } = explainModbusRtu(bytes("01 03 00 00 00 02 C4 0B"), "request");
    expect(ok).toBe(true);
    expect(fields.map((f) => [f.offset, f.length, f.name, f.value])).toEqual([
      [0, 1, "unit", "1"],
      [1, 1, "function", "03h read holding registers"],
      [2, 2, "address", "0000h (0)"],
      [4, 2, "quantity", "2"],
      [6, 2, "CRC", "c40b"],
    ]);
  });

  test("its reply, register by register", () => {
    const { ok, readings } = explainModbusRtu(bytes("01 03 04 03 E8 03 E9 BB 3D"), "reply");
    expect(ok).toBe(true);
    expect(readings).toEqual([
      { id: "+0", value: "1000", unit: "1" },
      { id: "+1", value: "1001", unit: "1" },
    ]);
  });

  test("an exception is explained in words", () => {
    const { ok, fields } = explainModbusRtu(bytes("01 83 02 C0 F1"), "reply");
    expect(ok).toBe(true);
    expect(fields[2]?.value).toMatch(/^02h .*address/i);
  });

  test.each([
    ["a wrong CRC, with the right one", "01 03 04 03 E8 03 E9 BB 3E", "reply", "CRC: wrong: these bytes have bb3d"],
    ["three bytes", "01 03 00", "reply", "3 byte(s) are no RTU frame"],
    ["a byte count that does not fit", "01 03 06 03 E8 03 E9 C2 FD", "reply", "byte count: 4 byte(s) follow"],
    ["a quantity beyond the limit", "01 03 00 00 00 7E C5 EA", "request", "quantity: must be 1 to 125"],
    ["a coil value that is none", "01 05 00 00 12 34 C0 BD", "request", "value: must be FF00h or 0000h"],
  ] as const)("%s is refused", (_, hex, direction, error) => {
    const explained = explainModbusRtu(bytes(hex), direction);
    expect(explained).toMatchObject({ ok: false, readings: [] });
    expect(explained.error).toContain(error);
  });
});

describe("TCP", () => {
  test("header and PDU", () => {
    const { ok, fields, readings } = explainModbusTcp(bytes("0007 0000 0007 11 04 04 4366 0000"), "reply");
    expect(ok).toBe(true);
    expect(fields.slice(0, 4).map((f) => f.value)).toEqual(["7", "0", "7", "17"]);
    expect(readings.map((r) => r.value)).toEqual(["17254", "0"]);
  });

  test.each([
    ["another protocol", "0007 0001 0006 11 03 0000 0001", "protocol: must be 0"],
    ["a length that does not fit", "0007 0000 0009 11 03 0000 0001", "length: 6 byte(s) follow"],
    ["half a header", "0007 0000", "are no Modbus TCP frame"],
  ])("%s is refused", (_, hex, error) => {
    expect(explainModbusTcp(bytes(hex), "request").error).toContain(error);
  });
});

describe("ASCII", () => {
  // LRC by hand: 01 + 03 + 00 + 00 + 00 + 02 = 06, two's complement FA.
  test("a request, with offsets in characters", () => {
    const { ok, fields } = explainModbusAscii(ascii(":010300000002FA\r\n"), "request");
    expect(ok).toBe(true);
    expect(fields.map((f) => [f.offset, f.length, f.name])).toEqual([
      [0, 1, "start"],
      [1, 2, "unit"],
      [3, 2, "function"],
      [5, 4, "address"],
      [9, 4, "quantity"],
      [13, 2, "LRC"],
    ]);
  });

  test.each([
    [":010300000002FB\r\n", "LRC: wrong: these bytes have FA"],
    [":0103000000G2FA\r\n", '"G" at character 11'],
    [":01030000000\r\n", "an odd number of hex digits"],
    ["010300000002FA\r\n", "begins with a colon"],
  ])("%j is refused", (text, error) => {
    expect(explainModbusAscii(ascii(text), "request").error).toContain(error);
  });
});

test("any bytes are explained or refused, never more fields than bytes plus two", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom("request", "reply" as const), (input, direction) => {
      for (const explain of [explainModbusRtu, explainModbusTcp, explainModbusAscii]) {
        const explained = explain(input, direction as "request" | "reply");
        expect(explained.ok).toBe(explained.error === undefined);
        expect(explained.fields.length).toBeLessThanOrEqual(input.length + 2);
      }
    }),
    { numRuns: 2_000 },
  );
});
