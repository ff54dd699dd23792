/**
 * RTU frames from a host's serial port, where bytes come late and in lumps: a pause that is seen may not have been on the
 * wire, and one that was on the wire may not be seen. What is never wrong: bytes are in order, and none comes early.
 *
 * A frame is believed
 * 1. where a frame must start (after settled silence, or right behind another good frame): when it has the length of its
 *    function and its CRC is good; or when its CRC is good up to a pause of t3.5, which is how functions of unknown
 *    length, and requests of a wrong length, get their exception.
 * 2. after junk: only when it concerns this user, has the length of its function and a good CRC, AND either ends with the
 *    burst, before settled silence, or stands between two pauses of t3.5. A master falls silent after a request to us, so
 *    a real one does; bytes inside other data that happen to look like a request do not. By chance junk passes about
 *    once in 2^29 bursts. One pause alone proves nothing: a host makes them inside frames too.
 *
 * Complete frames are given t3.5 after the last byte; anything else waits for the settled silence.
 */
import { CRC_LENGTH, CRC_START, crc16, crcStep, MAX_RTU_ADU, MIN_RTU_ADU } from "./frame.ts";
import { NEED_MORE, UNKNOWN } from "./functions.ts";
import type { FrameUser, SerialFramer } from "./rtu-framer.ts";
import { type RtuTiming, settledAfter, wireTime } from "./timing.ts";

/** Junk beyond this is looked through and dropped while it still comes. */
const CAPACITY = 4 * MAX_RTU_ADU;

export class LumpFramer implements SerialFramer {
  readonly #timing: RtuTiming;
  readonly #user: FrameUser;
  readonly #bytes = new Uint8Array(CAPACITY);
  /** 1 at i: a pause of at least t3.5 was seen before byte i. */
  readonly #pauses = new Uint8Array(CAPACITY + 1);
  #length = 0;
  /** Whether a frame must start at the first byte held. */
  #anchored = true;
  #due = Number.POSITIVE_INFINITY;
  lastByteAt = Number.NEGATIVE_INFINITY;

  constructor(timing: RtuTiming, user: FrameUser) {
    this.#timing = timing;
    this.#user = user;
  }

  get idle(): boolean {
    return this.#length === 0;
  }

  receive(bytes: Uint8Array, mono: number): void {
    if (bytes.length === 0) return;
    // The driver may wake late: what silence has settled is settled before the new bytes are looked at.
    const start = mono - wireTime(this.#timing, bytes.length);
    if (start - this.lastByteAt >= settledAfter(this.#timing)) this.#settle();
    let paused = start - this.lastByteAt >= this.#timing.t35;
    // Until now the end of what was held counted as a pause; the new bytes say whether it is one.
    this.#pauses[this.#length] = 0;
    for (let from = 0; from < bytes.length; ) {
      if (this.#length === CAPACITY) this.#shed();
      const take = Math.min(CAPACITY - this.#length, bytes.length - from);
      this.#bytes.set(bytes.subarray(from, from + take), this.#length);
      this.#pauses.fill(0, this.#length, this.#length + take + 1);
      if (paused) this.#pauses[this.#length] = 1;
      paused = false;
      this.#length += take;
      from += take;
    }
    this.lastByteAt = mono;
    this.#due = mono + (this.#mayGive() ? this.#timing.t35 : settledAfter(this.#timing));
  }

  /**
   * Whether t3.5 of silence could give a frame now. While the first one is known to be unfinished it can't, and a host is
   * spared a wake, which it must meet to a fraction of a millisecond, for each byte of a long reply.
   */
  #mayGive(): boolean {
    return this.#anchored && this.#frameAt(0) !== NEED_MORE;
  }

  wake(mono: number): void {
    if (mono < this.#due) return;
    const settled = this.lastByteAt + settledAfter(this.#timing);
    if (mono >= settled) {
      this.#settle();
      return;
    }
    this.#pauses[this.#length] = 1;
    if (this.#anchored) this.#drop(this.#takeFrames());
    this.#due = this.#length === 0 ? Number.POSITIVE_INFINITY : settled;
  }

  nextWake(): number {
    return this.#due;
  }

  clear(): void {
    this.#length = 0;
    this.#anchored = true;
    this.#due = Number.POSITIVE_INFINITY;
  }

  /** Nothing more belongs to what is held: it is decided, and the next byte starts a frame. */
  #settle(): void {
    this.#pauses[this.#length] = 1;
    this.#search(this.#length);
    this.clear();
  }

  /** The buffer is full: all is decided but the last bytes, where a frame may have begun. */
  #shed(): void {
    this.#drop(this.#search(this.#length - (MAX_RTU_ADU - 1)));
  }

  #drop(count: number): void {
    this.#bytes.copyWithin(0, count, this.#length);
    this.#pauses.copyWithin(0, count, this.#length + 1);
    this.#length -= count;
  }

  /** Gives the good frames at the front; returns their end. */
  #takeFrames(): number {
    let at = 0;
    while (at < this.#length) {
      const byLength = this.#frameAt(at);
      const length = byLength === UNKNOWN ? this.#frameToPause(at) : byLength;
      if (length <= 0) break;
      this.#user.frame(this.#bytes, at, length - CRC_LENGTH);
      at += length;
    }
    return at;
  }

  /** Gives every frame to believe that starts before `stop`; what is not one by then is junk. Returns how far it came. */
  #search(stop: number): number {
    let at = 0;
    while (at < stop) {
      if (!this.#anchored) {
        at = this.#nextStart(at, stop);
        continue;
      }
      const byLength = this.#frameAt(at);
      const length = byLength > 0 ? byLength : this.#frameToPause(at);
      if (length > 0) {
        this.#user.frame(this.#bytes, at, length - CRC_LENGTH);
        at += length;
      } else {
        this.#user.damaged(this.#bytes, at, this.#length - at);
        this.#anchored = false;
        at++;
      }
    }
    return at;
  }

  /** The next place in junk where a frame to believe starts; `stop` when there is none. */
  #nextStart(from: number, stop: number): number {
    for (let at = from; at < stop; at++) {
      if (this.#believable(at)) {
        this.#anchored = true;
        return at;
      }
    }
    return stop;
  }

  /** Rule 2. */
  #believable(at: number): boolean {
    if (at + MIN_RTU_ADU > this.#length) return false;
    if (!this.#user.concerns(this.#bytes[at] as number, this.#bytes[at + 1] as number)) return false;
    const length = this.#frameAt(at);
    const end = at + length;
    return length > 0 && this.#pauses[end] === 1 && (end === this.#length || this.#pauses[at] === 1);
  }

  /** Length of the good frame at `at`; `NEED_MORE` when it may yet become one; `UNKNOWN` when its length cannot tell. */
  #frameAt(at: number): number {
    const asRequest = this.#check(at, this.#user.lengthAt(this.#bytes, at, this.#length, "request"));
    if (asRequest > 0) return asRequest;
    const asReply = this.#check(at, this.#user.lengthAt(this.#bytes, at, this.#length, "reply"));
    if (asReply > 0) return asReply;
    return asRequest === NEED_MORE || asReply === NEED_MORE ? NEED_MORE : UNKNOWN;
  }

  #check(at: number, length: number): number {
    if (length <= 0) return length;
    if (at + length > this.#length) return NEED_MORE;
    return crc16(this.#bytes, at, at + length) === 0 ? length : UNKNOWN;
  }

  /** Length of the frame that starts at `at` and ends, with a good CRC, at a pause. */
  #frameToPause(at: number): number {
    const last = Math.min(this.#length, at + MAX_RTU_ADU);
    let crc = CRC_START;
    for (let i = at; i < last; i++) {
      crc = crcStep(crc, this.#bytes[i] as number);
      if (crc === 0 && this.#pauses[i + 1] === 1 && i + 1 - at >= MIN_RTU_ADU) return i + 1 - at;
    }
    return UNKNOWN;
  }
}
