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

export const EASTRON_SDM120: MeterModel = {
  id: "eastron-sdm120",
  manufacturer: "Eastron",
  name: "SDM120-Modbus",
  source:
    "Unit and rate of the line: reaper7/SDM_Energy_Meter SDM.h (seen). " +
    "volkszaehler/mbmd meters/rs485/sdm120.go (seen), reaper7/SDM_Energy_Meter SDM.h (seen): all addresses. " +
    "The sign of PF follows P: a readout of a real meter has PF 0.442 at 170 W, −346 var (nmakel/sdm_modbus issue 27, seen). " +
    "Recalled: the read limit and the rating plate. Many of these meters leave the factory with 2400 baud; here 9600 8N1 is the default.",
  phases: 1,
  plate: {
    un: 230,
    ist: 0.02,
    imin: 0.25,
    itr: 0.5,
    imax: 45,
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
      source: "Eastron, Modbus protocol of the SDM series: the worked example of reading the voltage (published)",
      request: "01040000000271cb",
      response: "010404 43663334 1b38",
      reads: { voltageL1: "230.2" },
    },
    {
      source:
        "captured on an SDM230, which has these registers at the same addresses, syssi/esphome-solax-x1-mini issue 20",
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
      source: "computed with Python's struct: 230.5 V, 10.25 A, export with cos φ 0.8 in quadrant III; holes are zero",
      request: "010400000020f1d2",
      response:
        "010440 43668000 00000000 00000000 41240000 00000000 00000000 c4ec4333 00000000 00000000 4513aa00" +
        " 00000000 00000000 c4b13266 00000000 00000000 bf4ccccd 2eb9",
      reads: {
        voltageL1: "230.5",
        currentL1: "10.25",
        activePower: "-1890.1",
        apparentPower: "2362.625",
        reactivePower: "-1417.575",
        powerFactor: "-0.8",
      },
    },
    {
      source: "values of a real SDM120 (nmakel/sdm_modbus issue 27), framed with Python's struct",
      request: "01040048000871da",
      response: "010410 448e553f 00000000 41d1020c 44893431 6fcd",
      reads: {
        activeEnergyImport: "1138.664",
        activeEnergyExport: "0",
        reactiveEnergyImport: "26.126",
        reactiveEnergyExport: "1097.631",
      },
    },
    {
      source: "as before: the sums are import + export",
      request: "0104015600041025",
      response: "010408 448e553f 448c7839 60cf",
      reads: { activeEnergySum: "1138.664", reactiveEnergySum: "1123.757" },
    },
  ],
};
