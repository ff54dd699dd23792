/** Messages of DL/T 645: what captured frames say, each control code both ways, and what is refused. */
import { describe, expect, test } from "vitest";
import { ERR, errText, failureText } from "../../../protocols/dlt645/errors.ts";
import { parseFrame } from "../../../protocols/dlt645/frame.ts";
import { baudFeature, baudOf, FROM_METER, FUNCTION, functionOf } from "../../../protocols/dlt645/functions.ts";
import { parseIdentifier, showIdentifier } from "../../../protocols/dlt645/identifier.ts";
import { encodeRequest, FUNCTION_OF } from "../../../protocols/dlt645/message.ts";
import { parseRequest } from "../../../protocols/dlt645/parse-request.ts";
import { encodeReply, parseReply } from "../../../protocols/dlt645/reply.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { bytes, REVERSED, V47, VECTORS, vector } from "./vectors.ts";

function frame(hex: string) {
  const parsed = parseFrame(bytes(hex));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

const request = (hex: string) => {
  const { control, data } = frame(hex);
  const parsed = parseRequest(control, data);
  return parsed.ok ? parsed.value : parsed.error;
};
const reply = (hex: string) => {
  const { control, data } = frame(hex);
  const parsed = parseReply(control, data);
  return parsed.ok ? parsed.value : parsed.error;
};

describe("captured messages", () => {
  const requests = VECTORS.filter((v) => v.control < FROM_METER);
  const replies = VECTORS.filter((v) => v.control >= FROM_METER);

  test.each(requests)("request $name: parsed and built again", (v) => {
    const { control, data } = frame(v.hex);
    const parsed = parseRequest(control, data);
    if (!parsed.ok) throw new Error(parsed.error.detail);
    expect(FUNCTION_OF[parsed.value.kind]).toBe(control);
    expect(toHex(encodeRequest(parsed.value))).toBe(toHex(data));
    if (v.identifier !== undefined && "identifier" in parsed.value)
      expect(showIdentifier(parsed.value.identifier)).toBe(v.identifier);
  });

  test.each(replies)("reply $name: parsed and built again", (v) => {
    const { control, data } = frame(v.hex);
    const parsed = parseReply(control, data);
    if (!parsed.ok) throw new Error(parsed.error.detail);
    const code = functionOf(control);
    if (code === undefined) throw new Error("no function");
    const built = encodeReply(code, parsed.value);
    expect([built.control, toHex(built.data)]).toEqual([control, toHex(data)]);
    if (parsed.value.kind === "data") expect(showIdentifier(parsed.value.identifier)).toBe(v.identifier);
  });

  test("the trip order V18", () => {
    expect(request(vector("V18").hex)).toEqual({
      kind: "control",
      credentials: { password: { level: 2, digits: "000000" }, operator: "00000000" },
      operation: 0x1a,
      reserved: 0,
      until: { second: 59, minute: 59, hour: 23, day: 9, month: 7, year: 21 },
    });
  });

  test("broadcast times V42, V43, and V44 whose fields are no date", () => {
    const time = (hex: string) => request(hex) as { time: object };
    expect(time(vector("V42").hex).time).toEqual({ second: 51, minute: 22, hour: 10, day: 5, month: 6, year: 17 });
    expect(time(vector("V43").hex).time).toEqual({ second: 25, minute: 40, hour: 10, day: 5, month: 6, year: 17 });
    expect(time(vector("V44").hex).time).toEqual({ second: 25, minute: 11, hour: 2, day: 12, month: 34, year: 56 });
  });

  test("addresses V2 to V5", () => {
    const address = (name: string) => (reply(vector(name).hex) as { address: string }).address;
    expect(["V2", "V3", "V4", "V5"].map(address)).toEqual([
      "558890213594",
      "810000760162",
      "000000190101",
      "201000000012",
    ]);
  });

  test("refusals V30, V31, V41", () => {
    expect(reply(vector("V30").hex)).toEqual({ kind: "refused", code: ERR.notAuthorised, wide: false });
    expect(reply(vector("V31").hex)).toEqual({ kind: "refused", code: ERR.noSuchData, wide: false });
    expect(reply(vector("V41").hex)).toEqual({ kind: "refused", code: ERR.noSuchData, wide: false });
  });

  test("a reversed identifier is read as it stands", () => {
    expect(request(REVERSED)).toEqual({ kind: "read", identifier: 0x00000302 });
  });
});

/** Data fields written by hand after the tables of the standard. */
const HAND: readonly (readonly [control: number, data: string])[] = [
  [0x11, "00000106 05"],
  [0x11, "01000106 02 00 12 30 11 26"],
  [0x12, "0000ff01 03"],
  [0x14, "02010004 04 563412 78563412 000102"],
  [0x15, "12 34 56 78 90 12"],
  [0x16, "99 99 99 99"],
  [0x16, "00 12 99 99"],
  [0x17, "08"],
  [0x18, "02 0c 00 04 02 111111 02 222222"],
  [0x19, "02 000000 00000000"],
  [0x1a, "02 000000 00000000"],
  [0x1b, "02 000000 00000000 ffffffff"],
  [0x03, "ff 00 00 07 00000000 0102"],
];

describe("every control code", () => {
  test.each(HAND)("request %i with %s: parsed and built again", (control, text) => {
    const data = bytes(text);
    const parsed = parseRequest(control, data);
    if (!parsed.ok) throw new Error(parsed.error.detail);
    expect(FUNCTION_OF[parsed.value.kind]).toBe(control);
    expect(toHex(encodeRequest(parsed.value))).toBe(toHex(data));
  });

  test("field by field: write, change of password, freezes, load profile", () => {
    const parse = (control: number, text: string) => {
      const parsed = parseRequest(control, bytes(text));
      return parsed.ok ? parsed.value : parsed.error;
    };
    expect(parse(0x14, "02010004 04 563412 78563412 000102")).toEqual({
      kind: "write",
      identifier: 0x04000102,
      credentials: { password: { level: 4, digits: "123456" }, operator: "12345678" },
      data: Uint8Array.of(0, 1, 2),
    });
    expect(parse(0x18, "02 0c 00 04 02 111111 04 222222")).toMatchObject({
      old: { level: 2, digits: "111111" },
      replacement: { level: 4, digits: "222222" },
    });
    expect(parse(0x16, "99999999")).toEqual({
      kind: "freeze",
      moment: { minute: null, hour: null, day: null, month: null },
    });
    expect(parse(0x16, "30129999")).toEqual({
      kind: "freeze",
      moment: { minute: 30, hour: 12, day: null, month: null },
    });
    expect(parse(0x11, "01000106 02 00 12 30 11 26")).toEqual({
      kind: "read",
      identifier: 0x06010001,
      blocks: 2,
      from: { minute: 0, hour: 12, day: 30, month: 11, year: 26 },
    });
  });

  test.each([
    [0x92, "0000ff01 aabb 02", { kind: "data", more: false, sequence: 2 }],
    [0xb2, "0000ff01 aabb 02", { kind: "data", more: true, sequence: 2 }],
    [0xb1, "0000ff01 aabb", { kind: "data", more: true }],
    [0x94, "", { kind: "done" }],
    [0x95, "", { kind: "done" }],
    [0x96, "", { kind: "done" }],
    [0x97, "08", { kind: "baud", feature: 8 }],
    [0x98, "02 222222", { kind: "password", password: { level: 2, digits: "222222" } }],
    [0xdc, "04", { kind: "refused", code: 4, wide: false }],
    [0xdc, "04 01", { kind: "refused", code: 0x104, wide: true }],
    [0x83, "ff000007 01", { kind: "data", identifier: 0x070000ff }],
  ] as const)("reply %i with %s", (control, text, expected) => {
    const data = bytes(text);
    const parsed = parseReply(control, data);
    expect(parsed.ok && parsed.value).toMatchObject(expected);
    const code = functionOf(control);
    if (!parsed.ok || code === undefined) return;
    const built = encodeReply(code, parsed.value);
    expect([built.control, toHex(built.data)]).toEqual([control, toHex(data)]);
  });
});

describe("refused", () => {
  test("a frame of the 1997 edition (V47) is not read as 2007 data", () => {
    expect(request(V47)).toMatchObject({ kind: "bad-length", detail: expect.stringContaining("1997") });
  });

  test.each([
    [0x01, "00010203", "unknown-function"],
    [0x09, "", "unknown-function"],
    [0x0a, "", "unknown-function"],
    [0x0c, "", "unknown-function"],
    [0x51, "00000100", "unknown-function"],
    [0x11, "", "bad-length"],
    [0x11, "000001000101", "bad-length"],
    [0x13, "00", "bad-length"],
    [0x14, "02010004 04000000 00000000", "bad-length"],
    [0x14, `02010004 04000000 00000000 ${"00".repeat(39)}`, "bad-length"],
    [0x1c, "02000000 00000000 1a00 595923090a21", "bad-value"],
    [0x08, "6a0000010126", "bad-value"],
    [0x16, "9999990a", "bad-value"],
  ])("request %i with %s: %s", (control, text, kind) => {
    const parsed = parseRequest(control, bytes(text));
    expect(parsed.ok ? "accepted" : parsed.error.kind).toBe(kind);
  });

  test.each([
    [0x91, "000001", "bad-length"],
    [0x92, "00000100", "bad-length"],
    [0x93, "0102", "bad-length"],
    [0x9c, "00", "bad-length"],
    [0xd1, "", "bad-length"],
    [0xd1, "010203", "bad-length"],
    [0x88, "", "unknown-function"],
    [0x81, "0000", "unknown-function"],
    [0x11, "00000100", "unknown-function"],
  ])("reply %i with %s: %s", (control, text, kind) => {
    const parsed = parseReply(control, bytes(text));
    expect(parsed.ok ? "accepted" : parsed.error.kind).toBe(kind);
  });
});

test("baud features: one bit a rate by default, rate / 300 in BCD as the other reading", () => {
  const rates = [600, 1200, 2400, 4800, 9600, 19_200];
  expect(rates.map((rate) => baudFeature(rate, "bits"))).toEqual([2, 4, 8, 0x10, 0x20, 0x40]);
  expect(rates.map((rate) => baudFeature(rate, "bcd"))).toEqual([2, 4, 8, 0x16, 0x32, 0x64]);
  expect(baudFeature(300, "bits")).toBeUndefined();
  expect([baudOf(0x20, "bits"), baudOf(0x32, "bcd"), baudOf(0x16, "bits"), baudOf(0, "bits")]).toEqual([
    9600,
    9600,
    undefined,
    undefined,
  ]);
});

test("identifiers as text", () => {
  expect(parseIdentifier("0201ff00")).toBe(0x0201ff00);
  expect(parseIdentifier("FFFFFFFF")).toBe(0xffffffff);
  expect(["0201ff0", "0201ff000", "0201fg00"].map(parseIdentifier)).toEqual([undefined, undefined, undefined]);
});

test("errors in words", () => {
  expect(errText(ERR.noSuchData | ERR.notAuthorised)).toBe("no such data, password wrong or not authorised");
  expect([0x01, 0x08, 0x10, 0x20, 0x40].map(errText)).toEqual([
    "other error",
    "the baud rate can't be changed",
    "too many yearly time zones",
    "too many daily time slots",
    "too many tariffs",
  ]);
  expect(errText(0x80)).toContain("80");
  expect(failureText({ kind: "refused", code: 0x0104, wide: true })).toContain("0104");
  expect(FUNCTION.control).toBe(0x1c);
});
