/** A device in memory and an independent CRC, for the tests of this folder. */

import type { ModbusDataModel } from "../../../protocols/modbus/server.ts";
import { fromHex, toHex } from "../../../src/core/bytes.ts";

/** Bit by bit, as the serial line guide describes it: the oracle for the table. */
export function bitwiseCrc(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      const carry = crc & 1;
      crc >>= 1;
      if (carry) crc ^= 0xa001;
    }
  }
  return crc;
}

export function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (!bytes.ok) throw new Error(bytes.error);
  return bytes.value;
}

export const show = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : toHex(bytes, " ");

/** The bytes with their CRC behind them, by the oracle. */
export function rtu(text: string): Uint8Array {
  const body = hex(text);
  const crc = bitwiseCrc(body);
  return Uint8Array.of(...body, crc & 0xff, crc >> 8);
}

export function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Registers and bits 0 .. size−1; everything else is exception 02. Every call is counted. */
export class MemoryDevice implements ModbusDataModel {
  readonly holding: Uint16Array;
  readonly input: Uint16Array;
  readonly coils: Uint8Array;
  readonly discrete: Uint8Array;
  reads = 0;
  writes = 0;
  /** What writes answer when in range: 0, or an exception. */
  writeResult = 0;

  constructor(size = 300) {
    this.holding = Uint16Array.from({ length: size }, (_, i) => i);
    this.input = Uint16Array.from({ length: size }, (_, i) => 0x1000 + i);
    this.coils = new Uint8Array(size);
    this.discrete = Uint8Array.from({ length: size }, (_, i) => (i % 3 === 0 ? 1 : 0));
  }

  readRegisters(table: "holding" | "input", address: number, quantity: number, out: Uint8Array, at: number): number {
    this.reads++;
    const words = this[table];
    if (address + quantity > words.length) return 2;
    for (let i = 0; i < quantity; i++) {
      const word = words[address + i] as number;
      out[at + 2 * i] = word >> 8;
      out[at + 2 * i + 1] = word & 0xff;
    }
    return 0;
  }

  readBits(table: "coil" | "discrete", address: number, quantity: number, out: Uint8Array, at: number): number {
    this.reads++;
    const bits = table === "coil" ? this.coils : this.discrete;
    if (address + quantity > bits.length) return 2;
    for (let i = 0; i < quantity; i++)
      out[at + (i >> 3)] = (out[at + (i >> 3)] as number) | ((bits[address + i] as number) << (i & 7));
    return 0;
  }

  writeRegisters(address: number, quantity: number, bytes: Uint8Array, at: number): number {
    if (address + quantity > this.holding.length) return 2;
    if (this.writeResult !== 0) return this.writeResult;
    this.writes++;
    for (let i = 0; i < quantity; i++)
      this.holding[address + i] = ((bytes[at + 2 * i] as number) << 8) | (bytes[at + 2 * i + 1] as number);
    return 0;
  }

  writeBits(address: number, quantity: number, bytes: Uint8Array, at: number): number {
    if (address + quantity > this.coils.length) return 2;
    this.writes++;
    for (let i = 0; i < quantity; i++) this.coils[address + i] = ((bytes[at + (i >> 3)] as number) >> (i & 7)) & 1;
    return 0;
  }
}
