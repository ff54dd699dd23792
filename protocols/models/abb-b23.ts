import type { MeasureKey } from "../../src/core/measures.ts";
import type { Encoding, MeterModel, RegisterEntry, WireUnit } from "./model.ts";

/** What has no value reads as all ones, or as the highest number where the register is signed. */
const NO_VALUE = { uint16: "ffff", int16: "7fff", uint32: "ffffffff", int32: "7fffffff" } as const;

const instant = (
  address: number,
  measure: MeasureKey,
  encoding: Encoding & keyof typeof NO_VALUE,
  unit: WireUnit,
  scale: number,
): RegisterEntry => ({
  measure,
  table: "holding",
  address,
  encoding,
  unit,
  scale,
  noValue: NO_VALUE[encoding],
});

/** Where the register starts again is not in the sources: 12 digits are beyond any meter's life and below "no value". */
const energy = (address: number, measure: MeasureKey): RegisterEntry => ({
  measure,
  table: "holding",
  address,
  encoding: "uint64",
  unit: "kWh",
  scale: -2,
  digits: 12,
  noValue: "ffffffffffffffff",
});

export const ABB_B23: MeterModel = {
  id: "abb-b23",
  manufacturer: "ABB",
  name: "B23",
  source:
    "volkszaehler/mbmd meters/rs485/abb.go for the A and B series (seen): all addresses, scales, encodings and the no-value codes. " +
    "Recalled: PF has the sign of P, totals are the net of the phases, at most 125 registers a read, undeclared registers are refused, 19200 8E1, the rating plate.",
  phases: 3,
  plate: {
    un: 230,
    ist: 0.02,
    imin: 0.25,
    itr: 0.5,
    imax: 65,
    frequency: 50,
    activeClass: "B",
    reactiveClass: "2",
    impPerKwh: 1000,
    impPerKvarh: 1000,
    wiring: "3P4W",
    relayAmps: null,
  },
  pfSign: "direction",
  polyphaseTotal: "net",
  modbus: {
    defaults: { unit: 1, baud: 19200, parity: "even", stopBits: 1 },
    wordOrder: "high-first",
    readLimit: 125,
    holes: "refuse",
    tables: "separate",
    registers: [
      energy(0x5000, "activeEnergyImport"),
      energy(0x5004, "activeEnergyExport"),
      energy(0x5460, "activeEnergyImportL1"),
      energy(0x5464, "activeEnergyImportL2"),
      energy(0x5468, "activeEnergyImportL3"),
      energy(0x546c, "activeEnergyExportL1"),
      energy(0x5470, "activeEnergyExportL2"),
      energy(0x5474, "activeEnergyExportL3"),
      instant(0x5b00, "voltageL1", "uint32", "V", -1),
      instant(0x5b02, "voltageL2", "uint32", "V", -1),
      instant(0x5b04, "voltageL3", "uint32", "V", -1),
      instant(0x5b0c, "currentL1", "uint32", "A", -2),
      instant(0x5b0e, "currentL2", "uint32", "A", -2),
      instant(0x5b10, "currentL3", "uint32", "A", -2),
      instant(0x5b14, "activePower", "int32", "W", -2),
      instant(0x5b16, "activePowerL1", "int32", "W", -2),
      instant(0x5b18, "activePowerL2", "int32", "W", -2),
      instant(0x5b1a, "activePowerL3", "int32", "W", -2),
      instant(0x5b2c, "frequency", "uint16", "Hz", -2),
      instant(0x5b3a, "powerFactor", "int16", "1", -3),
      instant(0x5b3b, "powerFactorL1", "int16", "1", -3),
      instant(0x5b3c, "powerFactorL2", "int16", "1", -3),
      instant(0x5b3d, "powerFactorL3", "int16", "1", -3),
    ],
  },
  examples: [
    {
      source: "computed with Python's struct: a meter that counts import alone",
      request: "010350000008550c",
      response: "010310 000000000012d687 ffffffffffffffff 59e5",
      reads: { activeEnergyImport: "12345.67", activeEnergyExport: null },
    },
    {
      source: "computed with Python's struct",
      request: "01035460001855ee",
      response:
        "010330 0000000000064782 0000000000064783 0000000000064782 0000000000000000 00000000000000e1 ffffffffffffffff dd00",
      reads: {
        activeEnergyImportL1: "4115.22",
        activeEnergyImportL2: "4115.23",
        activeEnergyImportL3: "4115.22",
        activeEnergyExportL1: "0",
        activeEnergyExportL2: "2.25",
        activeEnergyExportL3: null,
      },
    },
    {
      source: "computed with Python's struct: L3 is not connected",
      request: "01035b00000c56eb",
      response: "010318 00000901 00000908 ffffffff 00000f98 ffffffff ffffffff de90",
      reads: { voltageL1: "230.5", voltageL2: "231.2", voltageL3: null },
    },
    {
      source: "computed with Python's struct",
      request: "01035b0c000616ef",
      response: "01030c 0000020d 000001f4 ffffffff dbba",
      reads: { currentL1: "5.25", currentL2: "5", currentL3: null },
    },
    {
      source: "computed with Python's struct",
      request: "01035b140008172c",
      response: "010310 00043620 00016760 fffecdf2 7fffffff e6c1",
      reads: { activePower: "2760", activePowerL1: "920", activePowerL2: "-783.5", activePowerL3: null },
    },
    {
      source: "computed with Python's struct",
      request: "01035b2c000156e7",
      response: "010302 1386 34d6",
      reads: { frequency: "49.98" },
    },
    {
      source: "computed with Python's struct",
      request: "01035b3a00047720",
      response: "010308 0320 fce0 03e8 7fff 81ea",
      reads: { powerFactor: "0.8", powerFactorL1: "-0.8", powerFactorL2: "1", powerFactorL3: null },
    },
  ],
};
