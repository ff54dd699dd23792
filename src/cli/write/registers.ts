/** `--table FILE` over Modbus: holding registers of any meter, as values of the encodings that model files know. */
import { ENCODINGS, type Encoding, type ModbusMap, registerCount } from "../../../protocols/models/model.ts";
import { usage } from "../errors.ts";

export interface RegisterWish {
  readonly what: string;
  /** PDU address, 0-based. */
  readonly address: number;
  readonly encoding: Encoding;
  readonly wordOrder: ModbusMap["wordOrder"];
  /** As on the wire. */
  readonly words: Uint8Array;
}

const EXAMPLE = 'for example [{"address": 20, "encoding": "float32", "value": 7}]';
const RANGES: Readonly<Partial<Record<Encoding, readonly [bigint, bigint]>>> = {
  uint16: [0n, 0xffffn],
  int16: [-0x8000n, 0x7fffn],
  uint32: [0n, 0xffff_ffffn],
  int32: [-0x8000_0000n, 0x7fff_ffffn],
  uint64: [0n, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};

const hex = (address: number): string => address.toString(16).padStart(4, "0");

/** @throws CommandError (exit 2) for what is no list of registers, or a value that does not fit its encoding */
export function registerWishes(table: unknown, wordOrder: ModbusMap["wordOrder"]): readonly RegisterWish[] {
  if (!Array.isArray(table) || table.length === 0) throw usage("--table of Modbus is a list of registers", EXAMPLE);
  return table.map((entry: unknown, i) => {
    const { address, encoding, value, ...strange } = (entry ?? {}) as Record<string, unknown>;
    const place = `--table [${i}]`;
    const [unknown] = Object.keys(strange);
    if (unknown !== undefined) throw usage(`${place}: "${unknown}" is unknown`, EXAMPLE);
    if (!(ENCODINGS as readonly unknown[]).includes(encoding))
      throw usage(`${place}: its encoding is none`, `one of: ${ENCODINGS.join(", ")}`);
    const kind = encoding as Encoding;
    const last = 0x10000 - registerCount(kind);
    if (!(typeof address === "number" && Number.isInteger(address) && address >= 0 && address <= last))
      throw usage(`${place}: its address is not 0 to ${last}`, EXAMPLE);
    return registerWish(address, kind, value, wordOrder, place);
  });
}

/** @throws CommandError (exit 2) for a value that does not fit its encoding */
export function registerWish(
  address: number,
  encoding: Encoding,
  value: unknown,
  wordOrder: ModbusMap["wordOrder"],
  place = `register ${hex(address)}`,
): RegisterWish {
  const words = inOrder(encoded(place, encoding, value), wordOrder);
  return { what: `register ${hex(address)} ${encoding}`, address, encoding, wordOrder, words };
}

/** High word first. */
function encoded(place: string, encoding: Encoding, value: unknown): Uint8Array {
  const bytes = new Uint8Array(2 * registerCount(encoding));
  const view = new DataView(bytes.buffer);
  const range = RANGES[encoding];
  if (range === undefined) {
    if (typeof value !== "number") throw usage(`${place}: its value is no number`, EXAMPLE);
    if (encoding === "float32") view.setFloat32(0, value);
    else view.setFloat64(0, value);
    return bytes;
  }
  // Beyond 2^53 a JSON number is not exact: such a value is given as text.
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  const whole = typeof text === "string" && /^-?\d+$/.test(text) ? BigInt(text) : undefined;
  if (whole === undefined || whole < range[0] || whole > range[1])
    throw usage(`${place}: its value is no ${encoding}`, `${range[0]} to ${range[1]}`);
  for (let i = bytes.length - 1, rest = whole; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

function inOrder(bytes: Uint8Array, wordOrder: ModbusMap["wordOrder"]): Uint8Array {
  if (wordOrder === "high-first") return bytes;
  const swapped = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i += 2) swapped.set(bytes.subarray(i, i + 2), bytes.length - 2 - i);
  return swapped;
}

/** @param data as on the wire */
export function showRegisters({ encoding, wordOrder }: RegisterWish, data: Uint8Array): string {
  const bytes = inOrder(data, wordOrder);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (encoding === "float32") return String(view.getFloat32(0));
  if (encoding === "float64") return String(view.getFloat64(0));
  let raw = 0n;
  for (const byte of bytes) raw = (raw << 8n) | BigInt(byte);
  return String(encoding.startsWith("int") ? BigInt.asIntN(8 * bytes.length, raw) : raw);
}
