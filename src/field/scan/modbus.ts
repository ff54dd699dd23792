/** Asks Modbus units, RTU, ASCII or TCP, and tells an answer from silence and from a garble. Only requests that read are sent. */
import { asciiFrame, LF, lrc } from "../../../protocols/modbus/ascii.ts";
import { EXCEPTION, type ModbusFailure } from "../../../protocols/modbus/errors.ts";
import { CRC_LENGTH, crc16, MBAP_LENGTH, putCrc, putMbap, uint16At } from "../../../protocols/modbus/frame.ts";
import { ENCAPSULATED, EXCEPTION_BIT, replyAduLength } from "../../../protocols/modbus/functions.ts";
import { MbapReader } from "../../../protocols/modbus/mbap.ts";
import { type ModbusReply, type ModbusRequest, putRequest, requestSize } from "../../../protocols/modbus/message.ts";
import { parseReply } from "../../../protocols/modbus/reply.ts";
import { fromHex } from "../../core/bytes.ts";
import type { Result } from "../../core/result.ts";
import type { Probe } from "../probe.ts";
import type { Scanned } from "./found.ts";
import { isGarble, type ScanLine } from "./line.ts";

export type ModbusFraming = Extract<Scanned, `modbus-${string}`>;

/** A request that can change nothing in a meter. */
export type ReadingRequest = Extract<ModbusRequest, { function: 1 | 2 | 3 | 4 | 7 | 11 | 12 | 17 | 43 }>;

/** By which it is found out whether a unit is there. */
export function requestOf(code: 3 | 4): ReadingRequest {
  return { function: code, address: 0, quantity: 2 };
}

export type UnitAnswer =
  /** A reply, an exception, or a frame of this unit that is no answer to what was asked. */
  | { readonly kind: "answer"; readonly result: Result<ModbusReply, ModbusFailure> }
  /** Also where a gateway says so. */
  | { readonly kind: "silent" }
  | { readonly kind: "garble"; readonly bytes: Uint8Array }
  /** Another unit answered: one that was asked before and took longer than it was given. */
  | { readonly kind: "late"; readonly unit: number };

/** Where on a line a unit is asked. */
export interface UnitPlace {
  readonly line: ScanLine;
  readonly framing: ModbusFraming;
  readonly unit: number;
  /** µs until it begins to answer; the scan's patience by default. */
  readonly patience?: number;
}

export function* askUnit(place: UnitPlace, request: ReadingRequest): Probe<UnitAnswer> {
  const { line, framing, unit, patience: first = line.patience } = place;
  const transaction = line.nextTransaction();
  const find = (bytes: Uint8Array) => {
    if (framing === "modbus-tcp") return tcpReply(bytes, unit, request, transaction);
    const frames = framing === "modbus-ascii" ? decodeAscii(bytes) : bytes;
    return serialReply(frames, unit, request, framing === "modbus-ascii");
  };
  const heard = yield* line.exchange(frame(framing, unit, request, transaction), {
    first,
    enough: (bytes) => find(bytes) !== undefined,
  });
  const result = find(heard.bytes);
  if (line.format !== undefined && heard.bytes.length > 0) yield* line.settle();
  if (result !== undefined) return isGatewayFailure(result) ? { kind: "silent" } : { kind: "answer", result };
  const late = lateUnit(framing, heard.bytes, unit);
  if (late !== undefined) return { kind: "late", unit: late };
  return isGarble(heard.bytes) ? { kind: "garble", bytes: heard.bytes } : { kind: "silent" };
}

function frame(framing: ModbusFraming, unit: number, request: ModbusRequest, transaction: number): Uint8Array {
  const size = requestSize(request);
  if (framing === "modbus-tcp") {
    const bytes = new Uint8Array(MBAP_LENGTH + size);
    putMbap(bytes, 0, transaction, unit, size);
    putRequest(request, bytes, MBAP_LENGTH);
    return bytes;
  }
  const bytes = new Uint8Array(1 + size + CRC_LENGTH);
  bytes[0] = unit;
  putRequest(request, bytes, 1);
  if (framing === "modbus-ascii") return asciiFrame(bytes, 1 + size, LF);
  putCrc(bytes, 0, 1 + size);
  return bytes;
}

/** Serial frames are looked for at every place: a stray byte may stand before them. */
function serialReply(bytes: Uint8Array, unit: number, request: ModbusRequest, checked: boolean) {
  for (let at = 0; at + 4 < bytes.length; at++) {
    if (bytes[at] !== unit || ((bytes[at + 1] as number) & 0x7f) !== request.function) continue;
    const length = lengthAt(bytes, at, request.function);
    if (length > 0 && (checked || crc16(bytes, at, at + length) === 0))
      return parseReply(request, bytes, at + 1, length - 1 - CRC_LENGTH);
  }
  return undefined;
}

/** Length of the whole reply at `at`; 0 where it is not all there. Device identification says no length: the check does. */
function lengthAt(bytes: Uint8Array, at: number, code: number): number {
  const length = replyAduLength(bytes, at, bytes.length);
  if (length > 0) return at + length <= bytes.length ? length : 0;
  if (code !== ENCAPSULATED) return 0;
  for (let end = at + 9; end <= bytes.length; end++) if (crc16(bytes, at, end) === 0) return end - at;
  return 0;
}

/** Another unit that answered what it was asked before; a gateway's word about that unit is no answer of it. */
function lateUnit(framing: ModbusFraming, bytes: Uint8Array, asked: number): number | undefined {
  const [unit, code, detail] =
    framing === "modbus-tcp" ? tcpBody(bytes) : framing === "modbus-rtu" ? rtuBody(bytes) : [];
  if (unit === undefined || unit === asked || isGatewaySilence(code ?? 0, detail ?? 0)) return undefined;
  return unit;
}

const GATEWAY_SILENT: readonly number[] = [EXCEPTION.gatewayPath, EXCEPTION.gatewayTarget];

function isGatewayFailure(result: Result<ModbusReply, ModbusFailure>): boolean {
  return !result.ok && result.error.kind === "exception" && isGatewaySilence(EXCEPTION_BIT, result.error.code);
}

/** Whether a reply is a gateway's that has no answer from the unit behind it (V1.1b3, 7: exceptions 0A and 0B). */
function isGatewaySilence(code: number, detail: number): boolean {
  return (code & EXCEPTION_BIT) !== 0 && GATEWAY_SILENT.includes(detail);
}

/** Unit, function and what follows of the first good frame. */
function rtuBody(bytes: Uint8Array): readonly number[] {
  for (let at = 0; at + 4 < bytes.length; at++) {
    const length = replyAduLength(bytes, at, bytes.length);
    if (length > 0 && at + length <= bytes.length && crc16(bytes, at, at + length) === 0)
      return [...bytes.subarray(at, at + 3)];
  }
  return [];
}

/** As {@link rtuBody}, of the last frame on TCP. */
function tcpBody(bytes: Uint8Array): readonly number[] {
  const reader = new MbapReader();
  reader.offer(bytes);
  let body: readonly number[] = [];
  while (reader.next()) body = [...reader.bytes.subarray(reader.at + MBAP_LENGTH - 1, reader.at + MBAP_LENGTH + 2)];
  return body;
}

/** The body of the last ASCII frame, with a CRC in the place of its LRC, so that it is looked at as RTU is. */
function decodeAscii(bytes: Uint8Array): Uint8Array {
  const text = String.fromCharCode(...bytes.slice(-600));
  const body = fromHex(/:((?:[0-9A-F]{2})+)\r\n$/.exec(text)?.[1] ?? "");
  if (!body.ok || body.value.length < 3 || lrc(body.value, 0, body.value.length) !== 0) return new Uint8Array(0);
  const out = new Uint8Array(body.value.length + 1);
  out.set(body.value);
  putCrc(out, 0, body.value.length - 1);
  return out;
}

function tcpReply(bytes: Uint8Array, unit: number, request: ModbusRequest, transaction: number) {
  const reader = new MbapReader();
  reader.offer(bytes);
  while (reader.next()) {
    const { at, pduLength } = reader;
    if (uint16At(reader.bytes, at) === transaction && reader.bytes[at + MBAP_LENGTH - 1] === unit)
      return parseReply(request, reader.bytes, at + MBAP_LENGTH, pduLength);
  }
  return undefined;
}
