/** How long the MQTT packets on a byte stream say they are: a parser keeps a whole packet in memory before it looks at it. */

/** Bytes of the remaining length (MQTT 3.1.1, 2.2.3: at most four). */
const LENGTH_BYTES_LIMIT = 4;

export class PacketSizeCheck {
  readonly #limit: number;
  #inLength = false;
  #length = 0;
  #lengthBytes = 0;
  /** Bytes of the present packet that are still to come. */
  #rest = 0;

  /** `limit` in bytes, as the fixed header counts them: everything behind the remaining length. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes what arrived. @returns the announced bytes of the first packet above the limit or with a length that has no end; undefined while all is well. */
  take(bytes: Uint8Array): number | undefined {
    let at = 0;
    while (at < bytes.length) {
      if (this.#rest > 0) {
        const step = Math.min(this.#rest, bytes.length - at);
        this.#rest -= step;
        at += step;
      } else {
        const tooLong = this.#header(bytes[at] as number);
        if (tooLong !== undefined) return tooLong;
        at += 1;
      }
    }
    return undefined;
  }

  #header(byte: number): number | undefined {
    if (!this.#inLength) {
      // The packet's type and flags.
      this.#inLength = true;
      this.#length = 0;
      this.#lengthBytes = 0;
      return undefined;
    }
    this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes;
    this.#lengthBytes += 1;
    if (byte >= 0x80) return this.#lengthBytes < LENGTH_BYTES_LIMIT ? undefined : this.#length;
    if (this.#length > this.#limit) return this.#length;
    this.#inLength = false;
    this.#rest = this.#length;
    return undefined;
  }
}
