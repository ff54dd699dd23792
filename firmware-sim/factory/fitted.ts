/**
 * Which parts a meter with a memory was built from: they stay when the process ends, as a real meter's do, so that constants
 * are never used on parts that they were not found for.
 */
import { failure, type Result, success } from "../../src/core/result.ts";
import { Checkpoint } from "../nvram/checkpoint.ts";
import type { Nvram } from "../nvram/nvram.ts";

export type Parts = "ideal" | "real";

const CELL = "parts";
const VERSION = 1;
const LENGTH = 9;

/**
 * The seed that the meter's real parts are drawn from, or undefined for ideal ones, which leave no trace.
 * @param wanted what was asked for; undefined takes what is fitted, ideal parts in a new meter.
 * @param seed of the parts that are fitted now, where real ones are wanted and none are fitted.
 */
export function fittedParts(nvram: Nvram, wanted: Parts | undefined, seed: number): Result<number | undefined, string> {
  const checkpoint = new Checkpoint(nvram, CELL);
  const stored = checkpoint.recover();
  if (!stored.ok) return stored;
  if (stored.value !== undefined) {
    if (wanted === "ideal") return failure("it was built from real parts, and ideal ones were asked for");
    return seedOf(stored.value);
  }
  if (wanted !== "real") return success(undefined);
  const bytes = new Uint8Array(LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setFloat64(1, seed);
  checkpoint.write(bytes);
  return success(seed);
}

function seedOf(bytes: Uint8Array): Result<number, string> {
  if (bytes[0] !== VERSION) return failure(`parts have layout ${bytes[0]}; this version reads layout ${VERSION}`);
  if (bytes.length !== LENGTH) return failure(`a record of parts has ${LENGTH} bytes, not ${bytes.length}`);
  const seed = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat64(1);
  return Number.isSafeInteger(seed) && seed >= 0 ? success(seed) : failure(`parts have no seed: ${seed}`);
}
