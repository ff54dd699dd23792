/** The meter as a whole: what it shows is what the load is, and what it must not forget survives any loss of power. */
import { describe, expect, test } from "vitest";
import type { MeterConfig } from "../../firmware-sim/boot.ts";
import { DEFAULT_CLOCK } from "../../firmware-sim/clock/settings.ts";
import { Meter } from "../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, mainsOf } from "../../firmware-sim/metrology/mains.ts";
import { MemoryNvram, type Nvram } from "../../firmware-sim/nvram/nvram.ts";
import { factorySettings } from "../../firmware-sim/settings.ts";
import { findModel } from "../../protocols/models/index.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import type { MeterOrder, OrderNumber } from "../../protocols/orders.ts";
import { MEASURES } from "../../src/core/measures.ts";
import { civil, mono, type Now } from "../../src/core/time.ts";
import { DyingNvram } from "./nvram/dying-nvram.ts";

const START = 1_767_225_600_000_000;
const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil(START + seconds * 1e6) });
const model = (id: string) => findModel(id) as MeterModel;

function config(nvram: Nvram, id = "meterworks-3p", load = {}): MeterConfig {
  const m = model(id);
  const mains = mainsOf({ phases: m.phases, voltage: 230, current: 5, angle: 36.8699, ...load });
  return {
    id: "m1",
    model: m,
    chip: (start) =>
      new ClosedFormChip({ plate: m.plate, phases: m.phases, load: constantLoad(mains), start, seed: 1 }),
    nvram,
    password: 4711,
    checkpointEvery: 10_000_000,
  };
}

function powerOn(nvram: Nvram, now: Now, id?: string, load?: object): Meter {
  const meter = Meter.powerOn(config(nvram, id, load), now);
  if (!meter.ok) throw new Error(meter.error);
  return meter.value;
}

const order = (id: number, operation: MeterOrder["operation"], argument = 0): MeterOrder => ({
  id: id as OrderNumber,
  operation,
  argument,
});

describe("measures", () => {
  test("230 V, 5 A, PF 0.8 inductive on three phases: 2760 W, 2070 var, 3450 VA", () => {
    const meter = powerOn(new MemoryNvram(), at(0));
    expect(meter.value("voltageL2")).toBe(230_000);
    expect(meter.value("currentL3")).toBeCloseTo(5_000_000, -2);
    expect(meter.value("activePower")).toBeCloseTo(2_760_000, -2);
    expect(meter.value("reactivePower")).toBeCloseTo(2_070_000, -2);
    expect(meter.value("apparentPower")).toBeCloseTo(3_450_000, -2);
    expect(meter.value("powerFactor")).toBeCloseTo(800_000, -1);
    expect(meter.value("frequency")).toBe(50_000);
    expect(Math.abs((meter.value("voltageL12") as number) - 398_372)).toBeLessThan(10);
  });

  test("an hour at 2760 W is 2.76 kWh on the import register, and in quadrant I", () => {
    const meter = powerOn(new MemoryNvram(), at(0));
    meter.refresh(at(3_600));
    expect(Math.abs((meter.value("activeEnergyImport") as number) - 2_760_000)).toBeLessThan(30);
    expect(meter.value("reactiveEnergyQ1")).toBe(meter.value("reactiveEnergyImport"));
    expect(meter.value("activeEnergyExport")).toBe(0);
  });

  test.each([
    [36.8699, "direction", 800_000],
    [143.1301, "direction", -800_000],
    [323.1301, "direction", 800_000],
    [323.1301, "inductive", -800_000],
    [216.8699, "inductive", 800_000],
    [143.1301, "none", 800_000],
  ] as const)("PF at %s° with sign by %s is %s", (angle, pfSign, expected) => {
    const c = config(new MemoryNvram(), "meterworks-3p", { angle });
    const meter = Meter.powerOn({ ...c, model: { ...c.model, pfSign } }, at(0));
    if (!meter.ok) throw new Error(meter.error);
    expect(Math.abs((meter.value.value("powerFactor") as number) - expected)).toBeLessThan(5);
  });

  test("every measure of the vocabulary is computed, and without load PF has no value rather than 0", () => {
    const meter = powerOn(new MemoryNvram(), at(0), "meterworks-3p", { current: 0 });
    for (const m of MEASURES) expect(meter.value(m.key), m.key).not.toBeUndefined();
    expect(meter.value("powerFactor")).toBeNull();
    expect(meter.value("activePower")).toBe(0);
  });

  test("registers stand still within a second of meter time and then move together", () => {
    const meter = powerOn(new MemoryNvram(), at(0));
    const revision = meter.revision;
    meter.refresh({ mono: mono(900_000), civil: civil(START + 900_000) });
    expect(meter.revision).toBe(revision);
    meter.refresh(at(1));
    expect(meter.revision).toBeGreaterThan(revision);
  });
});

describe("orders", () => {
  test("an opened relay stops the load, a closed one lets it flow again", () => {
    const meter = powerOn(new MemoryNvram(), at(0));
    expect(meter.execute(order(1, "relay-open"), at(100))).toEqual({ id: 1, status: "done", relay: 0 });
    meter.refresh(at(101));
    const before = meter.value("activeEnergyImport");
    meter.refresh(at(5_000));
    expect(meter.value("activeEnergyImport")).toBe(before);
    expect(meter.value("activePower")).toBe(0);
    meter.execute(order(2, "relay-close"), at(5_001));
    meter.refresh(at(8_601));
    expect((meter.value("activeEnergyImport") as number) - (before as number)).toBeGreaterThan(2_700_000);
  });

  test("an order to allow closing leaves it to the customer's button", () => {
    const meter = powerOn(new MemoryNvram(), at(0));
    meter.execute(order(1, "relay-open"), at(10));
    expect(meter.pressButton(at(20))).toBe(false);
    expect(meter.execute(order(2, "relay-allow"), at(30))).toEqual({ id: 2, status: "done", relay: 0 });
    expect(meter.relayClosed).toBe(false);
    expect(meter.pressButton(at(40))).toBe(true);
    expect(meter.relayClosed).toBe(true);
    expect(meter.execute(order(3, "relay-allow"), at(50))).toEqual({ id: 3, status: "done", relay: 1 });
  });

  test("a repeated id does nothing and gets its first outcome, also after a power cut", () => {
    const nvram = new MemoryNvram();
    const meter = powerOn(nvram, at(0));
    meter.execute(order(7, "relay-open"), at(10));
    meter.execute(order(8, "relay-close"), at(20));
    expect(meter.execute(order(7, "relay-open"), at(30))).toEqual({ id: 7, status: "done", relay: 0 });
    // Each order that was done has left its programming record, the repeated one no second.
    const { authority } = meter.functions;
    expect([0, 1, 2].map((age) => authority.programming(age)?.items)).toEqual([[2], [1], undefined]);
    expect(meter.relayClosed).toBe(true);
    const again = powerOn(nvram, at(100));
    again.execute(order(7, "relay-open"), at(110));
    expect(again.relayClosed).toBe(true);
  });

  test("the relay comes back as it was, and an open one draws nothing while the meter boots", () => {
    const nvram = new MemoryNvram();
    powerOn(nvram, at(0)).execute(order(1, "relay-open"), at(10));
    const again = powerOn(nvram, at(1_000));
    const before = again.value("activeEnergyImport");
    again.refresh(at(5_000));
    expect(again.relayClosed).toBe(false);
    expect(again.value("activeEnergyImport")).toBe(before);
  });

  test("a meter without credit of its own refuses credit, and its relay stays as it is", () => {
    const meter = powerOn(new MemoryNvram(), at(0));
    expect(meter.execute(order(1, "credit-add", 500), at(10))).toEqual({ id: 1, status: "refused", relay: 1 });
    expect(meter.execute(order(2, "credit-refund", 500), at(20)).status).toBe("refused");
    expect(meter.relayClosed).toBe(true);
  });

  test("clock-set moves the meter's clock and stays after a restart; an absurd time is refused", () => {
    const nvram = new MemoryNvram();
    const meter = powerOn(nvram, at(0));
    expect(meter.execute(order(1, "clock-set", 1_800_000_000), at(10)).status).toBe("done");
    expect(meter.clock(at(15))).toBe(1_800_000_005_000_000);
    expect(meter.execute(order(2, "clock-set", 17), at(20)).status).toBe("bad-argument");
    expect(powerOn(nvram, at(30)).clock(at(30))).toBe(1_800_000_020_000_000);
  });

  test("set without an order: to the microsecond, remembered, and no order is seen for it", () => {
    const nvram = new MemoryNvram();
    const meter = powerOn(nvram, at(0));
    const wanted = civil(1_800_000_000_250_000);
    expect(meter.setClock(wanted, at(10))).toBe(true);
    expect(meter.clock(at(10))).toBe(wanted);
    expect(meter.value("clock")).toBe(1_800_000_000);
    expect(meter.lastOutcome).toBeUndefined();
    for (const absurd of [946_684_799_999_999, 4_102_444_800_000_000])
      expect(meter.setClock(civil(absurd), at(20))).toBe(false);
    expect(powerOn(nvram, at(30)).clock(at(30))).toBe(wanted + 20_000_000);
  });

  test("a model without relay refuses and keeps feeding", () => {
    const meter = powerOn(new MemoryNvram(), at(0), "eastron-sdm630");
    expect(meter.execute(order(1, "relay-open"), at(1)).status).toBe("refused");
    expect(meter.relayClosed).toBe(true);
  });
});

describe("power loss", () => {
  test("whatever was shown is there again after a cut at any write and any byte of it", () => {
    for (let dieAt = 1; dieAt <= 12; dieAt++) {
      for (const keep of [0, 1, 7, 13, 100, 10_000]) {
        const nvram = new DyingNvram(dieAt, keep);
        let shown = 0;
        let orderSeen = false;
        try {
          const meter = powerOn(nvram, at(0), "meterworks-1p");
          for (let s = 60; s < 600; s += 60) {
            meter.refresh(at(s));
            shown = meter.value("activeEnergyImport") as number;
            if (s === 300) orderSeen = meter.execute(order(5, "relay-open"), at(s + 1)).status === "done";
          }
        } catch (error) {
          expect((error as Error).message).toBe("power");
        }
        const again = powerOn(nvram.survivor(), at(1_000), "meterworks-1p");
        expect(again.value("activeEnergyImport"), `cut at write ${dieAt}, byte ${keep}`).toBeGreaterThanOrEqual(shown);
        if (orderSeen) expect(again.relayClosed).toBe(false);
      }
    }
  });

  test("a memory of another meter is refused with a reason, never overwritten by zeros", () => {
    const nvram = new MemoryNvram();
    powerOn(nvram, at(0), "meterworks-3p");
    const other = Meter.powerOn(config(nvram, "meterworks-1p"), at(10));
    expect(other).toMatchObject({ ok: false, error: expect.stringContaining("phase") });
    powerOn(nvram, at(20), "meterworks-3p");
  });

  test("telemetry numbers are never given twice, whenever the power goes", () => {
    const nvram = new MemoryNvram();
    powerOn(nvram, at(0)).useSequence(7, at(1));
    const again = powerOn(nvram, at(2));
    expect(again.sequence).toBe(7);
    // A number from before is no step back.
    again.useSequence(5, at(3));
    expect(powerOn(nvram, at(4)).sequence).toBe(7);
  });
});

describe("the clock and its battery", () => {
  test("keeps time through an outage; with a dead battery it is lost, says so in what it records, and is good once set", () => {
    const nvram = new MemoryNvram();
    const first = powerOn(nvram, at(0));
    first.powerFail(at(100));
    const second = powerOn(nvram, at(5_000));
    expect(second.clock(at(5_000))).toBe(at(5_000).civil);
    expect(second.functions.events.ended("powerOutage", 0, 0)).toMatchObject({
      start: START / 1e6 + 100,
      end: START / 1e6 + 5_000,
    });
    second.powerFail(at(6_000));
    const lost = Meter.powerOn({ ...config(nvram), battery: "dead" }, at(7_000));
    if (!lost.ok) throw new Error(lost.error);
    expect(lost.value.clock(at(7_000))).toBe(946_684_800e6);
    // By the only time it has: that of a clock that begins anew.
    expect(lost.value.functions.events.open("clockFault")?.start).toBe(946_684_800);
    expect(lost.value.functions.events.open("batteryLow")?.start).toBe(946_684_800);
    lost.value.refresh(at(7_301));
    expect(lost.value.functions.profile.read(0, 0)?.flags).toEqual({
      clockDoubt: true,
      powerCut: true,
      clockChanged: false,
    });
    expect(lost.value.setClock(at(7_400).civil, at(7_400))).toBe(true);
    expect(lost.value.functions.events.open("clockFault")).toBeUndefined();
    lost.value.refresh(at(7_501));
    expect(lost.value.functions.profile.read(0, 0)?.flags).toEqual({
      clockDoubt: false,
      powerCut: false,
      clockChanged: true,
    });
  });

  test("a crystal in the cold loses time, and a meter keeps its windows on its own clock", () => {
    const nvram = new MemoryNvram();
    const settings = { ...factorySettings(model("meterworks-3p")), clock: { ...DEFAULT_CLOCK, curvePpb: -35 } };
    const meter = Meter.powerOn({ ...config(nvram), settings, temperature: -20 }, at(0));
    if (!meter.ok) throw new Error(meter.error);
    // −0.035 ppm/K² × 45² K² is −70.875 ppm: 6.1236 s a day.
    meter.value.refresh(at(86_400));
    expect(at(86_400).civil - meter.value.clock(at(86_400))).toBe(6_123_600);
    expect(meter.value.functions.profile.read(0, 0)?.at).toBe(START / 1e6 + 86_100);
  });
});
