/**
 * What is on the meter's terminals: per phase a voltage and a current with their harmonics, and how long it stays so.
 * Angles are degrees. A positive angle of the current is lag, so 0..180° is inductive on import (quantities.md, "Signs").
 */
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import { type Civil, MICROS_PER_SECOND } from "../../src/core/time.ts";

/** A component at `order` × mains frequency. */
export interface Harmonic {
  /** 2 or more. */
  readonly order: number;
  /** Rms relative to the rms of the channel's own fundamental. */
  readonly ratio: number;
  /** Degrees of the harmonic at the rising zero crossing of the channel's own fundamental: it moves with the wave. */
  readonly angle: number;
}

export interface PhaseMains {
  /** Rms of the fundamental phase to neutral, volts. */
  readonly voltage: number;
  /** Of the voltage against the system's zero: 0, −120, +120 for the usual sequence L1-L2-L3. */
  readonly voltageAngle: number;
  /** Rms of the fundamental, amperes. */
  readonly current: number;
  /** Of the current behind its voltage, 0..360. */
  readonly angle: number;
  readonly voltageHarmonics: readonly Harmonic[];
  readonly currentHarmonics: readonly Harmonic[];
}

export interface Mains {
  /** Hz. */
  readonly frequency: number;
  /** L1, L2, L3, or one. */
  readonly phases: readonly PhaseMains[];
  /** White noise on every voltage, volts rms, and on every current, amperes rms. */
  readonly voltageNoise: number;
  readonly currentNoise: number;
}

export interface LoadState {
  readonly mains: Mains;
  /** Civil microseconds at which another state begins; `Infinity` when none does. Always later than the time asked for. */
  readonly until: number;
}

/** Where the mains come from. The same time always gives the same state; a state that goes on is the same object. */
export interface LoadSource {
  at(time: Civil): LoadState;
}

/** One value for every phase, or one per phase. */
type PerPhase = number | readonly number[];

export interface MainsDescription {
  readonly phases: 1 | 3;
  /** Volts phase to neutral. */
  readonly voltage: PerPhase;
  /** Amperes. */
  readonly current: PerPhase;
  /** Degrees of current behind voltage; default 0. */
  readonly angle?: PerPhase;
  /** Hz; default 50. */
  readonly frequency?: number;
  readonly voltageHarmonics?: readonly Harmonic[];
  readonly currentHarmonics?: readonly Harmonic[];
  readonly voltageNoise?: number;
  readonly currentNoise?: number;
}

/** Hz between which the chips find the cycles of the mains. */
const FREQUENCIES = { lowest: 40, highest: 70 };

/** Why the chips can't measure these mains, or undefined: for people who wrote them. */
export function mainsProblem(mains: Mains): string | undefined {
  const { lowest, highest } = FREQUENCIES;
  if (!(mains.frequency >= lowest && mains.frequency <= highest))
    return `a mains frequency of ${mains.frequency} Hz is outside ${lowest}..${highest} Hz`;
  for (const p of mains.phases) {
    if (![p.voltage, p.current, p.voltageAngle, p.angle].every(Number.isFinite) || p.voltage < 0 || p.current < 0)
      return "voltages and currents are numbers of 0 or more, their angles numbers";
    for (const h of [...p.voltageHarmonics, ...p.currentHarmonics])
      if (!Number.isInteger(h.order) || h.order < 2) return `${h.order} is not the order of a harmonic: 2, 3, …`;
  }
  return undefined;
}

const VOLTAGE_ANGLES = [0, -120, 120];

/** Mains of the usual sequence, the same on every phase where one value is given. */
export function mainsOf(d: MainsDescription): Mains {
  const phases: PhaseMains[] = [];
  for (let p = 0; p < d.phases; p++) {
    phases.push({
      voltage: ofPhase(d.voltage, p),
      voltageAngle: VOLTAGE_ANGLES[p] as number,
      current: ofPhase(d.current, p),
      angle: ofPhase(d.angle ?? 0, p),
      voltageHarmonics: d.voltageHarmonics ?? [],
      currentHarmonics: d.currentHarmonics ?? [],
    });
  }
  return {
    frequency: d.frequency ?? 50,
    phases,
    voltageNoise: d.voltageNoise ?? 0,
    currentNoise: d.currentNoise ?? 0,
  };
}

function ofPhase(value: PerPhase, phase: number): number {
  const one = typeof value === "number" ? value : value[phase];
  assert(one !== undefined, `no value for phase ${phase + 1}`);
  return one;
}

/** The same mains for ever. */
export function constantLoad(mains: Mains): LoadSource {
  const state: LoadState = { mains, until: Number.POSITIVE_INFINITY };
  return { at: () => state };
}

/** States one after the other from `start`, each for its seconds; the first holds before, the last for ever after. */
export function stepLoad(
  start: Civil,
  steps: readonly { readonly seconds: number; readonly mains: Mains }[],
): LoadSource {
  assert(steps.length > 0, "a step load has at least one step");
  let end = start as number;
  const states = steps.map(({ seconds, mains }, i): LoadState => {
    assert(seconds > 0, "a step lasts longer than nothing");
    end += Math.round(seconds * MICROS_PER_SECOND);
    return { mains, until: i === steps.length - 1 ? Number.POSITIVE_INFINITY : end };
  });
  return { at: (time) => states.find((s) => time < s.until) as LoadState };
}

const POWER_FACTOR = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)([LC]?)$/i;

/**
 * The angle of current behind voltage, degrees 0..360, that a power factor names. The sign is the direction of P, the letter
 * the character of the load: `0.8` and `0.8L` quadrant I, `-0.8C` II, `-0.8L` III, `0.8C` IV.
 */
export function angleFromPowerFactor(text: string): Result<number, string> {
  const m = POWER_FACTOR.exec(text.trim());
  const magnitude = m === null ? Number.NaN : Number(m[2]);
  if (m === null || !(magnitude <= 1))
    return failure(
      `"${text.slice(0, 40)}" is not a power factor: a number from -1 to 1 with L (inductive) or C (capacitive) behind it, such as 0.8L`,
    );
  const acute = (Math.acos(magnitude) * 180) / Math.PI;
  const capacitive = m[3]?.toUpperCase() === "C";
  if (m[1] === "-") return success(capacitive ? 180 - acute : 180 + acute);
  return success(capacitive ? (360 - acute) % 360 : acute);
}
