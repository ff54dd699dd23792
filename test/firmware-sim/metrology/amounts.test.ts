import fc from "fast-check";
import { expect, test } from "vitest";
import { isLess, microBetween, minus } from "../../../firmware-sim/metrology/amounts.ts";
import { type EnergyAmount, plus, QUANTUM } from "../../../firmware-sim/metrology/energy.ts";
import { micros } from "../tariff/energies.ts";

const amount: fc.Arbitrary<EnergyAmount> = fc.record({
  quanta: fc.oneof(fc.integer({ min: 0, max: 2 ** 50 }), fc.integer({ min: 0, max: 3 })),
  residual: fc.oneof(
    fc.integer({ min: 0, max: QUANTUM - 1 }),
    fc.constantFrom(0, 1, QUANTUM / 2 - 1, QUANTUM / 2, QUANTUM / 2 + 1, QUANTUM - 1),
  ),
});

test("amounts add, subtract and compare as the µJ that they are, and stay amounts", () => {
  fc.assert(
    fc.property(amount, amount, (a, b) => {
      const sum = plus(a, b);
      expect(micros(sum)).toBe(micros(a) + micros(b));
      expect(sum.residual).toBeLessThan(QUANTUM);
      expect(minus(sum, b)).toEqual(a);
      expect(isLess(a, b)).toBe(micros(a) < micros(b));
      const difference = micros(b) - micros(a);
      if (difference < 0n) expect(() => minus(b, a)).toThrow("never runs backwards");
      else expect(BigInt(microBetween(a, b))).toBe(difference < 2n ** 53n ? difference : 2n ** 53n - 1n);
    }),
    { numRuns: 1_000 },
  );
});
