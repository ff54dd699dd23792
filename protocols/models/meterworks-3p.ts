import type { MeterModel } from "./model.ts";
import { nativeMap } from "./native.ts";

export const METERWORKS_3P: MeterModel = {
  id: "meterworks-3p",
  manufacturer: "meterworks",
  name: "meterworks three-phase meter with relay",
  source: "meterworks native map, revision 1 (protocols/models/native.ts is the document)",
  phases: 3,
  plate: {
    un: 230,
    ist: 0.02,
    imin: 0.25,
    itr: 0.5,
    imax: 100,
    frequency: 50,
    activeClass: "B",
    reactiveClass: "2",
    impPerKwh: 1000,
    impPerKvarh: 1000,
    wiring: "3P4W",
    relayAmps: 100,
  },
  pfSign: "direction",
  polyphaseTotal: "net",
  modbus: nativeMap(3),
  examples: [],
};
