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
    "volkszaehler/mbmd meters/rs485/sdm120.go (seen): all addresses. Recalled: the sign of PF and the rating plate. " +
    "Meters leave the factory with 2400 baud in some batches; 9600 8N1 is this model's default.",
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
  examples: [],
};
