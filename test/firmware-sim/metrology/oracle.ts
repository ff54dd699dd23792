/** An oracle that shares nothing with the chips: sums over harmonics of rms values and cosines, straight from the mains. */
import fc from "fast-check";
import type { ChipReadings } from "../../../firmware-sim/metrology/chip.ts";
import type { Harmonic, Mains, PhaseMains } from "../../../firmware-sim/metrology/mains.ts";
import type { RatingPlate } from "../../../protocols/models/model.ts";

export const PLATE: RatingPlate = {
  un: 230,
  ist: 0.04,
  imin: 0.5,
  itr: 1,
  imax: 100,
  frequency: 50,
  activeClass: "B",
  reactiveClass: "2",
  impPerKwh: 1000,
  impPerKvarh: 1000,
  wiring: "3P4W",
  relayAmps: 100,
};

export const SECOND = 1_000_000;

interface Truth {
  readonly voltage: number;
  readonly current: number;
  readonly active: number;
  readonly reactive: number;
  readonly apparent: number;
}

/** What the registers do not show, yet: the distortion of voltage and current relative to their fundamentals. */
interface Distortion {
  readonly voltage: number;
  readonly current: number;
}

const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** V, A, W, var of the fundamental, VA of one phase. */
export function truth(p: PhaseMains): Truth {
  const rms = (fundamental: number, harmonics: readonly Harmonic[]) =>
    fundamental * Math.sqrt(1 + harmonics.reduce((sum, h) => sum + h.ratio ** 2, 0));
  let active = p.voltage * p.current * Math.cos(radians(p.angle));
  for (const v of p.voltageHarmonics) {
    const i = p.currentHarmonics.find((h) => h.order === v.order);
    if (i === undefined) continue;
    // The harmonic's angle counts from its own fundamental, which the current has `order` times `angle` later.
    const lag = v.angle - (i.angle - v.order * p.angle);
    active += p.voltage * v.ratio * p.current * i.ratio * Math.cos(radians(lag));
  }
  const voltage = rms(p.voltage, p.voltageHarmonics);
  const current = rms(p.current, p.currentHarmonics);
  // Of the fundamental alone (IEC 62053-24).
  const reactive = p.voltage * p.current * Math.sin(radians(p.angle));
  return { voltage, current, active, reactive, apparent: voltage * current };
}

/** THD of one phase, in closed form. */
export function distortion(p: PhaseMains): Distortion {
  const of = (all: readonly Harmonic[]) => Math.hypot(...all.map((h) => h.ratio));
  return { voltage: of(p.voltageHarmonics), current: of(p.currentHarmonics) };
}

/** Evenly spread over the values; fc.double is spread over representations, so that most of its numbers are next to nothing. */
export function uniform(min: number, max: number): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: 1_000_000 }).map((k) => min + ((max - min) * k) / 1_000_000);
}

/** Spectra that fall as 1/order from the third on, as those of rectifiers and phase-fired loads do. */
function harmonics(highest: number, most: number, count: number): fc.Arbitrary<Harmonic[]> {
  return fc
    .uniqueArray(
      fc.record({
        order: fc.integer({ min: 2, max: highest }),
        ratio: uniform(0, most),
        angle: uniform(0, 360),
      }),
      { selector: (h) => h.order, maxLength: count },
    )
    .map((all) => all.map((h) => ({ ...h, ratio: h.ratio * Math.min(1, 3 / h.order) })));
}

interface MainsLimits {
  /** A rms of the fundamental. */
  readonly current: number;
  /** Harmonics of each channel at most, and their ratios. */
  readonly count: number;
  readonly voltageRatio: number;
  readonly currentRatio: number;
}

/** Unbalanced three-phase mains at 45..65 Hz with harmonics to the 21st, loads in all quadrants. */
function mainsWithin({ current, count, voltageRatio, currentRatio }: MainsLimits): fc.Arbitrary<Mains> {
  return fc
    .record({
      frequency: uniform(45, 65),
      phases: fc.tuple(...[0, 1, 2].map(() => fc.tuple(uniform(150, 260), uniform(1, current), uniform(0, 360)))),
      voltageHarmonics: fc.tuple(...[0, 1, 2].map(() => harmonics(21, voltageRatio, count))),
      currentHarmonics: fc.tuple(...[0, 1, 2].map(() => harmonics(21, currentRatio, count))),
    })
    .map((m) => ({
      frequency: m.frequency,
      voltageNoise: 0,
      currentNoise: 0,
      phases: m.phases.map(([voltage, current, angle], p) => ({
        voltage,
        voltageAngle: [0, -120, 120][p] as number,
        current,
        angle,
        voltageHarmonics: m.voltageHarmonics[p] as Harmonic[],
        currentHarmonics: m.currentHarmonics[p] as Harmonic[],
      })),
    }));
}

export const anyMains = mainsWithin({ current: 80, count: 5, voltageRatio: 0.08, currentRatio: 0.3 });
/** Every harmonic at once; currents that no peak of theirs clips. */
export const richMains = mainsWithin({ current: 35, count: 20, voltageRatio: 0.1, currentRatio: 0.4 });

/** One phase of the readings in V, A, W, var, VA. */
export function shown(r: ChipReadings, phase: number): Truth {
  const of = (values: readonly number[], scale: number) => (values[phase] as number) / scale;
  return {
    voltage: of(r.voltage, 1e3),
    current: of(r.current, 1e6),
    active: of(r.active, 1e3),
    reactive: of(r.reactive, 1e3),
    apparent: of(r.apparent, 1e3),
  };
}

/** Deviation in parts per million of the full value. */
export function ppm(value: number, expected: number, of = expected): number {
  return (1e6 * (value - expected)) / of;
}
