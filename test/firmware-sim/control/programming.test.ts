/** What is programmed, whatever the wire: it holds at once and after a power cut, or not at all. */
import { describe, expect, test } from "vitest";
import { encodeRecord } from "../../../firmware-sim/nvram/checkpoint.ts";
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { checkSettings, factorySettings } from "../../../firmware-sim/settings.ts";
import { SettingsMemory } from "../../../firmware-sim/settings-memory.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { utf8 } from "../../../src/core/text.ts";
import { at, Bench } from "../faces/dlt645-support.ts";
import { DyingNvram } from "../nvram/dying-nvram.ts";

const MODEL = findModel("meterworks-1p") as MeterModel;
const meterOn = (nvram: Nvram, settings: object = {}, start = 0) =>
  new Bench("meterworks-1p", { nvram, settings, start }).meter;
const fourRates = () => {
  const checked = checkSettings({ tariff: "four-rates" }, MODEL);
  if (!checked.ok) throw new Error(checked.error);
  return checked.value.tariff;
};

describe("programming", () => {
  test("a part follows at once and after a power cut; other parts go on following the file", () => {
    const nvram = new MemoryNvram();
    const meter = meterOn(nvram, { demand: { periodMinutes: 30 } });
    expect(meter.programming.configure("tariff", fourRates(), at(10)).ok).toBe(true);
    expect(meter.functions.tariff.moment.rate).toBe(4);
    const after = meterOn(nvram, { demand: { periodMinutes: 60 } }, 100);
    expect(after.functions.tariff.settings).toEqual(fourRates());
    expect(after.functions.demand.settings.periodMinutes).toBe(60);
    // The year's first night is the valley's.
    expect(after.functions.tariff.moment.rate).toBe(4);
  });

  test("a part that makes no sense, or credit in a meter without it, is refused and nothing is stored", () => {
    const nvram = new MemoryNvram();
    const meter = meterOn(nvram);
    const { demand, relay } = meter.programming.settings;
    expect(meter.programming.configure("demand", { ...demand, periodMinutes: 7 }, at(1))).toMatchObject({ ok: false });
    expect(meter.programming.configure("relay", { ...relay, tripDelay: -1 }, at(1))).toMatchObject({ ok: false });
    const credit = checkSettings({ credit: {} }, MODEL);
    if (!credit.ok) throw new Error(credit.error);
    expect(meter.programming.configure("credit", credit.value.credit, at(1))).toMatchObject({ ok: false });
    expect(meter.programming.settings).toEqual(factorySettings(MODEL));
    expect(nvram.read("settings.a")).toBeUndefined();
  });

  test("another zone moves the local clock, and windows with it", () => {
    const meter = meterOn(new MemoryNvram());
    const { clock } = meter.programming.settings;
    expect(meter.programming.configure("clock", { ...clock, zoneMinutes: 480 }, at(30)).ok).toBe(true);
    meter.perform((functions, now) => functions.clearDemand(now), at(31));
    expect(meter.functions.events.ended("demandClear", 0, 0)?.start).toBe(1_767_225_600 + 31 + 8 * 3_600);
  });

  test("cut at any write and byte: what was said to hold does, and the meter comes up", () => {
    let cuts = 0;
    for (let dieAt = 1; dieAt <= 30; dieAt++) {
      for (const keep of [0, 1, 12, 40, 100, 10_000]) {
        const nvram = new DyingNvram(dieAt, keep);
        let held = 0;
        try {
          const meter = meterOn(nvram);
          for (const [i, slipMinutes] of [5, 3, 15].entries()) {
            const { demand } = meter.programming.settings;
            if (meter.programming.configure("demand", { ...demand, slipMinutes }, at(10 + i)).ok) held = i + 1;
          }
        } catch (error) {
          expect((error as Error).message).toBe("power");
          cuts++;
        }
        const found = meterOn(nvram.survivor(), {}, 100).functions.demand.settings.slipMinutes;
        const possible = [1, 5, 3, 15].slice(held, held + 2);
        expect(possible, `write ${dieAt}, byte ${keep}`).toContain(found);
      }
    }
    expect(cuts).toBeGreaterThan(30);
  });

  test("a memory that is no settings, or not of this meter, is refused by name", () => {
    for (const [text, reason] of [
      ["[1]", "no JSON object"],
      ["{", "no JSON object"],
      ['{"demand":{"periodMinutes":7}}', "do not fit"],
      ['{"colour":1}', "colour"],
    ] as const) {
      const nvram = new MemoryNvram();
      nvram.write("settings.a", encodeRecord(1, utf8(text)));
      const opened = SettingsMemory.powerOn(nvram, factorySettings(MODEL), MODEL);
      expect(opened).toMatchObject({ ok: false, error: expect.stringContaining(reason) });
    }
  });
});
