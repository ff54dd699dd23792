import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Encoding, ModbusMap, RegisterEntry } from "../../../protocols/models/model.ts";
import { decodeValue, encodeValue, rolloverOf } from "../../../protocols/models/registers.ts";
import type { MeasureKey } from "../../../src/core/measures.ts";

type WordOrder = ModbusMap["wordOrder"];

function entry(measure: MeasureKey, encoding: Encoding, more: Partial<RegisterEntry> = {}): RegisterEntry {
  const unit = measure.startsWith("activeEnergy") ? "kWh" : measure === "relayState" ? "1" : "V";
  return { measure, table: "holding", address: 0, encoding, unit, ...more };
}

function encoded(e: RegisterEntry, value: number | null, order: WordOrder = "high-first"): string {
  const words = { 16: 1, 32: 2, 64: 4 }[e.encoding.slice(-2)] ?? 0;
  // A margin on both sides shows a write outside of the value.
  const out = new Uint8Array(2 * words + 4).fill(0xee);
  encodeValue(e, order, value, out, 2);
  const hex = Buffer.from(out).toString("hex");
  expect([hex.slice(0, 4), hex.slice(-4)]).toEqual(["eeee", "eeee"]);
  return hex.slice(4, -4);
}

function decoded(e: RegisterEntry, hex: string, order: WordOrder = "high-first"): number | null | undefined {
  return decodeValue(e, order, Uint8Array.from(Buffer.from(`aabb${hex}`, "hex")), 2);
}

describe("word order", () => {
  const e = entry("voltageL1", "uint32", { scale: -3 });
  test("high word first", () => {
    expect(encoded(e, 0x01020304)).toBe("01020304");
    expect(decoded(e, "01020304")).toBe(0x01020304);
  });
  test("low word first swaps registers, not bytes", () => {
    expect(encoded(e, 0x01020304, "low-first")).toBe("03040102");
    expect(decoded(e, "03040102", "low-first")).toBe(0x01020304);
    const wide = entry("activeEnergyImport", "uint64", { unit: "Wh", scale: -3 });
    expect(encoded(wide, 0x0001_0002_0003_0004, "low-first")).toBe("0004000300020001");
    expect(decoded(wide, "0004000300020001", "low-first")).toBe(0x0001_0002_0003_0004);
  });
  test("of a float (Carlo Gavazzi and others)", () => {
    // 230.2 V as in Eastron's example, words exchanged.
    expect(decoded(entry("voltageL1", "float32"), "33344366", "low-first")).toBe(230_200);
  });
});

describe("energies", () => {
  const tenth = entry("activeEnergyImport", "uint32", { scale: -1 });
  test("are truncated, never rounded up", () => {
    expect(encoded(tenth, 199_999)).toBe("00000001");
    expect(encoded(tenth, 200_000)).toBe("00000002");
    expect(encoded(entry("activeEnergyImport", "uint32"), 999_999)).toBe("00000000");
  });
  test("are cut in decoding too where the wire is finer than the measure", () => {
    const fine = entry("activeEnergyImport", "uint64", { unit: "Wh", scale: -6 });
    expect(decoded(fine, 12_999_999n.toString(16).padStart(16, "0"))).toBe(12_999);
    // Raw is beyond 2^53, the value is not.
    expect(decoded(fine, (2n ** 60n).toString(16).padStart(16, "0"))).toBe(Number(2n ** 60n / 1000n));
  });
  test("roll over at their digits, as a display does (DL/T 645 at 999999.99 kWh)", () => {
    const display = entry("activeEnergyImport", "uint32", { scale: -2, digits: 8 });
    expect(Number.parseInt(encoded(display, 999_999_990_000), 16)).toBe(99_999_999);
    expect(encoded(display, 999_999_999_999)).toBe(encoded(display, 999_999_990_000));
    expect(encoded(display, 1_000_000_000_000)).toBe("00000000");
    expect(Number.parseInt(encoded(display, 1_000_000_010_000), 16)).toBe(1);
    expect(rolloverOf(display)).toBe(1_000_000_000_000);
  });
  test("roll over at their width without digits", () => {
    const narrow = entry("activeEnergyImport", "uint16", { unit: "Wh" });
    expect(encoded(narrow, 65_535_999)).toBe("ffff");
    expect(encoded(narrow, 65_536_000)).toBe("0000");
    expect(rolloverOf(narrow)).toBe(65_536_000);
    const signed = entry("activeEnergyImport", "int16", { unit: "Wh" });
    expect(encoded(signed, 32_767_000)).toBe("7fff");
    expect(encoded(signed, 32_768_000)).toBe("0000");
    expect(rolloverOf(signed)).toBe(32_768_000);
  });
  test("have no rollover where it is out of reach", () => {
    expect(rolloverOf(entry("activeEnergyImport", "uint64", { unit: "Wh", scale: -3 }))).toBeUndefined();
    expect(rolloverOf(entry("activeEnergyImport", "float32"))).toBeUndefined();
    expect(rolloverOf(entry("voltageL1", "uint16"))).toBeUndefined();
  });
  test("negative ones are a bug of the meter", () => {
    expect(() => encoded(tenth, -1)).toThrow("assertion");
  });
});

describe("instantaneous values", () => {
  test("are truncated toward zero, as in every other protocol of the meter", () => {
    const volts = entry("voltageL1", "int16");
    expect(encoded(volts, 1_500)).toBe("0001");
    expect(encoded(volts, 1_999)).toBe("0001");
    expect(encoded(volts, -1_999)).toBe("ffff");
    expect(encoded(volts, -999)).toBe("0000");
  });
  test("stop at the ends of the width", () => {
    expect(encoded(entry("voltageL1", "uint16"), 70_000_000)).toBe("ffff");
    expect(encoded(entry("voltageL1", "uint16"), -5_000)).toBe("0000");
    expect(encoded(entry("voltageL1", "int16"), 40_000_000)).toBe("7fff");
    expect(encoded(entry("voltageL1", "int16"), -40_000_000)).toBe("8000");
    expect(encoded(entry("voltageL1", "int64", { scale: -9 }), Number.MAX_SAFE_INTEGER)).toBe("7fffffffffffffff");
  });
  test("stop before the pattern that means no value", () => {
    expect(encoded(entry("voltageL1", "uint16", { noValue: "ffff" }), 70_000_000)).toBe("fffe");
    expect(encoded(entry("voltageL1", "int16", { noValue: "7fff" }), 40_000_000)).toBe("7ffe");
    expect(encoded(entry("voltageL1", "int16", { noValue: "8000" }), -40_000_000)).toBe("8001");
  });
});

describe("no value", () => {
  test.each([
    ["uint16", "ffff"],
    ["int32", "80000000"],
    ["uint64", "ffffffffffffffff"],
    ["float32", "7fc00000"],
    ["float64", "7ff8000000000001"],
  ] as const)("%s %s is null both ways", (encoding, noValue) => {
    for (const order of ["high-first", "low-first"] as const) {
      const e = entry("voltageL1", encoding, { noValue });
      const hex = encoded(e, null, order);
      if (order === "high-first") expect(hex).toBe(noValue);
      expect(decoded(e, hex, order)).toBeNull();
    }
  });
  test("is zeros where the model has no pattern, and such zeros read as 0", () => {
    expect(encoded(entry("voltageL1", "float32"), null)).toBe("00000000");
    expect(decoded(entry("voltageL1", "float32"), "00000000")).toBe(0);
  });
  test("is not the same as no number", () => {
    expect(decoded(entry("voltageL1", "float32"), "7fc00000")).toBeUndefined();
    expect(decoded(entry("voltageL1", "float32"), "7f800000")).toBeUndefined();
    expect(decoded(entry("voltageL1", "float32"), "7f7fffff")).toBeUndefined();
    expect(decoded(entry("voltageL1", "uint64"), "ffffffffffffffff")).toBeUndefined();
  });
});

describe("floats", () => {
  test("are the nearest float32", () => {
    expect(encoded(entry("voltageL1", "float32"), 230_200)).toBe("43663333");
    expect(encoded(entry("activeEnergyImport", "float32"), 12_345_678_000)).toBe("4640e6b6");
    expect(encoded(entry("voltageL1", "float64"), 230_200)).toBe("406cc66666666666");
  });
  test("have no negative zero", () => {
    expect(encoded(entry("voltageL1", "float32"), -0)).toBe("00000000");
    expect(Object.is(decoded(entry("voltageL1", "float32"), "80000000"), 0)).toBe(true);
  });
});

/** The oracle: DataView and BigInt on the bytes, decimal text for the scale; shares nothing with the codec. */
function oracle(hex: string, encoding: Encoding): number | bigint {
  const view = new DataView(Uint8Array.from(Buffer.from(hex, "hex")).buffer);
  switch (encoding) {
    case "uint16":
      return view.getUint16(0);
    case "int16":
      return view.getInt16(0);
    case "uint32":
      return view.getUint32(0);
    case "int32":
      return view.getInt32(0);
    case "uint64":
      return view.getBigUint64(0);
    case "int64":
      return view.getBigInt64(0);
    case "float32":
      return view.getFloat32(0);
    case "float64":
      return view.getFloat64(0);
  }
}

const integers = fc.constantFrom("uint16", "int16", "uint32", "int32", "uint64", "int64") as fc.Arbitrary<Encoding>;
const safe = fc.maxSafeInteger();

describe("properties", () => {
  test("an integer register of the measure's own quantum holds exactly the value, or the end of its width", () => {
    fc.assert(
      fc.property(integers, safe, (encoding, value) => {
        const bits = BigInt(encoding.slice(-2));
        const [low, high] = encoding.startsWith("u")
          ? [0n, 2n ** bits - 1n]
          : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
        const wanted = BigInt(value) < low ? low : BigInt(value) > high ? high : BigInt(value);
        expect(BigInt(oracle(encoded(entry("voltageL1", encoding, { scale: -3 }), value), encoding))).toBe(wanted);
      }),
    );
  });

  test("an energy shows value / 10^n cut, modulo its digits", () => {
    fc.assert(
      fc.property(
        fc.nat(Number.MAX_SAFE_INTEGER),
        fc.integer({ min: -6, max: 3 }),
        fc.nat(8),
        (value, scale, digits) => {
          const e = entry("activeEnergyImport", "uint32", { scale, digits: digits + 1 });
          // mWh to kWh × 10^scale: cut the last 6 + scale digits of the text, then keep the last `digits`.
          const cut = String(value)
            .padStart(20, "0")
            .slice(0, 20 - (6 + scale));
          expect(oracle(encoded(e, value), "uint32")).toBe(Number(cut.slice(-(digits + 1))));
        },
      ),
    );
  });

  test("a float32 is off by no more than half its spacing", () => {
    fc.assert(
      fc.property(safe, (value) => {
        const shown = oracle(encoded(entry("voltageL1", "float32"), value), "float32") as number;
        const exact = value / 1000;
        const spacing = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(exact), 1e-3))) - 23);
        expect(Math.abs(shown - exact)).toBeLessThanOrEqual(spacing / 2 + Math.abs(exact) * 2 ** -52);
      }),
    );
  });

  test("what fits comes back, in either word order", () => {
    fc.assert(
      fc.property(fc.constantFrom("high-first", "low-first") as fc.Arbitrary<WordOrder>, safe, (order, value) => {
        const e = entry("voltageL1", "int64", { scale: -3 });
        expect(decoded(e, encoded(e, value, order), order)).toBe(value + 0);
      }),
    );
  });

  test("any bytes give a safe integer, null or undefined", () => {
    const any = fc.constantFrom("uint16", "int32", "uint64", "int64", "float32", "float64") as fc.Arbitrary<Encoding>;
    fc.assert(
      fc.property(
        any,
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        fc.integer({ min: -9, max: 9 }),
        (encoding, b, scale) => {
          const value = decodeValue(entry("voltageL1", encoding, { scale }), "high-first", b, 0);
          expect(value === null || value === undefined || Number.isSafeInteger(value)).toBe(true);
        },
      ),
    );
  });
});
