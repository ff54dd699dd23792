/** The built-in meter models. Adding one: its file, and a line here. */
import { assert } from "../../src/core/result.ts";
import { EASTRON_SDM120 } from "./eastron-sdm120.ts";
import { EASTRON_SDM630 } from "./eastron-sdm630.ts";
import { METERWORKS_1P } from "./meterworks-1p.ts";
import { METERWORKS_3P } from "./meterworks-3p.ts";
import type { MeterModel } from "./model.ts";

export const MODELS: readonly MeterModel[] = [EASTRON_SDM630, EASTRON_SDM120, METERWORKS_3P, METERWORKS_1P];

const BY_ID = new Map(MODELS.map((model) => [model.id, model]));
assert(BY_ID.size === MODELS.length, "every built-in model has an id of its own");

export function findModel(id: string): MeterModel | undefined {
  return BY_ID.get(id);
}
