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
  examples: [],
};
