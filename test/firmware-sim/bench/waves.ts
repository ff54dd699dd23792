/** The waves that a description of mains means, written down from its words, and their mean product by summing over a cycle. */
import type { PhaseMains } from "../../../firmware-sim/metrology/mains.ts";

const RADIANS = Math.PI / 180;

export function voltageAt(p: PhaseMains, degrees: number): number {
  const own = (degrees + p.voltageAngle) * RADIANS;
  return wave(p.voltage, own, p.voltageHarmonics);
}

export function currentAt(p: PhaseMains, degrees: number): number {
  const own = (degrees + p.voltageAngle - p.angle) * RADIANS;
  return wave(p.current, own, p.currentHarmonics);
}

function wave(rms: number, own: number, harmonics: PhaseMains["voltageHarmonics"]): number {
  const parts = harmonics.map((h) => h.ratio * Math.sin(h.order * own + h.angle * RADIANS));
  return Math.SQRT2 * rms * parts.reduce((a, b) => a + b, Math.sin(own));
}

/** Mean over one cycle of a product of waves given by degrees. */
export function meanOverCycle(value: (degrees: number) => number, steps = 3_600): number {
  let sum = 0;
  for (let k = 0; k < steps; k++) sum += value(((k + 0.5) * 360) / steps);
  return sum / steps;
}
