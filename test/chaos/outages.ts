/** How late readings became visible: in quiet times, and after each outage until its backlog was gone. */
import type { Published } from "./store-tail.ts";

/** ms since 1970: from the kill until the process was ready again. */
export interface Outage {
  readonly process: "head-end" | "broker";
  readonly began: number;
  readonly ended: number;
}

export interface Recovery extends Outage {
  /** Seconds from the end of the outage until the last reading that was late because of it was visible. */
  readonly backlogSeconds: number;
  /** Readings that became visible late. */
  readonly late: number;
}

export interface Latency {
  readonly readings: number;
  /** ms from publish to visible in the store. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly most: number;
}

export const LATE_MS = 2_000;
/** What is late longer than this after an outage is no longer excused by it. */
export const EXCUSED_SECONDS = 60;

/**
 * @param outages in order of time
 * @param until what never became visible was late until then
 */
export function recoveries(
  readings: Iterable<Published>,
  outages: readonly Outage[],
  until: number,
): readonly Recovery[] {
  const found = outages.map((outage) => ({ ...outage, backlogSeconds: 0, late: 0 }));
  for (const reading of readings) {
    const made = reading.time / 1_000;
    const visible = reading.visible || until;
    if (visible - made <= LATE_MS) continue;
    // The last one that had begun when it became visible and was not over, with its excuse, when it was made.
    const cause = found.findLast(({ began, ended }) => began <= visible && made <= ended + EXCUSED_SECONDS * 1_000);
    if (cause === undefined) continue;
    cause.late += 1;
    cause.backlogSeconds = Math.max(cause.backlogSeconds, (visible - cause.ended) / 1_000);
  }
  return found;
}

/** Of what was published outside outages and their backlogs. What never became visible counts as `until` − published. */
export function quietLatency(readings: Iterable<Published>, found: readonly Recovery[], until: number): Latency {
  const times: number[] = [];
  for (const { published, visible } of readings)
    if (!found.some((recovery) => within(recovery, published))) times.push((visible || until) - published);
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.ceil(share * times.length) - 1] ?? Number.NaN;
  return { readings: times.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1) };
}

function within({ began, ended, backlogSeconds }: Recovery, published: number): boolean {
  const excused = ended + Math.min(backlogSeconds, EXCUSED_SECONDS) * 1_000;
  return published >= began - LATE_MS && published <= excused;
}
