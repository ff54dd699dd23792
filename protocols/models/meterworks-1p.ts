import type { MeterModel } from "./model.ts";
import { nativeMap } from "./native.ts";

export const METERWORKS_1P: MeterModel = {
  id: "meterworks-1p",
  manufacturer: "meterworks",
  name: "meterworks single-phase meter with relay",
  source: "meterworks native map, revision 1 (protocols/models/native.ts is the document)",
  phases: 1,
  plate: {
    un: 230,
    ist: 0.02,
    imin: 0.25,
    itr: 0.5,
    imax: 60,
    frequency: 50,
    activeClass: "B",
    reactiveClass: "2",
    impPerKwh: 1600,
    impPerKvarh: 1600,
    wiring: "1P2W",
    relayAmps: 60,
  },
  pfSign: "direction",
  polyphaseTotal: "net",
  modbus: nativeMap(1),
  examples: [
    {
      source: "computed with Python's struct: the same registers by FC 04",
      request: "0104000e000e100d",
      response: "01041c 00038270 004c4b40 000e09c0 000a8750 00118c30 000c3500 00009006 fa88",
      reads: {
        voltageL1: "230",
        currentL1: "5",
        activePowerL1: "920",
        reactivePowerL1: "690",
        apparentPowerL1: "1150",
        powerFactorL1: "0.8",
        phaseAngleL1: "36.87",
      },
    },
    {
      source: "computed with Python's struct: total energies, clock, relay",
      request: "0103001c002fc5d0",
      response:
        "01035e 00000b3a73ce2ff2 0000000000000000 00000b3a73ce2ff2 00000000000005dc 00000000000009c4 0000000000000fa0" +
        " 00000000000003e8 00000000000001f4 00000000000005dc 00000000000003e8 00000bd2cc61d000 6b05b480 0001 b2b5",
      reads: {
        activeEnergyImport: "12345678.901234",
        activeEnergyExport: "0",
        activeEnergySum: "12345678.901234",
        reactiveEnergyImport: "0.0015",
        reactiveEnergyExport: "0.0025",
        reactiveEnergySum: "0.004",
        reactiveEnergyQ1: "0.001",
        reactiveEnergyQ2: "0.0005",
        reactiveEnergyQ3: "0.0015",
        reactiveEnergyQ4: "0.001",
        apparentEnergy: "13000000",
        clock: "1795536000",
        relayState: "1",
      },
    },
    {
      source: "computed with Python's struct: energies of L1",
      request: "010300800014442d",
      response: "010328 0000000000000001 0000000000000002 0000000000000003 0000000000000004 0000000000000005 a3db",
      reads: {
        activeEnergyImportL1: "0.000001",
        activeEnergyExportL1: "0.000002",
        activeEnergySumL1: "0.000003",
        reactiveEnergyImportL1: "0.000004",
        reactiveEnergyExportL1: "0.000005",
      },
    },
  ],
};
