/**
 * What households' meters bring, as realistic readings for the store's bench: the load of test/household.ts minute by minute,
 * shown with the resolution of real registers.
 */
import type { SecondOfPhase } from "../../firmware-sim/metrology/direct-chip.ts";
import type { MeterId, MeterReading } from "../../headend/ports.ts";
import type { MeasureKey } from "../../src/core/measures.ts";
import { Random } from "../../src/core/random.ts";
import { civil } from "../../src/core/time.ts";
import { Household } from "../household.ts";

const MINUTE = 60;

export interface Profile {
  readonly name: string;
  readonly minutes: 1 | 15;
  /** What the last digit of each register is worth, in the store's unit (mV, µA, mW, mHz, 10^-6, mWh). */
  readonly steps: Partial<Record<MeasureKey, number>>;
  /** µs by which a polled reading's time is later than its slot, at most. */
  readonly jitter: number;
}

/** The eight registers of DL/T 645-2007 (0.1 V, 1 mA, 0.1 W, 0.01 Hz, 10 Wh). */
const DLT645 = {
  ...{ voltageL1: 100, currentL1: 1_000, activePower: 100, reactivePower: 100, powerFactor: 1_000, frequency: 10 },
  ...{ activeEnergyImport: 10_000, reactiveEnergyImport: 10_000 },
};
/** float32 registers: the chip's noise down to the smallest unit of instants, energy in Wh. */
const FLOAT32 = {
  ...{ voltageL1: 1, currentL1: 1, activePower: 1, reactivePower: 1, powerFactor: 1, frequency: 1 },
  ...{ activeEnergyImport: 1_000, reactiveEnergyImport: 1_000 },
};
/** A billing profile: import and export, four rates. */
const BILLING = {
  ...{
    activeEnergyImport: 10_000,
    activeEnergyExport: 10_000,
    reactiveEnergyImport: 10_000,
    reactiveEnergyExport: 10_000,
  },
  ...{
    activeEnergyImportT1: 10_000,
    activeEnergyImportT2: 10_000,
    activeEnergyImportT3: 10_000,
    activeEnergyImportT4: 10_000,
  },
};

export const PROFILES: readonly Profile[] = [
  { name: "15 min, billing registers", minutes: 15, steps: BILLING, jitter: 0 },
  { name: "15 min, DL/T 645 registers", minutes: 15, steps: DLT645, jitter: 0 },
  { name: "1 min, DL/T 645 registers", minutes: 1, steps: DLT645, jitter: 0 },
  { name: "1 min, DL/T 645, polled times", minutes: 1, steps: DLT645, jitter: 80_000 },
  { name: "1 min, float32 to the last digit", minutes: 1, steps: FLOAT32, jitter: 0 },
];

/** The readings of one meter, `days` from `start` (seconds since 1970, a midnight in UTC). */
export function* profileReadings(profile: Profile, seed: number, start: number, days: number): Iterable<MeterReading> {
  const household = new Household({
    seed,
    phases: 1,
    annualKwh: 2_000 + (seed % 7) * 700,
    solarWatts: seed % 3 ? 0 : 4_000,
  });
  const phase: SecondOfPhase = { voltage: 0, current: 0, active: 0, reactive: 0, apparent: 0, angle: 0 };
  const random = new Random(seed);
  const energy = { import: seed * 7_000_000, export: 0, reactiveImport: seed * 900_000, reactiveExport: 0 };
  const rates: [number, number, number, number] = [
    seed * 1_000_000,
    seed * 2_000_000,
    seed * 3_000_000,
    seed * 4_000_000,
  ];
  let frequency = 50_000;
  for (let minute = 0; minute < days * 1_440; minute++) {
    const second = start + minute * MINUTE;
    household.fill(second, [phase]);
    const active = Math.round((phase.active * MINUTE) / 3_600);
    const reactive = Math.round((phase.reactive * MINUTE) / 3_600);
    energy.import += Math.max(0, active);
    energy.export += Math.max(0, -active);
    energy.reactiveImport += Math.max(0, reactive);
    energy.reactiveExport += Math.max(0, -reactive);
    const rate = [3, 0, 1, 2][Math.floor((minute % 1_440) / 360)] as 0 | 1 | 2 | 3;
    rates[rate] += Math.max(0, active);
    frequency += Math.round((50_000 - frequency) / 20) + random.between(-8, 8);
    if (minute % profile.minutes !== 0) continue;
    const apparent = Math.max(1, phase.apparent);
    const shown: Partial<Record<MeasureKey, number>> = {
      ...{
        voltageL1: phase.voltage,
        currentL1: phase.current,
        activePower: phase.active,
        reactivePower: phase.reactive,
      },
      ...{ powerFactor: Math.round((phase.active / apparent) * 1e6) + random.between(-6_000, 6_000), frequency },
      ...{ activeEnergyImport: energy.import, activeEnergyExport: energy.export },
      ...{ reactiveEnergyImport: energy.reactiveImport, reactiveEnergyExport: energy.reactiveExport },
      ...{
        activeEnergyImportT1: rates[0],
        activeEnergyImportT2: rates[1],
        activeEnergyImportT3: rates[2],
        activeEnergyImportT4: rates[3],
      },
    };
    const values: Partial<Record<MeasureKey, number>> = {};
    for (const [key, step] of Object.entries(profile.steps) as [MeasureKey, number][])
      values[key] = Math.trunc((shown[key] as number) / step) * step;
    yield {
      meter: `meter-${seed}` as MeterId,
      time: civil(second * 1_000_000 + (profile.jitter > 0 ? random.below(profile.jitter) : 0)),
      source: profile.jitter > 0 ? "modbus" : "mqtt",
      sequence: profile.jitter > 0 ? null : minute / profile.minutes,
      quality: "good",
      values,
    };
  }
}
