/**
 * Two envelopes of a PDU: RTU (unit, PDU, CRC-16; MODBUS over Serial Line V1.02) and TCP (MBAP header, PDU; MODBUS
 * Messaging on TCP/IP V1.0b). The third, ASCII, is in ascii.ts.
 */

export const MAX_PDU = 253;
export const CRC_LENGTH = 2;
/** Unit, PDU, CRC. */
export const MAX_RTU_ADU = 1 + MAX_PDU + CRC_LENGTH;
/** Unit, function, CRC. */
export const MIN_RTU_ADU = 4;
/** Transaction, protocol and length, two bytes each, and the unit. */
export const MBAP_LENGTH = 7;
export const MAX_TCP_ADU = MBAP_LENGTH + MAX_PDU;
/** The MBAP length field counts what follows it: the unit and 1 .. 253 bytes of PDU. */
export const MIN_MBAP_COUNT = 2;
export const MAX_MBAP_COUNT = 1 + MAX_PDU;

/** Unit 0 on a serial line is heard by all and answered by none; over TCP it is the device itself. */
export const BROADCAST = 0;
/** Units 248 .. 255 are reserved on a serial line. */
export const MAX_UNIT = 247;

/** Reflected polynomial A001h. */
const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  return crc;
});

export const CRC_START = 0xffff;

export function crcStep(crc: number, byte: number): number {
  return (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] as number);
}

/** CRC-16 of `bytes[from .. to)`. Over a whole frame, its own CRC included, it is 0 when the frame is good. */
export function crc16(bytes: Uint8Array, from: number, to: number): number {
  let crc = CRC_START;
  for (let i = from; i < to; i++) crc = crcStep(crc, bytes[i] as number);
  return crc;
}

/** Writes the CRC of `bytes[from .. to)` at `to`, low byte first; returns the end of the frame. */
export function putCrc(bytes: Uint8Array, from: number, to: number): number {
  const crc = crc16(bytes, from, to);
  bytes[to] = crc & 0xff;
  bytes[to + 1] = crc >>> 8;
  return to + 2;
}

export function putMbap(out: Uint8Array, at: number, transaction: number, unit: number, pduLength: number): void {
  out[at] = transaction >>> 8;
  out[at + 1] = transaction & 0xff;
  out[at + 2] = 0;
  out[at + 3] = 0;
  out[at + 4] = (pduLength + 1) >>> 8;
  out[at + 5] = (pduLength + 1) & 0xff;
  out[at + 6] = unit;
}

export function uint16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

export function putUint16(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 8;
  out[at + 1] = value & 0xff;
}
