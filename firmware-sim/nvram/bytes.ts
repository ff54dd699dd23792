/** Writing and reading the payloads of non-volatile records: little endian, exact to 53 bits, `bigint` of any size. */
import { failure, type Result, success } from "../../src/core/result.ts";

const FIRST_SIZE = 64;
const TWO_32 = 2 ** 32;

export class ByteWriter {
  #bytes = new Uint8Array(FIRST_SIZE);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  flag(value: boolean): this {
    return this.u8(value ? 1 : 0);
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  /** A number as it is: integers to ±2^53, infinities, NaN. */
  f64(value: number): this {
    const at = this.#grow(8);
    this.#view.setFloat64(at, value, true);
    return this;
  }

  /** An integer of any size. */
  big(value: bigint): this {
    const digits = value.toString(16);
    return this.u16(digits.length).raw(Uint8Array.from(digits, (c) => c.charCodeAt(0)));
  }

  /** Bytes with their length before them. */
  block(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Everything written so far, as bytes of their own. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room, perhaps elsewhere: ask for it before the view is used. */
  #grow(by: number): number {
    const at = this.#length;
    this.#length += by;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

/**
 * Reads what {@link ByteWriter} wrote. Reading past the end gives zeros and is remembered: ask {@link end} once, at the end,
 * instead of checking each field.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #short = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#view.getUint8(at);
  }

  flag(): boolean {
    return this.u8() !== 0;
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getUint16(at, true);
  }

  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getUint32(at, true);
  }

  f64(): number {
    const at = this.#take(8);
    return at < 0 ? 0 : this.#view.getFloat64(at, true);
  }

  /** 0 where the bytes are no integer, and the reader counts as short. */
  big(): bigint {
    const text = String.fromCharCode(...this.raw(this.u16()));
    const digits = /^(-?)([0-9a-f]+)$/.exec(text);
    if (digits === null) {
      this.#short = true;
      return 0n;
    }
    const magnitude = BigInt(`0x${digits[2]}`);
    return digits[1] === "-" ? -magnitude : magnitude;
  }

  block(): Uint8Array {
    return this.raw(this.u32());
  }

  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return at < 0 ? new Uint8Array(0) : this.#bytes.slice(at, at + length);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Good when everything asked for was there and nothing is left over; `what` names the record for people. */
  end(what: string): Result<void, string> {
    if (this.#short) return failure(`${what} is shorter than its layout`);
    return this.left === 0 ? success(undefined) : failure(`${what} has ${this.left} bytes beyond its layout`);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length < 0 || length > this.left || length >= TWO_32) {
      this.#short = true;
      return -1;
    }
    this.#at += length;
    return at;
  }
}
