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

/** As field names and values; the CRC is left out. */
function told(hex: string, direction: "request" | "reply"): string[] {
  const pdu = bytes(hex);
  const adu = Uint8Array.of(0, 1, 0, 0, 0, pdu.length + 1, 1, ...pdu);
  const { ok, fields, error } = explainModbusTcp(adu, direction);
  return [...fields.slice(5).map((f) => `${f.name}: ${f.value}`), ...(ok ? [] : [`! ${error}`])];
}

describe("functions that tell of the device and its line", () => {
  test.each([
    ["07 6D", "reply", ["exception status: 6Dh"]],
    ["08 0000 A537", "request", ["sub-function: 0000h return query data", "data: a5 37"]],
    ["08 000B 0007", "reply", ["sub-function: 000Bh bus message count", "data: 0007h (7)"]],
    ["0B FFFF 0108", "reply", ["status: FFFFh busy", "event count: 0108h (264)"]],
    [
      "0C 08 0000 0108 0121 20 00",
      "reply",
      [
        "byte count: 8",
        "status: 0000h ready",
        "event count: 0108h (264)",
        "message count: 0121h (289)",
        "events, newest first: 20 00",
      ],
    ],
    ["11 04 01 FF 41 42", "reply", ["byte count: 4", 'server id, run indicator, further data: 01 ff 41 42 "..AB"']],
    [
      "17 0003 0006 000E 0001 02 00FF",
      "request",
      [
        "address: 0003h (3)",
        "quantity: 6",
        "write address: 000Eh (14)",
        "write quantity: 1",
        "byte count: 2",
        "register +0: 00FFh (255)",
      ],
    ],
    ["17 02 00FE", "reply", ["byte count: 2", "register +0: 00FEh (254)"]],
    ["2B 0E 01 00", "request", ["MEI type: 0Eh", "read code: 01h basic", "object: 00h vendor name"]],
    [
      "2B 0E 01 83 FF 01 01 00 02 41 42",
      "reply",
      [
        "MEI type: 0Eh",
        "read code: 01h basic",
        "conformity level: 83h",
        "more follows: FFh",
        "next object: 01h",
        "number of objects: 1",
        "object: 00h vendor name",
        "length: 2",
        'vendor name: 41 42 "AB"',
      ],
    ],
    ["2B 0D 01", "request", ["MEI type: 0Dh", "data of this MEI type: 01"]],
  ] as const)("%s as a %s", (hex, direction, expected) => {
    expect(told(hex, direction)).toEqual(expected);
  });

  test.each([
    ["07 6D 00", "reply", "surplus: more bytes than this function has"],
    ["0B 1234 0108", "reply", "status: must be 0000h or FFFFh"],
    ["0C 09 0000 0108 0121 20 00", "reply", "byte count: 8 byte(s) follow"],
    ["2B 0E 05 00", "request", "read code: must be 1 to 4"],
    ["2B 0E 01 83 00 00 02 00 02 41 42", "reply", "object: the frame ends 1 byte(s) too early"],
    ["2B 0E 01 83 00 00 01 00 03 41 42", "reply", "length: 2 byte(s) follow"],
  ] as const)("%s as a %s: %s", (hex, direction, fault) => {
    expect(told(hex, direction).at(-1)).toBe(`! ${fault}`);
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
