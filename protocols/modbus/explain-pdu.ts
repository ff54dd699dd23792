/** A PDU field by field, as a person reads it off a capture (MODBUS Application Protocol V1.1b3, section 6). */
import { toHex } from "../../src/core/bytes.ts";
import type { ExplainedField, ExplainedReading } from "../explain.ts";
import { exceptionText } from "./errors.ts";
import { uint16At } from "./frame.ts";

export interface ExplainedPdu {
  readonly fields: readonly ExplainedField[];
  readonly readings: readonly ExplainedReading[];
  /** The first thing that is wrong; undefined when nothing is. */
  readonly error: string | undefined;
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [0x01, "read coils"],
  [0x02, "read discrete inputs"],
  [0x03, "read holding registers"],
  [0x04, "read input registers"],
  [0x05, "write single coil"],
  [0x06, "write single register"],
  [0x07, "read exception status"],
  [0x08, "diagnostics"],
  [0x0b, "get comm event counter"],
  [0x0c, "get comm event log"],
  [0x0f, "write multiple coils"],
  [0x10, "write multiple registers"],
  [0x11, "report server id"],
  [0x14, "read file record"],
  [0x15, "write file record"],
  [0x16, "mask write register"],
  [0x17, "read/write multiple registers"],
  [0x18, "read FIFO queue"],
  [0x2b, "encapsulated interface (device identification)"],
]);

const hex = (value: number, digits: number): string => `${value.toString(16).toUpperCase().padStart(digits, "0")}h`;

/** Walks over the PDU, noting fields at their place in the capture. */
class Walk {
  readonly fields: ExplainedField[] = [];
  readonly readings: ExplainedReading[] = [];
  error: string | undefined;
  readonly #pdu: Uint8Array;
  readonly #base: number;
  #at = 0;

  constructor(pdu: Uint8Array, base: number) {
    this.#pdu = pdu;
    this.#base = base;
  }

  get left(): number {
    return this.#pdu.length - this.#at;
  }

  note(length: number, name: string, value: string, fault?: string): void {
    const field = { offset: this.#base + this.#at, length, name, value };
    this.fields.push(fault === undefined ? field : { ...field, fault });
    if (fault !== undefined) this.error ??= `${name}: ${fault}`;
    this.#at += length;
  }

  /** One byte or one 16-bit number; a missing one is a fault and reads as undefined. */
  number(
    length: 1 | 2,
    name: string,
    show: (value: number) => string,
    judge?: (value: number) => string | undefined,
  ): number | undefined {
    if (this.left < length) {
      this.note(this.left, name, "", `the frame ends ${length - this.left} byte(s) too early`);
      return undefined;
    }
    const value = length === 1 ? (this.#pdu[this.#at] as number) : uint16At(this.#pdu, this.#at);
    this.note(length, name, show(value), judge?.(value));
    return value;
  }

  /** Takes `length` bytes as they are. */
  take(length: number): Uint8Array {
    return this.#pdu.subarray(this.#at, this.#at + length);
  }

  /** What is left over is wrong, unless `name` says what it is. */
  rest(name?: string): void {
    if (this.left === 0) return;
    const bytes = this.take(this.left);
    if (name === undefined) this.note(this.left, "surplus", toHex(bytes, " "), "more bytes than this function has");
    else this.note(this.left, name, toHex(bytes, " "));
  }
}

/** @param base where the PDU begins in the capture */
export function explainPdu(pdu: Uint8Array, base: number, direction: "request" | "reply"): ExplainedPdu {
  const walk = new Walk(pdu, base);
  const code = walk.number(1, "function", functionName, (value) => functionFault(value, direction));
  if (code !== undefined) {
    if (code & 0x80) walk.number(1, "exception", (value) => `${hex(value, 2)} ${exceptionText(value)}`);
    else if (direction === "request") explainRequest(walk, code);
    else explainReply(walk, code);
    walk.rest(NAMES.has(code) && !EXPLAINED.has(code) ? "data" : undefined);
  }
  return { fields: walk.fields, readings: walk.readings, error: walk.error };
}

/** Functions whose fields are told apart here; the data of the others is shown as it is. */
const EXPLAINED: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 0x0f, 0x10, 0x16]);

function functionName(code: number): string {
  const name = NAMES.get(code & 0x7f) ?? "unknown function";
  return code & 0x80 ? `${hex(code, 2)} exception to ${name}` : `${hex(code, 2)} ${name}`;
}

function functionFault(code: number, direction: "request" | "reply"): string | undefined {
  if (direction === "request" && code >= 0x80) return "a request never has a code from 80h on";
  return NAMES.has(code & 0x7f) ? undefined : "no function of the standard";
}

const address = (walk: Walk) => walk.number(2, "address", (value) => `${hex(value, 4)} (${value})`);

function quantity(walk: Walk, limit: number): number | undefined {
  const judge = (value: number) => (value >= 1 && value <= limit ? undefined : `must be 1 to ${limit}`);
  return walk.number(2, "quantity", String, judge);
}

function explainRequest(walk: Walk, code: number): void {
  if (!EXPLAINED.has(code)) return;
  address(walk);
  if (code <= 2) quantity(walk, 2000);
  else if (code <= 4) quantity(walk, 125);
  else if (code === 5) coilValue(walk);
  else if (code === 6) registers(walk, 2);
  else if (code === 0x16) masks(walk);
  else {
    const count = quantity(walk, code === 0x0f ? 1968 : 123);
    const expected = count === undefined ? undefined : code === 0x0f ? Math.ceil(count / 8) : 2 * count;
    const bytes = byteCount(walk, expected);
    if (code === 0x0f) bits(walk, bytes, count ?? 0);
    else registers(walk, bytes);
  }
}

function explainReply(walk: Walk, code: number): void {
  if (!EXPLAINED.has(code)) return;
  if (code <= 4) {
    const bytes = byteCount(walk, undefined);
    if (code <= 2) bits(walk, bytes, 8 * bytes);
    else registers(walk, bytes);
    return;
  }
  address(walk);
  if (code === 5) coilValue(walk);
  else if (code === 6) registers(walk, 2);
  else if (code === 0x16) masks(walk);
  else quantity(walk, code === 0x0f ? 1968 : 123);
}

function coilValue(walk: Walk): void {
  const judge = (value: number) => (value === 0xff00 || value === 0 ? undefined : "must be FF00h or 0000h");
  walk.number(
    2,
    "value",
    (value) => `${hex(value, 4)} ${value === 0xff00 ? "on" : value === 0 ? "off" : ""}`.trim(),
    judge,
  );
}

function masks(walk: Walk): void {
  walk.number(2, "AND mask", (value) => hex(value, 4));
  walk.number(2, "OR mask", (value) => hex(value, 4));
}

/** The byte count, judged against what must follow and against the quantity where that is known. Returns what there is. */
function byteCount(walk: Walk, expected: number | undefined): number {
  const follows = walk.left - 1;
  const count = walk.number(1, "byte count", String, (value) => {
    if (expected !== undefined && value !== expected) return `must be ${expected} for this quantity`;
    return value === follows ? undefined : `${follows} byte(s) follow`;
  });
  return Math.max(0, Math.min(count ?? 0, walk.left));
}

function registers(walk: Walk, bytes: number): void {
  for (let i = 0; i < bytes; i += 2) {
    const value = walk.number(2, `register +${i / 2}`, (word) => `${hex(word, 4)} (${word})`);
    if (value !== undefined) walk.readings.push({ id: `+${i / 2}`, value: String(value), unit: "1" });
  }
}

function bits(walk: Walk, bytes: number, count: number): void {
  const packed = walk.take(bytes);
  const states = Array.from(
    { length: Math.min(count, 8 * bytes) },
    (_, i) => ((packed[i >> 3] as number) >> (i & 7)) & 1,
  );
  if (bytes > 0) walk.note(bytes, "states", `${states.join("")} (first address left)`);
  for (const [i, state] of states.entries()) walk.readings.push({ id: `+${i}`, value: String(state), unit: "1" });
}
