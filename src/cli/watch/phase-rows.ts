/** The phases beside the phasors: voltage, current and power with a bar each, power factor and angle. */
import type { MeasureKey, MeasureValues, Phase } from "../../core/measures.ts";
import { currentLag, PHASE_COLOURS } from "./phasors.ts";
import { cut, plain, shown } from "./shown.ts";
import type { Watched } from "./watched.ts";

/** Phase, sign, value and unit. */
const LABEL = 19;

export interface Row {
  readonly text: string;
  readonly colour: string | undefined;
}

export function phaseRows(watched: Watched, width: number, height: number): readonly Row[] {
  const phases = ([1, 2, 3] as const).filter((p) => watched.values[`voltageL${p}`] !== undefined);
  // A blank line between the phases where there is room for it.
  const between = height >= 4 * phases.length + phases.length - 1 ? [{ text: "", colour: undefined }] : [];
  return phases.flatMap((phase, i) => [...(i === 0 ? [] : between), ...rowsOf(watched, phase, width)]);
}

function rowsOf(watched: Watched, phase: Phase, width: number): readonly Row[] {
  const { values } = watched;
  const colour = PHASE_COLOURS[phase - 1];
  const bar = (key: MeasureKey, sign: string, largest: number) => {
    const label = `${sign === "U" ? `L${phase}` : "  "} ${sign} ${shown(values, key)} `.padEnd(LABEL);
    return { text: `${label}${bars(values[key], largest, width - label.length)}`, colour };
  };
  const lag = currentLag(values, phase);
  const side = Math.abs(lag) < 0.05 ? "" : lag > 0 ? " behind" : " ahead";
  return [
    bar(`voltageL${phase}`, "U", nominal(values) * 1.2),
    bar(`currentL${phase}`, "I", watched.largest("current")),
    bar(`activePowerL${phase}`, "P", watched.largest("activePower")),
    {
      text: cut(`     PF ${plain(values, `powerFactorL${phase}`)}   I ${Math.abs(lag).toFixed(1)}°${side}`, width),
      colour,
    },
  ];
}

/** The nearest usual mains voltage above what is there, mV: it stays while the voltage moves a little. */
function nominal(values: MeasureValues): number {
  const most = Math.max(...([1, 2, 3] as const).map((p) => values[`voltageL${p}`] ?? 0));
  return [63_500, 120_000, 240_000, 480_000].find((volts) => most <= 1.15 * volts) ?? most;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A magnitude as a bar; export is told by the sign of the number beside it. */
function bars(value: number | null | undefined, largest: number, width: number): string {
  if (value === undefined || value === null || largest <= 0 || width < 1) return "";
  const eighths = Math.round(8 * width * Math.min(1, Math.abs(value) / largest));
  const full = "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] as string);
  return full + "·".repeat(Math.max(0, width - full.length));
}
