/** The chaos run's meters: one phase, closed form, each with a load of its own, in a runtime of the process that hosts them. */
import type { Meter } from "../../firmware-sim/meter.ts";
import { constantLoad, mainsOf } from "../../firmware-sim/metrology/mains.ts";
import { findModel } from "../../protocols/models/index.ts";
import { powerOn } from "../../src/cli/virtual-meter.ts";
import type { Now } from "../../src/core/time.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { createLogger } from "../../src/platform/logger.ts";
import { Runtime } from "../../src/platform/runtime.ts";

const MODEL = "meterworks-1p";

export function meterRuntime(): Runtime {
  return new Runtime({ clock: new SystemClock(), log: createLogger({ level: "error" }) });
}

/** @param number tells it from all others: its load and its chip's noise follow from it */
export function virtualMeter(id: string, number: number, now: Now): Meter {
  const model = findModel(MODEL);
  if (model === undefined) throw new Error(`there is no model ${MODEL}`);
  const [voltage, current, angle] = [220 + (number % 21), 1 + (number % 37) * 0.7, number % 31];
  const load = constantLoad(mainsOf({ phases: 1, voltage, current, angle }));
  // No checkpoints: these meters lose no power, and their memory would not outlive the process.
  return powerOn({ id, model, load, fidelity: "second", seed: number, password: 0, checkpoint: 86_400 }, now);
}
