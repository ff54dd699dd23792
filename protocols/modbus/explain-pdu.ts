/** A PDU field by field, as a person reads it off a capture (MODBUS Application Protocol V1.1b3, section 6). */
import type { ExplainedField, ExplainedReading } from "../explain.ts";
import { exceptionText } from "./errors.ts";
import { SERVICES } from "./explain-services.ts";
import { address, bits, byteCount, hex, quantity, registers, Walk } from "./explain-walk.ts";
import { MASK_WRITE_REGISTER, READ_WRITE_LIMIT, READ_WRITE_REGISTERS, WRITE_COILS } from "./functions.ts";

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

/** @param base where the PDU begins in the capture */
export function explainPdu(pdu: Uint8Array, base: number, direction: "request" | "reply"): ExplainedPdu {
  const walk = new Walk(pdu, base);
  const code = walk.number(1, "function", functionName, (value) => functionFault(value, direction));
  if (code !== undefined) {
    if (code & 0x80) walk.number(1, "exception", (value) => `${hex(value, 2)} ${exceptionText(value)}`);
    else if (SERVICES.has(code)) SERVICES.get(code)?.[direction](walk);
    else if (direction === "request") explainRequest(walk, code);
    else explainReply(walk, code);
    walk.rest(NAMES.has(code) && !EXPLAINED.has(code) && !SERVICES.has(code) ? "data" : undefined);
  }
  return { fields: walk.fields, readings: walk.readings, error: walk.error };
}

/** Functions of coils and registers. Of file records and FIFO queues, which no meter has, the data is shown as it is. */
const EXPLAINED: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 0x0f, 0x10, 0x16, 0x17]);

function functionName(code: number): string {
  const name = NAMES.get(code & 0x7f) ?? "unknown function";
  return code & 0x80 ? `${hex(code, 2)} exception to ${name}` : `${hex(code, 2)} ${name}`;
}

function functionFault(code: number, direction: "request" | "reply"): string | undefined {
  if (direction === "request" && code >= 0x80) return "a request never has a code from 80h on";
  return NAMES.has(code & 0x7f) ? undefined : "no function of the standard";
}

function explainRequest(walk: Walk, code: number): void {
  if (!EXPLAINED.has(code)) return;
  address(walk);
  if (code <= 2) quantity(walk, 2000);
  else if (code <= 4) quantity(walk, 125);
  else if (code === 5) coilValue(walk);
  else if (code === 6) registers(walk, 2);
  else if (code === MASK_WRITE_REGISTER) masks(walk);
  else if (code === WRITE_COILS) {
    const count = quantity(walk, 1968);
    bits(walk, byteCount(walk, count === undefined ? undefined : Math.ceil(count / 8)), count ?? 0);
  } else if (code === READ_WRITE_REGISTERS) {
    quantity(walk, 125);
    address(walk, "write address");
    writtenRegisters(walk, READ_WRITE_LIMIT, "write quantity");
  } else writtenRegisters(walk, 123, "quantity");
}

function writtenRegisters(walk: Walk, limit: number, name: string): void {
  const count = quantity(walk, limit, name);
  registers(walk, byteCount(walk, count === undefined ? undefined : 2 * count));
}

function explainReply(walk: Walk, code: number): void {
  if (!EXPLAINED.has(code)) return;
  if (code <= 4 || code === READ_WRITE_REGISTERS) {
    const bytes = byteCount(walk, undefined);
    if (code <= 2) bits(walk, bytes, 8 * bytes);
    else registers(walk, bytes);
    return;
  }
  address(walk);
  if (code === 5) coilValue(walk);
  else if (code === 6) registers(walk, 2);
  else if (code === MASK_WRITE_REGISTER) masks(walk);
  else quantity(walk, code === WRITE_COILS ? 1968 : 123);
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
