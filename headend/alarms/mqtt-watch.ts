/**
 * Meters on MQTT: one that has not published for long is silent. While the broker is away none of them is to blame, and
 * when nearly all fall silent at once it is the way to the broker.
 */
import { MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import type { MeterId } from "../ports.ts";
import type { Place } from "./incident.ts";
import type { Incidents } from "./incidents.ts";

const SWEEPS = 10;
const LONGEST_SWEEP = 60 * MICROS_PER_SECOND;
/** From so many meters on their falling silent together means something. */
const TOGETHER = 3;
/** Of the meters that published before: so many silent are the broker's, and down to there each is its own. */
const NEARLY_ALL = 0.9;
const HALF = 0.5;

export class MqttWatch {
  readonly #incidents: Incidents;
  readonly #place: Place;
  readonly #silentAfter: number;
  /** Monotonic time of the newest message of each meter. */
  readonly #heard = new Map<MeterId, number>();
  readonly #silent = new Set<MeterId>();
  #openSince: number | undefined;
  #sweepAt = Number.POSITIVE_INFINITY;
  #together = false;

  /**
   * @param silentAfter µs, monotonic
   * @param expected meters that are known to publish
   */
  constructor(link: string, silentAfter: number, expected: Iterable<MeterId>, incidents: Incidents) {
    this.#place = { part: "broker", name: link };
    this.#silentAfter = silentAfter;
    this.#incidents = incidents;
    for (const meter of expected) this.#heard.set(meter, Number.NEGATIVE_INFINITY);
  }

  opened(now: Now): void {
    this.#openSince = now.mono;
    this.#sweepAt = now.mono + this.#pause();
    this.#incidents.heal("broker-down", this.#place, now);
  }

  closed(reason: string, now: Now): void {
    this.#openSince = undefined;
    this.#sweepAt = Number.POSITIVE_INFINITY;
    this.#incidents.hold("broker-down", this.#place, { cause: reason, meters: this.#heard.size }, now);
  }

  heard(meter: MeterId, now: Now): void {
    const first = !this.#heard.has(meter) || this.#heard.get(meter) === Number.NEGATIVE_INFINITY;
    this.#heard.set(meter, now.mono);
    if (!first && !this.#silent.delete(meter)) return;
    this.#silent.delete(meter);
    this.#incidents.heal("meter-silent", { part: "meter", name: meter }, now);
  }

  nextWake(): number {
    return this.#sweepAt;
  }

  wake(now: Now): void {
    if (this.#openSince === undefined || now.mono < this.#sweepAt) return;
    this.#sweepAt = now.mono + this.#pause();
    const from = now.mono - this.#silentAfter;
    if (this.#openSince > from) return;
    const quiet = [...this.#heard]
      .filter(([meter, at]) => at < from && !this.#silent.has(meter))
      .map(([meter]) => meter);
    if (this.#heldTogether(quiet, now)) return;
    for (const meter of quiet) {
      const last = this.#heard.get(meter) as number;
      const ago = Math.round(Math.min(now.mono - last, now.mono - this.#openSince) / MICROS_PER_SECOND);
      const cause = `no message for ${ago} s`;
      const place: Place = { part: "meter", name: meter };
      if (this.#incidents.hold("meter-silent", place, { cause, meters: 1, within: null }, now) === undefined) continue;
      this.#silent.add(meter);
    }
  }

  /** Whether what is quiet now is the broker's. Meters that were silent before have no vote. */
  #heldTogether(quiet: readonly MeterId[], now: Now): boolean {
    const voters = this.#heard.size - this.#silent.size;
    const share = voters === 0 ? 0 : quiet.length / voters;
    this.#together = quiet.length >= TOGETHER && share >= (this.#together ? HALF : NEARLY_ALL);
    if (!this.#together) {
      this.#incidents.heal("broker-silent", this.#place, now);
      return false;
    }
    const cause = `${quiet.length} of ${voters} meters have not published for ${this.#silentAfter / MICROS_PER_SECOND} s`;
    this.#incidents.hold("broker-silent", this.#place, { cause, meters: quiet.length }, now);
    return true;
  }

  #pause(): number {
    return Math.min(LONGEST_SWEEP, Math.ceil(this.#silentAfter / SWEEPS));
  }
}
