/** Calendar times of a zone. The head-end's core knows no calendar but UTC's, so it asks for the next time through this. */
import type { Civil } from "../../src/core/time.ts";

export interface CronPort {
  /** What is wrong with a pattern or a zone, as a sentence; undefined when both are good. */
  problem(pattern: string, zone: string): string | undefined;
  /**
   * The first time behind `after` that fits; undefined when there is none any more. A time that a change of the clocks leaves
   * out comes when the clocks have changed, one that comes twice counts once (patterns with a single hour and minute).
   */
  next(pattern: string, zone: string, after: Civil): Civil | undefined;
}
