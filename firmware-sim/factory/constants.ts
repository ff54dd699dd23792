/**
 * The calibration constants in the meter's memory: a checkpoint of their own, written once by the factory and read at every
 * power on. What the power cut off before the write came back is done again; what was stored and is lost is said, never
 * replaced: a meter that was sealed does not calibrate itself in the field.
 */
import type { MeterModel } from "../../protocols/models/model.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { type Calibration, LONGEST_DELAY, type PhaseCalibration } from "../metrology/calibration.ts";
import { Checkpoint } from "../nvram/checkpoint.ts";
import type { Nvram } from "../nvram/nvram.ts";
import { type Bench, calibrate } from "./calibrate.ts";

const CELL = "calibration";
/** Raised when the layout changes; an older layout is refused by name, not guessed at. */
const VERSION = 1;
const HEADER = 2;
/** The layout: signed 32-bit words of each phase, in this order. */
const FIELDS = [
  "voltageGain",
  "currentGain",
  "powerGain",
  "delay",
  "powerOffset",
  "reactivePhase",
  "currentOffset",
] as const satisfies readonly (keyof PhaseCalibration)[];
const WORD = 4;

/**
 * What the CPU writes into the chip's correction stage at power on: the stored constants; where there are none, those that
 * the factory finds and stores now; without a factory, undefined: the meter is uncalibrated.
 */
export function constantsOf(
  nvram: Nvram,
  { plate, phases }: Pick<MeterModel, "plate" | "phases">,
  factory: Bench | undefined,
): Result<Calibration | undefined, string> {
  const checkpoint = new Checkpoint(nvram, CELL);
  const stored = checkpoint.recover();
  if (!stored.ok) return stored;
  if (stored.value !== undefined) return decodeConstants(stored.value, phases);
  if (factory === undefined) return success(undefined);
  const found = calibrate(plate, phases, factory);
  if (found.ok) checkpoint.write(encodeConstants(found.value));
  return found;
}

export function encodeConstants(constants: Calibration): Uint8Array {
  const bytes = new Uint8Array(HEADER + WORD * FIELDS.length * constants.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, constants.length);
  let at = HEADER;
  for (const c of constants) {
    for (const field of FIELDS) {
      view.setInt32(at, c[field], true);
      at += WORD;
    }
  }
  return bytes;
}

export function decodeConstants(bytes: Uint8Array, phases: 1 | 3): Result<Calibration, string> {
  if (bytes[0] !== VERSION) return failure(`calibration has layout ${bytes[0]}; this version reads layout ${VERSION}`);
  if (bytes[1] !== phases) return failure(`the calibration is of a meter with ${bytes[1]} phase(s), not ${phases}`);
  if (bytes.length !== HEADER + WORD * FIELDS.length * phases)
    return failure(`a calibration of ${bytes.length} bytes is not of ${phases} phase(s)`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const constants = Array.from({ length: phases }, (_, p) => {
    const word = (field: number) => view.getInt32(HEADER + WORD * (FIELDS.length * p + field), true);
    return Object.fromEntries(FIELDS.map((name, f) => [name, word(f)])) as Record<(typeof FIELDS)[number], number>;
  });
  if (constants.some((c) => Math.abs(c.delay) > LONGEST_DELAY))
    return failure("the calibration has a delay that the chip can't do");
  return success(constants);
}
