import type { MeasureKey } from "../../src/core/measures.ts";
import type { MeterModel, RegisterEntry, WireUnit } from "./model.ts";

/** Everything but energies: float32, powers in k-units. */
const float = (address: number, measure: MeasureKey, unit: WireUnit): RegisterEntry => ({
  measure,
  table: "holding",
  address,
  encoding: "float32",
  unit,
});

/** Energies: whole Wh or varh in four registers. */
const energy = (address: number, measure: MeasureKey, unit: WireUnit): RegisterEntry => ({
  measure,
  table: "holding",
  address,
  encoding: "int64",
  unit,
  noValue: "8000000000000000",
});

export const SCHNEIDER_IEM3155: MeterModel = {
  id: "schneider-iem3155",
  manufacturer: "Schneider Electric",
  name: "iEM3155",
  source:
    "volkszaehler/mbmd meters/rs485/iem3000.go (seen): all addresses, units and encodings. The maker's list counts from 1: its 3028 is PDU 0BD3. " +
    "CONFLICT: an older version of that file has a float map at 5000 and 6000. It is, address by address, that of another maker's meter, the Inepro PRO380 " +
    "(mbmd meters/rs485/inepro.go, seen), so this file does not follow it. " +
    "The power factor at 0C0B folds four quadrants into one float and is left out: P, Q and S tell the same. " +
    "Recalled: 19200 8E1, int64 8000… as no value (floats: NaN), net totals, the rating plate, that it has device identification. " +
    "Not in the sources: the read limit and what holes give; declared registers without holes are read, at most 60 at a time.",
  phases: 3,
  plate: {
    un: 230,
    ist: 0.04,
    imin: 0.5,
    itr: 1,
    imax: 63,
    frequency: 50,
    activeClass: "1",
    reactiveClass: "2",
    impPerKwh: 500,
    impPerKvarh: 500,
    wiring: "3P4W",
    relayAmps: null,
  },
  pfSign: "none",
  polyphaseTotal: "net",
  modbus: {
    defaults: { unit: 1, baud: 19200, parity: "even", stopBits: 1 },
    wordOrder: "high-first",
    readLimit: 60,
    holes: "refuse",
    tables: "separate",
    registers: [
      float(0x0bb7, "currentL1", "A"),
      float(0x0bb9, "currentL2", "A"),
      float(0x0bbb, "currentL3", "A"),
      float(0x0bd3, "voltageL1", "V"),
      float(0x0bd5, "voltageL2", "V"),
      float(0x0bd7, "voltageL3", "V"),
      float(0x0bed, "activePowerL1", "kW"),
      float(0x0bef, "activePowerL2", "kW"),
      float(0x0bf1, "activePowerL3", "kW"),
      float(0x0bf3, "activePower", "kW"),
      float(0x0bfb, "reactivePower", "kvar"),
      float(0x0c03, "apparentPower", "kVA"),
      float(0x0c25, "frequency", "Hz"),
      energy(0x0c83, "activeEnergyImport", "Wh"),
      energy(0x0c87, "activeEnergyExport", "Wh"),
      energy(0x0c93, "reactiveEnergyImport", "varh"),
      energy(0x0c97, "reactiveEnergyExport", "varh"),
      energy(0x0dbd, "activeEnergyImportL1", "Wh"),
      energy(0x0dc1, "activeEnergyImportL2", "Wh"),
      energy(0x0dc5, "activeEnergyImportL3", "Wh"),
    ],
    functions: [0x2b],
  },
  examples: [
    {
      source: "computed with Python's struct",
      request: "01030bb7000677ca",
      response: "01030c 40a00000 40a80000 40980000 2998",
      reads: { currentL1: "5", currentL2: "5.25", currentL3: "4.75" },
    },
    {
      source: "computed with Python's struct",
      request: "01030bd300063615",
      response: "01030c 43668000 43674000 4365c000 7892",
      reads: { voltageL1: "230.5", voltageL2: "231.25", voltageL3: "229.75" },
    },
    {
      source: "computed with Python's struct: L1 exports",
      request: "01030bed0008d61d",
      response: "010310 bf6b851f 3f789375 3f5f7cee 3f6c8b44 8c89",
      reads: { activePowerL1: "-920", activePowerL2: "971", activePowerL3: "873", activePower: "924" },
    },
    {
      source: "computed with Python's struct",
      request: "01030bfb0002b7de",
      response: "010304 c0047ae1 64da",
      reads: { reactivePower: "-2070" },
    },
    {
      source: "computed with Python's struct",
      request: "01030c030002375b",
      response: "010304 405ccccd bb74",
      reads: { apparentPower: "3450" },
    },
    {
      source: "computed with Python's struct",
      request: "01030c250002d690",
      response: "010304 4247eb85 d10d",
      reads: { frequency: "49.98" },
    },
    {
      source: "computed with Python's struct",
      request: "01030c830008b6b4",
      response: "010310 0000000000bc614e 00000000000001f4 a204",
      reads: { activeEnergyImport: "12345.678", activeEnergyExport: "0.5" },
    },
    {
      source: "computed with Python's struct: the meter has no value for the export",
      request: "01030c930008b771",
      response: "010310 00000000008d48f2 8000000000000000 e00d",
      reads: { reactiveEnergyImport: "9259.25", reactiveEnergyExport: null },
    },
    {
      source: "computed with Python's struct",
      request: "01030dbd000cd747",
      response: "010318 00000000003ecb1a 00000000003ecb19 00000000003ecb1b 4232",
      reads: { activeEnergyImportL1: "4115.226", activeEnergyImportL2: "4115.225", activeEnergyImportL3: "4115.227" },
    },
  ],
};
