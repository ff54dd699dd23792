/** Combined energies: which registers they add up, as the meter's combination words say. */
import type { MeasureKey } from "../../src/core/measures.ts";

/**
 * Two bits a term, plus and minus (recalled): of the active word forward and reverse, of the reactive words quadrants I to
 * IV. Sources conflict on the active default: 09 (forward − reverse, seen) or 05 (forward + reverse, common in State Grid).
 */
export interface Combinations {
  readonly active: number;
  readonly reactive1: number;
  readonly reactive2: number;
}

/** Forward − reverse; quadrants I + II; quadrants III + IV. */
export const DEFAULT_COMBINATIONS: Combinations = { active: 0x09, reactive1: 0x05, reactive2: 0x50 };

/** The combined value of terms as `word` has them. */
export function combine(word: number, terms: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < terms.length; i++) {
    const bits = (word >> (2 * i)) & 3;
    if ((bits & 1) !== 0) sum += terms[i] as number;
    if ((bits & 2) !== 0) sum -= terms[i] as number;
  }
  return sum;
}

/** The measure that a combined active energy is; undefined for a combination that the vocabulary does not have. */
export function activeMeasure(word: number): MeasureKey | undefined {
  return word === 0x05 ? "activeEnergySum" : undefined;
}

export function reactiveMeasure(word: number): MeasureKey | undefined {
  if (word === 0x05) return "reactiveEnergyImport";
  if (word === 0x50) return "reactiveEnergyExport";
  return word === 0x55 ? "reactiveEnergySum" : undefined;
}
