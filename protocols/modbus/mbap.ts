/** Finding Modbus TCP frames in the segments of a connection, however they are split or joined. */
import { EMPTY_BYTES } from "../../src/core/bytes.ts";
import { MAX_MBAP_COUNT, MAX_TCP_ADU, MBAP_LENGTH, MIN_MBAP_COUNT, uint16At } from "./frame.ts";

/** Bytes up to the end of the length field. */
const UP_TO_COUNT = 6;

/**
 * `offer` a segment, then take frames with `next` until it says no: a frame that lies whole in the segment is read in
 * place. Frames with a protocol id other than 0 are passed over. A length that cannot be is a {@link fault}: where the
 * next frame starts is then unknown, so nothing more is read until `clear`.
 */
export class MbapReader {
  /** The frame found by the last `next`: `bytes[at ..]` is its header. Valid until the call after. */
  bytes: Uint8Array = EMPTY_BYTES;
  at = 0;
  pduLength = 0;
  fault: string | undefined;
  #segment: Uint8Array = EMPTY_BYTES;
  #position = 0;
  /** The start of a frame whose rest has not come. */
  readonly #carry = new Uint8Array(MAX_TCP_ADU);
  #carried = 0;

  /** The segment before must have been read to its end. */
  offer(segment: Uint8Array): void {
    this.#segment = segment;
    this.#position = 0;
  }

  next(): boolean {
    for (;;) {
      if (this.fault !== undefined) return false;
      if (!(this.#carried === 0 ? this.#inPlace() : this.#joined())) return false;
      if (uint16At(this.bytes, this.at + 2) === 0) return true;
    }
  }

  clear(): void {
    this.fault = undefined;
    this.#carried = 0;
    this.#segment = EMPTY_BYTES;
    this.#position = 0;
  }

  #inPlace(): boolean {
    const segment = this.#segment;
    const at = this.#position;
    if (this.#found(segment, at, segment.length)) {
      this.#position = at + MBAP_LENGTH + this.pduLength;
      return true;
    }
    if (this.fault === undefined) this.#keep(segment.length);
    // Both may be a large buffer of the host: not to be held until the next segment.
    this.#segment = EMPTY_BYTES;
    this.bytes = EMPTY_BYTES;
    return false;
  }

  #joined(): boolean {
    while (this.#position < this.#segment.length) {
      const want = this.#carried < UP_TO_COUNT ? UP_TO_COUNT : UP_TO_COUNT + uint16At(this.#carry, 4);
      this.#keep(Math.min(this.#segment.length, this.#position + want - this.#carried));
      if (this.#found(this.#carry, 0, this.#carried)) {
        this.#carried = 0;
        return true;
      }
      if (this.fault !== undefined) break;
    }
    return false;
  }

  /** Moves the segment up to `end` into the carried frame. */
  #keep(end: number): void {
    while (this.#position < end) this.#carry[this.#carried++] = this.#segment[this.#position++] as number;
  }

  /** Whether a whole frame starts at `at`; sets it as the current one. */
  #found(bytes: Uint8Array, at: number, end: number): boolean {
    if (at + UP_TO_COUNT > end) return false;
    const count = uint16At(bytes, at + 4);
    if (count < MIN_MBAP_COUNT || count > MAX_MBAP_COUNT) {
      this.fault = `MBAP length ${count} is not ${MIN_MBAP_COUNT} .. ${MAX_MBAP_COUNT}`;
      return false;
    }
    if (at + UP_TO_COUNT + count > end) return false;
    this.bytes = bytes;
    this.at = at;
    this.pduLength = count - 1;
    return true;
  }
}
