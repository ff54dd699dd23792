/**
 * The reference meter of the bench: power from the description of the load, in double precision, by the definitions: active
 * Σ V·I·cos φ over phases and harmonics, reactive Σ V·I·sin φ of the fundamental (IEC 62053-24). It shares nothing with the
 * chips' phasors.
 */
import { ACTIVE_IMPORT } from "../metrology/pulses.ts";
import type { TestLoad } from "./waves.ts";

/** True mean power of all phases, W or var, positive in the direction that the load's test output counts. */
export function referencePower({ mains, burst, counted = ACTIVE_IMPORT }: TestLoad): number {
  let total = 0;
  for (const p of mains.phases) {
    const lag = (p.angle * Math.PI) / 180;
    let share = counted.quantity === "active" ? Math.cos(lag) : Math.sin(lag);
    for (const v of counted.quantity === "active" ? p.voltageHarmonics : [])
      for (const i of p.currentHarmonics)
        if (v.order === i.order)
          share += v.ratio * i.ratio * Math.cos(((v.order * p.angle + v.angle - i.angle) * Math.PI) / 180);
    total += p.voltage * p.current * share;
  }
  const mean = burst === undefined ? total : total / 2;
  return counted.direction === "import" ? mean : -mean;
}
