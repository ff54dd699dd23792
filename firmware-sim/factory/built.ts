/** A meter as it leaves the factory: parts drawn from its seed, and the constants found for them. */
import type { MeterModel } from "../../protocols/models/model.ts";
import { Random } from "../../src/core/random.ts";
import { type Result, success } from "../../src/core/result.ts";
import type { Calibration } from "../metrology/calibration.ts";
import type { ChipOptions, FrontEndErrors } from "../metrology/front-end.ts";
import { SampledChip } from "../metrology/sampled-chip.ts";
import { calibrate } from "./calibrate.ts";
import { drawParts } from "./parts.ts";

/** ppm that trimming leaves of the clock's crystal: 0.35 s a day. */
const TRIMMED = 4;

/** What a meter is built from. */
export interface Built {
  readonly errors: FrontEndErrors;
  /** Undefined as assembled. */
  readonly calibration: Calibration | undefined;
  /** How fast the crystal of the meter's clock is. */
  readonly rtcPpm: number;
}

/** The meter with this seed, calibrated or as assembled; a failure says why it can't be calibrated. */
export function buildMeter(
  { plate, phases }: Pick<MeterModel, "plate" | "phases">,
  seed: number,
  calibrated: boolean,
): Result<Built, string> {
  const errors = drawParts(seed, phases);
  const rtcPpm = TRIMMED * (2 * new Random(seed).fork("clock").unit() - 1);
  if (!calibrated) return success({ errors, rtcPpm, calibration: undefined });
  const bench = (options: Omit<ChipOptions, "plate" | "phases" | "seed">) =>
    new SampledChip({ plate, phases, seed, errors, ...options });
  const found = calibrate(plate, phases, bench);
  return found.ok ? success({ errors, rtcPpm, calibration: found.value }) : found;
}
