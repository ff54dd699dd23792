/**
 * The metering chip as the meter's CPU sees it. Behind this interface: the sampled A/D chip, its phasors cycle by cycle, and
 * its closed form; register-level models of real chips follow.
 *
 * Signs are of the import view (P > 0 is consumption; Q > 0 is inductive on import). Phases are indexed 0..2 for L1..L3.
 */
import type { Civil, Wake } from "../../src/core/time.ts";

/** Energy of one accumulation window of one phase: integer micro-watt-seconds (µJ, µvar·s, µVA·s), signed but for apparent. */
export interface PhaseEnergy {
  active: number;
  reactive: number;
  /** Never negative. */
  apparent: number;
}

/** What the chip's registers show of the last complete window. Integers in the units named. */
export interface ChipReadings {
  /** Per phase: mV, µA, mW, mvar, mVA. */
  readonly voltage: readonly number[];
  readonly current: readonly number[];
  readonly active: readonly number[];
  readonly reactive: readonly number[];
  readonly apparent: readonly number[];
  /** Active power of the fundamental alone, mW; null where the chip does not tell it apart. */
  readonly fundamentalActive: readonly (number | null)[];
  /** Angle of current behind voltage at the fundamental, millidegrees 0 .. 359999; 0 below the no-load level. */
  readonly angle: readonly number[];
  /** Line to line L1-L2, L2-L3, L3-L1, mV; zeros on single-phase meters. */
  readonly lineVoltage: readonly number[];
  /** Neutral current, µA. */
  readonly neutralCurrent: number;
  /** mHz; 0 without voltage. */
  readonly frequency: number;
  /** Worked out when it is first asked for; null where the chip has no harmonics, and until it has seen a whole window. */
  readonly harmonics: HarmonicReadings | null;
}

/** Orders 2 .. {@link HIGHEST_HARMONIC} of every channel, refreshed once a second. */
export interface HarmonicReadings {
  readonly voltage: readonly ChannelHarmonics[];
  readonly current: readonly ChannelHarmonics[];
  /** Fundamental voltage of each phase behind that of L1, millidegrees 0 .. 359999; null where one of the two is dead. */
  readonly voltageAngle: readonly (number | null)[];
}

export interface ChannelHarmonics {
  /** Order n at n − 2: rms relative to the fundamental, in 0.001 %. Null where there is no fundamental to compare with. */
  readonly orders: readonly (number | null)[];
  /** Total harmonic distortion: their root sum of squares relative to the fundamental, in 0.001 %. */
  readonly thd: number | null;
}

/** GB/T 17215 and DL/T 645 tables end here, too. */
export const HIGHEST_HARMONIC = 21;

/** When a window was, and how its energy was spread over it. */
export interface WindowSpan {
  /** Civil µs, with fractions. */
  readonly begin: number;
  readonly end: number;
  /**
   * Places within the window, in order, and what had flowed by then, in any unit; the last place is its end. So many of the
   * arrays' entries count; between two of them the power is steady. None: it is steady all over.
   */
  readonly marks: number;
  readonly times: ArrayLike<number>;
  readonly active: ArrayLike<number>;
  readonly reactive: ArrayLike<number>;
}

/** A window of steady power. */
export function steadySpan(begin: number, end: number): WindowSpan {
  return { begin, end, marks: 0, times: [], active: [], reactive: [] };
}

export type OnWindow = (phases: readonly PhaseEnergy[], span: WindowSpan) => void;

export interface MeteringChip {
  /**
   * Runs the chip up to `until`, calling `onWindow` once for each complete accumulation window in order.
   * The sub-µJ rest of each window is carried into the next, so no energy is lost to rounding.
   * What is given to `onWindow` is reused: take what you need at once.
   */
  advance(until: Civil, onWindow: OnWindow): void;
  readings(): ChipReadings;
  /** When it wants to be advanced next (civil clock) if nobody reads it before: a bound on work, or a change of the load. */
  nextWake(): Wake;
  /** The relay: an open one carries no current from the next instant on. Advance to now before switching. */
  setRelay(closed: boolean): void;
}
