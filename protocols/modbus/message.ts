/** Requests as a client means them, and as PDU bytes. What answers them is read in reply.ts. */
import { EMPTY_BYTES } from "../../src/core/bytes.ts";
import { MAX_PDU, putUint16 } from "./frame.ts";
import { DEVICE_IDENTIFICATION, FUNCTIONS, READ_WRITE_LIMIT } from "./functions.ts";

/** Addresses are PDU addresses, 0-based: register number − 1. */
export type ModbusRequest =
  | { readonly function: 1 | 2 | 3 | 4; readonly address: number; readonly quantity: number }
  | { readonly function: 5; readonly address: number; readonly on: boolean }
  | { readonly function: 6; readonly address: number; readonly value: number }
  /** `bits` are packed, lowest bit first. */
  | { readonly function: 15; readonly address: number; readonly quantity: number; readonly bits: Uint8Array }
  /** `words` are big endian, two bytes per register. */
  | { readonly function: 16; readonly address: number; readonly words: Uint8Array }
  /** Exception status, event counter, event log (serial lines only), server id. */
  | { readonly function: 7 | 11 | 12 | 17 }
  /** Diagnostics, on serial lines only; `data` are two bytes but for the loopback (sub-function 0). */
  | { readonly function: 8; readonly subfunction: number; readonly data: Uint8Array }
  /** register = (register AND `and`) OR (`or` AND NOT `and`). */
  | { readonly function: 22; readonly address: number; readonly and: number; readonly or: number }
  /** Writes `words` to `target`, then reads `quantity` at `address`. */
  | {
      readonly function: 23;
      readonly address: number;
      readonly quantity: number;
      readonly target: number;
      readonly words: Uint8Array;
    }
  /** Device identification (2B/0E): basic, regular or extended objects from `object` on, or (4) that one object. */
  | { readonly function: 43; readonly code: 1 | 2 | 3 | 4; readonly object: number };

/**
 * `data` are what follows the byte count (reads, 0C, 11, 17), the function (07, 0B), the sub-function (08) or the type
 * (2B/0E); none for a write.
 */
export interface ModbusReply {
  readonly function: number;
  readonly data: Uint8Array;
}

const LOOPBACK = 0;
const FORCE_LISTEN_ONLY = 4;

/** Whether the unit stays silent when it has done what was asked: 08/04. */
export function isUnanswered(request: ModbusRequest): boolean {
  return request.function === 8 && request.subfunction === FORCE_LISTEN_ONLY;
}

/** How many coils or registers a request concerns. */
export function quantityOf(request: ModbusRequest): number {
  switch (request.function) {
    case 5:
    case 6:
    case 22:
      return 1;
    case 16:
      return request.words.length / 2;
    case 7:
    case 8:
    case 11:
    case 12:
    case 17:
    case 43:
      return 0;
    default:
      return request.quantity;
  }
}

const isWord = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffff;

function refusalOfRange(address: number, quantity: number, limit: number): string | undefined {
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > limit)
    return `quantity ${quantity} is not 1 .. ${limit}`;
  if (!Number.isInteger(address) || address < 0 || address + quantity > 0x1_0000)
    return `address ${address} with quantity ${quantity} is outside 0 .. 65535`;
  return undefined;
}

/** What is wrong with the parts of a request that are no address and no quantity. */
function refusalOfContent(request: ModbusRequest): string | undefined {
  switch (request.function) {
    case 6:
      return isWord(request.value) ? undefined : `value ${request.value} is not 0 .. 65535`;
    case 15:
      return request.bits.length === (request.quantity + 7) >> 3
        ? undefined
        : `${request.bits.length} bytes of bits for ${request.quantity} coils`;
    case 8: {
      if (!isWord(request.subfunction)) return `sub-function ${request.subfunction} is not 0 .. 65535`;
      const { length } = request.data;
      if (request.subfunction === LOOPBACK) return length <= MAX_PDU - 3 ? undefined : `${length} bytes of data`;
      return length === 2 ? undefined : `${length} bytes of data where 2 belong`;
    }
    case 22:
      return isWord(request.and) && isWord(request.or) ? undefined : "a mask is not 0 .. 65535";
    case 23:
      return refusalOfRange(request.target, request.words.length / 2, READ_WRITE_LIMIT);
    case 43:
      return Number.isInteger(request.object) && request.object >= 0 && request.object <= 0xff
        ? undefined
        : `object ${request.object} is not 0 .. 255`;
    default:
      return undefined;
  }
}

/** Why a request cannot be put on the wire, or undefined: the limits that a conforming server would refuse with 02 or 03. */
export function refusalOf(request: ModbusRequest): string | undefined {
  const limit = FUNCTIONS[request.function]?.limit;
  if (limit === undefined) return `function ${request.function} is not supported`;
  const outside = "address" in request ? refusalOfRange(request.address, quantityOf(request), limit) : undefined;
  return outside ?? refusalOfContent(request);
}

/** Length of the request's PDU. */
export function requestSize(request: ModbusRequest): number {
  switch (request.function) {
    case 15:
      return 6 + request.bits.length;
    case 16:
      return 6 + request.words.length;
    case 7:
    case 11:
    case 12:
    case 17:
      return 1;
    case 8:
      return 3 + request.data.length;
    case 22:
      return 7;
    case 23:
      return 10 + request.words.length;
    case 43:
      return 4;
    default:
      return 5;
  }
}

/** Writes the PDU of a request that {@link refusalOf} lets pass; takes {@link requestSize} bytes at `at`. */
export function putRequest(request: ModbusRequest, out: Uint8Array, at: number): void {
  out[at] = request.function;
  switch (request.function) {
    case 5:
      putWords(out, at, request.address, request.on ? 0xff00 : 0x0000);
      return;
    case 6:
      putWords(out, at, request.address, request.value);
      return;
    case 15:
    case 16: {
      const data = request.function === 15 ? request.bits : request.words;
      putWords(out, at, request.address, quantityOf(request));
      putCounted(out, at + 5, data);
      return;
    }
    case 7:
    case 11:
    case 12:
    case 17:
      return;
    case 8:
      putUint16(out, at + 1, request.subfunction);
      out.set(request.data, at + 3);
      return;
    case 22:
      putWords(out, at, request.address, request.and);
      putUint16(out, at + 5, request.or);
      return;
    case 23:
      putWords(out, at, request.address, request.quantity);
      putWords(out, at + 4, request.target, request.words.length / 2);
      putCounted(out, at + 9, request.words);
      return;
    case 43:
      out[at + 1] = DEVICE_IDENTIFICATION;
      out[at + 2] = request.code;
      out[at + 3] = request.object;
      return;
    default:
      putWords(out, at, request.address, request.quantity);
  }
}

/** The two words behind `at`. */
function putWords(out: Uint8Array, at: number, first: number, second: number): void {
  putUint16(out, at + 1, first);
  putUint16(out, at + 3, second);
}

function putCounted(out: Uint8Array, at: number, data: Uint8Array): void {
  out[at] = data.length;
  out.set(data, at + 1);
}

/** The result of a request that nobody answers. */
export function unanswered(request: ModbusRequest): ModbusReply {
  return { function: request.function, data: EMPTY_BYTES };
}
