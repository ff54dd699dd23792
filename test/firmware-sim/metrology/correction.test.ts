/** The correction stage: every register by hand, and both chips the same whatever parts and constants. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawParts } from "../../../firmware-sim/factory/parts.ts";
import { LONGEST_DELAY, type PhaseCalibration, UNCALIBRATED } from "../../../firmware-sim/metrology/calibration.ts";
import type { ChipReadings, MeteringChip } from "../../../firmware-sim/metrology/chip.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { CycleChip } from "../../../firmware-sim/metrology/cycle-chip.ts";
import { type ChipOptions, SAMPLE_RATE } from "../../../firmware-sim/metrology/front-end.ts";
import { constantLoad, type Mains, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { SampledChip } from "../../../firmware-sim/metrology/sampled-chip.ts";
import { civil } from "../../../src/core/time.ts";
import { anyMains, PLATE, SECOND, shown, uniform } from "./oracle.ts";

const CHIPS = [ClosedFormChip, CycleChip, SampledChip];

function settled(chip: MeteringChip): ChipReadings {
  chip.advance(civil(SECOND), () => {});
  return chip.readings();
}

describe.each(CHIPS)("each register of %o", (Chip) => {
  const mains = mainsOf({ phases: 1, voltage: 230, current: 5, angle: 60 });
  const read = (register: Partial<PhaseCalibration>, more: Partial<ChipOptions> = {}) => {
    const options = { plate: PLATE, phases: 1 as const, load: constantLoad(mains), start: civil(0), seed: 1 };
    const calibration = [{ ...UNCALIBRATED, ...register }];
    return shown(settled(new Chip({ ...options, errors: { noise: 0 }, calibration, ...more })), 0);
  };
  const near = (value: number, expected: number, ratio = 2e-5) =>
    expect(Math.abs(value - expected)).toBeLessThan(ratio * Math.abs(expected));

  it("gains of voltage and current multiply the channel, and power with it", () => {
    const volts = read({ voltageGain: 500_000 });
    near(volts.voltage, 230 * 1.05);
    near(volts.current, 5);
    near(volts.active, 575 * 1.05);
    near(volts.reactive, 1150 * Math.sin(Math.PI / 3) * 1.05);
    const amperes = read({ currentGain: -200_000 });
    near(amperes.current, 5 * 0.98);
    near(amperes.voltage, 230);
    near(amperes.apparent, 1150 * 0.98);
  });

  it("the gain of power leaves voltage, current and apparent power alone", () => {
    const seen = read({ powerGain: 100_000 });
    near(seen.active, 575 * 1.01);
    near(seen.reactive, 1150 * Math.sin(Math.PI / 3) * 1.01);
    near(seen.apparent, 1150);
  });

  it.each([100_000, 250_000, 400_000, -100_000, -370_000])("a delay of %d ns turns the current by as much", (delay) => {
    const seen = read({ delay });
    const angle = Math.PI / 3 + 2 * Math.PI * 50 * delay * 1e-9;
    // The parabola is 1e-4 of the amplitude off at most.
    expect(Math.abs(seen.active - 1150 * Math.cos(angle))).toBeLessThan(1150 * 2e-4);
    expect(Math.abs(seen.reactive - 1150 * Math.sin(angle))).toBeLessThan(1150 * 2e-4);
    near(seen.current, 5, 2e-4);
  });

  it("offset, phase of reactive power and rms offset", () => {
    near(read({ powerOffset: 2_500_000 }).active, 577.5);
    const turned = read({ reactivePhase: 100_000 });
    near(turned.reactive, 1150 * Math.sin(Math.PI / 3 - 0.01));
    near(turned.active, 575);
    near(read({ currentOffset: 3_000_000 }).current, 4);
    expect(read({ currentOffset: 6_000_000 }).current).toBe(0);
  });

  it("line voltages and neutral are of corrected samples", () => {
    const errors = { noise: 0, voltage: [{ gain: 0.25 }, {}, {}], current: [{ gain: 0.25 }, {}, {}] };
    const load = constantLoad(mainsOf({ phases: 3, voltage: 230, current: 5 }));
    const options: ChipOptions = { plate: PLATE, phases: 3, load, start: civil(0), seed: 1, errors };
    const gain = { ...UNCALIBRATED, voltageGain: -2_000_000, currentGain: -2_000_000 };
    const seen = settled(new Chip({ ...options, calibration: [gain, UNCALIBRATED, UNCALIBRATED] }));
    for (const line of seen.lineVoltage) near(line / 1e3, 230 * Math.sqrt(3));
    expect(seen.neutralCurrent).toBe(0);
    expect(settled(new Chip(options)).neutralCurrent).toBeGreaterThan(1_000_000);
  });

  it("noise passes the filter of a delay as white noise does: by the root of the sum of its squared weights", () => {
    const none = constantLoad(mainsOf({ phases: 1, voltage: 230, current: 0 }));
    const seen = read({ delay: 125_000 }, { load: none, errors: { noise: 1e-3 }, noLoadThreshold: "off" });
    // Half a sample: 0.375, 0.75, −0.125. A window of 800 samples scatters by 2.5 %.
    near(seen.current, 1e-3 * 150 * Math.SQRT2 * Math.sqrt(0.71875), 0.08);
  });

  it("temperature changes the gain by its drift, from 23 °C on", () => {
    const errors = { noise: 0, voltage: { drift: 50e-6 }, current: { drift: -10e-6 } };
    near(read({}, { errors, temperature: 63 }).voltage, 230 * 1.002);
    near(read({}, { errors, temperature: -17 }).current, 5 * 1.0004);
    near(read({}, { errors }).voltage, 230);
  });

  it("crosstalk is voltage in the current: power without load, seen when the threshold is off", () => {
    const none = constantLoad(mainsOf({ phases: 1, voltage: 230, current: 0 }));
    const errors = { noise: 0, crosstalk: [1e-4] };
    expect(read({}, { load: none, errors }).active).toBe(0);
    // Half of full scale (460 V) in 10^-4 of 150 A.
    const seen = read({}, { load: none, errors, noLoadThreshold: "off" });
    near(seen.current, 0.0075, 1e-3);
    near(seen.active, 230 * 0.0075, 1e-3);
  });
});

describe("energy of a calibrated meter", () => {
  it("is the same to the µW s however time is cut: the correction rounds nothing away", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 3_600_000_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), cuts, (seed, pieces) => {
        const load = constantLoad(mainsOf({ phases: 1, voltage: 230, current: 0.37, angle: 200 }));
        const calibration = [{ ...UNCALIBRATED, voltageGain: -123_457, powerGain: 31_415, powerOffset: 77_777 }];
        const errors = drawParts(seed, 1);
        const energy = (times: readonly number[]) => {
          const options = { plate: PLATE, phases: 1 as const, load, start: civil(0), seed, errors, calibration };
          const chip = new ClosedFormChip(options);
          let sum = 0n;
          for (const time of times) chip.advance(civil(time), (w) => (sum += BigInt(w[0]?.active as number)));
          return sum;
        };
        let end = 0;
        const times = pieces.map((piece) => (end += piece));
        expect(energy(times)).toBe(energy([end]));
        expect(energy([end])).toBeLessThan(0n);
      }),
      { numRuns: 50 },
    );
  });
});

const register = fc.record({
  voltageGain: fc.integer({ min: -500_000, max: 500_000 }),
  currentGain: fc.integer({ min: -500_000, max: 500_000 }),
  powerGain: fc.integer({ min: -100_000, max: 100_000 }),
  delay: fc.integer({ min: -LONGEST_DELAY, max: LONGEST_DELAY }),
  powerOffset: fc.integer({ min: -1_000_000, max: 1_000_000 }),
  reactivePhase: fc.integer({ min: -100_000, max: 100_000 }),
  currentOffset: fc.integer({ min: 0, max: 20_000 }),
});

describe("sampled and closed form", () => {
  const worstOf = (mains: Mains, options: ChipOptions, other = options) => {
    const a = settled(new SampledChip(options));
    const b = new ClosedFormChip(other).readings();
    const samples = (10 / mains.frequency) * SAMPLE_RATE;
    const noise = options.errors?.noise as number;
    // Peak full scale of the plate: 2 Un and 1.5 Imax; the largest gain makes noise larger, too.
    const volts = 1.15 * noise * 2 * PLATE.un * Math.SQRT2;
    const amperes = 1.15 * noise * 1.5 * PLATE.imax * Math.SQRT2;
    let worst = 0;
    for (const p of [0, 1, 2]) {
      const [x, y] = [shown(a, p), shown(b, p)];
      const sigma = Math.hypot(y.voltage * amperes, y.current * volts) / Math.sqrt(samples);
      for (const kind of ["active", "reactive", "apparent"] as const)
        worst = Math.max(worst, Math.abs(x[kind] - y[kind]) / (20e-6 * y.apparent + 5 * sigma));
      const rms = 20e-6 * y.current + (5 * amperes) / Math.sqrt(samples);
      worst = Math.max(worst, Math.abs(x.current - y.current) / rms);
    }
    return worst;
  };
  const options = (mains: Mains, seed: number, more: Partial<ChipOptions> = {}): ChipOptions => ({
    ...{ plate: PLATE, phases: 3, load: constantLoad(mains), start: civil(0), seed },
    ...{ errors: drawParts(seed, 3), ...more },
  });

  it("agree under drawn parts, any constants and any temperature", () => {
    const any = fc.tuple(anyMains, fc.nat(1_000_000), fc.tuple(register, register, register), uniform(-25, 60));
    fc.assert(
      fc.property(any, ([mains, seed, calibration, temperature]) => {
        expect(worstOf(mains, options(mains, seed, { calibration, temperature }))).toBeLessThan(1);
        expect(worstOf(mains, options(mains, seed))).toBeLessThan(1);
      }),
      { numRuns: 100 },
    );
  });

  it("would not, were one of them 100 ppm or half a microsecond off: the test can fail", () => {
    const [mains] = fc.sample(anyMains, { numRuns: 1, seed: 5 }) as [Mains];
    for (const change of [{ currentGain: 1_000 }, { delay: 500 }, { powerGain: 1_000 }]) {
      const c = { ...UNCALIBRATED, ...change };
      const quiet = (more: Partial<ChipOptions>) => options(mains, 1, { errors: { noise: 2e-6 }, ...more });
      expect(worstOf(mains, quiet({ calibration: [c, c, c] }), quiet({}))).toBeGreaterThan(1);
    }
  });
});
