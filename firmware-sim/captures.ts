/** What load profile and freezes take down, and how much of it is kept. */
import { isMeasureKey, type MeasureKey } from "../src/core/measures.ts";
import type { DemandUnit } from "./demand/demand-unit.ts";
import { computeMeasure, type MeasureSource } from "./measures.ts";
import { COUNTED, type Totals } from "./metrology/energy.ts";
import type { Capture } from "./profile/load-profile.ts";
import { PROFILE_CLASSES } from "./profile/settings.ts";
import type { RateRegisters } from "./tariff/rate-registers.ts";

/** Records of each class: a week at five minutes. */
export const PROFILE_DEPTHS: readonly number[] = Array<number>(PROFILE_CLASSES).fill(2_016);

/** Freezes hold the totals and the rates of everyday use; a meter with more rates has those in its settlements. */
const FROZEN_RATES = [0, 1, 2, 3, 4] as const;
export const FREEZE_VALUES = COUNTED.length * FROZEN_RATES.length;

/** Demands have names of their own: they are no measures. */
const DEMANDS = { demandActive: "activeImport", demandReactive: "reactiveImport" } as const;

/** Whether a load profile can capture it. */
export function isCapture(key: string): boolean {
  return Object.hasOwn(DEMANDS, key) || isMeasureKey(key);
}

/** The meter at the instant of a capture. */
export function captureOf(source: MeasureSource, demand: DemandUnit, totals: Totals, clockDoubt: boolean): Capture {
  return {
    clockDoubt,
    value: (key) =>
      Object.hasOwn(DEMANDS, key)
        ? demand.present(DEMANDS[key as keyof typeof DEMANDS], totals)
        : computeMeasure(key as MeasureKey, source),
  };
}

/** mWh, mvarh, mVAh: of the total and each rate the registers in order, see {@link frozenEnergy}. */
export function frozenEnergies(rates: RateRegisters, totals: Totals): readonly number[] {
  return FROZEN_RATES.flatMap((rate) => COUNTED.map((register) => rates.amount(register, rate, totals).quanta));
}

/** A register of a rate (0 the total) out of a freeze; undefined for a rate that freezes do not hold. */
export function frozenEnergy(
  values: readonly (number | null)[],
  register: (typeof COUNTED)[number],
  rate: number,
): number | undefined {
  if (rate >= FROZEN_RATES.length) return undefined;
  return values[rate * COUNTED.length + COUNTED.indexOf(register)] ?? undefined;
}
