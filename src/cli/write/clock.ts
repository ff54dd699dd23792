/** A meter's clock as it is set: a wish, and whether what was read back is near enough to it. */
import { type Civil, MICROS_PER_SECOND, parseIso, toIso } from "../../core/time.ts";
import type { ClockWish } from "./flags.ts";

/** The order's way to the meter and the reading's way back. */
const TOLERANCE = 10 * MICROS_PER_SECOND;

export function shownClock(wish: ClockWish): string {
  return wish === "now" ? "the time of this computer" : toIso(wish);
}

/** @param text ISO 8601, as the meter's clock was shown */
export function isNear(text: string, target: Civil): boolean {
  const at = parseIso(text);
  return at.ok && Math.abs(at.value - target) <= TOLERANCE;
}
