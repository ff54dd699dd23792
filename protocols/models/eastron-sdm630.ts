import type { MeasureKey } from "../../src/core/measures.ts";
import type { MeterModel, RegisterEntry, WireUnit } from "./model.ts";

/** Every value of this meter is a float32 in the input table; the addresses are even. */
const float = (address: number, measure: MeasureKey, unit: WireUnit): RegisterEntry => ({
  measure,
  table: "input",
  address,
  encoding: "float32",
  unit,
});

export const EASTRON_SDM630: MeterModel = {
  id: "eastron-sdm630",
  manufacturer: "Eastron",
  name: "SDM630-Modbus",
  source:
    "Unit and rate of the line: reaper7/SDM_Energy_Meter SDM.h (seen). " +
    "volkszaehler/mbmd meters/rs485/sdm.go (seen): voltages, currents, active powers, PF, totals, frequency, energies 0048–004E and 0156–016A. " +
    "reaper7/SDM_Energy_Meter SDM.h (seen): all addresses, alone for 0012–001C, 0024–0028, 0030, 0050, 00C8–00CC, 00E0, 016C–0176. " +
    "CONFLICT: a recalled list has total kvarh at 016C; this file follows SDM.h (import 016C, export 0172, total 0178). " +
    "Recalled: the sign of PF, net totals, the read limit, the rating plate.",
  phases: 3,
  plate: {
    un: 230,
    ist: 0.04,
    imin: 0.5,
    itr: 1,
    imax: 100,
    frequency: 50,
    activeClass: "1",
    reactiveClass: "2",
    impPerKwh: 400,
    impPerKvarh: 400,
    wiring: "3P4W",
    relayAmps: null,
  },
  pfSign: "direction",
  polyphaseTotal: "net",
  modbus: {
    defaults: { unit: 1, baud: 9600, parity: "none", stopBits: 1 },
    wordOrder: "high-first",
    line: {
      unit: { address: 0x0014, encoding: "float32" },
      baud: {
        address: 0x001c,
        encoding: "float32",
        rates: { "0": 2_400, "1": 4_800, "2": 9_600, "3": 19_200, "4": 38_400 },
      },
    },
    readLimit: 80,
    holes: "zero",
    tables: "separate",
    registers: [
      // Phase values.
      float(0x0000, "voltageL1", "V"),
      float(0x0002, "voltageL2", "V"),
      float(0x0004, "voltageL3", "V"),
      float(0x0006, "currentL1", "A"),
      float(0x0008, "currentL2", "A"),
      float(0x000a, "currentL3", "A"),
      float(0x000c, "activePowerL1", "W"),
      float(0x000e, "activePowerL2", "W"),
      float(0x0010, "activePowerL3", "W"),
      float(0x0012, "apparentPowerL1", "VA"),
      float(0x0014, "apparentPowerL2", "VA"),
      float(0x0016, "apparentPowerL3", "VA"),
      float(0x0018, "reactivePowerL1", "var"),
      float(0x001a, "reactivePowerL2", "var"),
      float(0x001c, "reactivePowerL3", "var"),
      float(0x001e, "powerFactorL1", "1"),
      float(0x0020, "powerFactorL2", "1"),
      float(0x0022, "powerFactorL3", "1"),
      float(0x0024, "phaseAngleL1", "deg"),
      float(0x0026, "phaseAngleL2", "deg"),
      float(0x0028, "phaseAngleL3", "deg"),
      // Totals.
      float(0x0030, "currentSum", "A"),
      float(0x0034, "activePower", "W"),
      float(0x0038, "apparentPower", "VA"),
      float(0x003c, "reactivePower", "var"),
      float(0x003e, "powerFactor", "1"),
      float(0x0046, "frequency", "Hz"),
      float(0x0048, "activeEnergyImport", "kWh"),
      float(0x004a, "activeEnergyExport", "kWh"),
      float(0x004c, "reactiveEnergyImport", "kvarh"),
      float(0x004e, "reactiveEnergyExport", "kvarh"),
      float(0x0050, "apparentEnergy", "kVAh"),
      // Line to line, neutral.
      float(0x00c8, "voltageL12", "V"),
      float(0x00ca, "voltageL23", "V"),
      float(0x00cc, "voltageL31", "V"),
      float(0x00e0, "currentNeutral", "A"),
      // Sums are import + export (OBIS 15.8.0), not the net.
      float(0x0156, "activeEnergySum", "kWh"),
      float(0x0158, "reactiveEnergySum", "kvarh"),
      // Energies of the phases.
      float(0x015a, "activeEnergyImportL1", "kWh"),
      float(0x015c, "activeEnergyImportL2", "kWh"),
      float(0x015e, "activeEnergyImportL3", "kWh"),
      float(0x0160, "activeEnergyExportL1", "kWh"),
      float(0x0162, "activeEnergyExportL2", "kWh"),
      float(0x0164, "activeEnergyExportL3", "kWh"),
      float(0x0166, "activeEnergySumL1", "kWh"),
      float(0x0168, "activeEnergySumL2", "kWh"),
      float(0x016a, "activeEnergySumL3", "kWh"),
      float(0x016c, "reactiveEnergyImportL1", "kvarh"),
      float(0x016e, "reactiveEnergyImportL2", "kvarh"),
      float(0x0170, "reactiveEnergyImportL3", "kvarh"),
      float(0x0172, "reactiveEnergyExportL1", "kvarh"),
      float(0x0174, "reactiveEnergyExportL2", "kvarh"),
      float(0x0176, "reactiveEnergyExportL3", "kvarh"),
    ],
  },
  examples: [
    {
      source: "Eastron, Modbus protocol of the SDM series: the worked example of reading the voltage (published)",
      request: "01040000000271cb",
      response: "010404 43663334 1b38",
      reads: { voltageL1: "230.2" },
    },
    {
      source: "captured on an SDM630, volkszaehler/mbmd issue 63",
      request: "01040000000271cb",
      response: "010404 4367af55 e210",
      reads: { voltageL1: "231.685" },
    },
    {
      source: "captured on an SDM630 (unit 2), volkszaehler/mbmd issue 63",
      request: "020400080002f03a",
      response: "020404 408b6a89 4268",
      reads: { currentL2: "4.356755" },
    },
    {
      source:
        "reply captured on an SDM630, arendst/Tasmota issue 6878; the request follows from the order that firmware polls in",
      request: "0104000c0002b1c8",
      response: "010404 42c6fe9d 8e08",
      reads: { activePowerL1: "99.497" },
    },
    {
      source: "as before, the same round: capacitive load, so a negative reactive power with a positive power factor",
      request: "010400180002f1cc",
      response: "010404 c19c3802 9457",
      reads: { reactivePowerL1: "-19.527" },
    },
    {
      source: "as before, the same round",
      request: "0104001e000211cd",
      response: "010404 3f7b6498 ace3",
      reads: { powerFactorL1: "0.982004" },
    },
    {
      source: "as before, the same round",
      request: "0104015600029027",
      response: "010404 421ef2b0 cb2e",
      reads: { activeEnergySum: "39.737" },
    },
    {
      source:
        "computed with Python's struct: totals and energies of 3 × 230 V, 5 A, cos φ 0.8 inductive; holes are zero",
      request: "01040034001cb00d",
      response:
        "010438 452c8000 00000000 4557a000 00000000 45016000 3f4ccccd 00000000 00000000 00000000 42480000" +
        " 4640e6b6 3f000000 4610ad00 00000000 c9f4",
      reads: {
        activePower: "2760",
        apparentPower: "3450",
        reactivePower: "2070",
        powerFactor: "0.8",
        frequency: "50",
        activeEnergyImport: "12345.678",
        activeEnergyExport: "0.5",
        reactiveEnergyImport: "9259.25",
        reactiveEnergyExport: "0",
      },
    },
  ],
};
