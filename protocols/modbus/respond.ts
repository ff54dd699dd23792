/**
 * A server's answer to one PDU. The checks come in the order of the standard's state diagrams (V1.1b3, section 6):
 * function (01), quantity, value and length (03), address range (02), execution (whatever the data model says).
 *
 * Served here, on every framing: 01 .. 06, 0F, 10, 11, 16, 17 and 2B/0E. Functions 07, 08, 0B and 0C belong to serial
 * lines (server-serial.ts) and are exception 01 over TCP; file records (14, 15) and FIFO queues (18) are no part of a meter.
 */
import { EXCEPTION } from "./errors.ts";
import { putUint16, uint16At } from "./frame.ts";
import {
  ENCAPSULATED,
  EXCEPTION_BIT,
  FUNCTIONS,
  MASK_WRITE_REGISTER,
  READ_COILS,
  READ_DISCRETE_INPUTS,
  READ_HOLDING_REGISTERS,
  READ_INPUT_REGISTERS,
  READ_WRITE_LIMIT,
  READ_WRITE_REGISTERS,
  REPORT_SERVER_ID,
  WRITE_COIL,
  WRITE_COILS,
  WRITE_REGISTER,
  WRITE_REGISTERS,
} from "./functions.ts";
import { type DeviceObjects, identify } from "./identification.ts";

/**
 * What a server serves. Each member returns 0 when done, else an exception code; an absent one makes its functions
 * exception 01. Quantities are within the protocol's limits and address + quantity <= 65536.
 */
export interface ModbusDataModel {
  /** Puts 2 × quantity bytes, big endian, at `out[at]`; they are zero before. */
  readRegisters?(table: "holding" | "input", address: number, quantity: number, out: Uint8Array, at: number): number;
  /** Puts the bits packed, lowest first, at `out[at]`; the bytes are zero before. */
  readBits?(table: "coil" | "discrete", address: number, quantity: number, out: Uint8Array, at: number): number;
  /** FC 06, 10, 16 and 17. All or nothing: whoever refuses has changed nothing. */
  writeRegisters?(address: number, quantity: number, bytes: Uint8Array, at: number): number;
  /** FC 05 and 0F. Bits are packed, lowest first; bits past `quantity` mean nothing. All or nothing. */
  writeBits?(address: number, quantity: number, bytes: Uint8Array, at: number): number;
  /** FC 07, on serial lines only: eight states of the device, whose meaning is the maker's. */
  exceptionStatus?(): number;
  /** FC 11: server id, run indicator (00 or FF), and what the maker adds; 2 .. 250 bytes. */
  readonly serverId?: Uint8Array;
  /** FC 2B/0E. */
  readonly objects?: DeviceObjects;
}

/** Returns the length of the reply at `out[at]`, or an exception as a negative code. */
type Handler = (
  model: ModbusDataModel,
  request: Uint8Array,
  from: number,
  length: number,
  out: Uint8Array,
  at: number,
) => number;

const ADDRESSES = 0x1_0000;

function limitOf(code: number): number {
  return FUNCTIONS[code]?.limit ?? 0;
}

function readBits(code: number, table: "coil" | "discrete"): Handler {
  const limit = limitOf(code);
  return (model, request, from, length, out, at) => {
    if (model.readBits === undefined) return -EXCEPTION.illegalFunction;
    const quantity = length === 5 ? uint16At(request, from + 3) : 0;
    if (quantity === 0 || quantity > limit) return -EXCEPTION.illegalDataValue;
    const address = uint16At(request, from + 1);
    if (address + quantity > ADDRESSES) return -EXCEPTION.illegalDataAddress;
    const count = (quantity + 7) >> 3;
    out.fill(0, at + 2, at + 2 + count);
    const refused = model.readBits(table, address, quantity, out, at + 2);
    if (refused !== 0) return -refused;
    out[at] = code;
    out[at + 1] = count;
    // Bits above the last one asked for are zero on the wire, whatever the model wrote there.
    const used = quantity & 7;
    if (used !== 0) out[at + 1 + count] = (out[at + 1 + count] as number) & ((1 << used) - 1);
    return 2 + count;
  };
}

function readRegisters(code: number, table: "holding" | "input"): Handler {
  const limit = limitOf(code);
  return (model, request, from, length, out, at) => {
    if (model.readRegisters === undefined) return -EXCEPTION.illegalFunction;
    const quantity = length === 5 ? uint16At(request, from + 3) : 0;
    if (quantity === 0 || quantity > limit) return -EXCEPTION.illegalDataValue;
    const address = uint16At(request, from + 1);
    if (address + quantity > ADDRESSES) return -EXCEPTION.illegalDataAddress;
    out.fill(0, at + 2, at + 2 + 2 * quantity);
    const refused = model.readRegisters(table, address, quantity, out, at + 2);
    if (refused !== 0) return -refused;
    out[at] = code;
    out[at + 1] = 2 * quantity;
    return 2 + 2 * quantity;
  };
}

/** The reply to most writes: function, address, and the value or quantity, as they came. */
function echo(request: Uint8Array, from: number, out: Uint8Array, at: number): number {
  for (let i = 0; i < 5; i++) out[at + i] = request[from + i] as number;
  return 5;
}

const writeCoil: Handler = (model, request, from, length, out, at) => {
  if (model.writeBits === undefined) return -EXCEPTION.illegalFunction;
  const value = length === 5 ? uint16At(request, from + 3) : -1;
  if (value !== 0xff00 && value !== 0) return -EXCEPTION.illegalDataValue;
  // The value's high byte, FF or 00, is at the same time the packed bit that the model wants.
  const refused = model.writeBits(uint16At(request, from + 1), 1, request, from + 3);
  return refused === 0 ? echo(request, from, out, at) : -refused;
};

const writeRegister: Handler = (model, request, from, length, out, at) => {
  if (model.writeRegisters === undefined) return -EXCEPTION.illegalFunction;
  if (length !== 5) return -EXCEPTION.illegalDataValue;
  const refused = model.writeRegisters(uint16At(request, from + 1), 1, request, from + 3);
  return refused === 0 ? echo(request, from, out, at) : -refused;
};

/** Whether `length` and the byte count of a multiple write fit each other and `count`. */
function countFits(request: Uint8Array, from: number, length: number, count: number): boolean {
  return length === 6 + count && request[from + 5] === count;
}

const writeCoils: Handler = (model, request, from, length, out, at) => {
  if (model.writeBits === undefined) return -EXCEPTION.illegalFunction;
  const quantity = length > 6 ? uint16At(request, from + 3) : 0;
  if (quantity === 0 || quantity > limitOf(WRITE_COILS) || !countFits(request, from, length, (quantity + 7) >> 3))
    return -EXCEPTION.illegalDataValue;
  const address = uint16At(request, from + 1);
  if (address + quantity > ADDRESSES) return -EXCEPTION.illegalDataAddress;
  const refused = model.writeBits(address, quantity, request, from + 6);
  return refused === 0 ? echo(request, from, out, at) : -refused;
};

const writeRegisters: Handler = (model, request, from, length, out, at) => {
  if (model.writeRegisters === undefined) return -EXCEPTION.illegalFunction;
  const quantity = length > 6 ? uint16At(request, from + 3) : 0;
  if (quantity === 0 || quantity > limitOf(WRITE_REGISTERS) || !countFits(request, from, length, 2 * quantity))
    return -EXCEPTION.illegalDataValue;
  const address = uint16At(request, from + 1);
  if (address + quantity > ADDRESSES) return -EXCEPTION.illegalDataAddress;
  const refused = model.writeRegisters(address, quantity, request, from + 6);
  return refused === 0 ? echo(request, from, out, at) : -refused;
};

const CURRENT = new Uint8Array(2);

const maskWriteRegister: Handler = (model, request, from, length, out, at) => {
  if (model.readRegisters === undefined || model.writeRegisters === undefined) return -EXCEPTION.illegalFunction;
  if (length !== 7) return -EXCEPTION.illegalDataValue;
  const address = uint16At(request, from + 1);
  CURRENT.fill(0);
  const unreadable = model.readRegisters("holding", address, 1, CURRENT, 0);
  if (unreadable !== 0) return -unreadable;
  const and = uint16At(request, from + 3);
  putUint16(CURRENT, 0, (uint16At(CURRENT, 0) & and) | (uint16At(request, from + 5) & ~and & 0xffff));
  const refused = model.writeRegisters(address, 1, CURRENT, 0);
  if (refused !== 0) return -refused;
  for (let i = 0; i < 7; i++) out[at + i] = request[from + i] as number;
  return 7;
};

const readWriteRegisters: Handler = (model, request, from, length, out, at) => {
  if (model.readRegisters === undefined || model.writeRegisters === undefined) return -EXCEPTION.illegalFunction;
  const quantity = length > 10 ? uint16At(request, from + 3) : 0;
  const written = length > 10 ? uint16At(request, from + 7) : 0;
  const count = 2 * written;
  if (quantity === 0 || quantity > limitOf(READ_WRITE_REGISTERS) || written === 0 || written > READ_WRITE_LIMIT)
    return -EXCEPTION.illegalDataValue;
  if (length !== 10 + count || request[from + 9] !== count) return -EXCEPTION.illegalDataValue;
  const address = uint16At(request, from + 1);
  const target = uint16At(request, from + 5);
  if (address + quantity > ADDRESSES || target + written > ADDRESSES) return -EXCEPTION.illegalDataAddress;
  // Read before as well: what cannot be read must not leave its write behind.
  const unreadable = model.readRegisters("holding", address, quantity, out, at + 2);
  if (unreadable !== 0) return -unreadable;
  const refused = model.writeRegisters(target, written, request, from + 10);
  if (refused !== 0) return -refused;
  out.fill(0, at + 2, at + 2 + 2 * quantity);
  const failed = model.readRegisters("holding", address, quantity, out, at + 2);
  if (failed !== 0) return -failed;
  out[at] = READ_WRITE_REGISTERS;
  out[at + 1] = 2 * quantity;
  return 2 + 2 * quantity;
};

const reportServerId: Handler = (model, _request, _from, length, out, at) => {
  const id = model.serverId;
  if (id === undefined) return -EXCEPTION.illegalFunction;
  if (length !== 1) return -EXCEPTION.illegalDataValue;
  out[at] = REPORT_SERVER_ID;
  out[at + 1] = id.length;
  out.set(id, at + 2);
  return 2 + id.length;
};

const encapsulated: Handler = (model, request, from, length, out, at) =>
  model.objects === undefined ? -EXCEPTION.illegalFunction : identify(model.objects, request, from, length, out, at);

const HANDLERS: (Handler | undefined)[] = [];
HANDLERS[READ_COILS] = readBits(READ_COILS, "coil");
HANDLERS[READ_DISCRETE_INPUTS] = readBits(READ_DISCRETE_INPUTS, "discrete");
HANDLERS[READ_HOLDING_REGISTERS] = readRegisters(READ_HOLDING_REGISTERS, "holding");
HANDLERS[READ_INPUT_REGISTERS] = readRegisters(READ_INPUT_REGISTERS, "input");
HANDLERS[WRITE_COIL] = writeCoil;
HANDLERS[WRITE_REGISTER] = writeRegister;
HANDLERS[WRITE_COILS] = writeCoils;
HANDLERS[WRITE_REGISTERS] = writeRegisters;
HANDLERS[REPORT_SERVER_ID] = reportServerId;
HANDLERS[MASK_WRITE_REGISTER] = maskWriteRegister;
HANDLERS[READ_WRITE_REGISTERS] = readWriteRegisters;
HANDLERS[ENCAPSULATED] = encapsulated;

/** Writes an exception reply to function `code`; returns its length. */
export function putException(code: number, exception: number, out: Uint8Array, at: number): number {
  out[at] = code | EXCEPTION_BIT;
  out[at + 1] = exception;
  return 2;
}

/**
 * Answers the request PDU `request[from .. from + length)`, 1 .. 253 bytes, with a reply PDU at `out[at]`, which needs
 * room for 253 bytes and must not overlap the request. Returns the reply's length, at least 2.
 */
export function respond(
  model: ModbusDataModel,
  request: Uint8Array,
  from: number,
  length: number,
  out: Uint8Array,
  at: number,
): number {
  const code = request[from] as number;
  const handler = HANDLERS[code];
  const size = handler === undefined ? -EXCEPTION.illegalFunction : handler(model, request, from, length, out, at);
  return size > 0 ? size : putException(code, -size, out, at);
}
