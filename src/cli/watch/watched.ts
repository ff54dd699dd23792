/** What is known of a meter that is being watched: its last reading, whether it answers, and since when it does not. */
import type { MeasureKey, MeasureValues } from "../../core/measures.ts";
import type { Civil } from "../../core/time.ts";
import { LineStatistics } from "./line-statistics.ts";
import type { WatchEvent } from "./repeated-reads.ts";

export interface Failure {
  readonly reason: string;
  readonly hint: string;
  readonly since: Civil;
}

/** Scales of the bars grow with what was seen and never shrink, so that bars can be compared in time. */
const SCALED = ["current", "activePower"] as const;
export type Scaled = (typeof SCALED)[number];

export class Watched {
  readonly statistics = new LineStatistics();
  readings = 0;
  failures = 0;
  values: MeasureValues = {};
  /** Of the last good reading. */
  time: Civil | undefined;
  failure: Failure | undefined;
  lineLost: { readonly reason: string; readonly since: Civil } | undefined;
  paused = false;
  readonly #largest: Record<Scaled, number> = { current: 0, activePower: 0 };

  take(event: WatchEvent): void {
    if (event.kind === "line") {
      const { reason } = event;
      this.lineLost = reason === undefined ? undefined : { reason, since: event.at.civil };
      return;
    }
    const { outcome } = event;
    if (outcome.ok) {
      this.readings += 1;
      this.values = outcome.values;
      this.time = outcome.time;
      this.failure = undefined;
      this.#grow();
    } else {
      this.failures += 1;
      const { reason, hint } = outcome;
      this.failure = { reason, hint, since: this.failure?.since ?? event.at.civil };
    }
  }

  /** The largest magnitude of any phase so far, as the measure counts. */
  largest(of: Scaled): number {
    return this.#largest[of];
  }

  #grow(): void {
    for (const of of SCALED)
      for (const phase of [1, 2, 3] as const) {
        const value = this.values[`${of}L${phase}` satisfies MeasureKey];
        this.#largest[of] = Math.max(this.#largest[of], Math.abs(value ?? 0));
      }
  }
}
