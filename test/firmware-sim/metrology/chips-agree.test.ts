/** The invariant of the three fidelities: within 20 ppm of apparent power plus five times the theoretical noise. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChipReadings, MeteringChip } from "../../../firmware-sim/metrology/chip.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { CycleChip } from "../../../firmware-sim/metrology/cycle-chip.ts";
import { type ChipOptions, type FrontEndErrors, SAMPLE_RATE } from "../../../firmware-sim/metrology/front-end.ts";
import { constantLoad, type Mains, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { SampledChip } from "../../../firmware-sim/metrology/sampled-chip.ts";
import { civil } from "../../../src/core/time.ts";
import { anyMains, PLATE, SECOND, shown, uniform } from "./oracle.ts";

/** Full scale by the rating plate, peak: 2 Un and 1.5 Imax. */
const VOLTS = 2 * PLATE.un * Math.SQRT2;
const AMPERES = 1.5 * PLATE.imax * Math.SQRT2;

const channelError = fc.record({
  gain: uniform(-0.05, 0.05),
  delay: uniform(-60, 60),
  offset: uniform(-0.01, 0.01),
});
const anyErrors = fc.record({
  voltage: fc.tuple(channelError, channelError, channelError),
  current: fc.tuple(channelError, channelError, channelError),
  clockPpm: uniform(-200, 200),
  bits: fc.integer({ min: 18, max: 24 }),
  noise: uniform(-6, -3.5).map((power) => 10 ** power),
});

interface Shown {
  readonly sampled: ChipReadings;
  readonly cycle: ChipReadings;
  readonly closed: ChipReadings;
}

function optionsOf(mains: Mains, errors: FrontEndErrors): ChipOptions {
  return { plate: PLATE, phases: 3, load: constantLoad(mains), start: civil(0), seed: 42, errors };
}

function allOf(mains: Mains, errors: FrontEndErrors): Shown {
  const options = optionsOf(mains, errors);
  const settled = (chip: MeteringChip) => {
    chip.advance(civil(1 * SECOND), () => {});
    return chip.readings();
  };
  return {
    sampled: settled(new SampledChip(options)),
    cycle: settled(new CycleChip(options)),
    closed: new ClosedFormChip(options).readings(),
  };
}

/** The largest deviation of a phase as a multiple of what is allowed. */
function excess(mains: Mains, errors: FrontEndErrors, one: ChipReadings, other: ChipReadings, noises = 1): number {
  const samples = (10 / mains.frequency) * SAMPLE_RATE;
  const noiseOf = (fullScale: number) =>
    Math.hypot((errors.noise ?? 0) * fullScale, fullScale / 2 ** ((errors.bits ?? 24) - 1) / Math.sqrt(12));
  const volts = noises * noiseOf(VOLTS);
  const amperes = noises * noiseOf(AMPERES);
  let worst = 0;
  for (const p of [0, 1, 2]) {
    const a = shown(one, p);
    const b = shown(other, p);
    const sigma = Math.sqrt((b.voltage ** 2 * amperes ** 2 + b.current ** 2 * volts ** 2) / samples);
    const allowed = {
      active: 20e-6 * b.apparent + 5 * sigma,
      reactive: 20e-6 * b.apparent + 5 * sigma,
      apparent: 20e-6 * b.apparent + 5 * sigma,
      voltage: 20e-6 * b.voltage + (5 * volts) / Math.sqrt(samples),
      current: 20e-6 * b.current + (5 * amperes) / Math.sqrt(samples),
    };
    for (const kind of ["active", "reactive", "apparent", "voltage", "current"] as const)
      worst = Math.max(worst, Math.abs(a[kind] - b[kind]) / allowed[kind]);
  }
  return worst;
}

describe("samples, cycles and closed form", () => {
  it("agree on any mains with any front end", () => {
    fc.assert(
      fc.property(anyMains, anyErrors, (mains, errors) => {
        const { sampled, cycle, closed } = allOf(mains, errors);
        expect(excess(mains, errors, sampled, closed)).toBeLessThan(1);
        expect(excess(mains, errors, cycle, closed)).toBeLessThan(1);
        // The noise of both is in what lies between them.
        expect(excess(mains, errors, sampled, cycle, Math.SQRT2)).toBeLessThan(1);
        expect(Math.abs(sampled.frequency - closed.frequency)).toBeLessThanOrEqual(2);
        expect(Math.abs(cycle.frequency - closed.frequency)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  it("agree on the line voltages and the neutral", () => {
    fc.assert(
      fc.property(anyMains, (mains) => {
        const { sampled, cycle, closed } = allOf(mains, { noise: 0 });
        for (const one of [sampled, cycle]) {
          for (const l of [0, 1, 2])
            expect(Math.abs((one.lineVoltage[l] as number) / (closed.lineVoltage[l] as number) - 1)).toBeLessThan(2e-5);
          // Of the phase currents' size: the neutral can be their small difference.
          expect(Math.abs(one.neutralCurrent - closed.neutralCurrent)).toBeLessThan(2e-5 * Math.max(...closed.current));
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ["samples", SampledChip],
    ["cycles", CycleChip],
  ])(
    "noise of %s scatters power as theory says, around the power without it, and lifts rms as the closed form says",
    (_, Chip) => {
      const mains = mainsOf({ phases: 3, voltage: 230, current: 2, angle: 45 });
      const options: ChipOptions = {
        plate: PLATE,
        phases: 3,
        load: constantLoad(mains),
        start: civil(0),
        seed: 3,
        errors: { noise: 1e-3 },
      };
      const chip = new Chip(options);
      chip.advance(civil(SECOND), () => {});
      const watts: number[] = [];
      const amperes: number[] = [];
      chip.advance(civil(121 * SECOND), (w) => {
        watts.push((w[0]?.active as number) / 0.2e6);
        amperes.push((chip.readings().current[0] as number) / 1e6);
      });
      const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
      const deviation = Math.sqrt(mean(watts.map((x) => (x - mean(watts)) ** 2)));
      const [nv, ni] = [1e-3 * VOLTS, 1e-3 * AMPERES];
      // The product of the two noises adds its own power where they are this large.
      const sigma = Math.sqrt((230 ** 2 * ni ** 2 + 2 ** 2 * nv ** 2 + nv ** 2 * ni ** 2) / 800);
      expect(watts.length).toBeGreaterThan(590);
      // The standard error of a deviation of 600 values is 2.9 %.
      expect(Math.abs(deviation / sigma - 1)).toBeLessThan(0.12);
      expect(Math.abs(mean(watts) - 460 * Math.SQRT1_2)).toBeLessThan((4 * sigma) / Math.sqrt(watts.length));
      const closed = (new ClosedFormChip(options).readings().current[0] as number) / 1e6;
      expect(closed).toBeCloseTo(Math.hypot(2, ni), 6);
      expect(Math.abs(mean(amperes) - closed)).toBeLessThan((4 * ni) / Math.sqrt(800 * amperes.length));
    },
  );

  it("would not agree on front ends that differ by 100 ppm of gain or half a microsecond: the test can fail", () => {
    const [mains] = fc.sample(anyMains, { numRuns: 1, seed: 5 }) as [Mains];
    const { closed } = allOf(mains, { noise: 0 });
    const gain = allOf(mains, { noise: 0, voltage: { gain: 1e-4 } });
    const delay = allOf(mains, { noise: 0, current: { delay: 0.5 } });
    for (const fidelity of ["sampled", "cycle", "closed"] as const) {
      expect(excess(mains, { noise: 0 }, gain[fidelity], closed)).toBeGreaterThan(1);
      expect(excess(mains, { noise: 0 }, delay[fidelity], closed)).toBeGreaterThan(1);
    }
  });
});
