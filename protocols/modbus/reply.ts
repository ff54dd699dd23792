/** The check of a reply against what was asked, for a client: exceptions, lengths, byte counts, the echo of a write. */
import { EMPTY_BYTES } from "../../src/core/bytes.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { ByteArena } from "./arena.ts";
import type { ModbusFailure } from "./errors.ts";
import { uint16At } from "./frame.ts";
import { DEVICE_IDENTIFICATION, EXCEPTION_BIT } from "./functions.ts";
import { type ModbusReply, type ModbusRequest, putRequest, requestSize } from "./message.ts";

type Parsed = Result<ModbusReply, ModbusFailure>;

const DATA = new ByteArena();

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

/** Reads the reply PDU `bytes[from .. from + length)` to `request`. The data are a copy. */
export function parseReply(request: ModbusRequest, bytes: Uint8Array, from: number, length: number): Parsed {
  const code = bytes[from] as number;
  if (code === (request.function | EXCEPTION_BIT))
    return length === 2
      ? failure({ kind: "exception", code: bytes[from + 1] as number })
      : bad(`an exception of ${length} bytes instead of 2`);
  if (code !== request.function) return bad(`function ${code} answers function ${request.function}`);
  switch (request.function) {
    case 1:
    case 2:
      return parseCounted(request, bytes, from, length, (request.quantity + 7) >> 3);
    case 3:
    case 4:
    case 23:
      return parseCounted(request, bytes, from, length, 2 * request.quantity);
    case 12:
    case 17:
      return parseCounted(request, bytes, from, length, Math.max(length - 2, request.function === 12 ? 6 : 1));
    case 7:
      return parseFixed(request, bytes, from, length, 1);
    case 11:
      return parseFixed(request, bytes, from, length, 4);
    case 8:
      return parseDiagnostics(request, bytes, from, length);
    case 43:
      return parseEncapsulated(request, bytes, from, length);
    default:
      return parseWriteEcho(request, bytes, from, length);
  }
}

/** Function, byte count, so many bytes. */
function parseCounted(
  request: ModbusRequest,
  bytes: Uint8Array,
  from: number,
  length: number,
  expected: number,
): Parsed {
  if (length !== 2 + expected) return bad(`${length} bytes of PDU where ${2 + expected} were asked for`);
  const count = bytes[from + 1] as number;
  if (count !== expected) return bad(`byte count ${count} where ${expected} were asked for`);
  return success({ function: request.function, data: copyOf(bytes, from + 2, expected) });
}

/** Function, so many bytes. */
function parseFixed(request: ModbusRequest, bytes: Uint8Array, from: number, length: number, expected: number): Parsed {
  if (length !== 1 + expected) return bad(`${length} bytes of PDU where ${1 + expected} belong`);
  return success({ function: request.function, data: copyOf(bytes, from + 1, expected) });
}

function parseDiagnostics(
  request: Extract<ModbusRequest, { function: 8 }>,
  bytes: Uint8Array,
  from: number,
  length: number,
): Parsed {
  const expected = requestSize(request);
  if (length !== expected) return bad(`${length} bytes of PDU where ${expected} belong`);
  const sub = uint16At(bytes, from + 1);
  if (sub !== request.subfunction) return bad(`sub-function ${sub} answers ${request.subfunction}`);
  const data = copyOf(bytes, from + 3, length - 3);
  if (sub === 0 && !data.every((byte, i) => byte === request.data[i])) return bad("the loopback came back changed");
  return success({ function: request.function, data });
}

function parseEncapsulated(
  request: Extract<ModbusRequest, { function: 43 }>,
  bytes: Uint8Array,
  from: number,
  length: number,
): Parsed {
  if (length < 7) return bad(`${length} bytes of PDU where at least 7 belong`);
  if (bytes[from + 1] !== DEVICE_IDENTIFICATION) return bad(`type ${bytes[from + 1]} instead of 14`);
  if (bytes[from + 2] !== request.code) return bad(`code ${bytes[from + 2]} answers ${request.code}`);
  return success({ function: request.function, data: copyOf(bytes, from + 2, length - 2) });
}

function parseWriteEcho(request: ModbusRequest, bytes: Uint8Array, from: number, length: number): Parsed {
  const expected = request.function === 22 ? 7 : 5;
  if (length !== expected) return bad(`${length} bytes of PDU where a write's reply has ${expected}`);
  const asked = new Uint8Array(requestSize(request));
  putRequest(request, asked, 0);
  for (let at = 1; at < expected; at += 2) {
    const echoed = uint16At(bytes, from + at);
    const sent = uint16At(asked, at);
    if (echoed !== sent) return bad(`${at === 1 ? "address " : ""}${echoed} echoed for ${sent}`);
  }
  return success({ function: request.function, data: EMPTY_BYTES });
}
