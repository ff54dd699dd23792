import fc from "fast-check";
import { expect, test } from "vitest";
import { localSecond } from "../../../firmware-sim/clock/local-time.ts";
import { RateRegisters } from "../../../firmware-sim/tariff/rate-registers.ts";
import { load, micros, REGISTERS, shareOf, singlePhase } from "./energies.ts";

const START = localSecond(1_800_000_000);
const rate = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 63 }));
const step = fc.oneof(
  { weight: 4, arbitrary: load.map((value) => ({ kind: "load" as const, value })) },
  { weight: 2, arbitrary: rate.map((value) => ({ kind: "switch" as const, value })) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);

test("each rate has what was counted while it ran, and together they have the total, to the µJ", () => {
  fc.assert(
    fc.property(rate, fc.array(step, { maxLength: 60 }), (first, steps) => {
      const { energy, totals } = singlePhase();
      let rates = new RateRegisters(first, START);
      const truth = new Map<string, bigint>();
      let running = first;
      let at = START;
      for (const { kind, ...rest } of steps) {
        at = localSecond(at + 1);
        if (kind === "load") {
          const { value } = rest as { value: Parameters<typeof shareOf>[1] };
          energy.add([value]);
          for (const register of REGISTERS) {
            const key = `${register}/${running}`;
            truth.set(key, (truth.get(key) ?? 0n) + shareOf(register, value));
          }
        } else if (kind === "switch") {
          running = (rest as { value: number }).value;
          rates.switchTo(running, totals, at);
        } else {
          const again = new RateRegisters(1, START);
          expect(again.restore(rates.snapshot())).toEqual({ ok: true, value: undefined });
          expect(again.since).toBe(rates.since);
          rates = again;
        }
      }
      expect(rates.rate).toBe(running);
      const used = new Set<number>();
      for (const register of REGISTERS) {
        let sum = 0n;
        for (let n = 1; n <= 63; n++) {
          const amount = micros(rates.amount(register, n, totals));
          expect(amount).toBe(truth.get(`${register}/${n}`) ?? 0n);
          if (amount > 0n) used.add(n);
          sum += amount;
        }
        expect(micros(rates.amount(register, 0, totals))).toBe(sum);
      }
      expect(rates.used(totals)).toEqual([...used].sort((a, b) => a - b));
    }),
  );
});

test("energy from before the meter had rates is of the rate that it begins with", () => {
  const { energy, totals } = singlePhase();
  energy.add([{ active: 5, reactive: 0, apparent: 5 }]);
  const rates = new RateRegisters(2, START);
  rates.switchTo(3, totals, START);
  expect(micros(rates.amount("activeImport", 2, totals))).toBe(5n);
});

test("a switch to the rate that runs is none", () => {
  const { totals } = singlePhase();
  const rates = new RateRegisters(2, START);
  rates.switchTo(2, totals, localSecond(START + 9));
  expect(rates.since).toBe(START);
});

test("after a meter clear every rate is empty", () => {
  const before = singlePhase();
  const rates = new RateRegisters(1, START);
  before.energy.add([{ active: 9, reactive: 9, apparent: 9 }]);
  rates.switchTo(2, before.totals, START);
  before.energy.add([{ active: 9, reactive: 9, apparent: 9 }]);
  rates.clear(localSecond(START + 5));
  const after = singlePhase();
  expect(rates.used(after.totals)).toEqual([]);
  after.energy.add([{ active: 4, reactive: 0, apparent: 0 }]);
  expect([rates.rate, rates.since, micros(rates.amount("activeImport", 2, after.totals))]).toEqual([2, START + 5, 4n]);
});

test("bytes that are no snapshot are refused, and nothing has changed", () => {
  const { energy, totals } = singlePhase();
  const rates = new RateRegisters(1, START);
  energy.add([{ active: 10, reactive: -3, apparent: 11 }]);
  rates.switchTo(7, totals, START);
  const good = rates.snapshot();
  const refused = (change: (bytes: Uint8Array) => Uint8Array) => {
    const result = rates.restore(change(good.slice()));
    expect(rates.snapshot()).toEqual(good);
    return result.ok ? "taken" : result.error;
  };
  const withByte = (at: number, value: number) => refused((bytes) => bytes.fill(value, at, at + 1));
  expect(withByte(0, 9)).toBe("the rate registers have layout 9; this version reads 1");
  expect(withByte(1, 64)).toContain("running rate");
  expect(withByte(11, 0)).toContain("entry 0");
  expect(withByte(12, 0xff)).toContain("entry 0");
  expect(refused((bytes) => bytes.subarray(0, bytes.length - 1))).toContain("shorter");
  expect(refused((bytes) => Uint8Array.of(...bytes, 0))).toContain("beyond");
  expect(refused((bytes) => bytes)).toBe("taken");
});
