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
export const READ_EXCEPTION_STATUS = 7;
export const DIAGNOSTICS = 8;
export const EVENT_COUNTER = 0x0b;
export const EVENT_LOG = 0x0c;
export const WRITE_COILS = 15;
export const WRITE_REGISTERS = 16;
export const REPORT_SERVER_ID = 0x11;
export const MASK_WRITE_REGISTER = 0x16;
export const READ_WRITE_REGISTERS = 0x17;
export const ENCAPSULATED = 0x2b;
/** Type of the encapsulated transport that carries device identification (V1.1b3, 6.21). */
export const DEVICE_IDENTIFICATION = 0x0e;

/** The most registers that function 17 writes; what it reads is limited as in {@link READ_HOLDING_REGISTERS}. */
export const READ_WRITE_LIMIT = 121;

/** Set in the function code of a reply that carries an exception. */
export const EXCEPTION_BIT = 0x80;
const EXCEPTION_PDU = 2;

/** PDU length = `base`, plus the value of the byte at `countAt` where there is one. */
interface PduShape {
  readonly base: number;
  readonly countAt?: number;
}

interface FunctionRow {
  /** Executed also when it is sent to all (unit 0), where nobody answers. */
  readonly write: boolean;
  /** The most coils or registers of one request; 0 where it asks for none. */
  readonly limit: number;
  readonly request: PduShape;
  /** Absent where the length stands in no one byte. */
  readonly reply?: PduShape;
}

const FIXED: PduShape = { base: 5 };
const COUNTED_REPLY: PduShape = { base: 2, countAt: 1 };
const COUNTED_REQUEST: PduShape = { base: 6, countAt: 5 };

const read = (limit: number): FunctionRow => ({ write: false, limit, request: FIXED, reply: COUNTED_REPLY });

const service = (request: PduShape, reply: PduShape): FunctionRow => ({ write: false, limit: 0, request, reply });
const BARE: PduShape = { base: 1 };
const MASKS: PduShape = { base: 7 };

/**
 * Indexed by function code. The loopback of function 8 may be longer or shorter than its row says: there silence ends
 * the frame, as it does for functions that have no row.
 */
export const FUNCTIONS: readonly (FunctionRow | undefined)[] = functionTable([
  [READ_COILS, read(2000)],
  [READ_DISCRETE_INPUTS, read(2000)],
  [READ_HOLDING_REGISTERS, read(125)],
  [READ_INPUT_REGISTERS, read(125)],
  [WRITE_COIL, { write: true, limit: 1, request: FIXED, reply: FIXED }],
  [WRITE_REGISTER, { write: true, limit: 1, request: FIXED, reply: FIXED }],
  [READ_EXCEPTION_STATUS, service(BARE, { base: 2 })],
  [DIAGNOSTICS, service(FIXED, FIXED)],
  [EVENT_COUNTER, service(BARE, FIXED)],
  [EVENT_LOG, service(BARE, COUNTED_REPLY)],
  [WRITE_COILS, { write: true, limit: 1968, request: COUNTED_REQUEST, reply: FIXED }],
  [WRITE_REGISTERS, { write: true, limit: 123, request: COUNTED_REQUEST, reply: FIXED }],
  [REPORT_SERVER_ID, service(BARE, COUNTED_REPLY)],
  [MASK_WRITE_REGISTER, { write: true, limit: 1, request: MASKS, reply: MASKS }],
  [READ_WRITE_REGISTERS, { write: false, limit: 125, request: { base: 10, countAt: 9 }, reply: COUNTED_REPLY }],
  [ENCAPSULATED, { write: false, limit: 0, request: { base: 4 } }],
]);

function functionTable(rows: readonly (readonly [number, FunctionRow])[]): (FunctionRow | undefined)[] {
  const table = new Array<FunctionRow | undefined>(ENCAPSULATED + 1).fill(undefined);
  for (const [code, row] of rows) table[code] = row;
  return table;
}

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
