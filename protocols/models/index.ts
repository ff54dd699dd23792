/** The built-in meter models. Adding one: its file, and a line here. */
import { assert } from "../../src/core/result.ts";
import { ABB_B23 } from "./abb-b23.ts";
import { ACREL_ADW300 } from "./acrel-adw300.ts";
import { CARLO_GAVAZZI_EM24 } from "./carlo-gavazzi-em24.ts";
import { CHINT_DTSU666 } from "./chint-dtsu666.ts";
import { EASTRON_SDM120 } from "./eastron-sdm120.ts";
import { EASTRON_SDM230 } from "./eastron-sdm230.ts";
import { EASTRON_SDM630 } from "./eastron-sdm630.ts";
import { METERWORKS_1P } from "./meterworks-1p.ts";
import { METERWORKS_3P } from "./meterworks-3p.ts";
import type { MeterModel } from "./model.ts";
import { SCHNEIDER_IEM3155 } from "./schneider-iem3155.ts";

export const MODELS: readonly MeterModel[] = [
  EASTRON_SDM630,
  EASTRON_SDM120,
  EASTRON_SDM230,
  CHINT_DTSU666,
  SCHNEIDER_IEM3155,
  CARLO_GAVAZZI_EM24,
  ABB_B23,
  ACREL_ADW300,
  METERWORKS_3P,
  METERWORKS_1P,
];

const BY_ID = new Map(MODELS.map((model) => [model.id, model]));
assert(BY_ID.size === MODELS.length, "every built-in model has an id of its own");

export function findModel(id: string): MeterModel | undefined {
  return BY_ID.get(id);
}
