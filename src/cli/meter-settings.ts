/** `--settings FILE`: how a virtual meter is set up, as JSON. */
import { readFileSync } from "node:fs";
import { checkSettings, factorySettings, type MeterSettings } from "../../firmware-sim/settings.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import { usage } from "./errors.ts";

/** @throws CommandError (exit 2) naming what is wrong with the file. */
export function settingsOf(file: string | undefined, model: MeterModel): MeterSettings {
  if (file === undefined) return factorySettings(model);
  const checked = checkSettings(parsed(file), model);
  if (!checked.ok) throw usage(`--settings ${file}: ${checked.error}`);
  return checked.value;
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw usage(`--settings ${file} can't be read: ${(error as Error).message}`);
  }
}
