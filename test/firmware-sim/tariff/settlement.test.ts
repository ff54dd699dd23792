import fc from "fast-check";
import { expect, test } from "vitest";
import { localSecond } from "../../../firmware-sim/clock/local-time.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { RateRegisters } from "../../../firmware-sim/tariff/rate-registers.ts";
import { SettlementHistory, type SettlementNote } from "../../../firmware-sim/tariff/settlement.ts";
import { CuttingNvram, PowerCut } from "../nvram/cutting-nvram.ts";
import { load, micros, REGISTERS, singlePhase } from "./energies.ts";

const START = 1_800_000_000;

function noteOf(i: number, demand: Uint8Array): SettlementNote {
  return { at: localSecond(START + i), number: i % 4, clockDoubt: i % 3 === 0, late: i % 5 === 0, demand };
}

/** Every register and rate as it is now. */
function picture(of: (register: (typeof REGISTERS)[number], rate: number) => bigint): bigint[] {
  return REGISTERS.flatMap((register) => Array.from({ length: 64 }, (_, rate) => of(register, rate)));
}

function readAll(history: SettlementHistory): object[] {
  return Array.from({ length: history.length }, (_, age) => {
    const past = history.read(age);
    return { ...past?.note, energies: past && picture((register, rate) => micros(past.amount(register, rate))) };
  });
}

const month = fc.record({
  loads: fc.array(fc.tuple(fc.integer({ min: 1, max: 63 }), load), { maxLength: 4 }),
  // From the smallest records to some of another size.
  demand: fc.uint8Array({ maxLength: 1_500 }),
});

test("wherever a write is cut, the last twelve settlements of the last checkpoint are read back exactly", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(month, fc.boolean()), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 0, max: 40_000 }),
      fc.constantFrom("old bytes stay" as const, "cell is cut off" as const),
      (months, cutAfter, tail) => {
        const nvram = new CuttingNvram(tail);
        nvram.cutAfter(cutAfter);
        const { energy, totals } = singlePhase();
        const rates = new RateRegisters(1, localSecond(START));
        let history = new SettlementHistory(nvram);
        let truth: object[] = [];
        let kept: { bytes: Uint8Array; truth: object[] } = { bytes: history.snapshot(), truth };
        for (const [i, [{ loads, demand }, checkpoint]] of months.entries()) {
          for (const [rate, energyOfWindow] of loads) {
            rates.switchTo(rate, totals, localSecond(START));
            energy.add([energyOfWindow]);
          }
          const note = noteOf(i, demand);
          const energies = picture((register, rate) => micros(rates.amount(register, rate, totals)));
          try {
            history.settle(note, rates, totals);
            truth = [{ ...note, energies }, ...truth].slice(0, 12);
            if (checkpoint || history.full) {
              kept = { bytes: history.snapshot(), truth };
              history.commit();
            }
          } catch (error) {
            if (!(error instanceof PowerCut)) throw error;
            nvram.powerOn();
            history = new SettlementHistory(nvram);
            expect(history.restore(kept.bytes)).toEqual({ ok: true, value: undefined });
            truth = kept.truth;
          }
          if (i % 4 === 0) expect(readAll(history)).toEqual(truth);
        }
        expect(readAll(history)).toEqual(truth);
        const again = new SettlementHistory(nvram);
        expect(again.restore(kept.bytes).ok).toBe(true);
        // What was written after the checkpoint may have overwritten nothing that it counts.
        expect(readAll(again)).toEqual(kept.truth);
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);

test("63 rates with demand maxima fit, and the ordinary meter takes little memory", () => {
  const nvram = new MemoryNvram();
  const history = new SettlementHistory(nvram);
  const { energy, totals } = singlePhase();
  const rates = new RateRegisters(1, localSecond(START));
  energy.add([{ active: 10, reactive: 10, apparent: 10 }]);
  history.settle(noteOf(1, new Uint8Array(60)), rates, totals);
  expect(nvram.read("settlement-256.0")?.length).toBeLessThan(160);
  for (let rate = 1; rate <= 63; rate++) {
    rates.switchTo(rate, totals, localSecond(START));
    for (const [active, reactive] of [
      [1, 1],
      [1, -1],
      [-1, 1],
      [-1, -1],
    ] as const)
      energy.add([{ active: active * 1e12, reactive: reactive * 1e12, apparent: 1e12 }]);
  }
  history.settle(noteOf(2, new Uint8Array(20_000)), rates, totals);
  expect(history.read(0)?.rates.length).toBe(63);
  expect(history.read(0)?.note.demand.length).toBe(20_000);
  expect(history.read(1)?.rates).toEqual([1]);
});

test("asks for a checkpoint before settlements not yet counted become too many", () => {
  const history = new SettlementHistory(new MemoryNvram());
  const { totals } = singlePhase();
  const rates = new RateRegisters(1, localSecond(START));
  for (let i = 0; i < 8; i++) history.settle(noteOf(i, new Uint8Array(0)), rates, totals);
  expect(history.full).toBe(true);
  history.commit();
  expect(history.full).toBe(false);
});

test("after a meter clear nothing is read, and the next settlement is the newest", () => {
  const history = new SettlementHistory(new MemoryNvram());
  const { totals } = singlePhase();
  const rates = new RateRegisters(1, localSecond(START));
  history.settle(noteOf(1, new Uint8Array(0)), rates, totals);
  history.clear();
  expect([history.length, history.read(0)]).toEqual([0, undefined]);
  history.settle(noteOf(2, new Uint8Array(0)), rates, totals);
  expect(history.read(0)?.note.at).toBe(START + 2);
  expect(history.read(1)).toBeUndefined();
});

test("bytes that are no snapshot are refused, and nothing has changed", () => {
  const history = new SettlementHistory(new MemoryNvram());
  history.settle(noteOf(1, new Uint8Array(0)), new RateRegisters(1, localSecond(START)), singlePhase().totals);
  const good = history.snapshot();
  const refused = (bytes: Uint8Array) => {
    const result = history.restore(bytes);
    expect(history.snapshot()).toEqual(good);
    return result.ok ? "taken" : result.error;
  };
  expect(refused(good.slice().fill(2, 0, 1))).toBe("the settlements have layout 2; this version reads 1");
  expect(refused(good.slice().fill(3, 2, 3))).toContain("never written");
  expect(refused(good.slice(0, -1))).toContain("shorter");
});
