import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDecimal, parseDecimal, parseDecimalNumber } from "../../src/core/decimal.ts";

/** Texts near the border of what is a decimal: digits, signs and points in any order. */
const nearly = fc.string({ unit: fc.constantFrom(..."0123456789", ".", "-", "+", "0", "1"), maxLength: 24 });

describe("a decimal as a number", () => {
  it("is what it is as a bigint, where that is a safe integer, and is refused alike", () => {
    fc.assert(
      fc.property(nearly, fc.integer({ min: 0, max: 9 }), (text, decimals) => {
        const exact = parseDecimal(text, decimals);
        const number = parseDecimalNumber(text, decimals);
        if (!exact.ok) expect(number).toEqual(exact);
        else {
          const value = Number(exact.value);
          expect(number).toEqual({ ok: true, value: Number.isSafeInteger(value) ? value : undefined });
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it("comes back from every text that we write", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 9 }), (value, decimals) => {
        expect(parseDecimalNumber(formatDecimal(value, decimals), decimals)).toEqual({ ok: true, value });
      }),
      { numRuns: 5_000 },
    );
  });

  it("has one zero", () => {
    for (const text of ["-0", "+0", "-0.000"]) expect(parseDecimalNumber(text, 3)).toEqual({ ok: true, value: 0 });
  });
});
