/** `--settings FILE`: how a virtual meter is set up, as JSON. */
import { readFileSync } from "node:fs";
import { checkSettings, DEFAULT_SETTINGS, type MeterSettings } from "../../firmware-sim/settings.ts";
import { usage } from "./errors.ts";

/** @throws CommandError (exit 2) naming what is wrong with the file. */
export function settingsOf(file: string | undefined): MeterSettings {
  if (file === undefined) return DEFAULT_SETTINGS;
  const checked = checkSettings(parsed(file));
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
