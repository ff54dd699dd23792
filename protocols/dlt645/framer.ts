/**
 * Frames out of a stream of bytes. A frame is believed when both 68s, the length, the checksum and the 16 are right;
 * anything else costs one byte and the search goes on behind it, so a 68 in noise or in data never hides a frame.
 *
 * A false 68 that announces more bytes than ever come would hold up the real frame behind it until the longest gap inside
 * a frame is over, and its answer would be late. So once the line is quiet for {@link HOLD}, a good frame that ends with
 * the last byte is believed: a master falls silent behind a request, while a frame still under way goes on.
 */
import { MICROS_PER_MS } from "../../src/core/time.ts";
import { type Dlt645Frame, frameAt, frameLength, inspect, MAX_FRAME, PREAMBLE, START } from "./frame.ts";

/** Longer than a character at 1200 baud and the pauses that a host's port makes together. */
const HOLD = 60 * MICROS_PER_MS;
/** Tb, the longest gap between two bytes of a frame. */
export const BYTE_GAP = 500 * MICROS_PER_MS;
/** What a lump of bytes may have taken on the slowest line in use, 1200 baud with 11 bits, µs a byte. */
const SLOWEST_CHARACTER = 9_167;
const CAPACITY = 2 * MAX_FRAME;

export class Dlt645Framer {
  readonly #take: (frame: Dlt645Frame) => void;
  readonly #bytes = new Uint8Array(CAPACITY);
  #length = 0;
  /** The quiet after the last byte was judged. */
  #heldUp = false;
  /** When the last byte came; of a frame just given, its end. */
  lastByteAt = Number.NEGATIVE_INFINITY;
  /** Bytes that belonged to no frame since {@link clear}; FE before and between frames are not counted. */
  junk = 0;

  /** @param take gets each frame as soon as it is believed; it must not call the framer. */
  constructor(take: (frame: Dlt645Frame) => void) {
    this.#take = take;
  }

  /** Whether no frame may be under way. */
  get idle(): boolean {
    return this.#length === 0;
  }

  /** Bytes, the last of which came at `mono`. */
  receive(bytes: Uint8Array, mono: number): void {
    if (bytes.length === 0) return;
    const start = mono - bytes.length * SLOWEST_CHARACTER;
    if (start - this.lastByteAt >= BYTE_GAP) this.#scan(true);
    this.lastByteAt = mono;
    this.#heldUp = false;
    for (let from = 0; from < bytes.length; ) {
      const count = Math.min(CAPACITY - this.#length, bytes.length - from);
      this.#bytes.set(bytes.subarray(from, from + count), this.#length);
      this.#length += count;
      from += count;
      // Leaves less than one frame, so there is room again.
      this.#scan(false);
    }
  }

  wake(mono: number): void {
    if (mono < this.nextWake()) return;
    if (mono >= this.lastByteAt + BYTE_GAP) this.#scan(true);
    else this.#believeLast();
  }

  /** When to be woken, monotonic µs. */
  nextWake(): number {
    if (this.idle) return Number.POSITIVE_INFINITY;
    return this.lastByteAt + (this.#heldUp ? BYTE_GAP : HOLD);
  }

  clear(): void {
    this.#length = 0;
    this.junk = 0;
  }

  /** Gives the frames held. `final`: nothing more will come for what is unfinished. */
  #scan(final: boolean): void {
    let at = 0;
    while (at < this.#length) {
      const byte = this.#bytes[at];
      if (byte === START) {
        const fault = inspect(this.#bytes, at, this.#length);
        if (fault === "cut" && !final) break;
        if (fault === undefined) {
          this.#take(frameAt(this.#bytes, at));
          at += frameLength(this.#bytes, at);
          continue;
        }
      }
      if (byte !== PREAMBLE) this.junk++;
      at++;
    }
    this.#bytes.copyWithin(0, at, this.#length);
    this.#length -= at;
  }

  /** The line is quiet: a good frame that ends here was the real one, whatever an earlier 68 still waits for. */
  #believeLast(): void {
    this.#heldUp = true;
    for (let at = 1; at < this.#length; at++) {
      if (inspect(this.#bytes, at, this.#length) !== undefined) continue;
      if (at + frameLength(this.#bytes, at) < this.#length) continue;
      this.#take(frameAt(this.#bytes, at));
      this.junk += at;
      this.#length = 0;
      return;
    }
  }
}
