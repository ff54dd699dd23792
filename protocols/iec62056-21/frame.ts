/**
 * Characters, parity and check character of IEC 62056-21. Inside, a character is its 7-bit value, as a port set to 7E1 hands it
 * over; for a port set to 8N1 the parity bit is added and taken off here. On TCP and PTY the 7-bit values travel as they are.
 */
import { EMPTY_BYTES } from "../../src/core/bytes.ts";

export const SOH = 0x01;
export const STX = 0x02;
export const ETX = 0x03;
export const EOT = 0x04;
export const ACK = 0x06;
export const LF = 0x0a;
export const CR = 0x0d;
export const NAK = 0x15;

export const CRLF = "\r\n";
/** What stands for a character whose parity was wrong: it fits nowhere, so the frame around it is refused. */
export const DAMAGED = 0xff;

/** Who handles the parity bit: the port (7E1, and links without one), or this code (a port set to 8N1). */
export type ParityHandling = "port" | "even";

/** Block check character: XOR from `from` (the character after the first SOH or STX) to before `to` (clause 6.3, facts 1.6). */
export function blockCheck(bytes: Uint8Array, from: number, to: number): number {
  let check = 0;
  for (let i = from; i < to; i++) check ^= bytes[i] as number;
  return check;
}

/** True when the byte has an even number of ones. */
export function evenParity(byte: number): boolean {
  let folded = byte ^ (byte >> 4);
  folded ^= folded >> 2;
  folded ^= folded >> 1;
  return (folded & 1) === 0;
}

/** 7-bit characters as a port set to 8N1 must send them. */
export function addParity(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (evenParity(byte & 0x7f) ? byte & 0x7f : byte | 0x80));
}

/** Characters as a port set to 8N1 received them; one with odd parity becomes {@link DAMAGED}. */
export function stripParity(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (evenParity(byte) ? byte & 0x7f : DAMAGED));
}

/** Text of 7-bit characters as bytes; the caller's text is printable ASCII. */
export function toBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) & 0x7f;
  return bytes;
}

/** Byte by byte; a character above 7F stays what it is, for the parser to refuse. */
export function toText(bytes: Uint8Array, from = 0, to = bytes.length): string {
  const parts: string[] = [];
  // String.fromCharCode takes its characters as arguments, of which a host allows only so many.
  for (let at = from; at < to; at += 4096)
    parts.push(String.fromCharCode(...bytes.subarray(at, Math.min(to, at + 4096))));
  return parts.join("");
}

/** A block with its check character: `STX data ETX BCC`, with a command `SOH command [STX data] ETX BCC`. */
export function buildBlock(command: string | undefined, data: string | undefined): Uint8Array {
  const head = command === undefined ? EMPTY_BYTES : toBytes(`\x01${command}`);
  const body = data === undefined ? EMPTY_BYTES : toBytes(`\x02${data}`);
  const bytes = new Uint8Array(head.length + body.length + 2);
  bytes.set(head);
  bytes.set(body, head.length);
  bytes[bytes.length - 2] = ETX;
  bytes[bytes.length - 1] = blockCheck(bytes, 1, bytes.length - 1);
  return bytes;
}

/** How long `count` characters of 7E1 (ten bits) are on the wire, µs. */
export function wireTime(baud: number, count: number): number {
  return Math.ceil((count * 10 * 1_000_000) / baud);
}
