/** Loads as bigints, and what each register gets of them by the definitions alone. */
import fc from "fast-check";
import {
  type EnergyAmount,
  type EnergyRegister,
  EnergyRegisters,
  QUANTUM,
} from "../../../firmware-sim/metrology/energy.ts";

export const REGISTERS: readonly EnergyRegister[] = [
  "activeImport",
  "activeExport",
  "reactiveImport",
  "reactiveExport",
  "q1",
  "q2",
  "q3",
  "q4",
  "apparent",
];

export interface Load {
  readonly active: number;
  readonly reactive: number;
  readonly apparent: number;
}

const micro = fc.oneof(fc.integer({ min: -(2 ** 45), max: 2 ** 45 }), fc.integer({ min: -5, max: 5 }), fc.constant(0));
export const load: fc.Arbitrary<Load> = fc.record({
  active: micro,
  reactive: micro,
  apparent: fc.oneof(fc.integer({ min: 0, max: 2 ** 45 }), fc.constant(0)),
});

export function micros({ quanta, residual }: EnergyAmount): bigint {
  return BigInt(quanta) * BigInt(QUANTUM) + BigInt(residual);
}

/** A single-phase meter's registers, and its totals as the tariff parts ask for them. */
export function singlePhase(): { energy: EnergyRegisters; totals: (register: EnergyRegister) => EnergyAmount } {
  const energy = new EnergyRegisters(1, "net");
  return { energy, totals: (register) => energy.amount(register) };
}

/** What a register gets of a load, µJ. */
export function shareOf(register: EnergyRegister, { active, reactive, apparent }: Load): bigint {
  const quadrant = active >= 0 ? (reactive >= 0 ? 1 : 4) : reactive >= 0 ? 2 : 3;
  const size = BigInt(Math.abs(reactive));
  switch (register) {
    case "activeImport":
      return active > 0 ? BigInt(active) : 0n;
    case "activeExport":
      return active < 0 ? BigInt(-active) : 0n;
    case "reactiveImport":
      return reactive > 0 ? size : 0n;
    case "reactiveExport":
      return reactive < 0 ? size : 0n;
    case "apparent":
      return BigInt(apparent);
    default:
      return register === `q${quadrant}` ? size : 0n;
  }
}
