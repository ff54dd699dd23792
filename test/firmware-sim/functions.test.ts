/** The functions together, in a meter that is looked at once in a while: what is due happens when it is due, not when somebody looks. */
import { describe, expect, test } from "vitest";
import type { MeterConfig } from "../../firmware-sim/boot.ts";
import { Meter } from "../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, type Mains, mainsOf } from "../../firmware-sim/metrology/mains.ts";
import { MemoryNvram } from "../../firmware-sim/nvram/nvram.ts";
import { checkSettings } from "../../firmware-sim/settings.ts";
import { ONE_RATE } from "../../firmware-sim/tariff/settings.ts";
import { findModel } from "../../protocols/models/index.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import type { MeterOrder, OrderNumber } from "../../protocols/orders.ts";
import { civil, mono, type Now } from "../../src/core/time.ts";

/** 2026-01-01. */
const START = 1_767_225_600;
const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil((START + seconds) * 1e6) });
const NO_NOISE = { voltageNoise: 0, currentNoise: 0 };

function meterOf(id: string, mains: Mains, given: object, nvram = new MemoryNvram(), second = 0): Meter {
  const model = findModel(id) as MeterModel;
  const settings = checkSettings(given, model);
  if (!settings.ok) throw new Error(settings.error);
  const { plate, phases } = model;
  const config: MeterConfig = {
    id: "m1",
    model,
    chip: (start) =>
      new ClosedFormChip({ plate, phases, load: constantLoad(mains), start, seed: 1, errors: { noise: 0 } }),
    nvram,
    settings: settings.value,
    password: 1,
    checkpointEvery: 1e15,
  };
  const meter = Meter.powerOn(config, at(second));
  if (!meter.ok) throw new Error(meter.error);
  return meter.value;
}

/** 1 kW on one phase. */
const KILOWATT = mainsOf({ phases: 1, voltage: 250, current: 4, ...NO_NOISE });
/** 0.50 a kWh. */
const TARIFF = { ...ONE_RATE, prices: { first: [50_000_000], second: [50_000_000], runs: 1 } };

const topUp = (id: number, amount: number): MeterOrder => ({
  id: id as OrderNumber,
  operation: "credit-add",
  argument: amount,
});

describe("credit opens the relay when it is used up, whoever looks", () => {
  const credit = { opening: 100, alarm1: 50, alarm2: 20 };

  test("alarm 2 after 1.6 kWh, the customer's button, then the end of it after 2 kWh, and a top-up", () => {
    const meter = meterOf("meterworks-1p", KILOWATT, { tariff: TARIFF, credit });
    const { events, credit: account } = meter.functions;
    meter.refresh(at(10_000));
    expect(meter.relayClosed).toBe(false);
    // A phasor's watt is a few millionths off: a second more or less in 5760.
    expect(Math.abs((events.ended("relayTrip", 0, 0)?.start ?? 0) - START - 5_760)).toBeLessThanOrEqual(1);
    expect(account?.shown).toEqual({ remaining: 20n, overdraft: 0n });
    expect(meter.pressButton(at(20_000))).toBe(true);
    meter.refresh(at(30_000));
    expect(meter.relayClosed).toBe(false);
    expect(Math.abs((events.ended("relayTrip", 0, 0)?.start ?? 0) - START - 21_440)).toBeLessThanOrEqual(1);
    expect(account?.shown).toEqual({ remaining: 0n, overdraft: 0n });
    expect(meter.pressButton(at(30_001))).toBe(false);
    expect(meter.execute({ ...topUp(1, 0), operation: "relay-close" }, at(30_002)).status).toBe("refused");
    expect(meter.execute(topUp(2, 500), at(30_003))).toEqual({ id: 2, status: "done", relay: 0 });
    expect(meter.execute(topUp(2, 500), at(30_004)).status).toBe("done");
    expect(account?.totals).toMatchObject({ added: 600n, topUps: 1 });
    expect(meter.pressButton(at(30_005))).toBe(true);
    expect(meter.relayClosed).toBe(true);
  });

  test("in friendly hours nothing is opened; at their end it is", () => {
    const friendly = { hours: [{ from: 0, to: 480 }] };
    const meter = meterOf("meterworks-1p", KILOWATT, { tariff: TARIFF, credit: { ...credit, friendly } });
    meter.refresh(at(8 * 3_600 - 1));
    expect(meter.relayClosed).toBe(true);
    expect(meter.functions.credit?.shown.overdraft).toBeGreaterThan(290n);
    meter.refresh(at(8 * 3_600 + 60));
    expect(meter.relayClosed).toBe(false);
    expect(meter.functions.events.ended("relayTrip", 0, 0)?.start).toBe(START + 8 * 3_600);
  });

  test("what credit has opened stays open over a power loss", () => {
    const nvram = new MemoryNvram();
    const meter = meterOf(
      "meterworks-1p",
      KILOWATT,
      { tariff: TARIFF, credit: { opening: 10, alarm1: null, alarm2: null } },
      nvram,
    );
    meter.refresh(at(3_600));
    expect(meter.relayClosed).toBe(false);
    const again = meterOf("meterworks-1p", KILOWATT, { tariff: TARIFF, credit }, nvram, 7_200);
    expect(again.relayClosed).toBe(false);
    expect(again.pressButton(at(7_300))).toBe(false);
  });
});

describe("the relay takes its time", () => {
  test("a trip waits for its delay under a warning, and is done when it is due", () => {
    const meter = meterOf("meterworks-1p", KILOWATT, { relay: { tripDelay: 300 } });
    expect(meter.execute({ ...topUp(1, 0), operation: "relay-open" }, at(100))).toMatchObject({
      status: "done",
      relay: 1,
    });
    expect(meter.functions.relay.status()).toMatchObject({ tripAt: START + 400, warning: true });
    meter.wake(at(400));
    expect(meter.relayClosed).toBe(false);
    meter.refresh(at(4_000));
    expect(Math.abs((meter.value("activeEnergyImport") as number) - 400_000_000 / 3_600)).toBeLessThan(10);
  });

  test("a trip that was ordered stays ordered when credit is topped up; one that credit wants is called off", () => {
    const given = { tariff: TARIFF, relay: { tripDelay: 300 }, credit: { opening: 100, alarm1: null, alarm2: null } };
    const ordered = meterOf("meterworks-1p", KILOWATT, given);
    ordered.orderRelay("trip", at(60));
    ordered.execute(topUp(1, 500), at(120));
    expect(ordered.functions.relay.status()).toMatchObject({ tripReason: "remote", lastOrder: "trip" });
    ordered.refresh(at(400));
    expect(ordered.relayClosed).toBe(false);

    // 100 are used up after two hours.
    const exhausted = meterOf("meterworks-1p", KILOWATT, given);
    exhausted.refresh(at(7_300));
    expect(exhausted.functions.relay.status().tripReason).toBe("credit");
    exhausted.execute(topUp(1, 500), at(7_320));
    exhausted.refresh(at(8_000));
    expect(exhausted.functions.relay.status()).toMatchObject({ closed: true, tripReason: "none", tripAt: undefined });
  });

  test("the meter asks to be woken when a trip is due", () => {
    const meter = meterOf("meterworks-1p", KILOWATT, { relay: { tripDelay: 10 } });
    meter.orderRelay("trip", at(100));
    expect(meter.nextWake().civil).toBe(at(110).civil);
  });
});

describe("events in the meter", () => {
  test("mains in the wrong sequence, seen by the angles of the voltages", () => {
    const usual = mainsOf({ phases: 3, voltage: 230, current: 5, ...NO_NOISE });
    const turned = { ...usual, phases: usual.phases.map((p) => ({ ...p, voltageAngle: -p.voltageAngle })) };
    const right = meterOf("meterworks-3p", usual, {});
    const wrong = meterOf("meterworks-3p", turned, {});
    for (const meter of [right, wrong]) meter.refresh(at(600));
    expect(right.functions.events.count("voltageSequence")).toBe(0);
    // The angles are looked at with the first demand window, at 60 s; the delay is 60 s.
    expect(wrong.functions.events.open("voltageSequence")?.start).toBe(START + 120);
    expect(wrong.functions.events.open("currentSequence")?.start).toBe(START + 120);
  });

  test("a demand above its limit", () => {
    const meter = meterOf("meterworks-1p", KILOWATT, { events: { demandImport: { trigger: 900 } } });
    meter.refresh(at(899));
    expect(meter.functions.events.count("demandImport")).toBe(0);
    meter.refresh(at(901));
    expect(meter.functions.events.open("demandImport")?.start).toBe(START + 900);
  });
});

test("daylight saving: the hour that comes twice is counted once in each rate's place, and no window spans the change", () => {
  const clock = { zoneMinutes: 60, daylightSaving: "europe" };
  const days = {
    first: [
      [
        { hour: 2, minute: 0, rate: 1 },
        { hour: 3, minute: 0, rate: 2 },
      ],
    ],
    second: [
      [
        { hour: 2, minute: 0, rate: 1 },
        { hour: 3, minute: 0, rate: 2 },
      ],
    ],
    runs: 1,
  };
  const prices = { first: [0, 0], second: [0, 0], runs: 1 };
  const tariff = { ...ONE_RATE, prices, tables: { ...ONE_RATE.tables, rates: 2, days } };
  // 2026-10-25 00:00 UTC is 02:00 summer time; at 01:00 UTC it is 02:00 again.
  const begin = Date.UTC(2026, 9, 25) / 1_000 - START;
  const meter = meterOf("meterworks-1p", KILOWATT, { clock, tariff }, new MemoryNvram(), begin - 3_600);
  meter.refresh(at(begin + 4 * 3_600));
  const { energy, tariff: running, profile } = meter.functions;
  const wattHours = (rate: number) =>
    running.rates.amount("activeImport", rate, (r) => energy.amount(r)).quanta / 1_000;
  // Two hours between 2 and 3 o'clock, and the three others.
  expect(wattHours(1)).toBeCloseTo(2_000, 1);
  expect(wattHours(2)).toBeCloseTo(3_000, 1);
  const flagged = Array.from({ length: profile.count(0) }, (_, age) => profile.read(0, age)).filter(
    (r) => r?.flags.clockChanged,
  );
  expect(flagged).toHaveLength(1);
});
