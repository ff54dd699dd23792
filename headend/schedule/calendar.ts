/** The times of one schedule: when it is due next, and how wide its meters are spread. */
import { type Civil, civil } from "../../src/core/time.ts";
import type { CronPort } from "./cron-port.ts";
import { MOST_SPREAD, type ScheduleConfig } from "./groups.ts";

const NEVER_AGAIN = civil(Number.MAX_SAFE_INTEGER);
/** Times that are remembered: all meters of a group ask for the same few. */
const REMEMBERED = 64;
/** Times looked at for the newest of those that were missed: a daily one of ten years. */
const MOST_MISSED = 4_000;

export class Calendar {
  readonly config: ScheduleConfig;
  readonly #cron: CronPort | undefined;
  readonly #next = new Map<Civil, Civil>();
  #spread: number | undefined;

  /** @param cron is needed where the schedule goes by calendar times */
  constructor(config: ScheduleConfig, cron: CronPort | undefined) {
    this.config = config;
    this.#cron = cron;
  }

  /** The first time of the schedule behind `at`. */
  after(at: Civil): Civil {
    const { timing } = this.config;
    if (timing.kind === "every") return civil((Math.floor(at / timing.every) + 1) * timing.every);
    let next = this.#next.get(at);
    if (next === undefined) {
      next = this.#cron?.next(timing.pattern, timing.zone, at) ?? NEVER_AGAIN;
      if (this.#next.size >= REMEMBERED) this.#next.clear();
      this.#next.set(at, next);
    }
    return next;
  }

  /** The newest time behind `last` that has come by `now`; undefined when none has. */
  missed(last: Civil, now: Civil): Civil | undefined {
    const { timing } = this.config;
    if (timing.kind === "every") {
      const newest = civil(Math.floor(now / timing.every) * timing.every);
      return newest > last ? newest : undefined;
    }
    let newest: Civil | undefined;
    let at = last;
    for (let i = 0; i < MOST_MISSED; i++) {
      at = this.after(at);
      if (at > now) break;
      newest = at;
    }
    return newest;
  }

  /** µs; a tenth of the period where nothing else is said, measured from `now` on. */
  spread(now: Civil): number {
    if (this.config.spread !== undefined) return this.config.spread;
    if (this.#spread === undefined) {
      const first = this.after(now);
      this.#spread = Math.min(MOST_SPREAD, Math.floor((this.after(first) - first) / 10));
    }
    return this.#spread;
  }
}
