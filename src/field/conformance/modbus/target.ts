/** The device that is judged, and one request to it on whichever framing: RTU, ASCII or TCP. */

import { asciiFrame, LF, lrc, MAX_ASCII_ADU } from "../../../../protocols/modbus/ascii.ts";
import { crc16, MBAP_LENGTH, MIN_RTU_ADU, putCrc, putMbap, uint16At } from "../../../../protocols/modbus/frame.ts";
import { EXCEPTION_BIT, replyAduLength } from "../../../../protocols/modbus/functions.ts";
import { toHex } from "../../../core/bytes.ts";
import type { Heard, Listening, Probe } from "../../probe.ts";
import { type Check, fail, PASS, type Verdict } from "../check.ts";
import type { ModbusMap } from "./map.ts";

export interface ModbusTarget {
  readonly framing: "rtu" | "ascii" | "tcp";
  readonly unit: number;
  readonly map: ModbusMap;
  /** How long a reply may take, µs. Silence is believed after as long. */
  readonly patience: number;
  /** A serial line free for so long has heard the end of a reply, µs. */
  readonly quiet: number;
  /** The transaction id of the next request. */
  readonly transactions: { next: number };
}

export type ModbusCheck = Check<ModbusTarget>;

/** What came of a request. */
export type Answer =
  | { readonly kind: "reply"; readonly pdu: Uint8Array }
  | { readonly kind: "silence" }
  | { readonly kind: "closed"; readonly reason: string }
  /** Something that is no reply to what was asked. */
  | { readonly kind: "wrong"; readonly why: string };

export interface AskOptions {
  /** Another unit than the device's. */
  readonly unit?: number;
  readonly on?: number;
}

/** Function code and 16-bit words, as most requests are made of. */
export function words(code: number, ...values: readonly number[]): Uint8Array {
  return Uint8Array.from([code, ...values.flatMap((value) => [value >> 8, value & 0xff])]);
}

/** A PDU from its bytes. */
export function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** The frame of a PDU for the target's line; a TCP frame takes the next transaction id. */
export function frameOf(target: ModbusTarget, pdu: Uint8Array, unit = target.unit): Uint8Array {
  if (target.framing === "tcp") {
    const out = new Uint8Array(MBAP_LENGTH + pdu.length);
    target.transactions.next = (target.transactions.next + 1) & 0xffff;
    putMbap(out, 0, target.transactions.next, unit, pdu.length);
    out.set(pdu, MBAP_LENGTH);
    return out;
  }
  const body = Uint8Array.from([unit, ...pdu]);
  if (target.framing === "ascii") return asciiFrame(body, body.length, LF);
  const out = new Uint8Array(body.length + 2);
  out.set(body);
  putCrc(out, 0, body.length);
  return out;
}

/** How to listen for one reply. */
export function listening({ framing, patience, quiet }: ModbusTarget): Listening {
  if (framing === "tcp") return { first: patience, quiet: patience, enough: (heard) => tcpFrames(heard).rest === 0 };
  if (framing === "ascii") return { first: patience, quiet: 1_000_000, enough: (heard) => heard.at(-1) === LF };
  const whole = (heard: Uint8Array) =>
    heard.length >= MIN_RTU_ADU + 1 &&
    replyAduLength(heard, 0, heard.length) === heard.length &&
    crc16(heard, 0, heard.length) === 0;
  return { first: patience, quiet, enough: whole };
}

/** Sends a request to the device and reads what comes. */
export function* ask(target: ModbusTarget, pdu: Uint8Array, options: AskOptions = {}): Probe<Answer> {
  const send = frameOf(target, pdu, options.unit);
  const on = options.on === undefined ? {} : { on: options.on };
  const heard = yield { kind: "exchange", send, listen: listening(target), ...on };
  return answerOf(target, send, pdu, heard);
}

/** Reads what was heard as the reply to the request `sent`, whose PDU is `pdu`. */
export function answerOf(target: ModbusTarget, sent: Uint8Array, pdu: Uint8Array, heard: Heard): Answer {
  const got = heard.bytes;
  if (got.length === 0 && heard.ended === "closed")
    return { kind: "closed", reason: heard.reason ?? "connection closed" };
  if (got.length === 0) return { kind: "silence" };
  const body =
    target.framing === "tcp" ? bodyOfTcp(got, sent) : target.framing === "ascii" ? bodyOfAscii(got) : bodyOfRtu(got);
  if (typeof body === "string") return { kind: "wrong", why: body };
  const unit = target.framing === "tcp" ? (sent[6] as number) : target.unit;
  if (body[0] !== unit) return { kind: "wrong", why: `the reply carries unit ${body[0]}, not ${unit}` };
  const reply = body.subarray(1);
  const code = reply[0] as number;
  if ((code & ~EXCEPTION_BIT) !== ((pdu[0] as number) & ~EXCEPTION_BIT))
    return { kind: "wrong", why: `the reply is to function ${hex(code)}, not ${hex(pdu[0] as number)}` };
  if ((code & EXCEPTION_BIT) !== 0 && reply.length !== 2)
    return { kind: "wrong", why: `an exception has 2 bytes, this one ${reply.length}` };
  return { kind: "reply", pdu: reply };
}

function bodyOfRtu(got: Uint8Array): Uint8Array | string {
  if (got.length < MIN_RTU_ADU) return `${got.length} bytes are no frame`;
  if (crc16(got, 0, got.length) !== 0) {
    const length = replyAduLength(got, 0, got.length);
    const whole = length >= MIN_RTU_ADU && length < got.length && crc16(got, 0, length) === 0;
    return whole ? `${got.length - length} bytes came behind a whole reply` : "the CRC of what came is wrong";
  }
  return got.subarray(0, got.length - 2);
}

function bodyOfAscii(got: Uint8Array): Uint8Array | string {
  const text = String.fromCharCode(...got);
  if (got.length > MAX_ASCII_ADU) return `${got.length} characters are more than ${MAX_ASCII_ADU}`;
  const digits = /^:((?:[0-9A-F]{2})+)\r\n$/.exec(text)?.[1];
  if (digits === undefined) return "what came is no colon, pairs of upper-case hex digits, CR, LF";
  const body = Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  if (body.length < 3) return "the frame has no function";
  if (lrc(body, 0, body.length - 1) !== body.at(-1)) return "the LRC of what came is wrong";
  return body.subarray(0, body.length - 1);
}

function bodyOfTcp(got: Uint8Array, sent: Uint8Array): Uint8Array | string {
  const { frames, rest } = tcpFrames(got);
  const [frame] = frames;
  if (rest !== 0 || frame === undefined) return `the length field does not fit the ${got.length} bytes that came`;
  if (frames.length > 1) return `${frames.length} replies came to one request`;
  if (uint16At(frame, 0) !== uint16At(sent, 0))
    return `the reply carries transaction ${uint16At(frame, 0)}, not ${uint16At(sent, 0)}`;
  if (uint16At(frame, 2) !== 0) return `the reply carries protocol ${uint16At(frame, 2)}, not 0`;
  return frame.length < MBAP_LENGTH + 1 ? "the reply has no function" : frame.subarray(MBAP_LENGTH - 1);
}

/** Whole frames by their length fields, and how many bytes are left over. */
export function tcpFrames(got: Uint8Array): { frames: Uint8Array[]; rest: number } {
  const frames: Uint8Array[] = [];
  let at = 0;
  while (at + 6 <= got.length) {
    const end = at + 6 + uint16At(got, at + 4);
    if (end > got.length) break;
    frames.push(got.subarray(at, end));
    at = end;
  }
  return { frames, rest: got.length - at };
}

/** A read of one that the map names, or of holding register 0: any answer to it, an exception too, shows that the device lives. */
export function sampleRequest({ read, functions }: ModbusMap): Uint8Array {
  const tables = [
    ["03", "holding"],
    ["04", "input"],
    ["01", "coil"],
    ["02", "discrete"],
  ] as const;
  for (const [code, table] of tables) {
    const [range] = read[table];
    if (functions.has(code) && range !== undefined) return words(Number.parseInt(code, 16), range.address, 1);
  }
  return words(3, 0, 1);
}

/** Whether the device still answers; undefined when it does. */
export function* stillAnswers(target: ModbusTarget, after: string): Probe<Verdict> {
  const answer = yield* ask(target, sampleRequest(target.map));
  return answer.kind === "reply"
    ? PASS
    : fail(showAnswer(answer), `after ${after} the next good request must be answered`);
}

/** Asks until the device answers, a few times at most: bytes that it still holds are then behind it. */
export function* revive(target: ModbusTarget): Probe<boolean> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const { kind } = yield* ask(target, sampleRequest(target.map));
    if (kind === "reply" || kind === "wrong") return true;
  }
  return false;
}

export function hex(value: number): string {
  return `${value.toString(16).toUpperCase().padStart(2, "0")}h`;
}

/** An answer in a few words. */
export function showAnswer(answer: Answer): string {
  switch (answer.kind) {
    case "silence":
      return "silence";
    case "closed":
      return `connection closed (${answer.reason})`;
    case "wrong":
      return answer.why;
    default: {
      const [code = 0, exception] = answer.pdu;
      if ((code & EXCEPTION_BIT) !== 0) return `exception ${(exception ?? 0).toString(16).padStart(2, "0")}`;
      const shown = toHex(answer.pdu.subarray(0, 24), " ");
      return `reply ${shown}${answer.pdu.length > 24 ? ` … (${answer.pdu.length} bytes)` : ""}`;
    }
  }
}
