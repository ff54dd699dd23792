/**
 * Frames of DL/T 645-2007: `[FE …] 68 A0..A5 68 C L DATA CS 16`. The address is 12 BCD digits, low byte first; CS is the
 * sum of all bytes from the first 68 to the last of the data, mod 256; every data byte travels with 33h added.
 */
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import type { FrameFault } from "./errors.ts";

export const START = 0x68;
export const END = 0x16;
/** Wakes the receiver; any number of them, none included, may come before a frame. */
export const PREAMBLE = 0xfe;
const MASK = 0x33;
/** Bytes of a frame without data. */
const OVERHEAD = 12;
/** L of a read's reply; requests that write carry at most {@link MAX_WRITE}. */
export const MAX_DATA = 200;
export const MAX_WRITE = 50;
export const MAX_FRAME = OVERHEAD + MAX_DATA;

/** Nobody answers it. */
export const BROADCAST = "999999999999";
/** Any meter: on a line with one. */
export const ANY_METER = "AAAAAAAAAAAA";

export interface Dlt645Frame {
  /** As printed on the meter: 12 digits, high byte first; AA stands for any. */
  readonly address: string;
  readonly control: number;
  /** As meant: without the 33h. */
  readonly data: Uint8Array;
}

/** Length of the frame whose header is at `at`; only where {@link inspect} found nothing wrong. */
export function frameLength(bytes: Uint8Array, at: number): number {
  return OVERHEAD + (bytes[at + 9] as number);
}

/** What is wrong with the frame that should start at `at` and may go on to `end`; undefined for a good one. */
export function inspect(bytes: Uint8Array, at: number, end: number): FrameFault | undefined {
  if (at >= end) return "cut";
  if (bytes[at] !== START) return "no-start";
  if (at + 7 < end && bytes[at + 7] !== START) return "no-second-start";
  if (at + 9 >= end) return "cut";
  if ((bytes[at + 9] as number) > MAX_DATA) return "too-long";
  const length = frameLength(bytes, at);
  if (at + length > end) return "cut";
  if (bytes[at + length - 2] !== checksum(bytes, at, at + length - 2)) return "checksum";
  return bytes[at + length - 1] === END ? undefined : "end";
}

/** The sum that CS must be. */
export function checksum(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += bytes[i] as number;
  return sum & 0xff;
}

/** The good frame at `at`. */
export function frameAt(bytes: Uint8Array, at: number): Dlt645Frame {
  const length = bytes[at + 9] as number;
  return {
    address: digitsAt(bytes, at + 1, 6),
    control: bytes[at + 8] as number,
    data: bytes.slice(at + 10, at + 10 + length).map((byte) => byte - MASK),
  };
}

/** Exactly one frame, with any number of FE before it. */
export function parseFrame(bytes: Uint8Array): Result<Dlt645Frame, FrameFault> {
  let at = 0;
  while (bytes[at] === PREAMBLE) at++;
  const fault = inspect(bytes, at, bytes.length);
  if (fault !== undefined) return failure(fault);
  return at + frameLength(bytes, at) < bytes.length ? failure("surplus") : success(frameAt(bytes, at));
}

/** A frame as it goes out, behind `preamble` bytes FE. */
export function encodeFrame(frame: Dlt645Frame, preamble: number): Uint8Array {
  const { data } = frame;
  assert(data.length <= MAX_DATA, "a frame carries at most 200 bytes");
  const bytes = new Uint8Array(preamble + OVERHEAD + data.length).fill(PREAMBLE, 0, preamble);
  const end = bytes.length - 2;
  bytes[preamble] = START;
  bytes.set(bytesOfDigits(frame.address), preamble + 1);
  bytes[preamble + 7] = START;
  bytes[preamble + 8] = frame.control;
  bytes[preamble + 9] = data.length;
  for (let i = 0; i < data.length; i++) bytes[preamble + 10 + i] = (data[i] as number) + MASK;
  bytes[end] = checksum(bytes, preamble, end);
  bytes[end + 1] = END;
  return bytes;
}

/** Digits of a number of two to a byte, low byte first: `12 34` on the wire is "3412". Hex digits stay as they are. */
export function digitsAt(bytes: Uint8Array, at: number, length: number): string {
  let digits = "";
  for (let i = length - 1; i >= 0; i--) digits += (bytes[at + i] as number).toString(16).padStart(2, "0");
  return digits.toUpperCase();
}

/** The reverse of {@link digitsAt}; `digits` are an even number of hex digits. */
export function bytesOfDigits(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[bytes.length - 1 - i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** What may stand in a request: 12 digits, or AA for the high bytes that are not known (shortened addressing). */
export function isAddress(text: string): boolean {
  return text.length === 12 && /^(AA)*\d*$/.test(text);
}

/** Whether a request to `asked` means the meter `own`. Broadcasts are not looked at here. */
export function addressMatches(asked: string, own: string): boolean {
  const known = asked.replace(/^(AA)+/, "");
  return isAddress(asked) && own.endsWith(known);
}
