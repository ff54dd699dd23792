/** Calendar times by croner, which knows the zones of the runtime. */
import { Cron } from "croner";
import { type Civil, civil, MICROS_PER_MS } from "../../../src/core/time.ts";
import type { CronPort } from "../../schedule/cron-port.ts";

/** Minute, hour, day of the month, month, day of the week. */
const FIELDS = 5;

export class CronerCron implements CronPort {
  readonly #known = new Map<string, Cron>();

  problem(pattern: string, zone: string): string | undefined {
    if (!isZone(zone)) return `"${zone}" is no time zone such as Europe/Berlin or UTC`;
    try {
      return this.#cron(pattern, zone).nextRun() === null ? `"${pattern}" never comes` : undefined;
    } catch {
      return `"${pattern}" is no cron pattern: minute hour day month weekday, such as "30 2 1 * *"`;
    }
  }

  next(pattern: string, zone: string, after: Civil): Civil | undefined {
    // croner looks at whole seconds behind the given one.
    const next = this.#cron(pattern, zone).nextRun(new Date(Math.floor(after / MICROS_PER_MS)));
    return next === null ? undefined : civil(next.getTime() * MICROS_PER_MS);
  }

  #cron(pattern: string, zone: string): Cron {
    const name = `${zone} ${pattern}`;
    let cron = this.#known.get(name);
    if (cron === undefined) {
      if (pattern.trim().split(/\s+/).length !== FIELDS) throw new Error("five fields are needed");
      cron = new Cron(pattern, { timezone: zone, paused: true });
      this.#known.set(name, cron);
    }
    return cron;
  }
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }) !== undefined;
  } catch {
    return false;
  }
}
