/** The rows below the phasors: totals, energies, and the quality of the mains. */
import type { MeasureKey, MeasureValues } from "../../core/measures.ts";
import { plain } from "./shown.ts";

export function powerOf(values: MeasureValues): readonly string[] {
  return listed(values, [
    ["P", "activePower"],
    ["Q", "reactivePower"],
    ["S", "apparentPower"],
    ["PF", "powerFactor"],
    ["f", "frequency"],
  ]);
}

export function energyOf(values: MeasureValues): readonly string[] {
  return listed(values, [
    ["+A", "activeEnergyImport"],
    ["−A", "activeEnergyExport"],
    ["+R", "reactiveEnergyImport"],
    ["−R", "reactiveEnergyExport"],
  ]);
}

export function qualityOf(values: MeasureValues): readonly string[] {
  const phases = [1, 2, 3] as const;
  const thd = (kind: "voltageThd" | "currentThd") =>
    phases.map((p) => values[`${kind}L${p}`]).filter((value) => typeof value === "number");
  const distortion = (["voltageThd", "currentThd"] as const).flatMap((kind) => {
    const all = thd(kind).map((value) => (value / 1_000).toFixed(1));
    return all.length === 0 ? [] : [`${kind === "voltageThd" ? "THD U" : "I"} ${all.join("/")} %`];
  });
  const unbalance = unbalanceOf(phases.map((p) => values[`voltageL${p}`]));
  return [
    ...(unbalance === undefined ? [] : [`unbalance ${unbalance.toFixed(2)} %`]),
    ...distortion,
    ...listed(values, [["IN", "currentNeutral"]]),
  ];
}

/** The largest deviation from the mean of three voltages, in percent of it. */
function unbalanceOf(volts: readonly (number | null | undefined)[]): number | undefined {
  const all = volts.filter((value) => typeof value === "number");
  const mean = all.reduce((sum, value) => sum + value, 0) / 3;
  if (all.length < 3 || mean === 0) return undefined;
  return (100 * Math.max(...all.map((value) => Math.abs(value - mean)))) / mean;
}

/** Only what the meter has. */
function listed(values: MeasureValues, wanted: readonly (readonly [string, MeasureKey])[]): readonly string[] {
  return wanted.filter(([, key]) => values[key] !== undefined).map(([name, key]) => `${name} ${plain(values, key)}`);
}
