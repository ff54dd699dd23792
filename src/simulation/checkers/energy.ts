/**
 * Energy stored = energy the mains delivered, at the time of every good reading. The truth is V·I·cos φ over the time in
 * which the relay let it through; it knows nothing of chips, registers and wires.
 */
import type { MeterReading } from "../../../headend/ports.ts";
import { type Civil, toIso } from "../../core/time.ts";
import type { DeliveryTruth } from "../truth.ts";
import { Findings, type Verdict } from "./verdict.ts";

export interface EnergyWitness {
  readonly truth: DeliveryTruth;
  /** The highest power of its load, watts. */
  readonly peakWatts: number;
  /** Seconds of energy that power cuts without a last checkpoint may have cost so far, by civil time. */
  readonly lostSeconds: (until: number) => number;
}

/** Far inside any class: the parts of the simulation are perfect but for noise and quantisation. */
const RELATIVE = 0.0005;
/** Between the meter's refresh and the head-end's stamp lie the reply's time on the wire and one second of refresh. */
const SLACK_SECONDS = 3;
/** Two hundredths of a kWh register digit, and the rounding of float32 near 10^5 kWh. */
const DIGIT_WH = 10;

/** What a register of +A is beside what was delivered up to a time, as a sentence; undefined where they agree. */
export function energyDeviation(register: number, at: Civil, witness: EnergyWitness): string | undefined {
  const delivered = witness.truth.deliveredWh(at);
  const stored = register / 1_000;
  const slack = (seconds: number) => (witness.peakWatts * seconds) / 3_600;
  const above = RELATIVE * delivered + slack(SLACK_SECONDS) + DIGIT_WH;
  const below = above + slack(witness.lostSeconds(at));
  if (stored <= delivered + above && stored >= delivered - below) return undefined;
  return `stored ${stored.toFixed(3)} Wh, delivered ${delivered.toFixed(3)} Wh`;
}

export function checkEnergy(readings: readonly MeterReading[], witnesses: ReadonlyMap<string, EnergyWitness>): Verdict {
  const findings = new Findings("energy stored = energy delivered");
  for (const reading of readings) {
    const register = reading.values.activeEnergyImport;
    if (reading.quality !== "good" || register === null || register === undefined) continue;
    const witness = witnesses.get(reading.meter);
    findings.check(witness !== undefined, () => `a reading of ${reading.meter}, which does not exist`);
    if (witness === undefined) continue;
    const deviation = energyDeviation(register, reading.time, witness);
    findings.check(deviation === undefined, () => `${reading.meter} at ${toIso(reading.time)}: ${deviation}`);
  }
  return findings.verdict();
}
