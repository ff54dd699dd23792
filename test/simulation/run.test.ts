/** Seeds that must hold, defects that must be found: a checker that cannot fail proves nothing. */
import { describe, expect, test } from "vitest";
import { MemoryNvram } from "../../firmware-sim/nvram/nvram.ts";
import type { StoreBatch, StoreRecord } from "../../headend/ports.ts";
import { SOUND_COPPER } from "../../src/simulation/copper.ts";
import { type CopperOptions, drawCopper, drawOptions, type SimOptions } from "../../src/simulation/options.ts";
import { isGood, runSimulation, type SimReport } from "../../src/simulation/run.ts";
import { type SiteParts, SOUND_PARTS } from "../../src/simulation/site.ts";
import { SimStore } from "../../src/simulation/store.ts";

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 100);

/** Much of everything that goes wrong, so that one run meets the planted defect. */
const HARSH: SimOptions = {
  ...drawOptions(1, 2, 8, null),
  mqttShare: 50,
  pollMinutes: 15,
  line: { lost: 100, flipped: 100, cut: 100, noise: 100, late: 100 },
  broker: { doubled: 500, responseLost: 5_000 },
  headendCrashes: 4,
  headendAwayMinutes: 1,
  powerCuts: 8,
  orders: 40,
};

const COPPER: CopperOptions = {
  faults: {
    lost: 2,
    doubled: 2,
    late: 2,
    flipped: 2,
    noise: 100,
    turnaround: 100,
    stray: 300,
    ringing: 0,
    chatty: 100,
  },
  ...{ headendLumps: true, headendEcho: true, meterLumps: false },
  ...{ cuts: 3, twins: 3 },
};

/** The same on serial lines that are simulated by bits. */
const HARSH_COPPER: SimOptions = {
  ...{ ...HARSH, copper: COPPER, days: 1, meters: 4, orders: 20 },
  ...{ mqttShare: 0, metersPerLine: 2 },
};

function violated(report: SimReport): string[] {
  return report.verdicts.filter((v) => v.violations.length > 0).map((v) => v.checker);
}

/** A store that lets a test spoil what is committed. */
function spoilt(change: (record: StoreRecord, count: number) => StoreRecord[]): SiteParts {
  let count = 0;
  class Spoilt extends SimStore {
    override apply(batch: StoreBatch): void {
      super.apply(batch.flatMap((record) => change(record, ++count)));
    }
  }
  return { ...SOUND_PARTS, store: (world, faults, random) => new Spoilt(world, faults, random) };
}

describe("seeds", () => {
  test.each(SEEDS)("seed %i: energy, readings, money and orders hold under its faults", (seed) => {
    const report = runSimulation(drawOptions(seed, 1, 6));
    expect(report.verdicts.flatMap((v) => v.violations)).toEqual([]);
    expect(report.readings).toBeGreaterThan(0);
    expect(report.verdicts[0]?.checked).toBeGreaterThanOrEqual(report.readings);
  });

  test("much of every fault at once holds too", () => {
    const report = runSimulation(HARSH);
    expect(report.verdicts.flatMap((v) => v.violations)).toEqual([]);
    expect(report.harmedFrames).toBeGreaterThan(10);
  });

  test.each([
    ["lumps and an echo", COPPER],
    ["every byte at its time", { ...COPPER, headendLumps: false, headendEcho: false }],
    ["lumps on both sides, an echo at its time", { ...COPPER, headendLumps: false, meterLumps: true }],
  ])("so it does on copper: %s", (_name, copper) => {
    const report = runSimulation({ ...HARSH_COPPER, copper });
    expect(report.verdicts.flatMap((v) => v.violations)).toEqual([]);
    // A day of four meters every quarter of an hour is 384, of which faults, cuts and strangers may cost a part.
    expect(report.readings).toBeGreaterThan(250);
    expect(report.harmedFrames).toBeGreaterThan(50);
  });

  test("the seed says whether its lines are copper, some of both, and what it draws is the same when asked for", () => {
    const drawn = SEEDS.map((seed) => drawOptions(seed, 1, 6));
    expect(new Set(drawn.map(({ copper }) => copper === null))).toEqual(new Set([true, false]));
    for (const options of drawn) {
      if (options.copper !== null) expect(options.copper).toEqual(drawCopper(options.seed));
      expect(drawOptions(options.seed, 1, 6, null)).toEqual({ ...options, copper: null });
    }
  });

  test("a wire that is cut costs readings until it is repaired", () => {
    const copper = { ...COPPER, faults: SOUND_COPPER, cuts: 0, twins: 0 };
    const base = { ...HARSH_COPPER, meters: 2, headendCrashes: 0, powerCuts: 0, orders: 0 };
    const whole = runSimulation({ ...base, copper });
    const cut = runSimulation({ ...base, copper: { ...copper, cuts: 6 } });
    const twins = runSimulation({ ...base, copper: { ...copper, twins: 6 } });
    expect(whole.harmedFrames).toBe(0);
    for (const report of [cut, twins]) {
      expect(report.readings).toBeLessThan(whole.readings);
      expect(report.readings).toBeGreaterThan(0.5 * whole.readings);
    }
  });

  test("the same seed is the same run", () => {
    const options = drawOptions(42, 1, 4, null);
    expect(runSimulation(options)).toEqual(runSimulation(options));
    const copper = { ...options, meters: 2, mqttShare: 0, copper: COPPER };
    expect(runSimulation(copper)).toEqual(runSimulation(copper));
  });

  test("other seeds are other runs", () => {
    expect(runSimulation(drawOptions(1, 1, 4)).events).not.toBe(runSimulation(drawOptions(2, 1, 4)).events);
  });
});

describe("planted defects", () => {
  test.each([
    ["frames", HARSH],
    ["copper", HARSH_COPPER],
  ])("a store that changes a register by a hundredth is found by the energy checker (%s)", (_name, options) => {
    const parts = spoilt((record) => {
      const register = record.kind === "reading" ? record.reading.values.activeEnergyImport : undefined;
      if (record.kind !== "reading" || typeof register !== "number") return [record];
      const values = { ...record.reading.values, activeEnergyImport: Math.round(register * 1.01) };
      return [{ ...record, reading: { ...record.reading, values } }];
    });
    expect(violated(runSimulation(options, undefined, parts))).toContain("energy stored = energy delivered");
  });

  test("a store that keeps a reading twice is found", () => {
    const parts = spoilt((record) => {
      if (record.kind !== "reading") return [record];
      const again = { ...record.reading, time: (record.reading.time + 1) as typeof record.reading.time };
      return [record, { ...record, reading: again }];
    });
    expect(violated(runSimulation(HARSH, undefined, parts))).toContain("no reading twice, none invented");
  });

  test("a store that loses one posting in twenty is found", () => {
    const parts = spoilt((record, count) => (record.kind === "posting" && count % 20 === 0 ? [] : [record]));
    expect(violated(runSimulation(HARSH, undefined, parts))).toContain("money taken = energy × price");
  });

  test("a ledger that is a cent off is found", () => {
    const parts = spoilt((record) =>
      record.kind === "account"
        ? [{ ...record, account: { ...record.account, charged: (record.account.charged + 1n) as never } }]
        : [record],
    );
    expect(violated(runSimulation(HARSH, undefined, parts))).toContain("money taken = energy × price");
  });

  test.each([
    ["frames", { ...HARSH, powerCuts: 60 }],
    ["copper", { ...HARSH_COPPER, powerCuts: 60 }],
  ])("a meter that forgets its orders with the power does one twice, and is found (%s)", (_name, options) => {
    /** Everything written after the first checkpoint is gone with the power. */
    class Amnesia extends MemoryNvram {
      #writes = 0;
      override write(cell: string, bytes: Uint8Array): void {
        this.#writes += 1;
        if (this.#writes <= 2) super.write(cell, bytes);
      }
    }
    const report = runSimulation(options, undefined, {
      ...SOUND_PARTS,
      nvram: () => new Amnesia(),
    });
    expect(violated(report)).toEqual(
      expect.arrayContaining(["energy stored = energy delivered", "rates, credit and records of the meters"]),
    );
    expect(isGood(report)).toBe(false);
  });

  test("a store that loses orders is found", () => {
    const parts = spoilt((record) => (record.kind === "order" && record.order.id % 5 === 0 ? [] : [record]));
    expect(violated(runSimulation(HARSH, undefined, parts))).toContain("no order lost or done twice");
  });
});
