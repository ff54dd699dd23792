/** Our IEC 62056-21 face before the checklist. */
import { Iec62056Face, type Iec62056FaceOptions } from "../../../firmware-sim/faces/iec62056-21.ts";
import type { LineFormat } from "../../../src/core/line-format.ts";
import { revive } from "../../../src/field/conformance/iec62056-21/head.ts";
import { IEC62056_CHECKS } from "../../../src/field/conformance/iec62056-21/index.ts";
import { type Iec62056Map, parseIec62056Map } from "../../../src/field/conformance/iec62056-21/map.ts";
import { at, meterOf } from "../../firmware-sim/faces/dlt645-support.ts";
import { type Defect, onCopper, overConnection } from "./bench.ts";

export const MAP: Iec62056Map = mapOf({
  protocol: "iec62056-21",
  address: "meterworks-1p",
  password: "00123456",
  write: ["0.9.1"],
  allow: ["wrong-password", "slow"],
});

function mapOf(json: object): Iec62056Map {
  const map = parseIec62056Map(JSON.stringify(json));
  if (!map.ok) throw new Error(map.error);
  return map.value;
}

function benchOf(declarations: Iec62056Map, format: LineFormat | undefined, options: Iec62056FaceOptions = {}) {
  const context = { format, map: declarations };
  return {
    checks: IEC62056_CHECKS,
    context,
    declarations,
    recover: () => revive(context),
    meter: () => new Iec62056Face(meterOf("meterworks-1p", {}), at(0), options),
  };
}

export const wire = (map: Iec62056Map, defect?: Defect, options?: Iec62056FaceOptions) =>
  overConnection(benchOf(map, undefined, options), defect);
/** On copper; all checks, or those of these names. */
export function copper(
  map: Iec62056Map,
  format: LineFormat,
  defect?: Defect,
  only?: readonly string[],
  options?: Iec62056FaceOptions,
) {
  const bench = benchOf(map, format, options);
  const checks = bench.checks.filter(({ id }) => only?.includes(id) ?? true);
  return onCopper({ ...bench, checks }, format, defect);
}
