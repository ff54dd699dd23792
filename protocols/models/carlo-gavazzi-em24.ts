import type { MeasureKey } from "../../src/core/measures.ts";
import type { MeterModel, RegisterEntry, WireUnit } from "./model.ts";

const int32 = (address: number, measure: MeasureKey, unit: WireUnit, scale: number): RegisterEntry => ({
  measure,
  table: "input",
  address,
  encoding: "int32",
  unit,
  scale,
});

const int16 = (address: number, measure: MeasureKey, unit: WireUnit, scale: number): RegisterEntry => ({
  ...int32(address, measure, unit, scale),
  encoding: "int16",
});

/** The display has seven digits and one decimal; the register starts again with it. */
const energy = (address: number, measure: MeasureKey): RegisterEntry => ({
  ...int32(address, measure, "kWh", -1),
  digits: 8,
});

export const CARLO_GAVAZZI_EM24: MeterModel = {
  id: "carlo-gavazzi-em24",
  manufacturer: "Carlo Gavazzi",
  name: "EM24-DIN (RS-485)",
  source:
    "volkszaehler/mbmd meters/rs485/carlogavazzi-em24.go (seen): all addresses, scales, function 04 and the low word first. " +
    "The Ethernet version of this meter has another map. " +
    "Recalled: at most 11 registers a read, PF positive inductive and negative capacitive, rollover with the display of 7 + 1 digits, net totals, 9600 8N1, the rating plate. " +
    "Not in the sources: what holes give; declared registers without holes are read.",
  phases: 3,
  plate: {
    un: 230,
    ist: 0.04,
    imin: 0.5,
    itr: 1,
    imax: 65,
    frequency: 50,
    activeClass: "1",
    reactiveClass: "2",
    impPerKwh: 1000,
    impPerKvarh: 1000,
    wiring: "3P4W",
    relayAmps: null,
  },
  pfSign: "inductive",
  polyphaseTotal: "net",
  modbus: {
    defaults: { unit: 1, baud: 9600, parity: "none", stopBits: 1 },
    wordOrder: "low-first",
    readLimit: 11,
    holes: "refuse",
    tables: "separate",
    registers: [
      int32(0x0000, "voltageL1", "V", -1),
      int32(0x0002, "voltageL2", "V", -1),
      int32(0x0004, "voltageL3", "V", -1),
      int32(0x000c, "currentL1", "A", -3),
      int32(0x000e, "currentL2", "A", -3),
      int32(0x0010, "currentL3", "A", -3),
      int32(0x0012, "activePowerL1", "W", -1),
      int32(0x0014, "activePowerL2", "W", -1),
      int32(0x0016, "activePowerL3", "W", -1),
      int32(0x0028, "activePower", "W", -1),
      int16(0x0032, "powerFactorL1", "1", -3),
      int16(0x0033, "powerFactorL2", "1", -3),
      int16(0x0034, "powerFactorL3", "1", -3),
      int16(0x0035, "powerFactor", "1", -3),
      int16(0x0037, "frequency", "Hz", -1),
      energy(0x0042, "activeEnergyImport"),
      energy(0x0046, "activeEnergyImportL1"),
      energy(0x0048, "activeEnergyImportL2"),
      energy(0x004a, "activeEnergyImportL3"),
      energy(0x005c, "activeEnergyExport"),
    ],
  },
  examples: [
    {
      source: "computed with Python's struct",
      request: "0104000000067008",
      response: "01040c 09010000 09080000 08fa0000 e6ac",
      reads: { voltageL1: "230.5", voltageL2: "231.2", voltageL3: "229.8" },
    },
    {
      source: "computed with Python's struct: 70 A needs both words",
      request: "0104000c0006b00b",
      response: "01040c 14820000 11700001 000f0000 bb39",
      reads: { currentL1: "5.25", currentL2: "70", currentL3: "0.015" },
    },
    {
      source: "computed with Python's struct: L2 exports",
      request: "010400120006d00d",
      response: "01040c 23f00000 e165ffff 49f00002 7e38",
      reads: { activePowerL1: "920", activePowerL2: "-783.5", activePowerL3: "15000" },
    },
    {
      source: "computed with Python's struct",
      request: "010400280002f1c3",
      response: "010404 2979ffed a3bc",
      reads: { activePower: "-123456.7" },
    },
    {
      source: "computed with Python's struct",
      request: "0104003200045006",
      response: "010408 0320 fce1 03e8 fff4 2df7",
      reads: { powerFactorL1: "0.8", powerFactorL2: "-0.799", powerFactorL3: "1", powerFactor: "-0.012" },
    },
    {
      source: "computed with Python's struct",
      request: "0104003700018004",
      response: "010402 01f3 f8e5",
      reads: { frequency: "49.9" },
    },
    {
      source: "computed with Python's struct",
      request: "01040042000ad019",
      response: "010414 e2400001 1a850000 a0c00000 a0c10000 a0bf0000 46d0",
      reads: {
        activeEnergyImport: "12345.6",
        activeEnergyImportL1: "4115.2",
        activeEnergyImportL2: "4115.3",
        activeEnergyImportL3: "4115.1",
      },
    },
    {
      source: "computed with Python's struct",
      request: "0104005c0002b1d9",
      response: "010404 00010001 6b84",
      reads: { activeEnergyExport: "6553.7" },
    },
  ],
};
