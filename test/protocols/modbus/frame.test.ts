import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EXCEPTION, exceptionText, failureText } from "../../../protocols/modbus/errors.ts";
import { crc16, putCrc } from "../../../protocols/modbus/frame.ts";
import { rtuTiming, wireTime } from "../../../protocols/modbus/timing.ts";
import { bitwiseCrc, hex } from "./support.ts";

describe("CRC-16 (item 22)", () => {
  test.each([
    ["01 03 00 00 00 02", 0xc4, 0x0b],
    ["01 03 04 03 E8 03 E9", 0xbb, 0x3d],
  ])("captured: %s", (body, low, high) => {
    const frame = Uint8Array.of(...hex(body), 0, 0);
    expect(putCrc(frame, 0, frame.length - 2)).toBe(frame.length);
    expect([...frame.subarray(-2)]).toEqual([low, high]);
    expect(crc16(frame, 0, frame.length)).toBe(0);
  });

  test("the catalogue's check value of CRC-16/MODBUS", () => {
    expect(
      crc16(
        Uint8Array.from("123456789", (c) => c.charCodeAt(0)),
        0,
        9,
      ),
    ).toBe(0x4b37);
  });

  test("the table agrees with the bit by bit definition", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(crc16(bytes, 0, bytes.length)).toBe(bitwiseCrc(bytes));
      }),
    );
  });
});

describe("silences (items 19, 20)", () => {
  test.each([
    [1200, 13_750, 32_084],
    [2400, 6_875, 16_042],
    [4800, 3_437, 8_021],
    [9600, 1_718, 4_011],
    [19_200, 859, 2_006],
    [38_400, 750, 1_750],
    [115_200, 750, 1_750],
  ])("%i baud", (baud, t15, t35) => {
    expect(rtuTiming(baud)).toMatchObject({ t15, t35, byteTimes: false, lumpGap: 20_000 });
  });

  test("a character of 8N1 has 10 bits; the silences stay those of 11 (item 14)", () => {
    const timing = rtuTiming(9600, { bitsPerChar: 10 });
    expect(wireTime(timing, 96)).toBe(100_000);
    expect(timing.t35).toBe(rtuTiming(9600).t35);
  });
});

test("every exception code has a text of its own (items 43, 44)", () => {
  const texts = Object.values(EXCEPTION).map(exceptionText);
  expect(new Set(texts).size).toBe(9);
  expect(exceptionText(0x77)).toContain("119");
  expect(failureText({ kind: "exception", code: 2 })).toBe(exceptionText(2));
});
