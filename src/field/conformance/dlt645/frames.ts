/** Frames of DL/T 645-2007 as a checklist needs them: good ones, spoilt ones, and what is in an answer. */

import {
  checksum,
  type Dlt645Frame,
  encodeFrame,
  frameAt,
  frameLength,
  inspect,
  PREAMBLE,
  parseFrame,
} from "../../../../protocols/dlt645/frame.ts";
import { FUNCTION } from "../../../../protocols/dlt645/functions.ts";
import { type Identifier, identifier, identifierBytes } from "../../../../protocols/dlt645/identifier.ts";
import { joinBytes } from "../../../core/bytes.ts";

/** The FE that a master sends before a frame. */
export const FE = 4;
/** Forward active energy, total: every meter has it. */
export const ENERGY = identifier(0x0001_0000);

/** A request as it goes out; `preamble` bytes FE before it. */
export function requestOf(address: string, control: number, data: ArrayLike<number> = [], preamble = FE): Uint8Array {
  return encodeFrame({ address, control, data: Uint8Array.from(data) }, preamble);
}

/** A read of one identifier. */
export function readOf(address: string, id: Identifier = ENERGY, preamble = FE): Uint8Array {
  return requestOf(address, FUNCTION.read, identifierBytes(id), preamble);
}

/** The same frame with the byte at `at` (from the end where negative) changed, and the sum made right again where asked. */
export function spoilt(frame: Uint8Array, at: number, value: number, rightSum = false): Uint8Array {
  const bytes = frame.slice();
  bytes[at < 0 ? bytes.length + at : at] = value;
  if (rightSum) {
    const start = preambleOf(bytes);
    bytes[bytes.length - 2] = checksum(bytes, start, bytes.length - 2);
  }
  return bytes;
}

/** How many FE there are before a frame. */
export function preambleOf(bytes: Uint8Array): number {
  let count = 0;
  while (bytes[count] === PREAMBLE) count++;
  return count;
}

/** Whether a whole good frame has come: nothing more is to be waited for. */
export function isWhole(bytes: Uint8Array): boolean {
  return parseFrame(bytes).ok;
}

/** Of a good frame anywhere in what was heard: the frame, and what stands before and behind it. */
export interface Found {
  readonly frame: Dlt645Frame;
  readonly before: Uint8Array;
  readonly behind: Uint8Array;
}

/** The first good frame in what was heard; undefined where there is none. */
export function findFrame(bytes: Uint8Array): Found | undefined {
  for (let at = 0; at < bytes.length; at++) {
    if (inspect(bytes, at, bytes.length) !== undefined) continue;
    const end = at + frameLength(bytes, at);
    return { frame: frameAt(bytes, at), before: bytes.subarray(0, at), behind: bytes.subarray(end) };
  }
  return undefined;
}

/** Another address that differs from `own` in its last digit. */
export function neighbourOf(own: string): string {
  return own.slice(0, 11) + String((Number(own.at(-1)) + 1) % 10);
}

export function withNoise(noise: readonly number[], frame: Uint8Array): Uint8Array {
  return joinBytes([Uint8Array.from(noise), frame]);
}
