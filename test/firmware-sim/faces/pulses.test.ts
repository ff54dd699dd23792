/** The test outputs of a whole meter: every Wh of its register is one edge, at its instant, also when its relay opens. */
import { expect, test } from "vitest";
import { PulseFace } from "../../../firmware-sim/faces/pulses.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { CycleChip } from "../../../firmware-sim/metrology/cycle-chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import type { Pulse } from "../../../firmware-sim/metrology/pulses.ts";
import { SampledChip } from "../../../firmware-sim/metrology/sampled-chip.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { METERWORKS_1P } from "../../../protocols/models/meterworks-1p.ts";
import { METERWORKS_3P } from "../../../protocols/models/meterworks-3p.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";

const START = 1_795_536_000e6;
const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil(START + seconds * 1e6) });
/** One sample, µs. */
const SAMPLE = 250;

function watched(
  Chip: typeof SampledChip | typeof CycleChip | typeof ClosedFormChip,
  model = METERWORKS_3P,
  angle = 60,
) {
  const { plate, phases } = model;
  const mains = mainsOf({ phases, voltage: 230, current: 60, angle });
  const meter = Meter.powerOn(
    {
      ...{ id: "led", model, nvram: new MemoryNvram(), password: 1, checkpointEvery: 1e15 },
      chip: (start) => new Chip({ plate, phases, load: constantLoad(mains), start, seed: 1 }),
    },
    at(0),
  );
  if (!meter.ok) throw new Error(meter.error);
  const pulses: Pulse[] = [];
  const face = new PulseFace(meter.value, (pulse) => pulses.push(pulse));
  let now = 0;
  /** Wakes it as a driver does, a little late. */
  const run = (until: number) => {
    while (now < until) {
      now = Math.min(until, face.nextWake().mono / 1e6 + 0.0137);
      face.wake(at(now));
    }
  };
  const times = (name: Pulse["name"]) => pulses.filter((p) => p.name === name).map((p) => (p.time - START) / 1e6);
  return { meter: meter.value, pulses, run, times };
}

test.each([
  ["samples", SampledChip],
  ["cycles", CycleChip],
  ["closed form", ClosedFormChip],
])("%s: as many edges as Wh and varh in the registers, evenly spaced, in order", (_, Chip) => {
  const { meter, pulses, run, times } = watched(Chip);
  run(20);
  expect(times("active").length).toBe(Math.floor((meter.value("activeEnergyImport") as number) / 1e3));
  expect(times("reactive").length).toBe(Math.floor((meter.value("reactiveEnergyImport") as number) / 1e3));
  expect(times("active").length).toBeGreaterThan(100);
  for (const [k, pulse] of pulses.entries())
    expect(pulse.time).toBeGreaterThanOrEqual(pulses[k - 1]?.time ?? Number.NEGATIVE_INFINITY);
  const power = { active: 20_700, reactive: 20_700 * Math.sqrt(3) };
  for (const name of ["active", "reactive"] as const)
    for (const [k, time] of times(name).entries())
      expect(Math.abs(time - (times(name)[0] as number) - (k * 3_600) / power[name]) * 1e6).toBeLessThan(SAMPLE);
});

test("the relay's opening: the edges end with the current, and go on with the rest when it closes", () => {
  const { meter, run, times } = watched(SampledChip);
  run(5);
  meter.orderRelay("trip", at(5.0137));
  run(8);
  const before = times("active");
  const period = 3_600 / 20_700;
  expect(5.0137 - (before.at(-1) as number)).toBeGreaterThan(-SAMPLE / 1e6);
  expect(5.0137 - (before.at(-1) as number)).toBeLessThan(period + SAMPLE / 1e6);
  meter.orderRelay("close", at(8.0041));
  run(12);
  const after = times("active")[before.length] as number;
  const rest = period - (5.0137 - (before.at(-1) as number));
  expect(Math.abs(after - 8.0041 - rest) * 1e6).toBeLessThan(2 * SAMPLE);
});

test("single phase, whose power pulsates: as even as on three, at the constant of its plate", () => {
  const { run, times } = watched(SampledChip, METERWORKS_1P, 0);
  run(20);
  const active = times("active");
  expect(active.length).toBeGreaterThan(110);
  // 1600 imp/kWh at 13.8 kW.
  const period = 3.6e6 / 1_600 / 13_800;
  for (const [k, time] of active.entries())
    expect(Math.abs(time - (active[0] as number) - k * period) * 1e6).toBeLessThan(SAMPLE);
  expect(times("reactive")).toEqual([]);
});
