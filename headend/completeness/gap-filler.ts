/**
 * When which meter is asked for which open intervals. A meter is asked once it is heard of again, a piece at a time and with
 * pauses that grow while nothing comes of it; over MQTT only few at once, so that after an outage neither broker nor meters
 * see a rush. On a line the gap has the lowest rank but one, and spreads by itself.
 */
import { civil, MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import type { Books } from "../books.ts";
import { type Directory, keepsProfile } from "../directory.ts";
import type { MeterId } from "../ports.ts";
import type { Span } from "./runs.ts";

/** Intervals of one piece: a day of quarters of an hour. */
const PIECE = 96;
/** An interval is asked for so long after its end at the earliest: clocks differ, and records are written at the end. */
const SETTLE = 120 * MICROS_PER_SECOND;
const AT_ONCE_OVER_MQTT = 8;
const FIRST_PAUSE = 60 * MICROS_PER_SECOND;
const LONGEST_PAUSE = 6 * 3_600 * MICROS_PER_SECOND;

/** What a session is to ask a meter for. */
export interface GapRequest {
  readonly meter: MeterId;
  readonly minutes: number;
  readonly span: Span;
}

interface Asked {
  readonly request: GapRequest;
  readonly overMqtt: boolean;
}

interface Patience {
  pause: number;
  /** Monotonic. */
  until: number;
}

export class GapFiller {
  readonly #books: Books;
  readonly #directory: Directory;
  /** Meters to be looked at, those heard of first before the others: on lines, and over MQTT. */
  readonly #onLines = new Set<MeterId>();
  readonly #overMqtt = new Set<MeterId>();
  readonly #asked = new Map<MeterId, Asked>();
  readonly #patience = new Map<MeterId, Patience>();
  #askedOverMqtt = 0;

  constructor(books: Books, directory: Directory) {
    this.#books = books;
    this.#directory = directory;
  }

  /** A reading of the meter came in. */
  heard(meter: MeterId): void {
    const known = this.#directory.find(meter);
    if (this.#books.intervals === undefined || known === undefined || known.held || !keepsProfile(known)) return;
    (known.line === undefined ? this.#overMqtt : this.#onLines).add(meter);
  }

  /** What is to be asked now. To be called when what was heard is in the books. */
  next(now: Now): readonly GapRequest[] {
    const requests: GapRequest[] = [];
    for (const meter of this.#onLines) {
      this.#onLines.delete(meter);
      const request = this.#request(meter, now);
      if (request === undefined) continue;
      this.#asked.set(meter, { request, overMqtt: false });
      requests.push(request);
    }
    for (const meter of this.#overMqtt) {
      if (this.#askedOverMqtt >= AT_ONCE_OVER_MQTT) break;
      this.#overMqtt.delete(meter);
      const request = this.#request(meter, now);
      if (request === undefined) continue;
      this.#asked.set(meter, { request, overMqtt: true });
      this.#askedOverMqtt += 1;
      requests.push(request);
    }
    return requests;
  }

  /** The meter gave what it has, or did not answer. @param progress something became known */
  ended(meter: MeterId, progress: boolean, now: Now): void {
    const asked = this.#asked.get(meter);
    if (asked === undefined) return;
    this.#asked.delete(meter);
    if (asked.overMqtt) this.#askedOverMqtt -= 1;
    if (progress) {
      this.#patience.delete(meter);
      this.heard(meter);
      return;
    }
    const pause = Math.min(LONGEST_PAUSE, (this.#patience.get(meter)?.pause ?? FIRST_PAUSE / 2) * 2);
    this.#patience.set(meter, { pause, until: now.mono + pause });
  }

  #request(meter: MeterId, now: Now): GapRequest | undefined {
    const { intervals, latest } = this.#books;
    if (intervals === undefined || this.#asked.has(meter)) return undefined;
    if ((this.#patience.get(meter)?.until ?? Number.NEGATIVE_INFINITY) > now.mono) return undefined;
    // What the meter still holds back comes by itself, in order: only what lies before its newest reading is lost.
    const newest = Math.min(now.civil, latest.get(meter)?.time ?? 0);
    const span = intervals.hole(meter, civil(newest - SETTLE), PIECE);
    return span && { meter, minutes: intervals.config.minutes, span };
  }
}
