import type { MeasureKey } from "../../src/core/measures.ts";
import type { Encoding, MeterModel, RegisterEntry, WireUnit } from "./model.ts";

const register = (
  address: number,
  measure: MeasureKey,
  encoding: Encoding,
  unit: WireUnit,
  scale = 0,
): RegisterEntry => ({ measure, table: "holding", address, encoding, unit, ...(scale === 0 ? {} : { scale }) });

/** Six digits and two decimals, as usual with meters that also speak DL/T 645. */
const energy = (address: number, measure: MeasureKey): RegisterEntry => ({
  ...register(address, measure, "int32", "kWh", -2),
  digits: 8,
});

export const ACREL_ADW300: MeterModel = {
  id: "acrel-adw300",
  manufacturer: "Acrel",
  name: "ADW300",
  source:
    "evcc-io/evcc templates/definition/meter/acrel-adw300.yaml (seen): all addresses (decimal there: 20 is 0014), scales, encodings and 1200 baud. " +
    "The meter has registers of its own for the CT and VT ratio; they are not in the source, and what is read here counts as secondary: register the ratio with the head-end. " +
    "Recalled: 8N1, net totals, rollover at 999999.99 kWh, the rating plate (3 × 1.5(6) A behind transformers). " +
    "Not in the source: the read limit and what holes give; declared registers without holes are read, at most 60 at a time.",
  phases: 3,
  plate: {
    un: 230,
    ist: 0.005,
    imin: 0.05,
    itr: 0.25,
    imax: 6,
    frequency: 50,
    activeClass: "0.5S",
    reactiveClass: "2",
    impPerKwh: 6400,
    impPerKvarh: 6400,
    wiring: "3P4W",
    relayAmps: null,
  },
  pfSign: "none",
  polyphaseTotal: "net",
  modbus: {
    defaults: { unit: 1, baud: 1200, parity: "none", stopBits: 1 },
    wordOrder: "high-first",
    readLimit: 60,
    holes: "refuse",
    tables: "separate",
    registers: [
      // 20–22, 26–28, 30–36 and 62–64 in the source.
      register(0x0014, "voltageL1", "uint16", "V", -1),
      register(0x0015, "voltageL2", "uint16", "V", -1),
      register(0x0016, "voltageL3", "uint16", "V", -1),
      register(0x001a, "currentL1", "uint16", "A", -2),
      register(0x001b, "currentL2", "uint16", "A", -2),
      register(0x001c, "currentL3", "uint16", "A", -2),
      register(0x001e, "activePowerL1", "int32", "W"),
      register(0x0020, "activePowerL2", "int32", "W"),
      register(0x0022, "activePowerL3", "int32", "W"),
      register(0x0024, "activePower", "int32", "W"),
      energy(0x003e, "activeEnergyImport"),
      energy(0x0040, "activeEnergyExport"),
    ],
  },
  examples: [
    {
      source: "computed with Python's struct",
      request: "01030014000345cf",
      response: "010306 0901 0908 08fa 19f1",
      reads: { voltageL1: "230.5", voltageL2: "231.2", voltageL3: "229.8" },
    },
    {
      source: "computed with Python's struct",
      request: "0103001a0003240c",
      response: "010306 020d 01f4 0001 8c98",
      reads: { currentL1: "5.25", currentL2: "5", currentL3: "0.01" },
    },
    {
      source: "computed with Python's struct: L2 exports",
      request: "0103001e0008240a",
      response: "010310 00000398 fffffcf1 000186a0 00018729 edb8",
      reads: { activePowerL1: "920", activePowerL2: "-783", activePowerL3: "100000", activePower: "100137" },
    },
    {
      source: "computed with Python's struct",
      request: "0103003e000425c5",
      response: "010308 0012d687 00000032 81eb",
      reads: { activeEnergyImport: "12345.67", activeEnergyExport: "0.5" },
    },
  ],
};
