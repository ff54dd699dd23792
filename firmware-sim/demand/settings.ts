/** What a meter's demand part is told: windows, and the registers whose maximum it keeps. */
import { failure, type Result, success } from "../../src/core/result.ts";
import type { EnergyRegister } from "../metrology/energy.ts";

/** Every register that can have a demand; the place in this list names it in stored bytes. */
export const DEMAND_REGISTERS = [
  "activeImport",
  "activeExport",
  "reactiveImport",
  "reactiveExport",
  "q1",
  "q2",
  "q3",
  "q4",
  "apparent",
] as const satisfies readonly EnergyRegister[];

export interface DemandSettings {
  /** `block`: windows follow each other, the slip is not looked at. */
  readonly mode: "block" | "sliding";
  /** Length of a window, minutes; it divides the hour (DL/T 645 04000103). */
  readonly periodMinutes: number;
  /** A sliding window ends every so many minutes; it divides the period (04000104). */
  readonly slipMinutes: number;
  readonly registers: readonly EnergyRegister[];
}

export const DEFAULT_DEMAND: DemandSettings = {
  mode: "sliding",
  periodMinutes: 15,
  slipMinutes: 1,
  registers: DEMAND_REGISTERS,
};

/** Refuses settings whose windows would not lie on the clock, with the reason for people. */
export function checkDemandSettings(value: DemandSettings): Result<DemandSettings, string> {
  const { mode, periodMinutes: period, slipMinutes: slip, registers } = value;
  if (mode !== "block" && mode !== "sliding") return failure(`demand mode "${mode}" is neither block nor sliding`);
  if (!Number.isInteger(period) || period < 1 || 60 % period !== 0)
    return failure(`a demand period of ${period} minutes does not divide the hour: take 1, 5, 10, 15, 30 or 60`);
  if (!Number.isInteger(slip) || slip < 1 || period % slip !== 0)
    return failure(`a slip of ${slip} minutes does not divide the demand period of ${period} minutes`);
  for (const register of registers) {
    if (!DEMAND_REGISTERS.some((known) => known === register)) return failure(`there is no demand of "${register}"`);
  }
  if (new Set(registers).size !== registers.length) return failure("a register is named twice for demand");
  return success(value);
}

/** Seconds between two ends of windows. */
export function slipSeconds(settings: DemandSettings): number {
  return 60 * (settings.mode === "block" ? settings.periodMinutes : settings.slipMinutes);
}
