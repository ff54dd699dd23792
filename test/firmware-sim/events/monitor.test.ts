import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { localSecond } from "../../../firmware-sim/clock/local-time.ts";
import type { EventReadings } from "../../../firmware-sim/events/conditions.ts";
import { EventMonitor } from "../../../firmware-sim/events/monitor.ts";
import { type EventPlan, eventPlanOf } from "../../../firmware-sim/events/plan.ts";
import { checkEventSettings, defaultEventSettings, type EventSettings } from "../../../firmware-sim/events/settings.ts";
import type { EnergyAmount } from "../../../firmware-sim/metrology/energy.ts";
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { METERWORKS_1P } from "../../../protocols/models/meterworks-1p.ts";
import { METERWORKS_3P } from "../../../protocols/models/meterworks-3p.ts";
import { recorded } from "./scenarios.ts";

const at = localSecond;
const SETTINGS = defaultEventSettings(METERWORKS_3P.plate, 3);
const PLAN = eventPlanOf(SETTINGS, METERWORKS_3P.plate, 3);

/** Volts and amperes at power factor 1; nothing in the neutral. */
function shows(volts: readonly number[], amps: readonly number[]): EventReadings {
  const power = volts.map((v, p) => Math.round(v * (amps[p] as number) * 1000));
  return {
    voltage: volts.map((v) => v * 1000),
    current: amps.map((i) => Math.abs(i) * 1_000_000),
    active: power,
    reactive: volts.map(() => 0),
    apparent: power.map(Math.abs),
    angle: volts.map((_, p) => ((amps[p] as number) < 0 ? 180_000 : 0)),
    lineVoltage: [0, 0, 0],
    neutralCurrent: 0,
    frequency: 50_000,
  };
}

const GOOD = shows([230, 230, 230], [5, 5, 5]);
const LOST = shows([170, 230, 230], [5, 5, 5]);

function monitorOf(plan: EventPlan = PLAN, nvram: Nvram = new MemoryNvram(), energies = (): EnergyAmount[] => []) {
  return new EventMonitor({ plan, nvram, energies });
}

describe("records", () => {
  test("begin and end when the condition has held for its delay, with the energies of then", () => {
    let quanta = 0;
    const monitor = monitorOf(PLAN, new MemoryNvram(), () => [
      { quanta, residual: 7 },
      { quanta: 2 * quanta, residual: 0 },
    ]);
    const look = (readings: EventReadings, second: number) => {
      quanta = second;
      monitor.observe(readings, at(second));
    };
    look(GOOD, 0);
    look(LOST, 100);
    expect(monitor.nextEdge()).toBe(160);
    look(LOST, 159);
    expect([monitor.open("voltageLoss", 1), monitor.due]).toEqual([undefined, false]);
    look(LOST, 160);
    expect(monitor.open("voltageLoss", 1)?.start).toBe(160);
    expect([monitor.due, monitor.seconds("voltageLoss", 1, at(200))]).toEqual([true, 40]);
    look(shows([190, 230, 230], [5, 5, 5]), 300);
    expect(monitor.open("voltageLoss", 1), "190 V is above the trigger, below the recovery").toMatchObject({
      start: 160,
    });
    look(GOOD, 400);
    look(GOOD, 460);
    expect(monitor.ended("voltageLoss", 1, 0)).toMatchObject({
      start: 160,
      end: 460,
      startEnergies: [
        { quanta: 160, residual: 7 },
        { quanta: 320, residual: 0 },
      ],
      endEnergies: [
        { quanta: 460, residual: 7 },
        { quanta: 920, residual: 0 },
      ],
    });
    expect([monitor.count("voltageLoss", 1), monitor.count("voltageLoss", 2)]).toEqual([1, 0]);
    expect(monitor.seconds("voltageLoss", 1, at(9999))).toBe(300);
  });

  test("the last ten are kept, all are counted", () => {
    const monitor = monitorOf();
    for (let i = 0; i < 25; i++) {
      monitor.note("programming", at(i), Uint8Array.of(i, 1, 2, 3));
      monitor.commit();
    }
    expect(monitor.count("programming")).toBe(25);
    for (let age = 0; age < 10; age++) expect(monitor.ended("programming", 0, age)?.extra[0]).toBe(24 - age);
    expect(monitor.ended("programming", 0, 10)).toBeUndefined();
  });

  test("clearing forgets all but what goes on, and the clearing", () => {
    const monitor = monitorOf();
    monitor.note("programming", at(1));
    monitor.note("eventClear", at(2));
    monitor.input("coverOpen", true, at(3));
    monitor.clear();
    expect(recorded(monitor).map((seen) => [seen.kind, seen.end])).toEqual([
      ["coverOpen", undefined],
      ["eventClear", 2],
    ]);
    expect([monitor.count("programming"), monitor.count("coverOpen")]).toEqual([0, 1]);
    monitor.note("programming", at(9));
    expect([monitor.ended("programming", 0, 0)?.start, monitor.ended("programming", 0, 1)]).toEqual([9, undefined]);
  });

  test("a clock that is set leaves running delays their length, and no event a negative time", () => {
    const monitor = monitorOf();
    monitor.observe(LOST, at(1000));
    monitor.clockMoved(-500);
    expect(monitor.nextEdge()).toBe(560);
    monitor.observe(LOST, at(560));
    monitor.input("coverOpen", true, at(560));
    monitor.input("coverOpen", false, at(100));
    expect([monitor.count("voltageLoss", 1), monitor.seconds("coverOpen", 0, at(100))]).toEqual([1, 0]);
  });
});

describe("power loss", () => {
  test("open events go on, delays begin again", () => {
    const nvram = new MemoryNvram();
    const before = monitorOf(PLAN, nvram);
    before.observe(LOST, at(0));
    before.observe(LOST, at(60));
    before.input("terminalCoverOpen", true, at(61), Uint8Array.of(9));
    before.note("relayTrip", at(62));
    before.observe(GOOD, at(70));
    const after = monitorOf(PLAN, nvram);
    expect(after.restore(before.snapshot())).toEqual({ ok: true, value: undefined });
    expect(after.snapshot()).toEqual(before.snapshot());
    after.powerRestored(at(80), at(500));
    after.observe(GOOD, at(500));
    after.observe(GOOD, at(560));
    expect(recorded(after)).toEqual([
      { kind: "voltageLoss", phase: 1, start: 60, end: 560 },
      { kind: "underVoltage", phase: 1, start: 60, end: 560 },
      { kind: "terminalCoverOpen", phase: 0, start: 61, end: undefined },
      { kind: "powerOutage", phase: 0, start: 80, end: 500 },
      { kind: "relayTrip", phase: 0, start: 62, end: 62 },
    ]);
  });

  test("a snapshot that is cut, or of another meter, changes nothing", () => {
    const monitor = monitorOf();
    monitor.observe(LOST, at(0));
    monitor.observe(LOST, at(60));
    const bytes = monitor.snapshot();
    const other = monitorOf();
    for (let n = 0; n < bytes.length; n++) expect(other.restore(bytes.subarray(0, n)).ok).toBe(false);
    expect(monitorOf(eventPlanOf(SETTINGS, METERWORKS_1P.plate, 1)).restore(bytes).ok).toBe(false);
    expect(recorded(other)).toEqual([]);
  });
});

describe("conditions", () => {
  const raisedBy = (readings: EventReadings, plan: EventPlan = PLAN) => {
    const monitor = monitorOf(plan);
    monitor.observe(readings, at(0));
    monitor.observe(readings, at(60));
    return recorded(monitor).map(({ kind, phase }) => `${kind} ${phase}`);
  };

  test("the loss of all voltages suppresses the records of the phases", () => {
    const dark = shows([20, 20, 20], [5, 5, 5]);
    expect(raisedBy(dark)).toEqual(["allVoltageLoss 0"]);
    const off = { ...SETTINGS, allVoltageLoss: { ...SETTINGS.allVoltageLoss, trigger: 0 } };
    expect(raisedBy(dark, eventPlanOf(off, METERWORKS_3P.plate, 3))).toEqual(
      ["voltageLoss", "underVoltage"].flatMap((kind) => [1, 2, 3].map((phase) => `${kind} ${phase}`)),
    );
  });

  test("a meter of one phase has no events between phases, and sees a load that returns elsewhere", () => {
    const plan = eventPlanOf(defaultEventSettings(METERWORKS_1P.plate, 1), METERWORKS_1P.plate, 1);
    const bypassed = { ...shows([170], [5]), neutralCurrent: 1_000_000 };
    expect(raisedBy(bypassed, plan)).toEqual(["underVoltage 1", "neutralAbnormal 0"]);
    expect(raisedBy({ ...shows([230], [5]), neutralCurrent: 4_500_000 }, plan)).toEqual([]);
  });

  test("an event that is turned off ends after its delay", () => {
    const monitor = monitorOf();
    monitor.observe(LOST, at(0));
    monitor.observe(LOST, at(60));
    const off = { ...SETTINGS, voltageLoss: { ...SETTINGS.voltageLoss, trigger: 0 } };
    monitor.configure(eventPlanOf(off, METERWORKS_3P.plate, 3));
    monitor.observe(LOST, at(100));
    monitor.observe(LOST, at(160));
    expect(monitor.ended("voltageLoss", 1, 0)?.end).toBe(160);
  });
});

test("settings that make no sense are refused with the reason", () => {
  const broken = (change: object) => checkEventSettings({ ...SETTINGS, ...change });
  const loss = SETTINGS.voltageLoss;
  expect(checkEventSettings(JSON.parse(JSON.stringify(SETTINGS)))).toEqual({ ok: true, value: SETTINGS });
  expect(broken({ voltageLoss: { ...loss, trigger: 95 } })).toEqual({
    ok: false,
    error: "voltageLoss.trigger is 95: 0 (off) or 70..90",
  });
  expect(broken({ voltageLoss: { ...loss, trigger: 0 } }).ok).toBe(true);
  expect(broken({ voltageLoss: { ...loss, trigger: 90, recover: 80 } }).ok).toBe(false);
  expect(broken({ overVoltage: { trigger: 115, recover: 118, delay: 60 } }).ok).toBe(false);
  expect(broken({ voltageLoss: { ...loss, delay: 1.5 } }).ok).toBe(false);
  expect(broken({ voltageLoss: { ...loss, more: 1 } }).ok).toBe(false);
  expect(broken({ voltageLoss: undefined }).ok).toBe(false);
  expect(broken({ lightning: {} })).toEqual({ ok: false, error: '"lightning" is not an event with settings' });
  for (const value of [null, 3, []]) expect(checkEventSettings(value).ok).toBe(false);
});

interface Second {
  readonly u: number;
  readonly i: number;
}

/** Begins while the first is true, ends while the second is false; of L2, in plain numbers. */
const RULES: readonly (readonly [string, (s: Second) => boolean, (s: Second) => boolean])[] = [
  ["underVoltage", ({ u }) => u < 0.78 * 230, ({ u }) => u < 0.8 * 230],
  ["overVoltage", ({ u }) => u > 1.2 * 230, ({ u }) => u > 1.18 * 230],
  [
    "phaseFailure",
    ({ u, i }) => u < 0.6 * 230 && Math.abs(i) < 0.025,
    ({ u, i }) => u < 0.65 * 230 && Math.abs(i) < 0.025,
  ],
  ["reversal", ({ u, i }) => u * i < -5.75, ({ u, i }) => u * i < -4.6],
];

/** Judged second by second: a rule that is met for `delay` seconds on end counts from their end on. */
function naive(seconds: readonly Second[], delay: number) {
  return RULES.flatMap(([kind, begins, holds]) => {
    const events: { kind: string; phase: number; start: number; end: number | undefined }[] = [];
    let run = 0;
    for (const [t, second] of seconds.entries()) {
      const last = events.at(-1);
      const open = last !== undefined && last.end === undefined;
      run = (open ? !holds(second) : begins(second)) ? run + 1 : 0;
      if (run < delay) continue;
      run = 0;
      if (open) last.end = t + 1;
      else events.push({ kind, phase: 2, start: t + 1, end: undefined });
    }
    return events;
  });
}

/** Stretches around one threshold at a time, so that its hysteresis is met often. */
const stretches = fc.constantFrom([100, 145, 150], [179, 181, 185], [270, 274, 277]).chain((volts) =>
  fc.array(
    fc.record({
      seconds: fc.integer({ min: 1, max: 12 }),
      u: fc.constantFrom(230, ...volts),
      i: fc.constantFrom(0, 0.02, 5, -0.023, -0.027),
    }),
    { minLength: 1, maxLength: 12 },
  ),
);

test("every second or at edges only: what an oracle by the second finds", () => {
  fc.assert(
    fc.property(stretches, fc.integer({ min: 1, max: 6 }), (parts, delay) => {
      const settings: Record<string, unknown> = {};
      for (const [kind, fields] of Object.entries(SETTINGS)) settings[kind] = { ...fields, delay };
      const plan = eventPlanOf(settings as EventSettings, METERWORKS_3P.plate, 3);
      const seconds = parts.flatMap(({ seconds: n, u, i }) => Array<Second>(n).fill({ u, i }));
      const readings = ({ u, i }: Second) => shows([230, u, 230], [5, i, 5]);
      const steady = monitorOf(plan);
      for (const [t, second] of seconds.entries()) {
        steady.observe(readings(second), at(t));
        steady.commit();
      }
      const lazy = monitorOf(plan);
      let t = 0;
      for (const one of parts) {
        const end = t + one.seconds;
        for (; t < end; t = Math.min(end, Math.max(t + 1, lazy.nextEdge()))) {
          lazy.observe(readings(one), at(t));
          lazy.commit();
        }
      }
      for (const monitor of [steady, lazy]) monitor.observe(readings(seconds.at(-1) as Second), at(seconds.length));
      const kinds = RULES.map(([kind]) => kind);
      expect(recorded(steady).filter(({ kind, phase }) => kinds.includes(kind) && phase === 2)).toEqual(
        naive(seconds, delay),
      );
      expect(recorded(lazy)).toEqual(recorded(steady));
    }),
    { numRuns: 300 },
  );
});
