/** The doctor's questions in Modbus, RTU and TCP: reads of registers (functions 03 and 04) and nothing else. */
import { crc16, MBAP_LENGTH, putCrc, putMbap, uint16At } from "../../../protocols/modbus/frame.ts";
import { NEED_MORE, replyAduLength, UNKNOWN } from "../../../protocols/modbus/functions.ts";
import { type ModbusRequest, putRequest, requestSize } from "../../../protocols/modbus/message.ts";
import { parseReply } from "../../../protocols/modbus/reply.ts";
import { type ModbusMap, type RegisterEntry, registerCount } from "../../../protocols/models/model.ts";
import { decodeValue } from "../../../protocols/models/registers.ts";
import { type MeasureValues, measure } from "../../core/measures.ts";
import { assert } from "../../core/result.ts";
import { findAnswer, type Question, type Tongue } from "./question.ts";

export type ModbusFraming = "rtu" | "tcp";

/** A read of neighbouring registers, and what is wanted of it with its offset in bytes. */
export interface RegisterBlock {
  readonly function: 3 | 4;
  readonly address: number;
  readonly quantity: number;
  readonly entries: readonly { readonly entry: RegisterEntry; readonly offset: number }[];
}

const TRANSACTION = 0x4d57;
/** Enough bytes that lumps and rare faults show, few enough that a slow line takes a second. */
const LONG = 24;

/** @param blocks what is read of the model, as few reads as it allows; one at least */
export function modbusTongue(framing: ModbusFraming, unit: number, blocks: readonly RegisterBlock[]): Tongue {
  const [first] = blocks;
  assert(first !== undefined, "a model has registers");
  const longest = blocks.reduce((best, block) => (liveliness(block) > liveliness(best) ? block : best), first);
  const cut = lastWhole(longest, LONG);
  const short = lastWhole(first, 1);
  return {
    short: registerQuestion(framing, unit, { ...first, quantity: short }),
    long: registerQuestion(framing, unit, { ...longest, quantity: cut }),
  };
}

/** Registers whose values move: of two meters they differ, and their bits have edges. */
function liveliness({ entries }: RegisterBlock): number {
  const moving = entries.filter(({ entry }) => measure(entry.measure).kind === "instant");
  return moving.reduce((sum, { entry }) => sum + registerCount(entry.encoding), 0);
}

/** The fewest registers from the block's start that reach `wanted` and split no value. */
function lastWhole(block: RegisterBlock, wanted: number): number {
  const ends = block.entries.map(({ entry, offset }) => offset / 2 + registerCount(entry.encoding));
  return ends.find((end) => end >= wanted) ?? block.quantity;
}

/** One read; an exception to it is an answer. */
export function registerQuestion(
  framing: ModbusFraming,
  unit: number,
  block: Omit<RegisterBlock, "entries">,
): Question {
  const request: ModbusRequest = { function: block.function, address: block.address, quantity: block.quantity };
  const size = requestSize(request);
  const head = framing === "tcp" ? MBAP_LENGTH : 1;
  const bytes = new Uint8Array(head + size + (framing === "tcp" ? 0 : 2));
  if (framing === "tcp") putMbap(bytes, 0, TRANSACTION, unit, size);
  else bytes[0] = unit;
  putRequest(request, bytes, head);
  if (framing === "rtu") putCrc(bytes, 0, 1 + size);
  const lengthAt = framing === "tcp" ? tcpLengthAt(unit) : rtuLengthAt(unit);
  const whole = (heard: Uint8Array, at: number): number => {
    const length = lengthAt(heard, at);
    if (length === 0) return 0;
    const reply = parseReply(request, heard, at + head, length - head - (framing === "tcp" ? 0 : 2));
    return reply.ok || reply.error.kind === "exception" ? length : 0;
  };
  return { bytes, judge: (heard) => findAnswer(heard, whole, (frame) => ((frame[head] as number) & 0x80) !== 0) };
}

function rtuLengthAt(unit: number) {
  return (bytes: Uint8Array, at: number): number => {
    if (bytes[at] !== unit) return 0;
    const length = replyAduLength(bytes, at, bytes.length);
    if (length === NEED_MORE || length === UNKNOWN || at + length > bytes.length) return 0;
    return crc16(bytes, at, at + length) === 0 ? length : 0;
  };
}

function tcpLengthAt(unit: number) {
  return (bytes: Uint8Array, at: number): number => {
    if (at + MBAP_LENGTH + 2 > bytes.length || uint16At(bytes, at) !== TRANSACTION || bytes[at + 6] !== unit) return 0;
    const length = 6 + uint16At(bytes, at + 4);
    return at + length <= bytes.length ? length : 0;
  };
}

/** The values of a block's answer, as the measures of the meter. */
export function valuesOf(
  framing: ModbusFraming,
  map: ModbusMap,
  block: RegisterBlock,
  frame: Uint8Array,
): MeasureValues {
  const data = frame.subarray((framing === "tcp" ? MBAP_LENGTH : 1) + 2);
  const values: MeasureValues = {};
  for (const { entry, offset } of block.entries)
    values[entry.measure] = decodeValue(entry, map.wordOrder, data, offset) ?? null;
  return values;
}
