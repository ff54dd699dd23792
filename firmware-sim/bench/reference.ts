/**
 * The reference meter of the bench: active power from the description of the load, in double precision, by the definition
 * Σ V·I·cos φ over phases and harmonics. It shares nothing with the chips' phasors.
 */
import type { TestLoad } from "./waves.ts";

/** True mean active power of all phases, watts. */
export function referencePower(load: TestLoad): number {
  let watts = 0;
  for (const p of load.mains.phases) {
    let share = Math.cos((p.angle * Math.PI) / 180);
    for (const v of p.voltageHarmonics)
      for (const i of p.currentHarmonics)
        if (v.order === i.order)
          share += v.ratio * i.ratio * Math.cos(((v.order * p.angle + v.angle - i.angle) * Math.PI) / 180);
    watts += p.voltage * p.current * share;
  }
  return load.burst === undefined ? watts : watts / 2;
}
