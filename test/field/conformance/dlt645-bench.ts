/** Our DL/T 645 face before the checklist. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LineFormat } from "../../../src/core/line-format.ts";
import { DLT645_CHECKS } from "../../../src/field/conformance/dlt645/index.ts";
import { type Dlt645Map, parseDlt645Map } from "../../../src/field/conformance/dlt645/map.ts";
import { revive } from "../../../src/field/conformance/dlt645/talk.ts";
import { ADDRESS, at, faceOf, meterOf } from "../../firmware-sim/faces/dlt645-support.ts";
import { REPOSITORY } from "../../programs.ts";
import { type Defect, onCopper, overConnection } from "./bench.ts";

/** The map of our own meter, as `--map` takes it. */
export const MAP: Dlt645Map = mapIn(join(REPOSITORY, "fixtures/conformance/meterworks-3p.dlt645.json"));

function mapIn(file: string): Dlt645Map {
  const map = parseDlt645Map(readFileSync(file, "utf8"));
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
type Port = Parameters<typeof onCopper>[3];
export const copper = (map: Dlt645Map, format: LineFormat, port?: Port) =>
  onCopper(benchOf(map, format), format, {}, port);
