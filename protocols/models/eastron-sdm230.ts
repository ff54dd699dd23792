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

export const EASTRON_SDM230: MeterModel = {
  id: "eastron-sdm230",
  manufacturer: "Eastron",
  name: "SDM230-Modbus",
  source:
    "Unit and rate of the line: reaper7/SDM_Energy_Meter SDM.h (seen). " +
    "volkszaehler/mbmd meters/rs485/sdm230.go (seen) and reaper7/SDM_Energy_Meter SDM.h (seen): all addresses; 0158 in SDM.h alone. " +
    "A readout of a real meter (esphome/issues issue 3912, seen) reads 80 registers in one piece, zeros between the values, and has PF 0.917 at 20.9 W, " +
    "−9.1 var and an angle of 336.5°: the sign of PF follows P, the angle counts the current behind the voltage. Recalled: the rating plate and the line.",
  phases: 1,
  plate: {
    un: 230,
    ist: 0.04,
    imin: 0.5,
    itr: 1,
    imax: 100,
    frequency: 50,
    activeClass: "1",
    reactiveClass: "2",
    impPerKwh: 1000,
    impPerKvarh: 1000,
    wiring: "1P2W",
    relayAmps: null,
  },
  pfSign: "direction",
  polyphaseTotal: "net",
  modbus: {
    defaults: { unit: 1, baud: 9600, parity: "none", stopBits: 1 },
    wordOrder: "high-first",
    line: {
      unit: { address: 0x0014, encoding: "float32" },
      baud: { address: 0x001c, encoding: "float32", rates: { "0": 2_400, "1": 4_800, "2": 9_600, "5": 1_200 } },
    },
    readLimit: 80,
    holes: "zero",
    tables: "separate",
    registers: [
      float(0x0000, "voltageL1", "V"),
      float(0x0006, "currentL1", "A"),
      // With one phase the value of L1 is the total.
      float(0x000c, "activePower", "W"),
      float(0x0012, "apparentPower", "VA"),
      float(0x0018, "reactivePower", "var"),
      float(0x001e, "powerFactor", "1"),
      float(0x0024, "phaseAngleL1", "deg"),
      float(0x0046, "frequency", "Hz"),
      float(0x0048, "activeEnergyImport", "kWh"),
      float(0x004a, "activeEnergyExport", "kWh"),
      float(0x004c, "reactiveEnergyImport", "kvarh"),
      float(0x004e, "reactiveEnergyExport", "kvarh"),
      // Import + export (OBIS 15.8.0), not the net.
      float(0x0156, "activeEnergySum", "kWh"),
      float(0x0158, "reactiveEnergySum", "kvarh"),
    ],
  },
  examples: [
    {
      source: "captured on an SDM230, syssi/esphome-solax-x1-mini issue 20",
      request: "010400480002f1dd",
      response: "010404 462a7521 298c",
      reads: { activeEnergyImport: "10909.282" },
    },
    {
      source: "as before",
      request: "0104000c0002b1c8",
      response: "010404 458e3c35 5fb4",
      reads: { activePower: "4551.526" },
    },
    {
      source:
        "data captured on an SDM230 (esphome/issues issue 3912) up to where that log is cut off; request and CRC by Python's struct",
      request: "030400000048f1de",
      response:
        "030490 436c7e6e 00000000 00000000 3dffa634 00000000 00000000 41a718c3 00000000 00000000 41b635ea 00000000 00000000 c1114e2f 00000000 00000000 3f6ac3f9 00000000 00000000 43a83fa5 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 42480000 4546",
      reads: {
        voltageL1: "236.494",
        currentL1: "0.124829",
        activePower: "20.887",
        apparentPower: "22.776",
        reactivePower: "-9.082",
        powerFactor: "0.917053",
        phaseAngleL1: "336.497",
        frequency: "50",
      },
    },
    {
      source: "computed with Python's struct",
      request: "01040048000871da",
      response: "010410 45289591 3f000000 41440000 43966000 91d0",
      reads: {
        activeEnergyImport: "2697.348",
        activeEnergyExport: "0.5",
        reactiveEnergyImport: "12.25",
        reactiveEnergyExport: "300.75",
      },
    },
  ],
};
