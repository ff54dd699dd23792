/** The one timer of a host. It never fires early, and is left alone while the due time moves further away. */
import { MICROS_PER_MS, MICROS_PER_SECOND, type Wake } from "../core/time.ts";
import type { SystemClock } from "./clock.ts";

/** Longest sleep: the civil clock may be stepped while we sleep, so the due time is looked at again. */
const LONGEST_SLEEP = 10 * MICROS_PER_SECOND;
/** How long before a precise deadline the event loop is polled instead of slept on: Node's timers are 1..2 ms late. */
const POLL_WINDOW = 2 * MICROS_PER_MS;
/** A look this late means that the process did not run. */
const AWAY = 5 * MICROS_PER_MS;
/** How long what came meanwhile then gets to be read: a serial port's bytes take some turns of the event loop. */
const CATCH_UP = 2 * MICROS_PER_MS;

export class WakeTimer {
  readonly #clock: SystemClock;
  readonly #precise: boolean;
  readonly #fire: () => void;
  readonly #onTimer: () => void;
  #wakeMono = Number.POSITIVE_INFINITY;
  #wakeCivil = Number.POSITIVE_INFINITY;
  #due = Number.POSITIVE_INFINITY;
  /** When the pending timer or immediate will look again; Infinity while none is pending. */
  #looksAt = Number.POSITIVE_INFINITY;
  /** Until then a due time waits, once: the process was away, and bytes may wait that end a silence. */
  #catchesUpUntil: number | undefined;
  #timeout: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(clock: SystemClock, precise: boolean, fire: () => void) {
    this.#clock = clock;
    this.#precise = precise;
    this.#fire = fire;
    this.#onTimer = () => this.#look();
  }

  /** Sets when to fire next; cheap when that did not change. */
  due(wake: Wake): void {
    if (wake.mono === this.#wakeMono && wake.civil === this.#wakeCivil && this.#looksAt <= this.#due) return;
    this.#wakeMono = wake.mono;
    this.#wakeCivil = wake.civil;
    this.#due = this.#clock.monoOf(wake);
    // A later due time needs nothing: the pending look finds it is not due yet and sets itself again. So a request and
    // its timeout, set and cleared a thousand times a second, cost no timer.
    if (this.#due < this.#looksAt) this.#schedule(this.#clock.now().mono);
  }

  stop(): void {
    clearTimeout(this.#timeout);
    clearImmediate(this.#immediate);
    this.#timeout = undefined;
    this.#immediate = undefined;
    this.#looksAt = Number.POSITIVE_INFINITY;
  }

  #look(): void {
    this.#timeout = undefined;
    this.#immediate = undefined;
    const now = this.#clock.now().mono;
    // Node runs timers before it reads. What a late timer takes for silence may be bytes that nobody has read yet.
    if (this.#precise && now - this.#looksAt > AWAY) this.#catchesUpUntil ??= now + CATCH_UP;
    this.#looksAt = Number.POSITIVE_INFINITY;
    this.#due = this.#clock.monoOf({ mono: this.#wakeMono, civil: this.#wakeCivil });
    const isDue = now >= this.#due;
    if (isDue && now < (this.#catchesUpUntil ?? now)) {
      this.#schedule(now);
      return;
    }
    this.#catchesUpUntil = undefined;
    if (isDue) this.#fire();
    else if (this.#due !== Number.POSITIVE_INFINITY) this.#schedule(now);
  }

  #schedule(now: number): void {
    this.stop();
    const left = Math.min(this.#due - now, LONGEST_SLEEP);
    this.#looksAt = now + Math.max(left, 0);
    if (left <= 0 || (this.#precise && left <= POLL_WINDOW)) {
      this.#immediate = setImmediate(this.#onTimer);
      return;
    }
    const sleep = this.#precise ? left - POLL_WINDOW : left;
    this.#timeout = setTimeout(this.#onTimer, Math.max(1, Math.ceil(sleep / MICROS_PER_MS)));
  }
}
