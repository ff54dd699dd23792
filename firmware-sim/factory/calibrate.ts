/**
 * The factory calibration: the meter on the reference load, its CPU comparing what the chip shows with what the load is, and
 * so finding the constants, step by step as the makers of metering chips describe it (RN8209C application code).
 *
 * 1 gain of voltage and current · 2 gain of power at PF 1 · 3 phase at PF 0.5 lagging · 4 offset of power at 5 % Ib ·
 * 5 phase of reactive power at sin φ 0.5 · 6 rms offset without current. All phases at once. Steps 2 to 4 depend on each other
 * a little and are done in rounds.
 */
import type { RatingPlate } from "../../protocols/models/model.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { civil, MICROS_PER_MS, MICROS_PER_SECOND } from "../../src/core/time.ts";
import {
  type Calibration,
  FINE,
  LONGEST_DELAY,
  type PhaseCalibration,
  UNCALIBRATED,
} from "../metrology/calibration.ts";
import type { ChipReadings, MeteringChip } from "../metrology/chip.ts";
import type { ChipOptions } from "../metrology/front-end.ts";
import { constantLoad, mainsOf } from "../metrology/mains.ts";

/** What differs between the chip on the bench and the one in use. */
export type BenchOptions = Pick<ChipOptions, "load" | "start"> &
  Required<Pick<ChipOptions, "calibration" | "noLoadThreshold">>;

/** Puts the meter's own chip on the bench, with these constants in its registers. */
export type Bench = (options: BenchOptions) => MeteringChip;

/** Readings of which the CPU takes the mean, one of each window, after the chip has settled. */
const READINGS = 10;
const WINDOW = 200 * MICROS_PER_MS;
const SETTLE = MICROS_PER_SECOND;
const ROUNDS = 3;
/** Registers that need more than this are a broken part, not a tolerance: no maker ships it. */
const GAIN_LIMIT = 0.5;

/** What the chip shows of one phase: V, A, W, var. */
interface Seen {
  readonly voltage: number;
  readonly current: number;
  readonly active: number;
  readonly reactive: number;
}

/** A step works out a phase's new constants from what its chip shows of the load. */
type Step = (c: PhaseCalibration, seen: Seen) => PhaseCalibration;

interface Stage {
  /** A, and degrees behind the voltage. */
  readonly current: number;
  readonly angle: number;
  readonly step: Step;
}

/** The constants of the meter on the bench, or why it can't be calibrated. */
export function calibrate(plate: RatingPlate, phases: 1 | 3, bench: Bench): Result<Calibration, string> {
  let constants: Calibration = Array.from({ length: phases }, () => UNCALIBRATED);
  for (const { current, angle, step } of stagesOf(plate)) {
    const mains = mainsOf({ phases, voltage: plate.un, current, angle, frequency: plate.frequency });
    const options = { load: constantLoad(mains), start: civil(0), noLoadThreshold: "off" as const };
    const seen = observe(bench({ ...options, calibration: constants }), phases);
    constants = constants.map((c, p) => step(c, seen[p] as Seen));
    const problem = problemOf(constants);
    if (problem !== undefined) return failure(problem);
  }
  return success(constants);
}

function stagesOf({ un, itr, imax, frequency }: RatingPlate): readonly Stage[] {
  // Ib = 10 Itr on direct meters (IEC 62052-11).
  const basic = Math.min(10 * itr, imax);
  const rated = un * basic;
  const round: Stage[] = [
    { current: basic, angle: 0, step: powerGain(rated) },
    { current: basic, angle: 60, step: phase(rated, frequency) },
    { current: basic / 20, angle: 0, step: powerOffset(rated / 20) },
  ];
  return [
    { current: basic, angle: 0, step: gains(un, basic) },
    ...Array.from({ length: ROUNDS }, () => round).flat(),
    { current: basic, angle: 30, step: reactivePhase(rated) },
    { current: 0, angle: 0, step: currentOffset },
  ];
}

function observe(chip: MeteringChip, phases: number): readonly Seen[] {
  const readings: ChipReadings[] = [];
  for (let n = 1; n <= READINGS; n++) {
    chip.advance(civil(SETTLE + n * WINDOW), () => {});
    readings.push(chip.readings());
  }
  return Array.from({ length: phases }, (_, p) => {
    const mean = (of: (r: ChipReadings) => readonly number[]) =>
      readings.reduce((sum, r) => sum + (of(r)[p] as number), 0) / READINGS;
    return {
      voltage: mean((r) => r.voltage) / 1e3,
      current: mean((r) => r.current) / 1e6,
      active: mean((r) => r.active) / 1e3,
      reactive: mean((r) => r.reactive) / 1e3,
    };
  });
}

function gains(volts: number, amperes: number): Step {
  return (c, seen) => ({
    ...c,
    voltageGain: times(c.voltageGain, volts / seen.voltage),
    currentGain: times(c.currentGain, amperes / seen.current),
  });
}

/** GPQ = −err / (1 + err), of what is not the offset's share. */
function powerGain(watts: number): Step {
  return (c, seen) => {
    const offset = c.powerOffset * 1e-6;
    return { ...c, powerGain: times(c.powerGain, (watts - offset) / (seen.active - offset)) };
  };
}

/** How far the current is behind 60°: what is too far, the voltage has to wait for. */
function phase(voltAmperes: number, frequency: number): Step {
  return (c, seen) => {
    const lag = Math.acos(clamp(seen.active / voltAmperes)) - Math.PI / 3;
    return { ...c, delay: Math.round(c.delay - (1e9 * lag) / (2 * Math.PI * frequency)) };
  };
}

function powerOffset(watts: number): Step {
  return (c, seen) => ({ ...c, powerOffset: Math.round(c.powerOffset + (watts - seen.active) * 1e6) });
}

function reactivePhase(voltAmperes: number): Step {
  return (c, seen) => {
    const ahead = Math.asin(clamp(seen.reactive / voltAmperes)) - Math.PI / 6;
    return { ...c, reactivePhase: Math.round(c.reactivePhase + ahead / FINE) };
  };
}

function currentOffset(c: PhaseCalibration, seen: Seen): PhaseCalibration {
  return { ...c, currentOffset: Math.round(seen.current * 1e6) };
}

function times(register: number, factor: number): number {
  return Math.round(((1 + register * FINE) * factor - 1) / FINE);
}

function clamp(x: number): number {
  return Math.max(-1, Math.min(1, x));
}

function problemOf(constants: Calibration): string | undefined {
  for (const [p, c] of constants.entries()) {
    const gain = Math.max(...[c.voltageGain, c.currentGain, c.powerGain].map((g) => Math.abs(g) * FINE));
    // Written so that NaN and infinity are refused too.
    if (!(gain <= GAIN_LIMIT)) return `phase ${p + 1} can't be calibrated: a gain is off by more than 50 %`;
    if (!(Math.abs(c.delay) <= LONGEST_DELAY)) return `phase ${p + 1} can't be calibrated: its phase is off by over 9°`;
  }
  return undefined;
}
