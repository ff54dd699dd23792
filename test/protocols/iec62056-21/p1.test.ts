import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTelegram, TELEGRAM_LIMIT, TelegramStream, telegramCrc } from "../../../protocols/iec62056-21/p1.ts";
import { ascii, DSMR5, EHZ, latin } from "./vectors.ts";

/** CRC-16/ARC by the textbook's bit-reversed form with 8005, another way than the product's. */
function crcByReflection(text: string): number {
  const reverse = (value: number, bits: number) =>
    Number.parseInt(value.toString(2).padStart(bits, "0").split("").reverse().join(""), 2);
  let crc = 0;
  for (const byte of ascii(text)) {
    crc ^= reverse(byte, 8) << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x8005 : crc << 1) & 0xffff;
  }
  return reverse(crc, 16);
}

describe("telegrams", () => {
  test("DSMR 5.0 as captured", () => {
    const telegram = parseTelegram(ascii(DSMR5));
    expect(telegram).toMatchObject({ ok: true, value: { version: 50, check: "good" } });
    if (!telegram.ok) return;
    expect(telegram.value.sets).toHaveLength(35);
    expect(telegram.value.sets.find((s) => s.address === "1-0:99.97.0")?.groups).toHaveLength(20);
    expect(telegramCrc(ascii(DSMR5.slice(0, DSMR5.indexOf("!") + 1)))).toBe("4715");
  });
  test("the CRC agrees with another way to compute it (property)", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        const bytes = text.replace(/[^\x20-\x7e]/g, "");
        expect(Number.parseInt(telegramCrc(ascii(bytes)), 16)).toBe(crcByReflection(bytes));
      }),
    );
  });
  test("mode D without CRC", () => {
    expect(parseTelegram(ascii(EHZ))).toMatchObject({ ok: true, value: { version: undefined, check: "none" } });
  });
  test("an old P1 telegram without CRC (hand-made in the form of DSMR 3)", () => {
    const text =
      "/ISk5\\2MT382-1000\r\n\r\n1-0:1.8.1(12345.678*kWh)\r\n0-1:24.3.0(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00000.000)\r\n!\r\n";
    expect(parseTelegram(ascii(text))).toMatchObject({
      ok: true,
      value: { check: "none", identification: { enhanced: "2" }, sets: [{}, { groups: { length: 7 } }] },
    });
  });
  const crcOf = (text: string) => crcByReflection(text).toString(16).padStart(4, "0");
  test("a small-letter CRC is one too", () => {
    const text = "/ABC5x\r\n\r\n1-0:1.8.1(1*kWh)\r\n!";
    expect(parseTelegram(ascii(`${text}${crcOf(text)}\r\n`))).toMatchObject({ ok: true, value: { check: "good" } });
  });
  test.each([
    ["a wrong CRC", DSMR5.replace("!4715", "!4716"), { kind: "bad-crc", found: "4716", computed: "4715" }],
    ["a changed digit", DSMR5.replace("230.0", "231.0"), { kind: "bad-crc", found: "4715" }],
    ["version 5 without CRC", DSMR5.replace("!4715", "!"), { kind: "missing-crc", version: 50 }],
    ["half a CRC", DSMR5.replace("!4715", "!47"), { kind: "bad-frame", detail: "only four hex digits follow the !" }],
    ["no end", EHZ.replace("!", ""), { kind: "bad-frame", detail: "the telegram ends without !" }],
    ["no identification", EHZ.slice(3), { kind: "bad-frame", offset: 0 }],
    ["a broken data set", EHZ.replace("(80)", "(80"), { kind: "bad-data", detail: "a value ends without )" }],
    ["too much", `/ABC5x\r\n${"1".repeat(TELEGRAM_LIMIT)}`, { kind: "too-long" }],
  ])("%s is refused", (_, text, error) => {
    expect(parseTelegram(ascii(text))).toMatchObject({ ok: false, error });
  });
  test("a broken data set is named by its place in the telegram", () => {
    const result = parseTelegram(ascii("/ABC5x\r\n\r\n1.8.0\r\n!\r\n"));
    expect(result).toMatchObject({ error: { offset: 15 } });
  });
});

describe("the stream", () => {
  const cut = (text: string, stream = new TelegramStream()) =>
    [...ascii(text)].flatMap((byte) => stream.feed(byte) ?? []).map(latin);

  test("telegrams among noise, one cut off by the next", () => {
    expect(cut(`\x7f\x7f${EHZ}noise!\r\n${EHZ}`)).toEqual([EHZ, EHZ]);
    expect(cut(`${EHZ.slice(0, 60)}\r\n${DSMR5}`)).toEqual([DSMR5]);
  });
  test("a telegram without end is dropped at the limit and the next is found", () => {
    expect(cut(`/ABC5x\r\n${"1".repeat(3 * TELEGRAM_LIMIT)}\r\n${EHZ}`)).toEqual([EHZ]);
  });
  test("any noise before a line end costs at most its own line (property)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        const stream = new TelegramStream();
        for (const byte of noise) stream.feed(byte);
        expect(cut(`\r\n${EHZ}`, stream).at(-1)).toBe(EHZ);
      }),
    );
  });
});
