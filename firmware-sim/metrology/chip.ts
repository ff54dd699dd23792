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
  /** Angle of current behind voltage at the fundamental, millidegrees 0 .. 359999; 0 below the no-load level. */
  readonly angle: readonly number[];
  /** Line to line L1-L2, L2-L3, L3-L1, mV; zeros on single-phase meters. */
  readonly lineVoltage: readonly number[];
  /** Neutral current, µA. */
  readonly neutralCurrent: number;
  /** mHz; 0 without voltage. */
  readonly frequency: number;
}

export interface MeteringChip {
  /**
   * Runs the chip up to `until`, calling `onWindow` once for each complete accumulation window in order.
   * The sub-µJ rest of each window is carried into the next, so no energy is lost to rounding.
   * The array given to `onWindow` is reused: take what you need at once.
   */
  advance(until: Civil, onWindow: (phases: readonly PhaseEnergy[]) => void): void;
  readings(): ChipReadings;
  /** When it wants to be advanced next (civil clock) if nobody reads it before: a bound on work, or a change of the load. */
  nextWake(): Wake;
  /** The relay: an open one carries no current from the next instant on. Advance to now before switching. */
  setRelay(closed: boolean): void;
}
