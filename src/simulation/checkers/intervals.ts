/**
 * Every interval that a meter had is stored with its exact value and time, one that it did not have is missing, and the
 * figures of completeness say what the stored readings say. Judged for meters that keep a load profile, of which nothing may be
 * left open.
 */
import type { CompletenessConfig } from "../../../headend/completeness/interval-book.ts";
import {
  endOf,
  expected,
  INTERVALS_CODEC,
  INTERVALS_COLLECTION,
  intervalAt,
} from "../../../headend/completeness/meter-intervals.ts";
import { stateOf } from "../../../headend/completeness/runs.ts";
import type { MeterId, MeterReading, StoredDocument } from "../../../headend/ports.ts";
import { type Civil, civil, MICROS_PER_SECOND, toIso } from "../../core/time.ts";
import { type EnergyWitness, energyDeviation } from "./energy.ts";
import { Findings, type Verdict } from "./verdict.ts";

export interface IntervalWitness {
  readonly meter: MeterId;
  readonly energy: EnergyWitness;
  readonly hadPower: (at: number) => boolean;
  /** +A in mWh by the end of an interval, as the meter has it in the end. */
  readonly profile: ReadonlyMap<number, number>;
}

/** The newest intervals may still be on their way: a poll, and what it lets be asked for. */
const UNDER_WAY = 3_600 * MICROS_PER_SECOND;

export function checkIntervals(
  readings: readonly MeterReading[],
  documents: readonly StoredDocument[],
  config: CompletenessConfig,
  end: Civil,
  witnesses: readonly IntervalWitness[],
): Verdict {
  const findings = new Findings("every interval known: read, late or missing");
  for (const witness of witnesses) {
    const own = readings.filter(({ meter }) => meter === witness.meter);
    for (const reading of own) if (reading.source === "profile") checkValue(findings, reading, witness);
    checkStates(findings, own, documents, config, civil(end - UNDER_WAY), witness);
  }
  return findings.verdict();
}

function checkValue(findings: Findings, reading: MeterReading, { energy, hadPower, profile }: IntervalWitness): void {
  const { meter, time, quality, values } = reading;
  const at = () => `${meter} at ${toIso(time)}`;
  const kept = profile.get(time);
  if (quality === "missing") {
    findings.check(kept === undefined, () => `${at()}: missing where the meter has ${kept} mWh`);
    // At the very instant at which the power came or went either is right.
    const aside = [-1, 1].some((seconds) => !hadPower(time + seconds * MICROS_PER_SECOND));
    findings.check(aside, () => `${at()}: missing although the meter had power`);
    return;
  }
  const value = values.activeEnergyImport ?? null;
  findings.check(value === kept, () => `${at()}: ${value} mWh stored where the meter has ${kept}`);
  const deviation = value === null ? "no value" : energyDeviation(value, time, energy);
  findings.check(deviation === undefined, () => `${at()}: ${deviation}`);
  // A cut that cost energy lets registers fall behind what was read before.
  const mayFall = energy.lostSeconds(time) > 0;
  findings.check(quality !== "invalid" || mayFall, () => `${at()}: invalid without a cause`);
}

function checkStates(
  findings: Findings,
  own: readonly MeterReading[],
  documents: readonly StoredDocument[],
  { minutes, from }: CompletenessConfig,
  until: Civil,
  { meter, profile }: IntervalWitness,
): void {
  const document = documents.find(({ collection, key }) => collection === INTERVALS_COLLECTION && key === meter);
  findings.check(document !== undefined || own.length === 0, () => `${meter}: nothing is known of its intervals`);
  if (document === undefined) return;
  const state = INTERVALS_CODEC.decode(document.text);
  const had = new Set<number>();
  const asked = new Set<number>();
  for (const { time, quality, source } of own) {
    const interval = intervalAt(time, minutes);
    if (quality === "missing" || quality === "invalid") asked.add(source === "profile" ? interval : -1);
    else if (from === "any" || time === endOf(interval, minutes)) had.add(interval);
  }
  const span = expected(state, until);
  for (let interval = span.from; interval <= span.to; interval++) {
    const known = stateOf(state.runs, interval);
    const stored = had.has(interval) ? "read or late" : asked.has(interval) ? "missing" : "open";
    const said = known === undefined ? "open" : known === "missing" ? "missing" : "read or late";
    const at = () => `${meter}, interval to ${toIso(endOf(interval, minutes))}`;
    findings.check(said === stored, () => `${at()}: said to be ${said}, stored ${stored}`);
    findings.check(said !== "open", () => `${at()}: still open`);
    findings.check(said !== "missing" || !isSound(profile, interval, minutes, own), () => `${at()}: the meter has it`);
  }
}

/** The meter has it, and nobody called its value wrong. */
function isSound(
  profile: ReadonlyMap<number, number>,
  interval: number,
  minutes: number,
  own: readonly MeterReading[],
): boolean {
  const end = endOf(interval, minutes);
  return profile.has(end) && !own.some(({ time, quality }) => time === end && quality === "invalid");
}
