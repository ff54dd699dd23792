/** Voltages and currents as arrows: L1's voltage points up, and what lags behind it lies clockwise from it. */
import type { MeasureValues, Phase } from "../../core/measures.ts";
import { BrailleCanvas } from "./braille.ts";

export const PHASE_COLOURS = ["red", "yellow", "cyan"] as const;
const PHASES: readonly Phase[] = [1, 2, 3];
/** Currents are shorter than voltages, so that both can be told apart where they coincide. */
const CURRENT_LENGTH = 0.72;
const RADIANS = Math.PI / 180;

export interface Phasor {
  readonly label: string;
  readonly phase: Phase;
  readonly isVoltage: boolean;
  /** 0..1 of the longest one. */
  readonly length: number;
  /** Degrees behind the voltage of L1. */
  readonly lag: number;
}

/**
 * Angles that the meter does not give are the usual ones: 120 degrees between the voltages, and between voltage and
 * current what P and Q say.
 */
export function phasorsOf(values: MeasureValues): readonly Phasor[] {
  const voltages = PHASES.map((p) => values[`voltageL${p}`] ?? 0);
  const currents = PHASES.map((p) => values[`currentL${p}`] ?? 0);
  const [mostVolts, mostAmperes] = [Math.max(...voltages), Math.max(...currents)];
  return PHASES.flatMap((phase): Phasor[] => {
    const [volts, amperes] = [voltages[phase - 1] as number, currents[phase - 1] as number];
    const lag = voltageLag(values, phase);
    const behind = currentLag(values, phase);
    const voltage = { label: `U${phase}`, phase, isVoltage: true, length: volts / mostVolts, lag };
    const current = { label: `I${phase}`, phase, isVoltage: false, length: amperes / mostAmperes, lag: lag + behind };
    return [...(volts > 0 ? [voltage] : []), ...(amperes > 0 ? [current] : [])];
  });
}

function voltageLag(values: MeasureValues, phase: Phase): number {
  const measured = phase === 1 ? 0 : values[`voltageAngleL${phase}`];
  return measured === undefined || measured === null ? 120 * (phase - 1) : measured / 1_000;
}

/** Degrees of the current behind its voltage; 0 where nothing says it. */
export function currentLag(values: MeasureValues, phase: Phase): number {
  const [p, q] = [values[`activePowerL${phase}`], values[`reactivePowerL${phase}`]];
  if (typeof p === "number" && typeof q === "number" && (p !== 0 || q !== 0)) return Math.atan2(q, p) / RADIANS;
  const measured = values[`phaseAngleL${phase}`];
  return typeof measured === "number" ? measured / 1_000 : 0;
}

/** At least 8 by 4 characters. */
export function drawPhasors(phasors: readonly Phasor[], columns: number, rows: number): BrailleCanvas {
  const canvas = new BrailleCanvas(columns, rows);
  const [x, y] = [(canvas.width - 1) / 2, (canvas.height - 1) / 2];
  // Labels need a character around the circle.
  const radius = Math.min(x - 5, y - 5);
  for (let degrees = 0; degrees < 360; degrees += 6)
    canvas.dot(
      Math.round(x + radius * Math.cos(degrees * RADIANS)),
      Math.round(y + radius * Math.sin(degrees * RADIANS)),
      "dim",
    );
  for (const phasor of phasors) drawArrow(canvas, phasor, x, y, radius);
  for (const phasor of phasors) drawLabel(canvas, phasor, x, y, radius);
  return canvas;
}

function ends({ length, lag, isVoltage }: Phasor, radius: number): readonly [number, number] {
  const reach = radius * length * (isVoltage ? 1 : CURRENT_LENGTH);
  return [reach * Math.sin(lag * RADIANS), -reach * Math.cos(lag * RADIANS)];
}

/** Voltages are drawn through, currents dotted. */
function drawArrow(canvas: BrailleCanvas, phasor: Phasor, x: number, y: number, radius: number): void {
  const [dx, dy] = ends(phasor, radius);
  const colour = PHASE_COLOURS[phasor.phase - 1];
  canvas.line(x, y, x + dx, y + dy, colour, phasor.isVoltage ? 1 : 2);
  const barb = Math.min(4, radius / 4);
  for (const turn of [150, 210]) {
    const angle = (phasor.lag + turn) * RADIANS;
    canvas.line(x + dx, y + dy, x + dx + barb * Math.sin(angle), y + dy - barb * Math.cos(angle), colour);
  }
}

function drawLabel(canvas: BrailleCanvas, phasor: Phasor, x: number, y: number, radius: number): void {
  const [dx, dy] = ends(phasor, radius);
  const length = Math.hypot(dx, dy) || 1;
  const away = 1 + 4 / length;
  canvas.text(x + dx * away, y + dy * away, phasor.label, PHASE_COLOURS[phasor.phase - 1]);
}
