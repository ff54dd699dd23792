/** How one polled meter answers: well, now and then, or not at all. */
import type { Civil } from "../../src/core/time.ts";

/** Polls that fail in a row, each after its own repeats, until a meter counts as silent. */
const SILENT_AFTER = 2;
/** The last so many requests are remembered. */
const WINDOW = 32;
/** Of them failed: from there on it is noisy, and down to there it is well again. */
const NOISY = 10;
const WELL = 3;

export class MeterHealth {
  silent = false;
  noisy = false;
  /** Its newest poll was answered. */
  well = false;
  /** Time of the first poll of those that failed in a row, and why the last one did. */
  since: Civil | undefined;
  reason = "";
  #failures = 0;
  /** One for each request that failed, the newest first. */
  #history: boolean[] = [];

  /** A request ended, repetitions included. Only an answer shows that failures are noise. */
  request(ok: boolean): void {
    if (this.silent) return;
    this.#history.unshift(!ok);
    if (this.#history.length > WINDOW) this.#history.pop();
    if (!ok) return;
    const failed = this.failed;
    if (failed >= NOISY) this.noisy = true;
    else if (failed <= WELL) this.noisy = false;
  }

  /** Of the last {@link WINDOW} requests. */
  get failed(): number {
    return this.#history.reduce((sum, failed) => sum + (failed ? 1 : 0), 0);
  }

  pollFailed(reason: string, now: Civil): void {
    this.since ??= now;
    this.reason = reason;
    this.well = false;
    this.#failures += 1;
    if (this.#failures >= SILENT_AFTER) this.#fallSilent();
  }

  answered(): void {
    this.well = true;
    this.#failures = 0;
    this.since = undefined;
    this.silent = false;
  }

  #fallSilent(): void {
    this.silent = true;
    this.noisy = false;
    this.#history = [];
  }
}
