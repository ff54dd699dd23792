/** What happens before a meter is a meter: what it is made of, and what its memory still holds. */
import type { MeterModel } from "../protocols/models/model.ts";
import { type Result, success } from "../src/core/result.ts";
import { type Civil, civil, type Now } from "../src/core/time.ts";
import { MeterClock } from "./clock/meter-clock.ts";
import type { Bench } from "./factory/calibrate.ts";
import { constantsOf } from "./factory/constants.ts";
import { MeterFunctions } from "./functions.ts";
import type { Calibration } from "./metrology/calibration.ts";
import type { MeteringChip } from "./metrology/chip.ts";
import { Checkpoint } from "./nvram/checkpoint.ts";
import type { Nvram } from "./nvram/nvram.ts";
import { decodeState, type MeterState } from "./nvram/state.ts";
import { factorySettings, type MeterSettings } from "./settings.ts";
import { SettingsMemory } from "./settings-memory.ts";

export interface MeterConfig {
  /** Serial number, `[A-Za-z0-9_.-]{1,64}`. */
  readonly id: string;
  readonly model: MeterModel;
  /** Makes the chip, running from `start` on, with what its correction stage is to hold: nothing in an uncalibrated meter. */
  readonly chip: (start: Civil, calibration: Calibration | undefined) => MeteringChip;
  /** Where the first power on is: a meter without stored constants is calibrated there. Without it, it stays as it is. */
  readonly factory?: Bench;
  readonly nvram: Nvram;
  /** Around the meter, °C; default 25. */
  readonly temperature?: number;
  /** Without it the clock is lost with the power. Default: good. */
  readonly battery?: "good" | "dead";
  /** Tables, windows, thresholds; as they leave the factory by default. */
  readonly settings?: MeterSettings;
  /** Opens the order window on Modbus, 0 .. 2^32 − 1. */
  readonly password: number;
  /** The one key whose orders over MQTT are taken; without it that of the first that are well signed. */
  readonly orderKey?: Uint8Array;
  /** The longest time between two checkpoints of a meter that nobody reads, µs of wall time. */
  readonly checkpointEvery: number;
}

/** Everything but the chip. */
export interface Booted {
  readonly checkpoint: Checkpoint;
  readonly state: MeterState;
  readonly clock: MeterClock;
  readonly settings: SettingsMemory;
  readonly functions: MeterFunctions;
  /** For the chip's correction stage; nothing in an uncalibrated meter. */
  readonly calibration: Calibration | undefined;
}

const NEW_METER: MeterState = { sequence: 0, savedAt: Number.NaN, parts: new Map() };

/** Takes up what the memory holds; a failure says why it can't be used. */
export function boot(config: MeterConfig, now: Now): Result<Booted, string> {
  const { model, nvram } = config;
  const checkpoint = new Checkpoint(nvram, "meter");
  const recovered = checkpoint.recover();
  if (!recovered.ok) return recovered;
  const constants = constantsOf(nvram, model, config.factory);
  if (!constants.ok) return constants;
  const stored = recovered.value === undefined ? success(NEW_METER) : decodeState(recovered.value);
  if (!stored.ok) return stored;
  const state = stored.value;
  const programmed = SettingsMemory.powerOn(nvram, config.settings ?? factorySettings(model), model);
  if (!programmed.ok) return programmed;
  const { settings } = programmed.value;
  const started = startClock(config, settings, state, now);
  if (!started.ok) return started;
  const { clock, powerWentAt } = started.value;
  const at = clock.local(now.civil);
  const parts = state.parts;
  const functions = MeterFunctions.powerOn({ model, settings, nvram, parts, powerWentAt, at, mono: now.mono });
  if (!functions.ok) return functions;
  functions.value.setDoubt(clock.lost, at);
  functions.value.input("batteryLow", config.battery === "dead", at);
  return success({
    ...{ checkpoint, state, clock, settings: programmed.value },
    functions: functions.value,
    calibration: constants.value,
  });
}

/** The clock as it comes through the outage, and when that began by it; undefined in a new meter. */
function startClock({ battery, temperature }: MeterConfig, settings: MeterSettings, state: MeterState, now: Now) {
  const clock = new MeterClock(settings.clock, now.civil);
  const kept = state.parts.get("clock");
  const restored = kept === undefined ? success(undefined) : clock.restore(kept);
  if (!restored.ok) return restored;
  const powerWentAt = Number.isFinite(state.savedAt) ? clock.local(civil(state.savedAt)) : undefined;
  clock.battery(battery !== "dead");
  if (state.parts.size > 0) clock.powerOn(now.civil);
  if (temperature !== undefined) clock.temperature(Math.round(temperature * 10), now.civil);
  return success({ clock, powerWentAt });
}
