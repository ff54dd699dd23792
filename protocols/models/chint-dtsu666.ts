import type { MeasureKey } from "../../src/core/measures.ts";
import type { MeterModel, RegisterEntry, WireUnit } from "./model.ts";

/** Floats that hold tenths, hundredths or thousandths of the unit: the value is the float × 10^scale. */
const float = (address: number, measure: MeasureKey, unit: WireUnit, scale = 0): RegisterEntry => ({
  measure,
  table: "holding",
  address,
  encoding: "float32",
  unit,
  ...(scale === 0 ? {} : { scale }),
});

export const CHINT_DTSU666: MeterModel = {
  id: "chint-dtsu666",
  manufacturer: "Chint",
  name: "DTSU666",
  source:
    "volkszaehler/mbmd meters/rs485/dtsu666.go (seen): all addresses and scales but those of the line voltages. " +
    "CONFLICT: older versions of that file have the phase voltages at 2000; two public readers put the line voltages there and the phase voltages at 2006, " +
    "which this file follows: at 2000 a phase voltage would be wrong by a factor of 1.73. " +
    "Recalled: PF is positive inductive and negative capacitive; net totals; the rating plate (the direct meter 5(80) A); 9600 8N1; registers 0006 and 0007 hold the CT and VT ratio of " +
    "the transformer version and every register here is secondary, so the ratio belongs into the head-end's registration. " +
    "Not in the sources: the read limit and what holes give; 60 registers without holes at a time is our own careful choice.",
  phases: 3,
  plate: {
    un: 230,
    ist: 0.02,
    imin: 0.25,
    itr: 0.5,
    imax: 80,
    frequency: 50,
    activeClass: "1",
    reactiveClass: "2",
    impPerKwh: 400,
    impPerKvarh: 400,
    wiring: "3P4W",
    relayAmps: null,
  },
  pfSign: "inductive",
  polyphaseTotal: "net",
  modbus: {
    defaults: { unit: 1, baud: 9600, parity: "none", stopBits: 1 },
    wordOrder: "high-first",
    readLimit: 60,
    holes: "refuse",
    tables: "separate",
    registers: [
      float(0x101e, "activeEnergyImport", "kWh"),
      float(0x1020, "activeEnergyImportL1", "kWh"),
      float(0x1022, "activeEnergyImportL2", "kWh"),
      float(0x1024, "activeEnergyImportL3", "kWh"),
      // 1026 is left out: its meaning is not in the sources.
      float(0x1028, "activeEnergyExport", "kWh"),
      float(0x102a, "activeEnergyExportL1", "kWh"),
      float(0x102c, "activeEnergyExportL2", "kWh"),
      float(0x102e, "activeEnergyExportL3", "kWh"),
      float(0x2000, "voltageL12", "V", -1),
      float(0x2002, "voltageL23", "V", -1),
      float(0x2004, "voltageL31", "V", -1),
      float(0x2006, "voltageL1", "V", -1),
      float(0x2008, "voltageL2", "V", -1),
      float(0x200a, "voltageL3", "V", -1),
      float(0x200c, "currentL1", "A", -3),
      float(0x200e, "currentL2", "A", -3),
      float(0x2010, "currentL3", "A", -3),
      float(0x2012, "activePower", "W", -1),
      float(0x2014, "activePowerL1", "W", -1),
      float(0x2016, "activePowerL2", "W", -1),
      float(0x2018, "activePowerL3", "W", -1),
      float(0x201a, "reactivePower", "var", -1),
      float(0x201c, "reactivePowerL1", "var", -1),
      float(0x201e, "reactivePowerL2", "var", -1),
      float(0x2020, "reactivePowerL3", "var", -1),
      // Power factor, not cosine of the fundamental.
      float(0x202a, "powerFactor", "1", -3),
      float(0x202c, "powerFactorL1", "1", -3),
      float(0x202e, "powerFactorL2", "1", -3),
      float(0x2030, "powerFactorL3", "1", -3),
      float(0x2044, "frequency", "Hz", -2),
    ],
  },
  examples: [
    {
      source: "computed with Python's struct: line voltages first, then the phases; a capacitive load",
      request: "010320000022ce13",
      response:
        "010344 4578fb33 45790000 4578f800 450fc000 450fd000 450fb000 459c4000 459c4800 459c3800 46d7a000 460fc000 460fe800 460f9800 c6a1b800 c5d7a000 c5d7d800 c5d76800 317a",
      reads: {
        voltageL12: "398.37",
        voltageL23: "398.4",
        voltageL31: "398.35",
        voltageL1: "230",
        voltageL2: "230.1",
        voltageL3: "229.9",
        currentL1: "5",
        currentL2: "5.001",
        currentL3: "4.999",
        activePower: "2760",
        activePowerL1: "920",
        activePowerL2: "921",
        activePowerL3: "919",
        reactivePower: "-2070",
        reactivePowerL1: "-690",
        reactivePowerL2: "-690.7",
        reactivePowerL3: "-689.3",
      },
    },
    {
      source: "computed with Python's struct: capacitive, so negative, but L3",
      request: "0103202a00086e04",
      response: "010310 c4480000 c447e000 c4484000 44480000 1810",
      reads: { powerFactor: "-0.8", powerFactorL1: "-0.7995", powerFactorL2: "-0.801", powerFactorL3: "0.8" },
    },
    {
      source: "computed with Python's struct",
      request: "0103204400028fde",
      response: "010304 459c3000 3b11",
      reads: { frequency: "49.98" },
    },
    {
      source: "computed with Python's struct: total and phases, import and export",
      request: "0103101e0012a101",
      response: "010324 4640e600 45809a00 45809800 45809a00 00000000 44299000 43614000 43620000 43630000 6ad2",
      reads: {
        activeEnergyImport: "12345.5",
        activeEnergyImportL1: "4115.25",
        activeEnergyImportL2: "4115",
        activeEnergyImportL3: "4115.25",
        activeEnergyExport: "678.25",
        activeEnergyExportL1: "225.25",
        activeEnergyExportL2: "226",
        activeEnergyExportL3: "227",
      },
    },
  ],
};
