/**
 * ASCII framing (MODBUS over Serial Line V1.02, 2.5.2): `:`, two upper-case hex digits for each byte of unit, PDU and LRC,
 * CR and LF. Characters may be up to a second apart, so time decides little and the characters nearly all.
 */
import { MAX_PDU } from "./frame.ts";
import type { FrameUser, SerialFramer } from "./rtu-framer.ts";

const COLON = 0x3a;
const CR = 0x0d;
export const LF = 0x0a;
/** Unit, PDU, LRC. */
const MAX_BODY = 1 + MAX_PDU + 1;
/** Unit, function, LRC. */
const MIN_BODY = 3;
/** `:`, the digits, CR, LF. */
export const MAX_ASCII_ADU = 1 + 2 * MAX_BODY + 2;
/** The longest pause between two characters of a frame, µs. */
export const CHARACTER_TIMEOUT = 1_000_000;

const DIGITS = Array.from("0123456789ABCDEF", (digit) => digit.charCodeAt(0));
/** Lower case is no digit of this framing. */
const VALUES = new Map(DIGITS.map((digit, value) => [digit, value]));

/** Two's complement of the sum of `bytes[from .. to)`: with it the sum of a good frame is 0. */
export function lrc(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += bytes[i] as number;
  return -sum & 0xff;
}

/** Whether a character may end frames in the place of LF (function 08, sub-function 03): it must mean nothing else. */
export function isDelimiter(character: number): boolean {
  return character < 0x80 && character !== COLON && character !== CR && !VALUES.has(character);
}

/** The frame of unit and PDU, `body[0 .. length)`, ended by CR and `delimiter`. */
export function asciiFrame(body: Uint8Array, length: number, delimiter: number): Uint8Array {
  const out = new Uint8Array(1 + 2 * (length + 1) + 2);
  let at = 0;
  const put = (byte: number): void => {
    out[at++] = DIGITS[byte >> 4] as number;
    out[at++] = DIGITS[byte & 15] as number;
  };
  out[at++] = COLON;
  for (let i = 0; i < length; i++) put(body[i] as number);
  put(lrc(body, 0, length));
  out[at++] = CR;
  out[at] = delimiter;
  return out;
}

/** The character that ends frames behind CR. It belongs to the line: both directions change with it. */
export interface Delimiter {
  character: number;
}

export class AsciiFramer implements SerialFramer {
  readonly #user: FrameUser;
  readonly #delimiter: Delimiter;
  readonly #bytes = new Uint8Array(MAX_BODY);
  /** Digits taken since the colon; -1 while no frame has begun. */
  #digits = -1;
  #ending = false;
  lastByteAt = Number.NEGATIVE_INFINITY;

  constructor(user: FrameUser, delimiter: Delimiter) {
    this.#user = user;
    this.#delimiter = delimiter;
  }

  get idle(): boolean {
    return this.#digits < 0;
  }

  receive(bytes: Uint8Array, mono: number): void {
    if (mono - this.lastByteAt > CHARACTER_TIMEOUT) this.#giveUp();
    for (const character of bytes) this.#take(character);
    if (bytes.length > 0) this.lastByteAt = mono;
  }

  wake(mono: number): void {
    if (mono > this.lastByteAt + CHARACTER_TIMEOUT) this.#giveUp();
  }

  nextWake(): number {
    return this.idle ? Number.POSITIVE_INFINITY : this.lastByteAt + CHARACTER_TIMEOUT + 1;
  }

  clear(): void {
    this.#digits = -1;
    this.#ending = false;
  }

  #take(character: number): void {
    if (character === COLON) {
      this.#giveUp();
      this.#digits = 0;
    } else if (this.#digits >= 0) this.#inside(character);
  }

  #inside(character: number): void {
    if (this.#ending) {
      if (character === this.#delimiter.character) this.#end();
      else this.#giveUp();
    } else if (character === CR) this.#ending = true;
    else {
      const value = VALUES.get(character);
      if (value === undefined || this.#digits === 2 * MAX_BODY) this.#giveUp();
      else this.#digit(value);
    }
  }

  #digit(value: number): void {
    const at = this.#digits >> 1;
    if (this.#digits & 1) this.#bytes[at] = (this.#bytes[at] as number) | value;
    else this.#bytes[at] = value << 4;
    this.#digits++;
  }

  #end(): void {
    const length = this.#digits >> 1;
    const good = (this.#digits & 1) === 0 && length >= MIN_BODY && lrc(this.#bytes, 0, length) === 0;
    this.clear();
    if (good) this.#user.frame(this.#bytes, 0, length - 1);
    else this.#user.damaged(this.#bytes, 0, length);
  }

  /** What was begun is no frame. */
  #giveUp(): void {
    const digits = this.#digits;
    this.clear();
    if (digits >= 0) this.#user.damaged(this.#bytes, 0, digits >> 1, true);
  }
}
