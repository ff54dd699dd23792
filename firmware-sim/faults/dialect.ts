/** Replies taken apart and put together again, protocol by protocol: what a misbehaving server changes before its check is made anew. */

import { type Dlt645Frame, encodeFrame, parseFrame } from "../../protocols/dlt645/frame.ts";
import { blockCheck, EOT, ETX, SOH, STX } from "../../protocols/iec62056-21/frame.ts";
import { asciiFrame, LF } from "../../protocols/modbus/ascii.ts";
import { CRC_LENGTH, MBAP_LENGTH, MIN_RTU_ADU, putCrc, putMbap, uint16At } from "../../protocols/modbus/frame.ts";
import { fromHex } from "../../src/core/bytes.ts";

export type Spoken = "modbus-rtu" | "modbus-ascii" | "modbus-tcp" | "dlt645" | "iec62056-21";

/** A Modbus reply without its framing. */
export interface ModbusAdu {
  /** Of Modbus TCP; 0 on serial lines. */
  readonly transaction: number;
  readonly unit: number;
  readonly pdu: Uint8Array;
}

/** The parts of one frame; undefined where the bytes are none. */
export function openModbus(spoken: Spoken, frame: Uint8Array): ModbusAdu | undefined {
  if (spoken === "modbus-tcp") {
    if (frame.length <= MBAP_LENGTH) return undefined;
    return { transaction: uint16At(frame, 0), unit: frame[6] as number, pdu: frame.slice(MBAP_LENGTH) };
  }
  if (spoken === "modbus-rtu") {
    if (frame.length < MIN_RTU_ADU) return undefined;
    return { transaction: 0, unit: frame[0] as number, pdu: frame.slice(1, frame.length - CRC_LENGTH) };
  }
  const body = fromHex(String.fromCharCode(...frame.subarray(1, frame.length - 2)));
  if (!body.ok || body.value.length < 3) return undefined;
  return { transaction: 0, unit: body.value[0] as number, pdu: body.value.slice(1, -1) };
}

/** As a good frame on the wire. */
export function sealModbus(spoken: Spoken, { transaction, unit, pdu }: ModbusAdu): Uint8Array {
  if (spoken === "modbus-tcp") {
    const out = new Uint8Array(MBAP_LENGTH + pdu.length);
    putMbap(out, 0, transaction, unit, pdu.length);
    out.set(pdu, MBAP_LENGTH);
    return out;
  }
  const body = Uint8Array.of(unit, ...pdu);
  if (spoken === "modbus-ascii") return asciiFrame(body, body.length, LF);
  const out = new Uint8Array(body.length + CRC_LENGTH);
  out.set(body);
  putCrc(out, 0, body.length);
  return out;
}

export function openDlt645(frame: Uint8Array): Dlt645Frame | undefined {
  const parsed = parseFrame(frame);
  return parsed.ok ? parsed.value : undefined;
}

export function sealDlt645(frame: Dlt645Frame): Uint8Array {
  return encodeFrame(frame, PREAMBLE_BYTES);
}

const PREAMBLE_BYTES = 4;

/** The frame with a wrong check; undefined where it has none. */
export function spoilCheck(spoken: Spoken, frame: Uint8Array): Uint8Array | undefined {
  const out = frame.slice();
  const flip = (at: number) => {
    out[at] = (out[at] as number) ^ 0x01;
    return out;
  };
  switch (spoken) {
    case "modbus-rtu":
      return flip(out.length - 1);
    case "modbus-ascii":
      // The last digit of the LRC; `0` and `1`, `8` and `9`, `A` and `C` are digits before and after.
      return (out[out.length - 3] as number) >= 0x41 ? asciiDigit(out) : flip(out.length - 3);
    case "dlt645":
      return flip(out.length - 2);
    case "iec62056-21":
      return isBlock(out) ? flip(out.length - 1) : undefined;
    default:
      return undefined;
  }
}

function asciiDigit(out: Uint8Array): Uint8Array {
  out[out.length - 3] = out[out.length - 3] === 0x41 ? 0x42 : 0x41;
  return out;
}

/** The block ended by EOT, which says that more of it follows, with a good check; undefined where the bytes are no block. */
export function asPartialBlock(frame: Uint8Array): Uint8Array | undefined {
  if (!isBlock(frame)) return undefined;
  const out = frame.slice();
  out[out.length - 2] = EOT;
  out[out.length - 1] = blockCheck(out, 1, out.length - 1);
  return out;
}

function isBlock(frame: Uint8Array): boolean {
  return frame.length > 3 && (frame[0] === STX || frame[0] === SOH) && frame[frame.length - 2] === ETX;
}

/** The frames of what a server hands over at once: Modbus TCP answers all requests of a segment together. */
export function framesOf(spoken: Spoken, bytes: Uint8Array): readonly Uint8Array[] {
  if (spoken !== "modbus-tcp") return [bytes];
  const frames: Uint8Array[] = [];
  for (let at = 0; at + MBAP_LENGTH <= bytes.length; ) {
    const end = Math.min(bytes.length, at + 6 + uint16At(bytes, at + 4));
    frames.push(bytes.slice(at, end));
    at = end;
  }
  return frames;
}
