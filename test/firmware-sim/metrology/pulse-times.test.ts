/** Edges of the test outputs against the instants at which the mains have delivered each pulse's energy. */
import { describe, expect, test } from "vitest";
import type { MeteringChip } from "../../../firmware-sim/metrology/chip.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { CycleChip } from "../../../firmware-sim/metrology/cycle-chip.ts";
import type { ChipOptions } from "../../../firmware-sim/metrology/front-end.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { type Pulse, PulsePort } from "../../../firmware-sim/metrology/pulses.ts";
import { SampledChip } from "../../../firmware-sim/metrology/sampled-chip.ts";
import { type Civil, civil } from "../../../src/core/time.ts";
import { PLATE, SECOND } from "./oracle.ts";

/** One sample at 4 kHz, µs. */
const SAMPLE = 250;
const START = civil(1_795_536_000 * SECOND);
/** Several pulses a cycle, so that one is sure to come where the relay opens. */
const PLATE_FAST = { ...PLATE, impPerKwh: 100_000, impPerKvarh: 50_000 };
/** 3 × 230 V × 20 A at 30°. */
const WATTS = 13_800 * Math.cos(Math.PI / 6);
const VAR = 13_800 / 2;
const load = (angle: number, frequency = 50) => mainsOf({ phases: 3, voltage: 230, current: 20, angle, frequency });

function meterOf(Chip: new (options: ChipOptions) => MeteringChip, more: Partial<ChipOptions> = {}) {
  const chip = new Chip({ plate: PLATE_FAST, phases: 3, load: constantLoad(load(30)), start: START, seed: 7, ...more });
  const port = new PulsePort({ plate: PLATE_FAST, polyphaseTotal: "net" });
  const pulses: Pulse[] = [];
  port.subscribe((pulse) => pulses.push(pulse));
  const run = (until: number) => chip.advance((START + until) as Civil, (window, span) => port.add(window, span));
  const times = (name: Pulse["name"]) => pulses.filter((p) => p.name === name).map((p) => p.time - START);
  return { chip, run, times };
}

/** µs that a pulse takes at this power, W or var. */
const period = (power: number, constant: number) => (3.6e6 / constant / power) * 1e6;

/** Of edges against those of an exact meter that has counted since `from`. */
function jitter(times: readonly number[], micros: number, from: number): number {
  return Math.max(...times.map((t, k) => Math.abs(t - from - (k + 1) * micros)));
}

describe.each([
  ["samples", SampledChip],
  ["cycles", CycleChip],
  ["closed form", ClosedFormChip],
])("%s: edges", (_, Chip) => {
  test.each([45, 50, 61.3])("are where the energy is, within a sample, at %s Hz", (frequency) => {
    const { run, times } = meterOf(Chip, { load: constantLoad(load(30, frequency)) });
    // In odd steps: what was asked for when must not matter.
    for (let t = 0.037; t < 20; t += 0.491) run(t * SECOND);
    run(20.4 * SECOND);
    const active = times("active");
    expect(active.length).toBeGreaterThan(20 / (period(WATTS, 100_000) / SECOND) - 1);
    expect(jitter(active, period(WATTS, 100_000), 0)).toBeLessThan(SAMPLE);
    // The first stretch is no whole cycle and has no reactive energy: a meter counts from the second window on.
    const reactive = times("reactive").filter((time) => time > SECOND);
    const micros = period(VAR, 50_000);
    expect(reactive.length).toBeGreaterThan(19 / (micros / SECOND) - 1);
    expect(jitter(reactive, micros, (reactive[0] as number) - micros)).toBeLessThan(SAMPLE);
  });

  test("stay in place across the opening of the relay, and go on with the rest when it closes", () => {
    for (const open of [5.0137, 5.1113, 5.2071]) {
      const { chip, run, times } = meterOf(Chip);
      run(open * SECOND);
      chip.setRelay(false);
      run(6.003 * SECOND);
      const close = 6.0041;
      run(close * SECOND);
      chip.setRelay(true);
      run(12 * SECOND);
      const micros = period(WATTS, 100_000);
      const active = times("active");
      expect(active.length).toBeGreaterThan(300);
      for (const [k, time] of active.entries()) {
        // The energy's clock stood still while the relay was open.
        const flowing = (k + 1) * micros;
        const expected = flowing < open * SECOND ? flowing : flowing + (close - open) * SECOND;
        expect(Math.abs(time - expected), `pulse ${k} of an opening at ${open}`).toBeLessThan(SAMPLE);
      }
    }
  });

  test("a relay that opens and closes again within one cycle leaves the edges within it", () => {
    const { chip, run, times } = meterOf(Chip);
    run(5.0137 * SECOND);
    chip.setRelay(false);
    run(5.0197 * SECOND);
    chip.setRelay(true);
    run(9 * SECOND);
    const micros = period(WATTS, 100_000);
    for (const [k, time] of times("active").entries()) {
      const flowing = (k + 1) * micros;
      const expected = flowing < 5.0137 * SECOND ? flowing : flowing + 6_000;
      expect(Math.abs(time - expected)).toBeLessThan(SAMPLE);
    }
  });

  test("none without import", () => {
    const { run, times } = meterOf(Chip, { load: constantLoad(load(210)) });
    run(10 * SECOND);
    expect(times("active")).toEqual([]);
    expect(times("reactive")).toEqual([]);
  });
});

test("by a clock that runs fast the edges come as often as the meter counts, dated by the world's", () => {
  const { run, times } = meterOf(SampledChip, { errors: { clockPpm: 1_000 } });
  run(60 * SECOND);
  expect(jitter(times("active"), period(WATTS * 1.001, 100_000), 0)).toBeLessThan(SAMPLE);
});
