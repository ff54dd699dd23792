/** A meter's CPU on an RN8209C: what it makes of the registers against values worked out from the load alone. */
import { describe, expect, test } from "vitest";
import type { PhaseEnergy } from "../../../firmware-sim/metrology/chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { Rn8209cChip } from "../../../firmware-sim/metrology/rn8209c-chip.ts";
import { METERWORKS_1P } from "../../../protocols/models/meterworks-1p.ts";
import { civil } from "../../../src/core/time.ts";

const START = civil(1_800_000_000_000_000);
const { plate } = METERWORKS_1P;

/** Twenty seconds; energies of the windows that begin after the first second, and how long those are by the mains. */
function run(current: number, angle: number, relay = true) {
  const load = constantLoad(mainsOf({ phases: 1, voltage: 230, current, angle }));
  const chip = new Rn8209cChip({ plate, phases: 1, load, start: START, seed: 2 });
  chip.setRelay(relay);
  chip.advance(civil(START + 1_000_000), () => {});
  const sum = { active: 0, reactive: 0, apparent: 0 };
  let windows = 0;
  chip.advance(civil(START + 20_000_000), ([phase]) => {
    for (const kind of ["active", "reactive", "apparent"] as const) sum[kind] += (phase as PhaseEnergy)[kind];
    windows += 1;
  });
  return { readings: chip.readings(), sum, seconds: windows * 0.2 };
}

describe("a meter on the RN8209C", () => {
  test.each([
    ["import", 36.87, 919.998, 690.003],
    ["export", 210, -995.929, -575],
  ])("%s: voltage, current, power, angle, frequency", (_, angle, watts, vars) => {
    const { readings } = run(5, angle);
    expect(Math.abs((readings.voltage[0] as number) - 230_000)).toBeLessThan(5);
    expect(Math.abs((readings.current[0] as number) - 5_000_000)).toBeLessThan(300);
    expect(Math.abs((readings.active[0] as number) - watts * 1e3)).toBeLessThan(40);
    expect(Math.abs((readings.reactive[0] as number) - vars * 1e3)).toBeLessThan(40);
    expect(Math.abs((readings.apparent[0] as number) - 1_150_000)).toBeLessThan(60);
    expect(Math.abs((readings.angle[0] as number) - angle * 1e3)).toBeLessThan(5);
    expect(Math.abs(readings.frequency - 50_000)).toBeLessThan(6);
  });

  test.each([
    ["import", 36.87, 919.998, 690.003],
    ["export", 210, -995.929, -575],
  ])("%s: energy through pulses and fast counter is power × time, to a count", (_, angle, watts, vars) => {
    const { sum, seconds } = run(5, angle);
    expect(seconds).toBeCloseTo(19, 0);
    // 30 ppm, and a count (0.42 J) at either end.
    expect(Math.abs(sum.active / 1e6 - watts * seconds)).toBeLessThan(1.5);
    expect(Math.abs(sum.reactive / 1e6 - vars * seconds)).toBeLessThan(1.5);
    expect(Math.abs(sum.apparent / 1e6 - 1150 * seconds)).toBeLessThan(1.5);
  });

  test("half of Ist is nothing, a bit above it is counted; an open relay carries nothing", () => {
    expect(run(plate.ist * 0.45, 0)).toMatchObject({
      sum: { active: 0, reactive: 0, apparent: 0 },
      readings: { current: [0] },
    });
    expect(run(plate.ist, 0).sum.active / 1e6 / (4.6 * 19)).toBeCloseTo(1, 1);
    expect(run(5, 0, false)).toMatchObject({
      sum: { active: 0, reactive: 0, apparent: 0 },
      readings: { current: [0] },
    });
  });
});
