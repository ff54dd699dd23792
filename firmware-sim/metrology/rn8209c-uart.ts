/**
 * The RN8209C's serial port: a read is the address alone, a write the address with bit 7 set, the data and a checksum, the
 * complement of the sum of all bytes. A write gets no answer, and with a wrong checksum it does nothing.
 */
import type { Rn8209c } from "./rn8209c.ts";
import { COMMAND } from "./rn8209c-registers.ts";

const WRITE = 0x80;
/** µs between two bytes after which an unfinished write is forgotten; long against 4800 baud, for slow networks' sake. */
const PATIENCE = 500_000;

export class Rn8209cUart {
  readonly #chip: Rn8209c;
  #frame: number[] = [];
  #heard = 0;

  constructor(chip: Rn8209c) {
    this.#chip = chip;
  }

  /** @param now monotonic µs. @returns what the chip sends back. */
  receive(bytes: Uint8Array, now: number): Uint8Array {
    if (now - this.#heard > PATIENCE) this.#frame = [];
    this.#heard = now;
    const answer: number[] = [];
    for (const byte of bytes) this.#take(byte, answer);
    return Uint8Array.from(answer);
  }

  #take(byte: number, answer: number[]): void {
    if (this.#frame.length === 0 && byte < WRITE) {
      this.#answer(byte, answer);
      return;
    }
    this.#frame.push(byte);
    const first = this.#frame[0] as number;
    const address = first === COMMAND ? COMMAND : first & ~WRITE;
    const width = this.#chip.widthOf(address);
    if (width !== undefined && this.#frame.length < width + 2) return;
    const frame = this.#frame;
    this.#frame = [];
    if (width === undefined || checksum(frame.slice(0, -1)) !== frame.at(-1)) return;
    this.#chip.write(
      address,
      frame.slice(1, -1).reduce((value, b) => value * 256 + b, 0),
    );
  }

  #answer(address: number, answer: number[]): void {
    const width = this.#chip.widthOf(address);
    const value = this.#chip.read(address);
    if (width === undefined || value === undefined) return;
    const data = Array.from({ length: width }, (_, k) => Math.floor(value / 256 ** (width - 1 - k)) % 256);
    answer.push(...data, checksum([address, ...data]));
  }
}

function checksum(bytes: readonly number[]): number {
  return ~bytes.reduce((sum, b) => sum + b, 0) & 0xff;
}
