/**
 * From the chip's registers and the CPU's energy registers to the measures of the vocabulary. Every measure the meter can
 * show is computed here, once, whatever protocol asks for it.
 */

import type { MeterModel } from "../protocols/models/model.ts";
import { HARMONIC_ORDERS, type MeasureKey, type Phase } from "../src/core/measures.ts";
import { assert } from "../src/core/result.ts";
import type { ChipReadings, HarmonicReadings } from "./metrology/chip.ts";
import type { EnergyRegister, EnergyRegisters } from "./metrology/energy.ts";

/** What measures are made of, at one instant. */
export interface MeasureSource {
  readonly model: MeterModel;
  readonly chip: ChipReadings;
  readonly energy: EnergyRegisters;
  readonly relayClosed: boolean;
  /** Meter clock, whole seconds since 1970. */
  readonly clockSeconds: number;
  readonly booked: BookedValues;
}

/** What the CPU keeps beside the totals. */
export interface BookedValues {
  /** mWh of a rate. */
  rateEnergy(register: EnergyRegister, rate: number): number;
  /** mW; 0 where there was no demand since the last settlement. */
  maximumDemand(register: EnergyRegister): number;
  /** Minor units or mWh, below zero in overdraft; null in a meter without credit. */
  creditBalance(): number | null;
}

type Compute = (source: MeasureSource) => number | null;
type Row = readonly [MeasureKey, Compute];

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** P/S in millionths with the sign that the model declares; null without apparent power, where it has no value. */
export function powerFactor(p: number, q: number, s: number, sign: MeterModel["pfSign"]): number | null {
  if (s === 0) return null;
  const magnitude = Math.min(1_000_000, Math.round((Math.abs(p) / s) * 1e6));
  if (sign === "none") return magnitude;
  // Inductive in quadrants I and III, where P and Q have one sign (quantities.md).
  const negative = sign === "direction" ? p < 0 : p < 0 !== q < 0;
  return negative ? -magnitude : magnitude;
}

function phaseMeasures(phase: Phase): readonly Row[] {
  const i = phase - 1;
  const at = (values: readonly number[]) => values[i] ?? 0;
  return [
    [`voltageL${phase}`, (s) => at(s.chip.voltage)],
    [`currentL${phase}`, (s) => at(s.chip.current)],
    [`activePowerL${phase}`, (s) => at(s.chip.active)],
    [`reactivePowerL${phase}`, (s) => at(s.chip.reactive)],
    [`apparentPowerL${phase}`, (s) => at(s.chip.apparent)],
    [
      `powerFactorL${phase}`,
      (s) => powerFactor(at(s.chip.active), at(s.chip.reactive), at(s.chip.apparent), s.model.pfSign),
    ],
    [`phaseAngleL${phase}`, (s) => at(s.chip.angle)],
    [`activeEnergyImportL${phase}`, (s) => s.energy.value("activeImport", phase)],
    [`activeEnergyExportL${phase}`, (s) => s.energy.value("activeExport", phase)],
    [`activeEnergySumL${phase}`, (s) => s.energy.value("activeImport", phase) + s.energy.value("activeExport", phase)],
    [`reactiveEnergyImportL${phase}`, (s) => s.energy.value("reactiveImport", phase)],
    [`reactiveEnergyExportL${phase}`, (s) => s.energy.value("reactiveExport", phase)],
  ];
}

/** 1 .. 4 by the signs of P and Q (quantities.md), as energy is counted; null where there is neither. */
export function quadrant(p: number, q: number): number | null {
  if (p === 0 && q === 0) return null;
  if (q >= 0) return p >= 0 ? 1 : 2;
  return p >= 0 ? 4 : 3;
}

const SEQUENCE = { undetermined: 0, right: 1, reversed: 2 };
/** Millidegrees by which a voltage may be off its place in a system of three. */
const SEQUENCE_TOLERANCE = 60_000;

/** By the angles of L2 and L3 behind L1: 120° and 240°, or the other way round. */
function sequenceOf({ voltageAngle }: HarmonicReadings): number {
  const [, second, third] = voltageAngle;
  if (second === null || third === null || second === undefined || third === undefined) return SEQUENCE.undetermined;
  const near = (angle: number, place: number) => Math.abs(angle - place) < SEQUENCE_TOLERANCE;
  if (near(second, 120_000) && near(third, 240_000)) return SEQUENCE.right;
  return near(second, 240_000) && near(third, 120_000) ? SEQUENCE.reversed : SEQUENCE.undetermined;
}

function waveformMeasures(phase: Phase): readonly Row[] {
  const i = phase - 1;
  return [
    [`fundamentalActivePowerL${phase}`, (s) => s.chip.fundamentalActive[i] ?? null],
    [`quadrantL${phase}`, (s) => quadrant(s.chip.active[i] ?? 0, s.chip.reactive[i] ?? 0)],
    [`voltageThdL${phase}`, (s) => s.chip.harmonics?.voltage[i]?.thd ?? null],
    [`currentThdL${phase}`, (s) => s.chip.harmonics?.current[i]?.thd ?? null],
    ...HARMONIC_ORDERS.flatMap((n): Row[] => [
      [`voltageHarmonic${n}L${phase}`, (s) => s.chip.harmonics?.voltage[i]?.orders[n - 2] ?? null],
      [`currentHarmonic${n}L${phase}`, (s) => s.chip.harmonics?.current[i]?.orders[n - 2] ?? null],
    ]),
  ];
}

/** Null as soon as one of them is. */
function sumOfAll(values: readonly (number | null)[]): number | null {
  let total = 0;
  for (const value of values) {
    if (value === null) return null;
    total += value;
  }
  return total;
}

const rateMeasures = ([1, 2, 3, 4] as const).flatMap((rate): Row[] => [
  [`activeEnergyImportT${rate}`, (s) => s.booked.rateEnergy("activeImport", rate)],
  [`activeEnergyExportT${rate}`, (s) => s.booked.rateEnergy("activeExport", rate)],
]);

const COMPUTE: ReadonlyMap<MeasureKey, Compute> = new Map<MeasureKey, Compute>([
  ...phaseMeasures(1),
  ...phaseMeasures(2),
  ...phaseMeasures(3),
  ["voltageL12", (s) => s.chip.lineVoltage[0] ?? 0],
  ["voltageL23", (s) => s.chip.lineVoltage[1] ?? 0],
  ["voltageL31", (s) => s.chip.lineVoltage[2] ?? 0],
  ["currentNeutral", (s) => s.chip.neutralCurrent],
  ["currentSum", (s) => sum(s.chip.current)],
  ["activePower", (s) => sum(s.chip.active)],
  ["reactivePower", (s) => sum(s.chip.reactive)],
  ["apparentPower", (s) => sum(s.chip.apparent)],
  ["powerFactor", (s) => powerFactor(sum(s.chip.active), sum(s.chip.reactive), sum(s.chip.apparent), s.model.pfSign)],
  ["frequency", (s) => s.chip.frequency],
  ["activeEnergyImport", (s) => s.energy.value("activeImport")],
  ["activeEnergyExport", (s) => s.energy.value("activeExport")],
  ["activeEnergySum", (s) => s.energy.value("activeImport") + s.energy.value("activeExport")],
  ["reactiveEnergyImport", (s) => s.energy.value("reactiveImport")],
  ["reactiveEnergyExport", (s) => s.energy.value("reactiveExport")],
  ["reactiveEnergySum", (s) => s.energy.value("reactiveImport") + s.energy.value("reactiveExport")],
  ["reactiveEnergyQ1", (s) => s.energy.value("q1")],
  ["reactiveEnergyQ2", (s) => s.energy.value("q2")],
  ["reactiveEnergyQ3", (s) => s.energy.value("q3")],
  ["reactiveEnergyQ4", (s) => s.energy.value("q4")],
  ["apparentEnergy", (s) => s.energy.value("apparent")],
  ["relayState", (s) => (s.model.plate.relayAmps === null ? null : s.relayClosed ? 1 : 0)],
  ["clock", (s) => s.clockSeconds],
  ...waveformMeasures(1),
  ...waveformMeasures(2),
  ...waveformMeasures(3),
  ["fundamentalActivePower", (s) => sumOfAll(s.chip.fundamentalActive)],
  ["quadrant", (s) => quadrant(sum(s.chip.active), sum(s.chip.reactive))],
  ["voltageAngleL2", (s) => s.chip.harmonics?.voltageAngle[1] ?? null],
  ["voltageAngleL3", (s) => s.chip.harmonics?.voltageAngle[2] ?? null],
  ["phaseSequence", (s) => (s.model.phases === 1 || s.chip.harmonics === null ? null : sequenceOf(s.chip.harmonics))],
  ...rateMeasures,
  ["maximumDemandImport", (s) => s.booked.maximumDemand("activeImport")],
  ["creditBalance", (s) => s.booked.creditBalance()],
] satisfies readonly Row[]);

/** A measure as an integer at its decimals; null where it has no value. */
export function computeMeasure(key: MeasureKey, source: MeasureSource): number | null {
  const compute = COMPUTE.get(key);
  assert(compute !== undefined, `measure ${key} is computed nowhere`);
  return compute(source);
}
