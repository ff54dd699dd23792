/**
 * The map of the native models. A measure has the same address in both, so one driver reads either; the single-phase
 * meter leaves out what it cannot measure. Every value has the resolution of the meter's own integers: nothing is lost.
 *
 * | block    | holds                                                        |
 * | -------- | ------------------------------------------------------------ |
 * | 0000     | totals, neutral, L1, total energies, clock, relay             |
 * | 004B     | L2, L3, line to line; with 0000 one read of 109 registers     |
 * | 0080     | energies of L1, L2, L3: the second and last read              |
 * | 1000     | control: unlock 1000, order mailbox 1010, outcome 1020        |
 */
import { type MeasureKey, measure, type Phase } from "../../src/core/measures.ts";
import {
  type Encoding,
  EXTRA_FUNCTIONS,
  type ModbusControl,
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

const PHASE_ENERGY_BLOCK = 0x0080;

/** Signed where the quantity is; uint32 of mV, µA, mW reaches 4 MV, 4 kA and int32 2 MW, far beyond any direct meter. */
function encodingOf(key: MeasureKey): Encoding {
  const m = measure(key);
  if (m.kind === "energy") return "uint64";
  if (key === "relayState") return "uint16";
  return /^(active|reactive)Power|^powerFactor/.test(key) ? "int32" : "uint32";
}

/** Quantities that may have no value: power factor and angle without load, frequency without voltage. */
function noValueOf(encoding: Encoding): string | undefined {
  return encoding === "int32" ? "80000000" : encoding === "uint32" ? "ffffffff" : undefined;
}

function block(start: number, keys: readonly MeasureKey[]): RegisterEntry[] {
  let address = start;
  return keys.map((key) => {
    const { unit, decimals, kind } = measure(key);
    const encoding = encodingOf(key);
    const noValue = kind === "instant" ? noValueOf(encoding) : undefined;
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
};

/** The map of a native meter as plain data. */
export function nativeMap(phases: 1 | 3): ModbusMap {
  const first = phases === 3 ? [...COMMON, ...POLYPHASE] : COMMON;
  const energies = phases === 3 ? [...energiesOf(1), ...energiesOf(2), ...energiesOf(3)] : energiesOf(1);
  return {
    defaults: { unit: 1, baud: 9600, parity: "none", stopBits: 1 },
    wordOrder: "high-first",
    readLimit: 125,
    holes: "refuse",
    tables: "shared",
    registers: [...block(0, first), ...block(PHASE_ENERGY_BLOCK, energies)],
    control: CONTROL,
    functions: EXTRA_FUNCTIONS,
  };
}
