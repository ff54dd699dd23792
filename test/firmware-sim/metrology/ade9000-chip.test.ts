/** A meter's CPU on an ADE9000 over SPI: what it makes of the registers, by the load alone and by the measuring core. */
import { describe, expect, test } from "vitest";
import { Ade9000Chip } from "../../../firmware-sim/metrology/ade9000-chip.ts";
import type { MeteringChip, PhaseEnergy } from "../../../firmware-sim/metrology/chip.ts";
import { constantLoad, type MainsDescription, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { SampledChip } from "../../../firmware-sim/metrology/sampled-chip.ts";
import { METERWORKS_3P } from "../../../protocols/models/meterworks-3p.ts";
import { civil } from "../../../src/core/time.ts";

const START = civil(1_800_000_000_000_000);
const { plate } = METERWORKS_3P;
const KINDS = ["active", "reactive", "apparent"] as const;
const SECONDS = 10;

/** Energies per phase of the windows that end after the first second, and how many those are. */
function run(chip: MeteringChip) {
  chip.advance(civil(START + 1_000_000), () => {});
  const sums = [0, 1, 2].map(() => ({ active: 0, reactive: 0, apparent: 0 }));
  let windows = 0;
  chip.advance(civil(START + SECONDS * 1_000_000), (phases) => {
    for (const [p, sum] of sums.entries()) for (const kind of KINDS) sum[kind] += (phases[p] as PhaseEnergy)[kind];
    windows += 1;
  });
  return { sums, windows, readings: chip.readings() };
}

function both(mains: Omit<MainsDescription, "phases">, relay = true) {
  const load = constantLoad(mainsOf({ phases: 3, ...mains }));
  const options = { plate, phases: 3, load, start: START, seed: 4 } as const;
  const chips = [new Ade9000Chip(options), new SampledChip(options)] as const;
  for (const chip of chips) chip.setRelay(relay);
  return { ade: run(chips[0]), core: run(chips[1]) };
}

const UNBALANCED = { voltage: [230, 231, 229], current: [5, 4, 3], angle: [30, 210, 300] };

describe("a meter on the ADE9000", () => {
  test("volts, amperes, watts, var, VA, angles and line voltages of a load worked out by hand", () => {
    const { readings } = both(UNBALANCED).ade;
    const near = (values: readonly number[], expected: readonly number[], within: number) => {
      for (const [k, value] of expected.entries()) expect(Math.abs((values[k] as number) - value)).toBeLessThan(within);
    };
    near(readings.voltage, [230_000, 231_000, 229_000], 6);
    near(readings.current, [5e6, 4e6, 3e6], 700);
    near(readings.active, [995_929, -800_207, 343_500], 60); // 1150 cos 30°, 924 cos 210°, 687 cos 300°
    near(readings.reactive, [575_000, -462_000, -594_959], 60);
    near(readings.apparent, [1_150_000, 924_000, 687_000], 120);
    near(readings.angle, [30_000, 210_000, 300_000], 12);
    // √(a² + b² + ab), with a step of angle: 0.0176° of 120°.
    near(readings.lineVoltage, [399_239, 398_373, 397_507], 40);
    expect(Math.abs(readings.frequency - 50_000)).toBeLessThan(2);
  });

  test("energy agrees with the measuring core within the register's step and the noise", () => {
    const { ade, core } = both(UNBALANCED);
    expect(ade.windows).toBe(core.windows);
    const seconds = ade.windows * 0.2;
    for (const [p, sum] of ade.sums.entries()) {
      // Both have their own noise: 20 ppm of apparent power; and 10 ms that have not gone over yet.
      const apparent = (UNBALANCED.voltage[p] as number) * (UNBALANCED.current[p] as number) * 1e6;
      for (const kind of KINDS) {
        const difference = Math.abs(sum[kind] - (core.sums[p] as typeof sum)[kind]);
        expect(difference, `${kind} of ${p}`).toBeLessThan(apparent * (seconds * 2e-5 + 0.01));
      }
    }
    // By hand, so that both can't be wrong alike.
    expect((ade.sums[0]?.active ?? 0) / 1e6 / (995.929 * seconds)).toBeCloseTo(1, 3);
    expect((ade.sums[1]?.active ?? 0) / 1e6 / (-800.207 * seconds)).toBeCloseTo(1, 3);
  });

  test("half of Ist is nothing, Ist is counted; an open relay carries nothing; two phases may be dead", () => {
    const idle = both({ voltage: 230, current: plate.ist * 0.45 }).ade;
    expect(idle.sums).toEqual([0, 1, 2].map(() => ({ active: 0, reactive: 0, apparent: 0 })));
    expect(idle.readings).toMatchObject({ current: [0, 0, 0], active: [0, 0, 0], neutralCurrent: 0 });
    const least = both({ voltage: 230, current: plate.ist }).ade;
    expect((least.sums[0]?.active ?? 0) / 1e6 / (4.6 * least.windows * 0.2)).toBeCloseTo(1, 1);
    expect(both({ voltage: 230, current: 5 }, false).ade.readings.current).toEqual([0, 0, 0]);
    const { readings } = both({ voltage: [230, 0, 0], current: [5, 0, 0] }).ade;
    expect(Math.abs((readings.lineVoltage[0] as number) - 230_000)).toBeLessThan(10);
    expect(Math.abs(readings.neutralCurrent - 5e6)).toBeLessThan(700);
  });
});
