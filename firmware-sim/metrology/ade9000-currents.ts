/** What the ADE9000 does to a current channel beyond its gain: ranges with constants of their own, and the shift of its phase. */

import type { PhaseHarmonics } from "./ade9000-harmonics.ts";
import { ONE } from "./ade9000-quantities.ts";
import type { CorePhase } from "./bare-chip.ts";

/** What AMTREGION and the like show while ranges are off. */
export const NO_REGION = 15;
const REGIONS = 5;
const RATE = 8_000;

/** The range that holds at this rms (a code without its last five bits): above its H to the next, below its L to the one before. */
export function nextRegion(region: number, rms: number, low: readonly number[], high: readonly number[]): number {
  let at = region === NO_REGION ? 0 : region;
  while (at < REGIONS - 1 && rms > (high[at] as number)) at++;
  while (at > 0 && rms < (low[at] as number)) at--;
  return at;
}

/** What the current comes earlier at this frequency, in radians, by a signed PHCAL: an all-pass of first order at 8 kHz. */
function shiftOf(phcal: number, frequency: number): number {
  const c = phcal / ONE;
  const turn = (2 * Math.PI * frequency) / RATE;
  return turn - 2 * Math.atan(((1 - c) / (1 + c)) * Math.tan(turn / 2));
}

export interface ShiftedPhase extends CorePhase {
  /** Of all harmonics, each a quarter of its own period later; var. */
  readonly totalReactive: number;
}

/** The phase as the powers see it: with the current shifted, and the reactive power of all orders. */
export function shifted(
  phase: CorePhase,
  harmonics: PhaseHarmonics | undefined,
  phcal: number,
  frequency: number,
): ShiftedPhase {
  let { active, reactive, fundamentalActive, angle } = phase;
  let totalReactive = reactive;
  for (const [k, order] of (harmonics?.powers ?? []).entries()) {
    const shift = phcal === 0 ? 0 : shiftOf(phcal, (k + 1) * frequency);
    const turnedActive = order.active * Math.cos(shift) + order.reactive * Math.sin(shift);
    const turnedReactive = order.reactive * Math.cos(shift) - order.active * Math.sin(shift);
    active += turnedActive - order.active;
    if (k > 0) totalReactive += turnedReactive;
    else {
      totalReactive += turnedReactive - order.reactive;
      reactive += turnedReactive - order.reactive;
      fundamentalActive += turnedActive - order.active;
      angle -= shift;
    }
  }
  return { ...phase, active, reactive, fundamentalActive, angle, totalReactive };
}
