/** Our IEC 62056-21 face before the checklist. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Iec62056Face, type Iec62056FaceOptions } from "../../../firmware-sim/faces/iec62056-21.ts";
import type { LineFormat } from "../../../src/core/line-format.ts";
import { revive } from "../../../src/field/conformance/iec62056-21/head.ts";
import { IEC62056_CHECKS } from "../../../src/field/conformance/iec62056-21/index.ts";
import { type Iec62056Map, parseIec62056Map } from "../../../src/field/conformance/iec62056-21/map.ts";
import { at, meterOf } from "../../firmware-sim/faces/dlt645-support.ts";
import { REPOSITORY } from "../../programs.ts";
import { type Defect, onCopper, overConnection } from "./bench.ts";

/** The map of our own meter, as `--map` takes it. */
export const MAP: Iec62056Map = mapIn(join(REPOSITORY, "fixtures/conformance/meterworks-1p.iec62056-21.json"));

function mapIn(file: string): Iec62056Map {
  const map = parseIec62056Map(readFileSync(file, "utf8"));
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
  port?: Parameters<typeof onCopper>[3],
) {
  const bench = benchOf(map, format, options);
  const checks = bench.checks.filter(({ id }) => only?.includes(id) ?? true);
  return onCopper({ ...bench, checks }, format, defect, port);
}
