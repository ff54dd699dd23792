/** Captured bytes explained: what each frame says, and the reason where bytes are refused. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { explainDlt645 } from "../../../protocols/dlt645/explain.ts";
import { encodeFrame } from "../../../protocols/dlt645/frame.ts";
import { controlHex } from "../../../protocols/dlt645/functions.ts";
import { bytes, REVERSED, V47, V52, VECTORS, vector } from "./vectors.ts";

const explain = (hex: string) => explainDlt645(bytes(hex));
const fault = (hex: string) => {
  const explained = explain(hex);
  expect(explained.ok).toBe(false);
  expect(explained.readings).toEqual([]);
  return explained.error;
};
const reply = (data: string, control = 0x91) =>
  explainDlt645(encodeFrame({ address: "000000000001", control, data: bytes(data) }, 0));
const values = (data: string) => reply(data).readings.map(({ id, value, unit }) => [id, value, unit]);

describe("captured frames", () => {
  test.each(VECTORS)("$name", (v) => {
    const explained = explain(v.hex);
    expect(explained.error).toBeUndefined();
    expect(explained).toMatchObject({
      ok: true,
      address: v.address,
      control: controlHex(v.control),
      identifier: v.identifier ?? null,
    });
    expect(explained.readings.map(({ id, value, unit }) => [id, value, unit])).toEqual(v.readings ?? []);
  });

  test("the fields of every captured frame cover its bytes without a gap", () => {
    for (const v of VECTORS) {
      let at = 0;
      for (const field of explain(v.hex).fields) {
        expect(field.offset, `${v.name} ${field.name}`).toBe(at);
        at += field.length;
      }
      expect(at).toBe(v.hex.length / 2);
    }
  });

  test("V7 field by field, with the OBIS code of its reading", () => {
    const { fields, readings } = explain(vector("V7").hex);
    expect(fields.map(({ offset, length, name, value }) => [offset, length, name, value])).toEqual([
      [0, 1, "start", "68"],
      [1, 6, "address", "000000000161"],
      [7, 1, "second start", "68"],
      [8, 1, "control", "91 read data, reply"],
      [9, 1, "length", "8"],
      [10, 4, "identifier", "00010000 forward active energy"],
      [14, 4, "forward active energy", "0.26 kWh"],
      [18, 1, "checksum", "8a"],
      [19, 1, "end", "16"],
    ]);
    expect(readings).toEqual([{ id: "00010000", obis: "1-0:1.8.0", value: "0.26", unit: "kWh" }]);
  });

  test("the trip order V18 says what it wants, who wants it and until when", () => {
    const named = Object.fromEntries(explain(vector("V18").hex).fields.map((f) => [f.name, f.value]));
    expect(named).toMatchObject({
      preamble: "4 x FE",
      "password level": "02",
      password: "000000",
      operator: "00000000",
      operation: "1a trip",
      "valid until": "2021-07-09 23:59:59",
    });
  });

  test("a refusal is a good frame; its bits are told in words", () => {
    const { ok, fields } = explain(vector("V30").hex);
    expect(ok).toBe(true);
    expect(fields.find((f) => f.name === "error")?.value).toBe("04 password wrong or not authorised");
  });

  test("V44 is a good frame, and its time is told to be none", () => {
    expect(explain(vector("V44").hex).fields.find((f) => f.name === "time")?.value).toBe(
      "2056-34-12 02:11:25, which is no date that exists",
    );
  });

  test("a reversed identifier is named as it stands, not as it was meant", () => {
    expect(explain(REVERSED)).toMatchObject({ ok: true, identifier: "00000302" });
  });
});

describe("values", () => {
  test.each([
    ["00FF0000 12345678 FFFFFFFF 00000080", "0000FF00", ["785634.12", null, "0"], "kWh"],
    ["00FF0302 452381 000000 010000 FFFFFF", "0203FF00", ["-1.2345", "0", "0.0001", null], "kW"],
    ["00000602 0081", "02060000", ["-0.1"], "1"],
    ["02008002 9949", "02800002", ["49.99"], "Hz"],
    ["00029000 56341200", "00900200", ["1234.56"], "yuan"],
  ])("%s", (data, _id, expected, unit) => {
    expect(reply(data).error).toBeUndefined();
    expect(reply(data).identifier).toBe(_id);
    expect(values(data).map(([, value]) => value)).toEqual(expected);
    expect(values(data)[0]?.[2]).toBe(unit);
  });

  test("a maximum demand has a value and a time", () => {
    expect(values("00000101 563412 3015281126")).toEqual([
      ["01010000", "12.3456", "kW"],
      ["01010000", "2026-11-28 15:30", ""],
    ]);
  });

  test("three phases of voltage loss, slots of a day, text, status bits", () => {
    expect(values("00000103 010000 020000 030000 040000 050000 060000").map(([, value]) => value)).toEqual([
      "1",
      "2",
      "3",
      "4",
      "5",
      "6",
    ]);
    expect(values("01000104 010008 021030").map(([, value]) => value)).toEqual(["1", "08:00", "2", "30:10"]);
    expect(values("04040004 202056303332")).toEqual([["04000404", "230V", ""]]);
    expect(values("03050004 1080")).toEqual([["04000503", "8010", ""]]);
    expect(values("01040004 123456789000")).toEqual([["04000401", "009078563412", ""]]);
  });

  test("what the table does not know is shown as it is and gives no reading", () => {
    const { ok, readings, fields } = reply("00009909 0102");
    expect([ok, readings]).toEqual([true, []]);
    expect(fields.at(-3)).toMatchObject({ value: "0102", name: "data of an identifier that is not known" });
  });

  test("a part of longer data is not taken apart", () => {
    const first = reply("00FF0000 123456", 0xb1);
    expect([first.ok, first.readings]).toEqual([true, []]);
    const next = reply("00FF0000 123456 02", 0x92);
    expect(next.fields.at(-3)).toMatchObject({ name: "sequence", value: "2" });
  });

  test.each([
    ["data that is too short", "00000100 123456", "forward active energy: needs 4 bytes and 3 are there"],
    ["no data at all", "00000100", "forward active energy: needs 4 bytes and 0 are there"],
    ["data that is too long", "00000100 12345678 90", "surplus: 1 bytes more than the identifier has"],
    ["a digit that is none", "00000100 1A345678", "forward active energy: byte 1a is no BCD"],
    ["half of FF", "00000100 FFFF5678", "forward active energy: byte ff is no BCD"],
    ["a time that is no BCD", "02010004 0A0000", "time: byte 0a is no BCD"],
    ["a block that ends within a member", "00FF0102 0023 00", "phase B voltage: needs 2 bytes and 1 are there"],
  ])("%s", (_name, data, error) => {
    expect(reply(data)).toMatchObject({ ok: false, error, readings: [] });
  });
});

describe("refused bytes, and why", () => {
  const good = vector("V7").hex;
  test.each([
    [V52, "checksum: 19 stands here, the bytes add up to 24"],
    [V47, "data: a request with control 11 has no 2 data bytes: a two-byte identifier of the 1997 edition"],
    [`${good.slice(0, -2)}17`, "end: a frame ends with 16"],
    [good.slice(0, -4), "data: the frame is cut off: 2 bytes are missing"],
    [good.slice(0, 16), "start of a frame: the frame is cut off before its length"],
    [good.replace("9108", "91C9"), "length: more than the 200 that a frame may carry"],
    [good.replace("6891", "6991"), "second start: 68 must come 7 bytes behind the first 68"],
    [`${good}00`, "surplus: bytes behind the frame"],
    [`0102${good}`, "noise: belongs to no frame"],
    ["0102", "no frame: a frame begins with 68"],
    ["", "start of a frame: the frame is cut off before its length"],
    ["FEFE", "start of a frame: the frame is cut off before its length"],
    ["68 010000000000 68 01 02 43 C3 DA 16", "data: control 01 is no request of DL/T 645-2007"],
  ])("%s", (hex, error) => {
    expect(fault(hex)).toBe(error);
  });

  test("address and control are told even where the checksum is wrong", () => {
    expect(explain(V52)).toMatchObject({ address: "114712000003", control: "11", identifier: null });
  });

  test("any bytes are explained to the end, and only a frame is ok (property)", () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc.constantFrom(...VECTORS.map((v) => bytes(v.hex))),
      fc.constant(Uint8Array.of(0x68, 1, 2, 3, 4, 5, 6, 0x68)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
        const input = Uint8Array.from(pieces.flatMap((part) => [...part]));
        const { ok, fields, error } = explainDlt645(input);
        expect(ok).toBe(error === undefined);
        for (const f of fields) expect(f.offset + f.length).toBeLessThanOrEqual(input.length);
      }),
      { numRuns: 500 },
    );
  });
});
