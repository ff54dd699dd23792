/** Where the frames are in what one side said without a pause, protocol by protocol. */
import { frameLength, inspect, PREAMBLE, START } from "../../../protocols/dlt645/frame.ts";
import { MAX_MBAP_COUNT, MAX_RTU_ADU, MIN_MBAP_COUNT, MIN_RTU_ADU, uint16At } from "../../../protocols/modbus/frame.ts";
import { isRtuFrame } from "./upper-pdu.ts";

export const PROTOCOLS_ON_LINES = ["modbus-rtu", "modbus-ascii", "modbus-tcp", "dlt645", "iec62056-21"] as const;
export type LineProtocol = (typeof PROTOCOLS_ON_LINES)[number];

/** All bytes, in pieces; what is no whole frame is a piece of its own. */
export function splitFrames(bytes: Uint8Array, protocol: LineProtocol): readonly Uint8Array[] {
  switch (protocol) {
    case "modbus-rtu":
      return splitRtu(bytes);
    case "modbus-ascii":
      return splitBehind(bytes, 0x0a);
    case "modbus-tcp": {
      const { pieces, rest } = splitTcp(bytes);
      return rest.length === 0 ? pieces : [...pieces, rest];
    }
    case "dlt645":
      return splitDlt645(bytes);
    case "iec62056-21":
      return [bytes];
  }
}

/** RTU frames have no length of their own: a frame ends where its check sum is right. */
function splitRtu(bytes: Uint8Array): Uint8Array[] {
  if (isRtuFrame(bytes) || bytes.length < 2 * MIN_RTU_ADU) return [bytes];
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const rest = bytes.subarray(at);
    const end = isRtuFrame(rest) ? rest.length : frameEnd(rest);
    if (end === undefined) return [...pieces, rest];
    pieces.push(rest.subarray(0, end));
    at += end;
  }
  return pieces;
}

function frameEnd(bytes: Uint8Array): number | undefined {
  for (let end = MIN_RTU_ADU; end <= Math.min(bytes.length, MAX_RTU_ADU); end++)
    if (isRtuFrame(bytes.subarray(0, end))) return end;
  return undefined;
}

function splitBehind(bytes: Uint8Array, last: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(last, at);
    const end = found < 0 ? bytes.length : found + 1;
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}

/** Header with transaction, protocol 0 and the count of what follows it (MODBUS Messaging on TCP/IP V1.0b, 3.1.3). */
const BEFORE_COUNTED = 6;

/** The whole frames; `rest` is the beginning of one that goes on in the next segment. */
export function splitTcp(bytes: Uint8Array): { readonly pieces: readonly Uint8Array[]; readonly rest: Uint8Array } {
  const pieces: Uint8Array[] = [];
  let at = 0;
  while (at + BEFORE_COUNTED <= bytes.length) {
    const count = uint16At(bytes, at + 4);
    if (uint16At(bytes, at + 2) !== 0 || count < MIN_MBAP_COUNT || count > MAX_MBAP_COUNT) {
      // Where the next frame begins nobody can tell.
      pieces.push(bytes.subarray(at));
      at = bytes.length;
      break;
    }
    if (at + BEFORE_COUNTED + count > bytes.length) break;
    pieces.push(bytes.subarray(at, at + BEFORE_COUNTED + count));
    at += BEFORE_COUNTED + count;
  }
  return { pieces, rest: bytes.subarray(at) };
}

function splitDlt645(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] === START && inspect(bytes, at, bytes.length) === undefined) {
      let begin = at;
      while (begin > from && bytes[begin - 1] === PREAMBLE) begin--;
      if (begin > from) pieces.push(bytes.subarray(from, begin));
      from = at + frameLength(bytes, at);
      pieces.push(bytes.subarray(begin, from));
      at = from;
    } else at++;
  }
  if (from < bytes.length) pieces.push(bytes.subarray(from));
  return pieces;
}
