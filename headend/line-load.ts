/** Which share of its time each line gave to what, over the last minutes. */
import { MICROS_PER_SECOND } from "../src/core/time.ts";
import type { Observation } from "./observations.ts";

const BUCKET = 10 * MICROS_PER_SECOND;
const BUCKETS = 30;

export interface LineShares {
  /** 0..1 of the time: requests that were answered, and those that came to nothing. */
  readonly answered: number;
  readonly failed: number;
}

interface Bucket {
  at: number;
  answered: number;
  failed: number;
}

export class LineLoad {
  readonly #lines = new Map<string, Bucket[]>();
  readonly #began: number;

  /** @param now monotonic µs, as below */
  constructor(lines: readonly string[], now: number) {
    this.#began = now;
    for (const line of lines) this.#lines.set(line, []);
  }

  observe(observation: Observation, now: number): void {
    if (observation.kind !== "request") return;
    const buckets = this.#lines.get(observation.line);
    if (buckets === undefined) return;
    const at = Math.floor(now / BUCKET);
    let bucket = buckets.at(-1);
    if (bucket?.at !== at) {
      bucket = { at, answered: 0, failed: 0 };
      buckets.push(bucket);
      if (buckets.length > BUCKETS) buckets.shift();
    }
    const { outcome, took } = observation;
    bucket[outcome === "answer" || outcome === "exception" ? "answered" : "failed"] += Math.max(0, took);
  }

  /** Over the last five minutes, or since the beginning where that is less. */
  shares(line: string, now: number): LineShares {
    const first = Math.floor(now / BUCKET) - BUCKETS + 1;
    const recent = (this.#lines.get(line) ?? []).filter(({ at }) => at >= first);
    const time = Math.max(1, now - Math.max(this.#began, first * BUCKET));
    const share = (of: "answered" | "failed") => Math.min(1, recent.reduce((sum, b) => sum + b[of], 0) / time);
    return { answered: share("answered"), failed: share("failed") };
  }
}
