/** What happened in a meter, until its host takes it. */
import { type LogEffect, NO_EFFECTS } from "../src/core/actor.ts";

/** A meter whose host never takes the log must not grow: the newest say enough. */
const LIMIT = 100;

export class MeterLog {
  readonly #meter: string;
  #kept: LogEffect[] = [];

  /** @param meter its id, which goes with every entry */
  constructor(meter: string) {
    this.#meter = meter;
  }

  note(level: LogEffect["level"], event: string, fields: NonNullable<LogEffect["fields"]>): void {
    if (this.#kept.length >= LIMIT) this.#kept.shift();
    this.#kept.push({ kind: "log", level, event: `meter.${event}`, fields: { meter: this.#meter, ...fields } });
  }

  /** Everything since the last call. */
  take(): readonly LogEffect[] {
    if (this.#kept.length === 0) return NO_EFFECTS;
    const taken = this.#kept;
    this.#kept = [];
    return taken;
  }
}
