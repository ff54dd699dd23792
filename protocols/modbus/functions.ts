/**
 * What the standard fixes for each function code: how long its PDUs are and how much one request may ask for
 * (MODBUS Application Protocol V1.1b3, section 6). A further function is a row here, a request in message.ts and a
 * handler in respond.ts.
 */
import { MAX_RTU_ADU } from "./frame.ts";

export const READ_COILS = 1;
export const READ_DISCRETE_INPUTS = 2;
export const READ_HOLDING_REGISTERS = 3;
export const READ_INPUT_REGISTERS = 4;
export const WRITE_COIL = 5;
export const WRITE_REGISTER = 6;
export const WRITE_COILS = 15;
export const WRITE_REGISTERS = 16;

/** Set in the function code of a reply that carries an exception. */
export const EXCEPTION_BIT = 0x80;
const EXCEPTION_PDU = 2;

/** PDU length = `base`, plus the value of the byte at `countAt` where there is one. */
interface PduShape {
  readonly base: number;
  readonly countAt?: number;
}

interface FunctionRow {
  readonly write: boolean;
  /** The most coils or registers of one request. */
  readonly limit: number;
  readonly request: PduShape;
  readonly reply: PduShape;
}

const FIXED: PduShape = { base: 5 };
const COUNTED_REPLY: PduShape = { base: 2, countAt: 1 };
const COUNTED_REQUEST: PduShape = { base: 6, countAt: 5 };

const read = (limit: number): FunctionRow => ({ write: false, limit, request: FIXED, reply: COUNTED_REPLY });

/** Indexed by function code. */
export const FUNCTIONS: readonly (FunctionRow | undefined)[] = [
  undefined,
  read(2000),
  read(2000),
  read(125),
  read(125),
  { write: true, limit: 1, request: FIXED, reply: FIXED },
  { write: true, limit: 1, request: FIXED, reply: FIXED },
  ...Array<undefined>(8),
  { write: true, limit: 1968, request: COUNTED_REQUEST, reply: FIXED },
  { write: true, limit: 123, request: COUNTED_REQUEST, reply: FIXED },
];

/** Instead of a length: more bytes must come before it can be said. */
export const NEED_MORE = 0;
/** Instead of a length: the function is not known, or no frame can be that long. */
export const UNKNOWN = -1;

function aduLength(shape: PduShape | undefined, bytes: Uint8Array, at: number, end: number): number {
  if (shape === undefined) return UNKNOWN;
  const countAt = shape.countAt === undefined ? -1 : at + 1 + shape.countAt;
  if (countAt >= end) return NEED_MORE;
  const length = 3 + shape.base + (countAt < 0 ? 0 : (bytes[countAt] as number));
  return length > MAX_RTU_ADU ? UNKNOWN : length;
}

/** Length of the RTU frame at `at`, taken as a request; {@link NEED_MORE} or {@link UNKNOWN}. Data end at `end`. */
export function requestAduLength(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return NEED_MORE;
  return aduLength(FUNCTIONS[bytes[at + 1] as number]?.request, bytes, at, end);
}

/** As {@link requestAduLength}, taken as a reply. */
export function replyAduLength(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return NEED_MORE;
  const code = bytes[at + 1] as number;
  if (code >= EXCEPTION_BIT) return 3 + EXCEPTION_PDU;
  return aduLength(FUNCTIONS[code]?.reply, bytes, at, end);
}
