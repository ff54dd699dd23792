/**
 * The map of the native models. A measure has the same address in both, so one driver reads either; the single-phase
 * meter leaves out what it cannot measure. Every value has the resolution of the meter's own integers: nothing is lost.
 *
 * | block    | holds                                                        |
 * | -------- | ------------------------------------------------------------ |
 * | 0000     | totals, neutral, L1, total energies, clock, relay             |
 * | 004B     | L2, L3, line to line; with 0000 one read of 109 registers     |
 * | 0080     | energies of L1, L2, L3                                        |
 * | 00BC     | waveform: fundamental powers, quadrants, THD, angles and sequence of the voltages; with 0080 the second read |
 * | 0100     | rates, maximum demand, credit                                |
 * | 0200     | harmonics of L1: voltage order n at 2(n − 2), current 28 behind |
 * | 0260     | harmonics of L2                                               |
 * | 02C0     | harmonics of L3                                               |
 * | 1000     | control: unlock 1000, unit 1008, baud 100A, order mailbox 1010, outcome 1020 |
 * | 1030     | what the CPU keeps: see function-blocks.ts                   |
 */
import { HARMONIC_ORDERS, type MeasureKey, measure, type Phase } from "../../src/core/measures.ts";
import {
  type Encoding,
  EXTRA_FUNCTIONS,
  type ModbusControl,
  type ModbusLine,
  type ModbusMap,
  type RegisterEntry,
  registerCount,
} from "./model.ts";

const instantsOf = (p: Phase): MeasureKey[] => [
  `voltageL${p}`,
  `currentL${p}`,
  `activePowerL${p}`,
  `reactivePowerL${p}`,
  `apparentPowerL${p}`,
  `powerFactorL${p}`,
  `phaseAngleL${p}`,
];

const energiesOf = (p: Phase): MeasureKey[] => [
  `activeEnergyImportL${p}`,
  `activeEnergyExportL${p}`,
  `activeEnergySumL${p}`,
  `reactiveEnergyImportL${p}`,
  `reactiveEnergyExportL${p}`,
];

const COMMON: readonly MeasureKey[] = [
  "activePower",
  "reactivePower",
  "apparentPower",
  "powerFactor",
  "frequency",
  "currentNeutral",
  "currentSum",
  ...instantsOf(1),
  "activeEnergyImport",
  "activeEnergyExport",
  "activeEnergySum",
  "reactiveEnergyImport",
  "reactiveEnergyExport",
  "reactiveEnergySum",
  "reactiveEnergyQ1",
  "reactiveEnergyQ2",
  "reactiveEnergyQ3",
  "reactiveEnergyQ4",
  "apparentEnergy",
  "clock",
  "relayState",
];

const POLYPHASE: readonly MeasureKey[] = [...instantsOf(2), ...instantsOf(3), "voltageL12", "voltageL23", "voltageL31"];

const waveformOf = (p: Phase): MeasureKey[] => [
  `fundamentalActivePowerL${p}`,
  `quadrantL${p}`,
  `voltageThdL${p}`,
  `currentThdL${p}`,
];

const harmonicsOf = (p: Phase): MeasureKey[] => [
  ...HARMONIC_ORDERS.map((n): MeasureKey => `voltageHarmonic${n}L${p}`),
  ...HARMONIC_ORDERS.map((n): MeasureKey => `currentHarmonic${n}L${p}`),
];

const WAVEFORM: readonly MeasureKey[] = ["fundamentalActivePower", "quadrant", ...waveformOf(1)];
const POLYPHASE_WAVEFORM: readonly MeasureKey[] = [
  ...waveformOf(2),
  ...waveformOf(3),
  "voltageAngleL2",
  "voltageAngleL3",
  "phaseSequence",
];

const PHASE_ENERGY_BLOCK = 0x0080;
const WAVEFORM_BLOCK = 0x00bc;
const HARMONICS_BLOCK = 0x0200;
const HARMONICS_STRIDE = 0x0060;

const BOOKED: readonly MeasureKey[] = [
  "activeEnergyImportT1",
  "activeEnergyImportT2",
  "activeEnergyImportT3",
  "activeEnergyImportT4",
  "activeEnergyExportT1",
  "activeEnergyExportT2",
  "activeEnergyExportT3",
  "activeEnergyExportT4",
  "maximumDemandImport",
  "creditBalance",
];

const BOOKED_BLOCK = 0x0100;

/** Signed where the quantity is; uint32 of mV, µA, mW reaches 4 MV, 4 kA and int32 2 MW, far beyond any direct meter. */
function encodingOf(key: MeasureKey): Encoding {
  const m = measure(key);
  if (m.kind === "energy") return "uint64";
  if (key === "creditBalance") return "int64";
  if (m.kind === "status" && key !== "clock") return "uint16";
  return /^(active|reactive|fundamentalActive)Power|^powerFactor/.test(key) ? "int32" : "uint32";
}

const NO_VALUE: Partial<Record<Encoding, string>> = {
  int32: "80000000",
  uint32: "ffffffff",
  uint16: "ffff",
  int64: "8000000000000000",
};

/** Quantities that may have no value: power factor, angle and quadrant without load, harmonics of nothing, credit. */
function noValueOf(key: MeasureKey, encoding: Encoding): string | undefined {
  return measure(key).kind === "energy" || key === "relayState" || key === "clock" ? undefined : NO_VALUE[encoding];
}

function block(start: number, keys: readonly MeasureKey[]): RegisterEntry[] {
  let address = start;
  return keys.map((key) => {
    const { unit, decimals } = measure(key);
    const encoding = encodingOf(key);
    const noValue = noValueOf(key, encoding);
    const entry: RegisterEntry = {
      measure: key,
      table: "holding",
      address,
      encoding,
      unit,
      ...(decimals === 0 ? {} : { scale: -decimals }),
      ...(noValue === undefined ? {} : { noValue }),
    };
    address += registerCount(encoding);
    return entry;
  });
}

const CONTROL: ModbusControl = {
  unlock: 0x1000,
  unlockSeconds: 60,
  mailbox: 0x1010,
  outcome: 0x1020,
  relayCoil: 0,
  functions: 0x1030,
};

const RATES = [1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200] as const;

const LINE: ModbusLine = {
  unit: { address: 0x1008, encoding: "uint16" },
  baud: { address: 0x100a, encoding: "uint32", rates: Object.fromEntries(RATES.map((rate) => [String(rate), rate])) },
};

/** The map of a native meter as plain data. */
export function nativeMap(phases: 1 | 3): ModbusMap {
  const first = phases === 3 ? [...COMMON, ...POLYPHASE] : COMMON;
  const present: readonly Phase[] = phases === 3 ? [1, 2, 3] : [1];
  const energies = present.flatMap(energiesOf);
  return {
    defaults: { unit: 1, baud: 9600, parity: "none", stopBits: 1 },
    wordOrder: "high-first",
    readLimit: 125,
    holes: "refuse",
    tables: "shared",
    registers: [
      ...block(0, first),
      ...block(PHASE_ENERGY_BLOCK, energies),
      ...block(WAVEFORM_BLOCK, phases === 3 ? [...WAVEFORM, ...POLYPHASE_WAVEFORM] : WAVEFORM),
      ...block(BOOKED_BLOCK, BOOKED),
      ...present.flatMap((p) => block(HARMONICS_BLOCK + HARMONICS_STRIDE * (p - 1), harmonicsOf(p))),
    ],
    control: CONTROL,
    line: LINE,
    functions: EXTRA_FUNCTIONS,
  };
}
