/** Requests as a client means them, as PDU bytes, and the check of the reply against what was asked. */
import { EMPTY_BYTES } from "../../src/core/bytes.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { ByteArena } from "./arena.ts";
import type { ModbusFailure } from "./errors.ts";
import { putUint16, uint16At } from "./frame.ts";
import { EXCEPTION_BIT, FUNCTIONS } from "./functions.ts";

const DATA = new ByteArena();

/** Addresses are PDU addresses, 0-based: register number − 1. */
export type ModbusRequest =
  | { readonly function: 1 | 2 | 3 | 4; readonly address: number; readonly quantity: number }
  | { readonly function: 5; readonly address: number; readonly on: boolean }
  | { readonly function: 6; readonly address: number; readonly value: number }
  /** `bits` are packed, lowest bit first. */
  | { readonly function: 15; readonly address: number; readonly quantity: number; readonly bits: Uint8Array }
  /** `words` are big endian, two bytes per register. */
  | { readonly function: 16; readonly address: number; readonly words: Uint8Array };

/** `data` of a read are the bytes after the byte count; of a write, none. */
export interface ModbusReply {
  readonly function: number;
  readonly data: Uint8Array;
}

/** How many coils or registers a request concerns. */
function quantityOf(request: ModbusRequest): number {
  switch (request.function) {
    case 5:
    case 6:
      return 1;
    case 16:
      return request.words.length / 2;
    default:
      return request.quantity;
  }
}

/** Why a request cannot be put on the wire, or undefined: the limits that a conforming server would refuse with 02 or 03. */
export function refusalOf(request: ModbusRequest): string | undefined {
  const { address } = request;
  const quantity = quantityOf(request);
  const limit = FUNCTIONS[request.function]?.limit;
  if (limit === undefined) return `function ${request.function} is not supported`;
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > limit)
    return `quantity ${quantity} is not 1 .. ${limit}`;
  if (!Number.isInteger(address) || address < 0 || address + quantity > 0x1_0000)
    return `address ${address} with quantity ${quantity} is outside 0 .. 65535`;
  if (request.function === 6 && !(Number.isInteger(request.value) && request.value >= 0 && request.value <= 0xffff))
    return `value ${request.value} is not 0 .. 65535`;
  if (request.function === 15 && request.bits.length !== (quantity + 7) >> 3)
    return `${request.bits.length} bytes of bits for ${quantity} coils`;
  return undefined;
}

/** Length of the request's PDU. */
export function requestSize(request: ModbusRequest): number {
  if (request.function === 15) return 6 + request.bits.length;
  if (request.function === 16) return 6 + request.words.length;
  return 5;
}

/** Writes the PDU of a request that {@link refusalOf} lets pass; takes {@link requestSize} bytes at `at`. */
export function putRequest(request: ModbusRequest, out: Uint8Array, at: number): void {
  out[at] = request.function;
  putUint16(out, at + 1, request.address);
  switch (request.function) {
    case 5:
      putUint16(out, at + 3, request.on ? 0xff00 : 0x0000);
      return;
    case 6:
      putUint16(out, at + 3, request.value);
      return;
    case 15:
    case 16: {
      const data = request.function === 15 ? request.bits : request.words;
      putUint16(out, at + 3, quantityOf(request));
      out[at + 5] = data.length;
      out.set(data, at + 6);
      return;
    }
    default:
      putUint16(out, at + 3, request.quantity);
  }
}

/** `slice` would not do: on the byte arrays of some hosts it gives a view of a buffer that is used again. */
function copyOf(bytes: Uint8Array, from: number, count: number): Uint8Array {
  DATA.reserve(count);
  const out = DATA.bytes;
  const at = DATA.end;
  for (let i = 0; i < count; i++) out[at + i] = bytes[from + i] as number;
  DATA.end = at + count;
  return DATA.take();
}

function bad(detail: string): { readonly ok: false; readonly error: ModbusFailure } {
  return failure({ kind: "bad-reply", detail });
}

/**
 * Reads the reply PDU `bytes[from .. from + length)` to `request`: exceptions, byte count and length against what was
 * asked, and the echo of a write. The data are a copy.
 */
export function parseReply(
  request: ModbusRequest,
  bytes: Uint8Array,
  from: number,
  length: number,
): Result<ModbusReply, ModbusFailure> {
  const code = bytes[from] as number;
  if (code === (request.function | EXCEPTION_BIT))
    return length === 2
      ? failure({ kind: "exception", code: bytes[from + 1] as number })
      : bad(`an exception of ${length} bytes instead of 2`);
  if (code !== request.function) return bad(`function ${code} answers function ${request.function}`);
  return request.function <= 4 ? parseRead(request, bytes, from, length) : parseWriteEcho(request, bytes, from, length);
}

function parseRead(
  request: ModbusRequest,
  bytes: Uint8Array,
  from: number,
  length: number,
): Result<ModbusReply, ModbusFailure> {
  const quantity = quantityOf(request);
  const expected = request.function <= 2 ? (quantity + 7) >> 3 : 2 * quantity;
  if (length !== 2 + expected) return bad(`${length} bytes of PDU where ${2 + expected} were asked for`);
  const count = bytes[from + 1] as number;
  if (count !== expected) return bad(`byte count ${count} where ${expected} were asked for`);
  return success({ function: request.function, data: copyOf(bytes, from + 2, expected) });
}

function parseWriteEcho(
  request: ModbusRequest,
  bytes: Uint8Array,
  from: number,
  length: number,
): Result<ModbusReply, ModbusFailure> {
  if (length !== 5) return bad(`${length} bytes of PDU where a write's reply has 5`);
  const address = uint16At(bytes, from + 1);
  if (address !== request.address) return bad(`address ${address} echoed for ${request.address}`);
  const echoed = uint16At(bytes, from + 3);
  const expected =
    request.function === 5
      ? request.on
        ? 0xff00
        : 0x0000
      : request.function === 6
        ? request.value
        : quantityOf(request);
  if (echoed !== expected) return bad(`${echoed} echoed for ${expected}`);
  return success({ function: request.function, data: EMPTY_BYTES });
}
