/** What the head-end sees of its own host: the store that refuses or is slow, the clock that jumps. */
import { MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import type { Place } from "./incident.ts";
import type { Incidents } from "./incidents.ts";

const STORE: Place = { part: "store", name: "store" };
export const HEAD_END: Place = { part: "head-end", name: "head-end" };
/** A batch that the store has for so long hangs: a lock, a dying disk. */
const HANGS = 10 * MICROS_PER_SECOND;
/** Below that it is the clock being kept, not set. */
const JUMP = 2 * MICROS_PER_SECOND;

export class StoreWatch {
  readonly #incidents: Incidents;
  #givenAt: number | undefined;

  constructor(incidents: Incidents) {
    this.#incidents = incidents;
  }

  given(now: Now): void {
    this.#givenAt = now.mono;
  }

  stored(full: boolean, now: Now): void {
    this.#givenAt = undefined;
    this.#incidents.heal("store-failing", STORE, now);
    if (!full) this.#incidents.heal("store-behind", STORE, now);
  }

  failed(reason: string, now: Now): void {
    this.#givenAt = undefined;
    this.#incidents.hold("store-failing", STORE, { cause: reason }, now);
  }

  /** So much waits that polls pause. */
  full(backlog: number, now: Now): void {
    if (this.#incidents.find("store-behind", STORE) !== undefined) return;
    this.#incidents.hold("store-behind", STORE, { cause: `${backlog} pieces of work wait for it` }, now);
  }

  nextWake(): number {
    return this.#givenAt === undefined ? Number.POSITIVE_INFINITY : this.#givenAt + HANGS;
  }

  wake(now: Now): void {
    if (this.nextWake() > now.mono) return;
    const cause = `no answer for ${HANGS / MICROS_PER_SECOND} s: a lock, or a disk that hangs`;
    this.#incidents.hold("store-behind", STORE, { cause }, now);
    this.#givenAt = undefined;
  }
}

export class ClockWatch {
  readonly #incidents: Incidents;
  readonly #speed: number;
  #last: Now | undefined;

  constructor(speed: number, incidents: Incidents) {
    this.#speed = speed;
    this.#incidents = incidents;
  }

  /** At every event: civil time must have gone on as the monotonic one did. */
  look(now: Now): void {
    const last = this.#last;
    this.#last = now;
    if (last === undefined) return;
    const jump = now.civil - last.civil - (now.mono - last.mono) * this.#speed;
    if (Math.abs(jump) < JUMP * Math.max(1, this.#speed)) return;
    const seconds = (Math.abs(jump) / MICROS_PER_SECOND).toFixed(1);
    const cause = `the clock went ${jump > 0 ? "forward" : "back"} by ${seconds} s`;
    this.#incidents.moment("clock-jump", HEAD_END, { cause }, now);
  }
}
