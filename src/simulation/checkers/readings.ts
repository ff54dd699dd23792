/** No reading twice, none invented: sequences and times are unique, good registers never fall, and voltages are the mains'. */
import type { MeterReading } from "../../../headend/ports.ts";
import { toIso } from "../../core/time.ts";
import { Findings, type Verdict } from "./verdict.ts";

/** @param voltages what is on L1 of each meter, volts */
export function checkReadings(readings: readonly MeterReading[], voltages: ReadonlyMap<string, number>): Verdict {
  const findings = new Findings("no reading twice, none invented");
  const bySequence = new Map<string, MeterReading>();
  const last = new Map<string, MeterReading>();
  for (const reading of readings) {
    const at = () => `${reading.meter} at ${toIso(reading.time)}`;
    if (reading.sequence !== null) {
      const key = `${reading.meter}#${reading.sequence}`;
      findings.check(!bySequence.has(key), () => `${at()}: sequence ${reading.sequence} is stored twice`);
      bySequence.set(key, reading);
    }
    const volts = reading.values.voltageL1;
    const mains = voltages.get(reading.meter);
    findings.check(
      reading.quality !== "good" ||
        volts === undefined ||
        volts === null ||
        mains === undefined ||
        near(volts / 1_000, mains),
      () => `${at()}: ${volts} mV stored where the mains have ${mains} V`,
    );
    if (reading.quality !== "good") continue;
    const before = last.get(reading.meter);
    findings.check(
      before === undefined || energy(reading) >= energy(before),
      () => `${at()}: +A fell from ${before === undefined ? 0 : energy(before)} to ${energy(reading)} mWh`,
    );
    last.set(reading.meter, reading);
  }
  return findings.verdict();
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= 0.001 * b;
}

function energy(reading: MeterReading): number {
  return reading.values.activeEnergyImport ?? 0;
}
