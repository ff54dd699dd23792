/** Writing and reading the payloads of non-volatile records: little endian, exact to 53 bits, `bigint` of any size. */
import { assert, failure, type Result, success } from "../../src/core/result.ts";

const FIRST_SIZE = 1_024;
const MOST_SPARE = 8;
const TWO_32 = 2 ** 32;

interface Room {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
}

/** Room of writers that are done: a checkpoint is written often, and of many small records. */
const SPARE: Room[] = [];
const DONE = roomOf(0);

/** One record: written from front to end, then taken once by {@link bytes}. */
export class ByteWriter {
  #room = SPARE.pop() ?? roomOf(FIRST_SIZE);
  #length = 0;

  u8(value: number): this {
    const at = this.#grow(1);
    this.#room.view.setUint8(at, value);
    return this;
  }

  flag(value: boolean): this {
    return this.u8(value ? 1 : 0);
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#room.view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#room.view.setUint32(at, value, true);
    return this;
  }

  /** A number as it is: integers to ±2^53, infinities, NaN. */
  f64(value: number): this {
    const at = this.#grow(8);
    this.#room.view.setFloat64(at, value, true);
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
    this.#room.bytes.set(bytes, at);
    return this;
  }

  /** Everything that was written. The writer is done: nothing can be added. */
  bytes(): Uint8Array {
    const bytes = this.#room.bytes.slice(0, this.#length);
    if (SPARE.length < MOST_SPARE) SPARE.push(this.#room);
    this.#room = DONE;
    return bytes;
  }

  /** Makes room, perhaps elsewhere: ask for it before the view is used. */
  #grow(by: number): number {
    const at = this.#length;
    this.#length += by;
    if (this.#length > this.#room.bytes.length) {
      assert(this.#room !== DONE, "nothing is added to bytes that were taken");
      const larger = roomOf(Math.max(this.#length, this.#room.bytes.length * 2));
      larger.bytes.set(this.#room.bytes);
      this.#room = larger;
    }
    return at;
  }
}

function roomOf(size: number): Room {
  const buffer = new ArrayBuffer(size);
  return { bytes: new Uint8Array(buffer), view: new DataView(buffer) };
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
