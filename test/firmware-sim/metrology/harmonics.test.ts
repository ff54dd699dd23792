/** Harmonics, THD, sequence, fundamental and classic powers against analytic sums, and the three fidelities against each other. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UNCALIBRATED } from "../../../firmware-sim/metrology/calibration.ts";
import type { ChipReadings, MeteringChip } from "../../../firmware-sim/metrology/chip.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { CycleChip } from "../../../firmware-sim/metrology/cycle-chip.ts";
import type { ChipOptions, FrontEndErrors } from "../../../firmware-sim/metrology/front-end.ts";
import {
  constantLoad,
  type Harmonic,
  type Mains,
  mainsOf,
  type PhaseMains,
  stepLoad,
} from "../../../firmware-sim/metrology/mains.ts";
import { SampledChip } from "../../../firmware-sim/metrology/sampled-chip.ts";
import { civil } from "../../../src/core/time.ts";
import { anyMains, distortion, PLATE, ppm, richMains, SECOND, truth, uniform } from "./oracle.ts";

const FIDELITIES = [
  ["samples", SampledChip],
  ["cycles", CycleChip],
  ["closed form", ClosedFormChip],
] as const;

type Chip = new (options: ChipOptions) => MeteringChip;

function settled(Chip: Chip, mains: Mains, more: Partial<ChipOptions> = {}, seconds = 1): ChipReadings {
  const chip = new Chip({
    ...{ plate: PLATE, phases: 3, load: constantLoad(mains), start: civil(0), seed: 1, errors: { noise: 0 } },
    ...more,
  });
  chip.advance(civil(seconds * SECOND), () => {});
  return chip.readings();
}

const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** Watts of the fundamental, and var of all orders by Σ V·I·sin φ: written out from the definitions. */
function powers(p: PhaseMains) {
  const apparent = p.voltage * p.current;
  let classic = apparent * Math.sin(radians(p.angle));
  for (const v of p.voltageHarmonics)
    for (const i of p.currentHarmonics)
      if (i.order === v.order)
        classic += apparent * v.ratio * i.ratio * Math.sin(radians(v.angle + v.order * p.angle - i.angle));
  return { fundamental: apparent * Math.cos(radians(p.angle)), classic };
}

const ratioOf = (all: readonly Harmonic[], order: number) => all.find((h) => h.order === order)?.ratio ?? 0;

/** The largest deviation of any order and of the THD, in percent of the fundamental. */
function worstHarmonic(readings: ChipReadings, mains: Mains): number {
  let worst = 0;
  for (const [p, phase] of mains.phases.entries()) {
    const thd = distortion(phase);
    for (const kind of ["voltage", "current"] as const) {
      const seen = readings.harmonics?.[kind][p];
      const expected = kind === "voltage" ? phase.voltageHarmonics : phase.currentHarmonics;
      expect(seen?.orders.length).toBe(20);
      for (let order = 2; order <= 21; order++)
        worst = Math.max(worst, Math.abs((seen?.orders[order - 2] as number) / 1_000 - 100 * ratioOf(expected, order)));
      worst = Math.max(worst, Math.abs((seen?.thd as number) / 1_000 - 100 * thd[kind]));
    }
  }
  return worst;
}

describe.each(FIDELITIES)("%s, noiseless", (_, Chip) => {
  it("show every order to the 21st and the THD within 0.001 % of the fundamental", () => {
    fc.assert(
      // Half a digit is rounding.
      fc.property(richMains, (mains) => {
        expect(worstHarmonic(settled(Chip, mains), mains)).toBeLessThan(1.5e-3);
      }),
      { numRuns: 40 },
    );
  });

  it("show the fundamental's active power, and reactive power by either definition, within 10 ppm of apparent", () => {
    fc.assert(
      fc.property(richMains, (mains) => {
        const fundamental = settled(Chip, mains);
        const classic = settled(Chip, mains, { reactive: "classic" });
        for (const [p, phase] of mains.phases.entries()) {
          const { apparent, reactive } = truth(phase);
          const expected = powers(phase);
          const off = (shown: number | null | undefined, watts: number) =>
            Math.abs(ppm((shown as number) / 1e3, watts, apparent));
          expect(off(fundamental.fundamentalActive[p], expected.fundamental)).toBeLessThan(10);
          expect(off(classic.fundamentalActive[p], expected.fundamental)).toBeLessThan(10);
          expect(off(fundamental.reactive[p], reactive)).toBeLessThan(10);
          expect(off(classic.reactive[p], expected.classic)).toBeLessThan(10);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("correct the fundamental's power as all power: of a sine it is the same, whatever the factory wrote", () => {
    const sine = mainsOf({ phases: 3, voltage: 230, current: 10, angle: 40 });
    const constants = { ...UNCALIBRATED, powerGain: 25_000, powerOffset: 1_500_000 };
    const { active, fundamentalActive } = settled(Chip, sine, { calibration: [constants, constants, constants] });
    const expected = 2_300 * Math.cos(radians(40)) * 1.0025 + 1.5;
    for (const p of [0, 1, 2]) {
      expect(Math.abs((active[p] as number) / 1e3 - expected)).toBeLessThan(0.02);
      expect(Math.abs((fundamentalActive[p] as number) - (active[p] as number))).toBeLessThan(20);
    }
  });

  it("count classic reactive energy where that is the definition", () => {
    const fifth = (ratio: number, angle: number) => [{ order: 5, ratio, angle }];
    const mains = mainsOf({
      phases: 3,
      voltage: 230,
      current: 10,
      voltageHarmonics: fifth(0.1, 90),
      currentHarmonics: fifth(0.4, 0),
    });
    let micro = 0;
    const chip = new Chip({
      ...{ plate: PLATE, phases: 3, load: constantLoad(mains), start: civil(0), seed: 1, errors: { noise: 0 } },
      reactive: "classic",
    });
    chip.advance(civil(SECOND), () => {});
    chip.advance(civil(11 * SECOND), (w) => {
      micro += w[0]?.reactive as number;
    });
    // 230 V × 10 A × 4 % for 10 s, to a window.
    expect(micro / 1e6 / 92).toBeGreaterThan(9.7);
    expect(micro / 1e6 / 92).toBeLessThan(10.3);
  });

  it("know the sequence by the angles of the voltages", () => {
    const usual = mainsOf({ phases: 3, voltage: 230, current: 5, angle: 30 });
    const reversed = { ...usual, phases: usual.phases.map((p) => ({ ...p, voltageAngle: -p.voltageAngle })) };
    expect(settled(Chip, usual).harmonics?.voltageAngle).toEqual([0, 120_000, 240_000]);
    expect(settled(Chip, reversed).harmonics?.voltageAngle).toEqual([0, 240_000, 120_000]);
  });

  it("show nothing where there is nothing: a dead phase, no current", () => {
    const mains = mainsOf({ phases: 3, voltage: [230, 0, 230], current: [5, 5, 0] });
    const { harmonics } = settled(Chip, mains);
    expect(harmonics?.voltage.map((v) => v.thd)).toEqual([0, null, 0]);
    expect(harmonics?.voltage[1]?.orders.every((o) => o === null)).toBe(true);
    expect(harmonics?.current.map((i) => i.thd)).toEqual([0, null, null]);
    expect(harmonics?.voltageAngle).toEqual([0, null, 240_000]);
  });

  it("show no harmonics of a current that the relay has cut, and those of a load that has changed within two seconds", () => {
    const load = (ratio: number) =>
      mainsOf({ phases: 3, voltage: 230, current: 5, currentHarmonics: [{ order: 3, ratio, angle: 0 }] });
    const steps = stepLoad(civil(0), [
      { seconds: 2.05, mains: load(0.2) },
      { seconds: 9, mains: load(0.3) },
    ]);
    const chip = new Chip({ plate: PLATE, phases: 3, load: steps, start: civil(0), seed: 1, errors: { noise: 0 } });
    const thirdAt = (seconds: number) => {
      chip.advance(civil(seconds * SECOND), () => {});
      return chip.readings().harmonics?.current[0]?.orders[1];
    };
    expect(thirdAt(2)).toBe(20_000);
    expect(thirdAt(4)).toBe(30_000);
    chip.setRelay(false);
    expect(thirdAt(5)).toBeNull();
  });
});

describe("samples, cycles and closed form", () => {
  const anyErrors: fc.Arbitrary<FrontEndErrors> = fc.record({
    voltage: fc.record({ gain: uniform(-0.05, 0.05), delay: uniform(-60, 60) }),
    current: fc.record({ gain: uniform(-0.05, 0.05), delay: uniform(-60, 60) }),
    clockPpm: uniform(-200, 200),
    noise: uniform(-7, -5).map((power) => 10 ** power),
  });

  it("agree on harmonics, THD, angles and both kinds of reactive power, with any front end", () => {
    fc.assert(
      fc.property(anyMains, anyErrors, fc.boolean(), (mains, errors, isClassic) => {
        const more = { errors, reactive: isClassic ? "classic" : "fundamental" } as const;
        const [sampled, cycle, closed] = FIDELITIES.map(([, Chip]) => settled(Chip, mains, more)) as [
          ChipReadings,
          ChipReadings,
          ChipReadings,
        ];
        const samples = (10 / mains.frequency) * 4_000;
        for (const one of [sampled, cycle])
          for (const p of [0, 1, 2]) {
            for (const kind of ["voltage", "current"] as const) {
              const [a, b] = [one.harmonics?.[kind][p], closed.harmonics?.[kind][p]];
              const full = kind === "voltage" ? 2 * PLATE.un : 1.5 * PLATE.imax;
              const fundamental = (closed[kind][p] as number) / (kind === "voltage" ? 1e3 : 1e6);
              // Noise in a bin of the weighted transform, both components, five times, of the fundamental.
              const noise = (errors.noise ?? 0) * full * Math.SQRT2 * Math.sqrt(3 / samples);
              const allowed = 2 + (5 * 1e5 * noise) / (fundamental / 1.5);
              for (let order = 0; order < 20; order++)
                expect(Math.abs((a?.orders[order] as number) - (b?.orders[order] as number))).toBeLessThan(allowed);
              expect(Math.abs((a?.thd as number) - (b?.thd as number))).toBeLessThan(5 * allowed);
            }
            const turn = (one.harmonics?.voltageAngle[p] as number) - (closed.harmonics?.voltageAngle[p] as number);
            expect(Math.abs(((turn + 540_000) % 360_000) - 180_000)).toBeLessThan(5);
            const apparent = closed.apparent[p] as number;
            const noise = 5e-5 * apparent + (errors.noise ?? 0) * 1e8;
            expect(Math.abs((one.reactive[p] as number) - (closed.reactive[p] as number))).toBeLessThan(noise);
          }
      }),
      { numRuns: 60 },
    );
  });

  it("would not with another definition: the test can fail", () => {
    const drawn = fc.sample(richMains, { numRuns: 20, seed: 5 });
    const mains = drawn[0] as Mains;
    const between = drawn.flatMap((each) => {
      const [one, other] = [settled(CycleChip, each), settled(CycleChip, each, { reactive: "classic" })];
      return [0, 1, 2].map(
        (p) => Math.abs((one.reactive[p] as number) - (other.reactive[p] as number)) / (one.apparent[p] as number),
      );
    });
    expect(Math.max(...between)).toBeGreaterThan(1e-3);
    expect(worstHarmonic(settled(SampledChip, mains, { errors: { noise: 1e-3 } }), mains)).toBeGreaterThan(1.5e-3);
  });
});
