/**
 * Lines and broker without a head-end for five hours, meters without power for up to an hour, lost frames: what the meters had is
 * stored with its exact value and time, what they did not have is missing. And the checker that says so finds what is planted.
 */
import { describe, expect, test } from "vitest";
import { INTERVALS_CODEC, INTERVALS_COLLECTION } from "../../headend/completeness/meter-intervals.ts";
import { count } from "../../headend/completeness/runs.ts";
import type { MeterReading, StoreBatch, StoreRecord } from "../../headend/ports.ts";
import { drawOptions, type SimOptions } from "../../src/simulation/options.ts";
import { runSimulation, type SimReport } from "../../src/simulation/run.ts";
import { type SiteParts, SOUND_PARTS } from "../../src/simulation/site.ts";
import { SimStore } from "../../src/simulation/store.ts";

const OUTAGES: SimOptions = {
  ...drawOptions(3, 1, 4, null),
  ...{ mqttShare: 50, metersPerLine: 2, pollMinutes: 15, orders: 2 },
  line: { lost: 100, flipped: 100, cut: 50, noise: 50, late: 50 },
  ...{ headendCrashes: 2, headendAwayMinutes: 300, powerCuts: 6 },
  completeness: { minutes: 15, from: "any" },
};

/** The store of a run, and what a test changes in its records. */
function watched(change: (record: StoreRecord) => StoreRecord[] = (record) => [record]) {
  const stores: SimStore[] = [];
  class Watched extends SimStore {
    override apply(batch: StoreBatch): void {
      super.apply(batch.flatMap(change));
    }
  }
  const store: SiteParts["store"] = (world, faults, random) => {
    const made = new Watched(world, faults, random);
    stores.push(made);
    return made;
  };
  return { stores, parts: { ...SOUND_PARTS, store } };
}

const verdictOf = (report: SimReport) => report.verdicts.find(({ checker }) => checker.startsWith("every interval"));
const isOfProfile = (record: StoreRecord): record is StoreRecord & { kind: "reading" } =>
  record.kind === "reading" && record.reading.source === "profile";

describe.each(["any", "profile"] as const)("intervals read by %s", (from) => {
  test("nothing is open afterwards, and nothing wrong", () => {
    const { stores, parts } = watched();
    const report = runSimulation({ ...OUTAGES, completeness: { minutes: 15, from } }, undefined, parts);
    expect(report.verdicts.flatMap(({ violations }) => violations)).toEqual([]);
    const readings = stores.flatMap((store) => store.readings()).filter(({ source }) => source === "profile");
    const of = (...qualities: MeterReading["quality"][]) =>
      readings.filter((r) => qualities.includes(r.quality)).length;
    // Hours of intervals came late out of the profiles, and some the meters themselves do not have.
    expect(of("late")).toBeGreaterThan(20);
    expect(of("missing")).toBeGreaterThan(2);
    const states = stores
      .flatMap((store) => store.documents())
      .filter(({ collection }) => collection === INTERVALS_COLLECTION)
      .map(({ text }) => INTERVALS_CODEC.decode(text));
    expect(states.length).toBe(4);
    const missing = states.reduce(
      (sum, { runs, first }) => sum + count(runs, { from: first, to: Number.MAX_SAFE_INTEGER }).missing,
      0,
    );
    expect(missing).toBe(of("missing", "invalid"));
  });
});

describe("planted", () => {
  const planted = (change: (record: StoreRecord) => StoreRecord[], options = OUTAGES) =>
    verdictOf(runSimulation(options, undefined, watched(change).parts))?.violations ?? [];

  test("a value that is off by a mWh", () => {
    const found = planted((record) => {
      if (!isOfProfile(record) || record.reading.quality !== "late") return [record];
      const { reading } = record;
      const activeEnergyImport = (reading.values.activeEnergyImport ?? 0) + 1;
      return [{ kind: "reading", reading: { ...reading, values: { ...reading.values, activeEnergyImport } } }];
    });
    expect(found[0]).toMatch(/mWh stored where the meter has \d+/);
  });

  test("what is known of the intervals, lost", () => {
    let left = 40;
    const found = planted((record) => (record.kind === "document" && left-- <= 0 ? [] : [record]));
    expect(found.join("\n")).toMatch(/still open|said to be open/);
  });

  test("missing said of what the meter has", () => {
    const found = planted((record) => {
      if (!isOfProfile(record) || record.reading.quality !== "late") return [record];
      const reading: MeterReading = { ...record.reading, quality: "missing", values: { activeEnergyImport: null } };
      return [{ kind: "reading", reading }];
    });
    expect(found.join("\n")).toMatch(/missing where the meter has/);
  });
});
