/** BCD against decimal text: the oracle is how a person writes the digits down. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fieldsOf, instantOf, weekdayOf } from "../../../protocols/dlt645/clock.ts";
import {
  decodeNumber,
  modulus,
  type NumberFormat,
  putNumber,
  putText,
  textAt,
} from "../../../protocols/dlt645/values.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { type Civil, parseIso } from "../../../src/core/time.ts";
import { bytes } from "./vectors.ts";

const ENERGY: NumberFormat = { bytes: 4, decimals: 2, signed: false };
const POWER: NumberFormat = { bytes: 3, decimals: 4, signed: true };

function put(format: NumberFormat, value: number | null): string {
  const out = new Uint8Array(format.bytes);
  putNumber(format, value, out, 0);
  return toHex(out);
}

describe("numbers", () => {
  test.each([
    [ENERGY, 26, "26000000"],
    [ENERGY, 99_999_999, "99999999"],
    [ENERGY, 100_000_000, "ffffffff"],
    [ENERGY, -1, "ffffffff"],
    [ENERGY, null, "ffffffff"],
    [POWER, 12_345, "452301"],
    [POWER, -12_345, "452381"],
    [POWER, -799_999, "9999f9"],
    [POWER, 800_000, "ffffff"],
  ] as const)("%o: %s is %s", (format, value, hex) => {
    expect(put(format, value)).toBe(hex);
  });

  test("the digits of a text are the bytes from the end (property)", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.boolean(), fc.nat(), (size, negative, seed) => {
        const format: NumberFormat = { bytes: size, decimals: 0, signed: negative };
        const value = (seed * 2_654_435_761) % modulus(format);
        const digits = String(value).padStart(2 * size, "0");
        const first = Number(digits[0]) + (negative && value > 0 ? 8 : 0);
        const text = first.toString(16) + digits.slice(1);
        const wire = (text.match(/../g) ?? []).reverse().join("");
        expect(put(format, negative ? -value : value)).toBe(wire);
        const back = decodeNumber(format, bytes(wire), 0);
        expect(back).toEqual({ ok: true, value: negative && value > 0 ? -value : value });
      }),
    );
  });

  test("FF all over is no value; FF in part, and any other hex digit, is a fault", () => {
    expect(decodeNumber(ENERGY, bytes("ffffffff"), 0)).toEqual({ ok: true, value: null });
    expect(decodeNumber(POWER, bytes("ffffff"), 0)).toEqual({ ok: true, value: null });
    for (const hex of ["ffffff00", "0a000000", "000000a0", "00ff0000"])
      expect(decodeNumber(ENERGY, bytes(hex), 0).ok, hex).toBe(false);
  });

  test("minus zero on the wire is zero", () => {
    expect(decodeNumber(POWER, bytes("000080"), 0)).toEqual({ ok: true, value: 0 });
  });
});

describe("text", () => {
  test("the last character comes first, blanks before it", () => {
    const out = new Uint8Array(6);
    putText("230V", 6, out, 0);
    expect(toHex(out)).toBe("202056303332");
    expect(textAt(out, 0, 6)).toBe("230V");
  });

  test("what is too long is cut, what is no ASCII is a question mark, zeros are blanks", () => {
    const out = new Uint8Array(3);
    putText("é2345", 3, out, 0);
    expect(textAt(out, 0, 3)).toBe("?23");
    expect(textAt(bytes("00001b41"), 0, 4)).toBe("A?");
  });
});

describe("clock", () => {
  const at = (iso: string): Civil => {
    const parsed = parseIso(iso);
    if (!parsed.ok) throw new Error(parsed.error);
    return parsed.value;
  };

  test("2016-01-11 is a Monday (V36), and a clock in China is 8 hours ahead", () => {
    expect(weekdayOf(at("2016-01-11T00:00:00Z"), 0)).toBe(1);
    expect(weekdayOf(at("2016-01-10T16:00:00Z"), 480)).toBe(1);
    expect(weekdayOf(at("2026-11-29T12:00:00Z"), 0)).toBe(0);
    const fields = fieldsOf(at("2016-01-10T16:05:06Z"), 480);
    expect(fields).toEqual({ second: 6, minute: 5, hour: 0, day: 11, month: 1, year: 16 });
    expect(instantOf(fields, 480)).toBe(at("2016-01-10T16:05:06Z"));
  });

  test("fields that are no time have no instant", () => {
    const good = { second: 0, minute: 0, hour: 0, day: 29, month: 2, year: 24 };
    expect(instantOf(good, 0)).toBe(at("2024-02-29T00:00:00Z"));
    for (const bad of [{ year: 23 }, { day: 0 }, { month: 34 }, { hour: 24 }, { minute: 60 }, { second: 60 }])
      expect(instantOf({ ...good, ...bad }, 0)).toBeUndefined();
  });
});
