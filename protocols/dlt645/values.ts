/**
 * Values of DL/T 645: BCD, low byte first. A number is truncated to its digits, never rounded up; a signed one has its
 * sign in the highest bit, which leaves 7 for the first digit. A field of FF means that there is no value.
 */
import { assert, failure, type Result, success } from "../../src/core/result.ts";

/** An integer of 10^-decimals on `bytes` bytes. */
export interface NumberFormat {
  readonly bytes: number;
  readonly decimals: number;
  readonly signed: boolean;
}

const SIGN = 0x80;

/** Where a register of this format rolls over: 1000000.00 for XXXXXX.XX. */
export function modulus(format: NumberFormat): number {
  return (format.signed ? 8 : 10) * 10 ** (2 * format.bytes - 1);
}

export function isBlank(bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (bytes[i] !== 0xff) return false;
  return true;
}

/** 0 .. 99 of one byte; undefined where a half is no decimal digit. */
export function bcdByte(byte: number): number | undefined {
  const high = byte >> 4;
  const low = byte & 0x0f;
  return high > 9 || low > 9 ? undefined : 10 * high + low;
}

export function toBcd(value: number): number {
  assert(Number.isInteger(value) && value >= 0 && value <= 99, "one byte of BCD holds 0 .. 99");
  return (Math.floor(value / 10) << 4) | (value % 10);
}

/** The number at `at`; null where it is filled with FF, a failure for people where it is no BCD. */
export function decodeNumber(format: NumberFormat, bytes: Uint8Array, at: number): Result<number | null, string> {
  if (isBlank(bytes, at, format.bytes)) return success(null);
  let value = 0;
  let negative = false;
  for (let i = format.bytes - 1; i >= 0; i--) {
    let byte = bytes[at + i] as number;
    if (format.signed && i === format.bytes - 1) {
      negative = (byte & SIGN) !== 0;
      byte &= ~SIGN;
    }
    const pair = bcdByte(byte);
    if (pair === undefined) return failure(`byte ${byte.toString(16).padStart(2, "0")} is no BCD`);
    value = 100 * value + pair;
  }
  return success(negative && value !== 0 ? -value : value);
}

/**
 * Writes an integer of 10^-decimals, or FF for null and for what the format can't hold: a wrong number is worse than none.
 * Energies roll over before they come here.
 */
export function putNumber(format: NumberFormat, value: number | null, out: Uint8Array, at: number): void {
  const unfit = value === null || Math.abs(value) >= modulus(format) || (value < 0 && !format.signed);
  if (unfit) {
    out.fill(0xff, at, at + format.bytes);
    return;
  }
  let rest = Math.abs(value);
  for (let i = 0; i < format.bytes; i++) {
    out[at + i] = toBcd(rest % 100);
    rest = Math.floor(rest / 100);
  }
  if (value < 0) out[at + format.bytes - 1] = (out[at + format.bytes - 1] as number) | SIGN;
}

/** ASCII on `length` bytes, the last character first as every field is low byte first; blanks fill up (recalled). */
export function putText(text: string, length: number, out: Uint8Array, at: number): void {
  for (let i = 0; i < length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x20;
    out[at + length - 1 - i] = code > 0x7e ? 0x3f : code;
  }
}

/** The reverse of {@link putText}; control characters become `?`, zeros and blanks at the end go. */
export function textAt(bytes: Uint8Array, at: number, length: number): string {
  let text = "";
  for (let i = length - 1; i >= 0; i--) {
    const code = bytes[at + i] as number;
    text += code === 0 || (code >= 0x20 && code < 0x7f) ? String.fromCharCode(code || 0x20) : "?";
  }
  return text.trimEnd();
}
