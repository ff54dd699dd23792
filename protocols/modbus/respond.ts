/**
 * A server's answer to one PDU. The checks come in the order of the standard's state diagrams (V1.1b3, section 6):
 * function (01), quantity, value and length (03), address range (02), execution (whatever the data model says).
 */
import { EXCEPTION } from "./errors.ts";
import { uint16At } from "./frame.ts";
import {
  EXCEPTION_BIT,
  FUNCTIONS,
  READ_COILS,
  READ_DISCRETE_INPUTS,
  READ_HOLDING_REGISTERS,
  READ_INPUT_REGISTERS,
  WRITE_COIL,
  WRITE_COILS,
  WRITE_REGISTER,
  WRITE_REGISTERS,
} from "./functions.ts";

/**
 * What a server serves. Each member returns 0 when done, else an exception code; an absent one makes its functions
 * exception 01. Quantities are within the protocol's limits and address + quantity <= 65536.
 */
export interface ModbusDataModel {
  /** Puts 2 × quantity bytes, big endian, at `out[at]`; they are zero before. */
  readRegisters?(table: "holding" | "input", address: number, quantity: number, out: Uint8Array, at: number): number;
  /** Puts the bits packed, lowest first, at `out[at]`; the bytes are zero before. */
  readBits?(table: "coil" | "discrete", address: number, quantity: number, out: Uint8Array, at: number): number;
  /** FC 06 and 10. All or nothing: whoever refuses has changed nothing. */
  writeRegisters?(address: number, quantity: number, bytes: Uint8Array, at: number): number;
  /** FC 05 and 0F. Bits are packed, lowest first; bits past `quantity` mean nothing. All or nothing. */
  writeBits?(address: number, quantity: number, bytes: Uint8Array, at: number): number;
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

/** The reply to every write so far: function, address, and the value or quantity, as they came. */
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

const HANDLERS: (Handler | undefined)[] = [];
HANDLERS[READ_COILS] = readBits(READ_COILS, "coil");
HANDLERS[READ_DISCRETE_INPUTS] = readBits(READ_DISCRETE_INPUTS, "discrete");
HANDLERS[READ_HOLDING_REGISTERS] = readRegisters(READ_HOLDING_REGISTERS, "holding");
HANDLERS[READ_INPUT_REGISTERS] = readRegisters(READ_INPUT_REGISTERS, "input");
HANDLERS[WRITE_COIL] = writeCoil;
HANDLERS[WRITE_REGISTER] = writeRegister;
HANDLERS[WRITE_COILS] = writeCoils;
HANDLERS[WRITE_REGISTERS] = writeRegisters;

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
