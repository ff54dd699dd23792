/** Our DL/T 645 face before the checklist. */
import type { LineFormat } from "../../../src/core/line-format.ts";
import { DLT645_CHECKS } from "../../../src/field/conformance/dlt645/index.ts";
import { type Dlt645Map, parseDlt645Map } from "../../../src/field/conformance/dlt645/map.ts";
import { revive } from "../../../src/field/conformance/dlt645/talk.ts";
import { ADDRESS, at, faceOf, meterOf } from "../../firmware-sim/faces/dlt645-support.ts";
import { type Defect, onCopper, overConnection } from "./bench.ts";

export const MAP: Dlt645Map = mapOf({
  protocol: "dlt645",
  long: "06000000",
  blocks: 12,
  write: ["04000103", "04000204"],
  password: { level: 4, digits: "123456" },
  allow: ["wrong-password", "clear", "clock", "freeze", "baud"],
});

function mapOf(json: object): Dlt645Map {
  const map = parseDlt645Map(JSON.stringify(json));
  if (!map.ok) throw new Error(map.error);
  return map.value;
}

/** A meter that has been on for some hours: it has load records. */
function benchOf(declarations: Dlt645Map, format: LineFormat | undefined) {
  const context = { address: ADDRESS, format, map: declarations };
  return {
    checks: DLT645_CHECKS,
    context,
    declarations,
    recover: () => revive(context),
    meter: () => faceOf(meterOf("meterworks-3p", {}, 123_456, {}, undefined, -6 * 3_600), {}, at(0)),
  };
}

export const wire = (map: Dlt645Map, defect?: Defect) => overConnection(benchOf(map, undefined), defect);
export const copper = (map: Dlt645Map, format: LineFormat, defect?: Defect) =>
  onCopper(benchOf(map, format), format, defect);
