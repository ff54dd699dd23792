/** Groups of meters with what is read of them regularly. Plain data; a file becomes this in parse-groups.ts. */
import type { MeterId } from "../ports.ts";

/**
 * instantaneous: all usual values. freeze, billing: the registers as they
 * were at a time, made up once when it was missed. clock: how far the meter's clock is off. events: what the meter noted.
 */
export const SCHEDULE_TASKS = ["instantaneous", "freeze", "billing", "clock", "events"] as const;
export type ScheduleTask = (typeof SCHEDULE_TASKS)[number];

/** What is read for a time, and so is made up for after an outage. */
export const DATED_TASKS = ["freeze", "billing"] as const satisfies readonly ScheduleTask[];
export type DatedTask = (typeof DATED_TASKS)[number];

export function isDated(task: ScheduleTask): task is DatedTask {
  return DATED_TASKS.some((dated) => dated === task);
}

export type Timing =
  /** µs of civil time, counted from 1970. */
  | { readonly kind: "every"; readonly every: number }
  | { readonly kind: "cron"; readonly pattern: string; readonly zone: string };

export interface ScheduleConfig {
  readonly task: ScheduleTask;
  readonly timing: Timing;
  /** µs over which the meters get their turn; default a tenth of the period, at most {@link MOST_SPREAD}. */
  readonly spread?: number;
}

export interface GroupConfig {
  readonly name: string;
  /** `all`: also those that register themselves. A schedule of a group that names its meters goes before one for all. */
  readonly meters: readonly MeterId[] | "all";
  readonly schedules: readonly ScheduleConfig[];
}

export const MOST_SPREAD = 300_000_000;

/** The schedules of each task that concern a meter. */
export class Groups {
  readonly #all: readonly ScheduleConfig[];
  readonly #named = new Map<MeterId, ScheduleConfig[]>();

  constructor(groups: readonly GroupConfig[]) {
    this.#all = groups.flatMap(({ meters, schedules }) => (meters === "all" ? schedules : []));
    for (const { meters, schedules } of groups) {
      if (meters === "all") continue;
      for (const meter of meters) this.#named.set(meter, [...(this.#named.get(meter) ?? []), ...schedules]);
    }
  }

  of(meter: MeterId): readonly ScheduleConfig[] {
    const named = this.#named.get(meter) ?? [];
    return [...named, ...this.#all.filter(({ task }) => !named.some((own) => own.task === task))];
  }

  /** µs between two reads of the usual values; undefined where no schedule says so. */
  pollEvery(meter: MeterId): number | undefined {
    const timing = this.of(meter).find(({ task }) => task === "instantaneous")?.timing;
    return timing?.kind === "every" ? timing.every : undefined;
  }
}
