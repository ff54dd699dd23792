import { describe, expect, test } from "vitest";
import { explainIec62056 } from "../../../protocols/iec62056-21/explain.ts";
import { fromHex } from "../../../src/core/bytes.ts";
import { ACE0, ACE0_IDENT, ascii, block, DSMR5, EHZ, ZMD120, ZMD120_IDENT } from "./vectors.ts";

const explain = (text: string) => explainIec62056(ascii(text));
const field = (text: string, name: string) => explain(text).fields.find((f) => f.name === name);

describe("readouts", () => {
  test("R1 as text: the echo, the identification, eight readings, a note that nothing was checked", () => {
    const text = `/?!\r\n${ZMD120_IDENT}${ZMD120}`;
    const { ok, readings, fields } = explain(text);
    expect(ok).toBe(true);
    expect(readings).toHaveLength(8);
    expect(readings[6]).toEqual({ id: "1.8.0", obis: "1-0:1.8.0", value: "1846", unit: "kWh" });
    expect(readings[0]).toEqual({ id: "F.F", obis: "0-0:97.97.0", value: "00000000", unit: "" });
    expect(fields[0]).toEqual({ offset: 0, length: 3, name: "request", value: "to any meter" });
    expect(field(text, "manufacturer")).toEqual({ offset: 6, length: 3, name: "manufacturer", value: "LGZ" });
    expect(field(text, "ident")).toMatchObject({ offset: 10, value: "2ZMD120APt.G03" });
    expect(field(text, "1.8.0")).toEqual({
      ...{ offset: text.indexOf("1.8.0("), length: 19, name: "1.8.0", value: "(001846.0*kWh)" },
    });
    expect(field(text, "check character")?.value).toBe("none: the data could not be checked");
    expect(fields.some((f) => f.fault !== undefined)).toBe(false);
  });

  test("the whole conversation with its check character", () => {
    const text = `/?!\r\n${ZMD120_IDENT}\x06050\r\n${block(ZMD120)}`;
    expect(explain(text)).toMatchObject({ ok: true, readings: { length: 8 } });
    expect(field(text, "option select")?.value).toBe("V 0 (normal), Z 5, Y 0 (data readout)");
    expect(field(text, "check character")).toMatchObject({ offset: text.length - 1, length: 1, value: "2a: good" });
  });

  test("a wrong check character is refused with both", () => {
    const text = `${ZMD120_IDENT}${block(ZMD120).slice(0, -1)}+`;
    const explained = explain(text);
    expect(explained).toMatchObject({ ok: false, readings: [] });
    expect(explained.error).toBe("the check character is 2b, the block's is 2a");
    expect(field(text, "check character")?.fault).toBe(explained.error);
  });

  test("R3: STX but neither ETX nor check, as its source has it; and with them", () => {
    expect(explain(`${ACE0_IDENT}\x02${ACE0}`)).toMatchObject({ ok: true, readings: { length: 5 } });
    expect(explain(`${ACE0_IDENT}\x02${ACE0}\x03`)).toMatchObject({ ok: true });
    expect(explain(`${ACE0_IDENT}\x02${ACE0}\x03\x1b`)).toMatchObject({ ok: true });
    expect(explain(`${ACE0_IDENT}\x02${ACE0}\x03\x1c`)).toMatchObject({ ok: false });
    expect(field(ACE0_IDENT, "enhanced sequences")).toMatchObject({ offset: 5, length: 2, value: "3" });
  });

  test("a capture with its parity bits, and one with a wrong bit", () => {
    const even = (byte: number) => (byte.toString(2).replaceAll("0", "").length % 2 === 0 ? byte : byte | 0x80);
    const bytes = ascii(block(ACE0)).map(even);
    expect(explainIec62056(bytes)).toMatchObject({ ok: true, readings: { length: 5 } });
    bytes[20] = (bytes[20] as number) ^ 0x80;
    expect(explainIec62056(bytes)).toMatchObject({ ok: false, error: "byte 20 has odd parity" });
  });

  test("bare data sets, and line ends that an editor changed", () => {
    expect(explain("1.8.0(001846.0*kWh)")).toMatchObject({ ok: true, readings: [{ value: "1846" }] });
    expect(explain(block(ZMD120).replaceAll("\r\n", "\n"))).toMatchObject({ ok: true });
    expect(explain(DSMR5.replaceAll("\r\n", "\n"))).toMatchObject({ ok: true });
  });

  test("noise is told and costs nothing", () => {
    const explained = explain(`\x7f\x7f/?!\r\nnoise\r\n${ZMD120_IDENT}${block(ZMD120)}`);
    expect(explained).toMatchObject({ ok: true, readings: { length: 8 } });
    expect(explained.fields.filter((f) => f.name === "skipped")).toMatchObject([
      { offset: 0, length: 2 },
      { offset: 7, length: 5 },
    ]);
  });

  test.each([
    ["nothing", "", /no message/],
    ["noise", "hello world", /no message/],
    ["a cut value", "1.8.0(0018", /a value ends without \)/],
    ["a broken data set inside a good block", block("1.8.0\r\n!\r\n"), /an address without a value/],
  ])("%s is refused", (_, text, reason) => {
    const { ok, error } = explain(text);
    expect(ok).toBe(false);
    expect(error).toMatch(reason);
  });
});

describe("programming mode", () => {
  test("the clock write of pwitab/iec62056-21", () => {
    const hex = fromHex("01573202433030332839313033323430393232333929031b");
    if (!hex.ok) throw new Error(hex.error);
    const { ok, fields, readings } = explainIec62056(hex.value);
    expect({ ok, readings }).toEqual({ ok: true, readings: [] });
    expect(fields).toEqual([
      { offset: 0, length: 4, name: "block", value: "W2: write" },
      { offset: 23, length: 1, name: "check character", value: "1b: good" },
      { offset: 4, length: 18, name: "C003", value: "(910324092239)" },
    ]);
    hex.value[23] = 0x1a;
    expect(explainIec62056(hex.value).error).toBe("the check character is 1a, the block's is 1b");
  });
  test("operand, password, acknowledgement, error message, break", () => {
    const text = `${block("(1234567)", "P0")}${block("(0)", "P1")}\x06${block("(ER05)")}\x15\x01B0\x03q`;
    const { ok, fields, readings } = explain(text);
    expect({ ok, readings }).toEqual({ ok: true, readings: [] });
    expect(fields.map((f) => `${f.name} ${f.value}`)).toEqual([
      ...["block P0: password", "check character 50: good", "value (1234567)"],
      ...["block P1: password", expect.stringMatching(/^check character ..: good/), "value (0)"],
      ...["ACK acknowledged", "block data", expect.stringMatching(/good/), "error message ER05"],
      ...["NAK repeat, or refused", "block B0: break", "check character 71: good"],
    ]);
  });
});

describe("P1", () => {
  test("DSMR 5.0: every data set a reading, its CRC good", () => {
    const { ok, readings } = explain(DSMR5);
    expect(ok).toBe(true);
    expect(readings).toHaveLength(35);
    const of = (id: string) => readings.find((r) => r.id === id);
    expect(of("1-0:1.8.1")).toMatchObject({ value: "502.689", unit: "kWh" });
    expect(of("1-0:32.7.0")).toMatchObject({ value: "230", unit: "V" });
    expect(of("0-0:96.13.0")).toMatchObject({ value: null });
    expect(of("0-1:24.2.1")).toMatchObject({ value: "521.908", unit: "m3" });
    expect(of("1-0:99.97.0")?.value).toMatch(/^\(9\)\(0-0:96.7.19\)/);
    expect(field(DSMR5, "CRC-16")).toMatchObject({ offset: DSMR5.indexOf("!") + 1, length: 4, value: "4715: good" });
  });
  test("a wrong CRC is refused; one that is missing is a note", () => {
    expect(explain(DSMR5.replace("!4715", "!4714")).error).toBe("the CRC is 4714, the telegram's is 4715");
    expect(explain(DSMR5.replace("!4715", "!"))).toMatchObject({ ok: true, readings: { length: 35 } });
    expect(field(DSMR5.replace("!4715", "!"), "check character")?.value).toMatch(/P1 version 5 should end with one/);
  });
  test("mode D, twice", () => {
    const { ok, readings } = explain(EHZ + EHZ.replace("032942.0231", "032942.0234"));
    expect(ok).toBe(true);
    expect(readings.filter((r) => r.obis === "1-0:1.8.1").map((r) => r.value)).toEqual(["32942.0231", "32942.0234"]);
  });
  test("a megabyte of starts without ends takes no long", () => {
    for (const junk of ["/ABC5x\r\n", "\x01B0", "\x02", "a", "(", "1(", "!", "/"]) {
      const started = performance.now();
      explain(junk.repeat(Math.floor(200_000 / junk.length)));
      expect(performance.now() - started).toBeLessThan(2000);
    }
  });
});
