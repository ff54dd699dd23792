/** Bytes written and read one after the other, with integers of any size up to 2^53 in as few bytes as they need. */

export class ByteWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  byte(value: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = value;
  }

  /** A safe integer from 0: seven bits a byte, the lowest first. */
  unsigned(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  /** A safe integer, zigzag: 0, −1, 1, −2 … as 0, 1, 2, 3 …; done in halves, since twice a safe integer may be none. */
  signed(value: number): void {
    const magnitude = value < 0 ? -1 - value : value;
    const low = (magnitude % 64) * 2 + (value < 0 ? 1 : 0);
    const rest = Math.floor(magnitude / 64);
    this.byte(rest > 0 ? low | 128 : low);
    if (rest > 0) this.unsigned(rest);
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Once something was missing or impossible, `broken` says so and everything reads as 0: ask at the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #broken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get broken(): boolean {
    return this.#broken;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Says that what was read can't be. */
  refuse(): 0 {
    this.#broken = true;
    return 0;
  }

  byte(): number {
    const byte = this.#broken ? undefined : this.#bytes[this.#at++];
    return byte ?? this.refuse();
  }

  unsigned(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (value > Number.MAX_SAFE_INTEGER) return this.refuse();
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  signed(): number {
    const first = this.byte();
    const rest = first < 128 ? 0 : this.unsigned();
    const magnitude = rest * 64 + ((first & 127) >> 1);
    const value = first & 1 ? -1 - magnitude : magnitude;
    return Number.isSafeInteger(value) ? value : this.refuse();
  }
}
