/** Bytes as text and back; the only helpers on raw bytes that every layer shares. */
import { failure, type Result, success } from "./result.ts";

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/** `010300ff`; with a separator `01 03 00 ff`. */
export function toHex(bytes: Uint8Array, separator = ""): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += (i === 0 ? "" : separator) + HEX[bytes[i] as number];
  return text;
}

/** Reads hex digits; blanks, line ends, `:` and `0x` between bytes are skipped. */
export function fromHex(text: string): Result<Uint8Array, string> {
  const digits = text.replace(/0x|[\s:,-]/gi, "");
  const odd = /[^0-9a-f]/i.exec(digits);
  if (odd !== null) return failure(`"${odd[0]}" is not a hex digit`);
  if (digits.length % 2 !== 0) return failure("an odd number of hex digits: half a byte is missing");
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return success(bytes);
}

/** One array of all of them, in their order. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const EMPTY_BYTES = new Uint8Array(0);
