import fc from "fast-check";
import { expect, test } from "vitest";
import { localSecond } from "../../../firmware-sim/clock/local-time.ts";
import { microBetween } from "../../../firmware-sim/metrology/amounts.ts";
import { ratePriceAt } from "../../../firmware-sim/tariff/prices.ts";
import {
  bothSets,
  ONE_RATE,
  type Step,
  type TariffSettings,
  type TwoSets,
} from "../../../firmware-sim/tariff/settings.ts";
import { StepTariff } from "../../../firmware-sim/tariff/steps.ts";
import { micros, singlePhase } from "./energies.ts";
import { naiveSet, naiveTable, second, twoSets } from "./tables.ts";

const START = second("2026-01-15T12:00:00");
const MICRO_PER_MWH = 3_600_000n;

function tariff(steps: TwoSets<readonly Step[]>): TariffSettings {
  const table = (list: readonly Step[]) => ({ steps: list, yearly: [] });
  return { ...ONE_RATE, steps: { ...steps, first: table(steps.first), second: table(steps.second) } };
}

const someSteps: fc.Arbitrary<readonly Step[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 6 })
  .chain((thresholds) =>
    fc
      .array(fc.integer({ min: 0, max: 1_000_000 }), {
        minLength: thresholds.length + 1,
        maxLength: thresholds.length + 1,
      })
      .map((prices) =>
        [0, ...thresholds.sort((a, b) => a - b)].map((from, i) => ({ from, price: prices[i] as number })),
      ),
  );

test("every µJ has the step of what was used before it, however large the windows, over switches and periods", () => {
  const seconds = fc.array(fc.oneof(fc.integer({ min: -9, max: 12_000_000 }), fc.constant("period" as const)), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(twoSets(someSteps, START, START + 60), seconds, (sets, windows) => {
      const { energy, totals } = singlePhase();
      let steps = new StepTariff(tariff(sets), START);
      // µJ times price: the meter's way, from one threshold to the next.
      let booked = 0n;
      // And the long way: for each window all steps that overlap with what it adds.
      let truth = 0n;
      let used = 0n;
      for (const [i, window] of windows.entries()) {
        const at = localSecond(START + i);
        if (window === "period") {
          steps.startPeriod(totals("activeImport"), at);
          used = 0n;
          const again = new StepTariff(ONE_RATE, START);
          expect(again.restore(steps.snapshot()).ok).toBe(true);
          again.configure(tariff(sets));
          steps = again;
          expect(steps.since).toBe(at);
          continue;
        }
        let before = totals("activeImport");
        energy.add([{ active: window, reactive: 0, apparent: 0 }]);
        for (let left = Math.max(0, window); left > 0; ) {
          const { price, nextThreshold } = steps.position(before, at);
          const part = Math.min(left, nextThreshold ? microBetween(before, nextThreshold) : left);
          booked += BigInt(part) * price;
          left -= part;
          before = { quanta: before.quanta, residual: before.residual + part };
          before = { quanta: before.quanta + Math.floor(before.residual / 3.6e6), residual: before.residual % 3.6e6 };
        }
        const list = naiveTable(sets, at);
        const end = used + BigInt(Math.max(0, window));
        for (const [n, { from, price }] of list.entries()) {
          const low = BigInt(from) * MICRO_PER_MWH;
          const next = list[n + 1];
          const high = next === undefined ? end : BigInt(next.from) * MICRO_PER_MWH;
          const overlap = (end < high ? end : high) - (used > low ? used : low);
          if (overlap > 0n) truth += overlap * BigInt(price);
        }
        used = end;
        const position = steps.position(totals("activeImport"), at);
        expect(micros(position.used)).toBe(used);
        expect(position.set).toBe(naiveSet(sets, at));
        expect(position.step).toBe(list.filter(({ from }) => BigInt(from) * MICRO_PER_MWH <= used).length);
      }
      expect(booked).toBe(truth);
    }),
    { numRuns: 300 },
  );
});

test("the threshold is an energy edge of the total: one µJ before it the step is still the old one", () => {
  const settings = tariff(
    bothSets([
      { from: 0, price: 7 },
      { from: 1, price: 9 },
    ]),
  );
  const steps = new StepTariff(settings, START);
  const start = { quanta: 100, residual: 3_599_999 };
  steps.startPeriod(start, START);
  expect(steps.position(start, START)).toEqual({
    step: 1,
    price: 7n,
    used: { quanta: 0, residual: 0 },
    nextThreshold: { quanta: 101, residual: 3_599_999 },
    set: 1,
    until: Number.POSITIVE_INFINITY,
  });
  expect(steps.position({ quanta: 101, residual: 3_599_998 }, START).step).toBe(1);
  expect(steps.position({ quanta: 101, residual: 3_599_999 }, START)).toMatchObject({
    step: 2,
    price: 9n,
    nextThreshold: undefined,
  });
});

test("without steps it is in step 0 and adds nothing", () => {
  const { step, price, nextThreshold } = new StepTariff(ONE_RATE, START).position({ quanta: 5, residual: 0 }, START);
  expect([step, price, nextThreshold]).toEqual([0, 0n, undefined]);
});

test("a period begins with the month's first settlement where there are no yearly days", () => {
  const settings = {
    ...ONE_RATE,
    settlementDays: [
      { day: 10, hour: 6 },
      { day: 20, hour: 0 },
    ],
  };
  expect(new StepTariff(settings, START).nextPeriod(START)).toBe(second("2026-02-10T06:00:00"));
});

test("rates have the price of the set that runs, with the second at which it switches", () => {
  const switchAt = second("2026-07-01T00:00:00");
  const prices = { first: [10, 20], second: [30, 40], runs: 1 as const, switchAt };
  expect(ratePriceAt(prices, 2, START)).toEqual({ price: 20n, set: 1, until: switchAt });
  expect(ratePriceAt(prices, 2, localSecond(switchAt - 1))).toEqual({ price: 20n, set: 1, until: switchAt });
  expect(ratePriceAt(prices, 2, switchAt)).toEqual({ price: 40n, set: 2, until: Number.POSITIVE_INFINITY });
  expect(ratePriceAt(prices, 3, switchAt).price).toBe(0n);
});

test("bytes that are no snapshot are refused, and nothing has changed", () => {
  const steps = new StepTariff(ONE_RATE, START);
  steps.startPeriod({ quanta: 1, residual: 2 }, START);
  const good = steps.snapshot();
  const refused = (bytes: Uint8Array) => {
    const result = steps.restore(bytes);
    expect(steps.snapshot()).toEqual(good);
    return result.ok ? "taken" : result.error;
  };
  expect(refused(good.slice().fill(2, 0, 1))).toBe("the step period has layout 2; this version reads 1");
  expect(refused(good.slice().fill(0xff, 17))).toContain("no energy");
  expect(refused(good.subarray(1))).toContain("layout");
  expect(refused(good.subarray(0, 20))).toContain("shorter");
});
