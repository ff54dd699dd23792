/**
 * Checkpoints that survive a power cut at any byte: two slots, each a record with sequence and CRC. A write always goes to
 * the slot that does not hold the newest valid record, so whatever happens to it, that record stays.
 *
 * Record: magic and version (4 bytes), sequence u32, payload length u32, payload, CRC-32 of all before it. Little endian.
 */

import { crc32 } from "../../src/core/crc32.ts";
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import type { Nvram } from "./nvram.ts";

type Slot = "a" | "b";

const MAGIC = 0x314b434d; // "MCK1"
const HEADER = 12;
const TRAILER = 4;

export type RecordRead =
  | { readonly kind: "valid"; readonly sequence: number; readonly payload: Uint8Array }
  | { readonly kind: "unwritten" | "torn" | "corrupt" };

export class Checkpoint {
  readonly #nvram: Nvram;
  readonly #name: string;
  readonly #recovered: Result<Uint8Array | undefined, string>;
  #sequence = 0;
  #next: Slot = "a";
  /** No write has come back yet since the memory was empty. */
  #fresh: boolean;

  /** Reads both cells, `<name>.a` and `<name>.b`. */
  constructor(nvram: Nvram, name: string) {
    this.#nvram = nvram;
    this.#name = name;
    const a = readRecord(nvram.read(`${name}.a`));
    const b = readRecord(nvram.read(`${name}.b`));
    const newest = newestOf(a, b);
    this.#fresh = newest === undefined;
    if (newest === undefined) {
      this.#recovered = withoutRecord(name, a, b);
      return;
    }
    this.#sequence = newest.record.sequence;
    this.#next = otherSlot(newest.slot);
    this.#recovered = success(newest.record.payload);
  }

  /**
   * The newest payload that was whole when this object was made; undefined where no write ever came back. A failure says that something was stored and is lost: the meter must not pass that over.
   */
  recover(): Result<Uint8Array | undefined, string> {
    return this.#recovered;
  }

  /** Stores the payload as the newest record; returns when it would survive a power cut. */
  write(payload: Uint8Array): void {
    this.#writeNext(payload);
    // The first record fills both slots, so that from then on a memory without one can't be taken for a new one.
    if (this.#fresh) this.#writeNext(payload);
    this.#fresh = false;
  }

  #writeNext(payload: Uint8Array): void {
    const sequence = (this.#sequence + 1) >>> 0;
    this.#nvram.write(`${this.#name}.${this.#next}`, encodeRecord(sequence, payload));
    // Only a write that came back counts: one that threw is tried again in the same slot.
    this.#sequence = sequence;
    this.#next = otherSlot(this.#next);
  }
}

function otherSlot(slot: Slot): Slot {
  return slot === "a" ? "b" : "a";
}

/** One record as bytes. */
export function encodeRecord(sequence: number, payload: Uint8Array): Uint8Array {
  assert(payload.length < 2 ** 31, "a checkpoint is smaller than 2 GiB");
  const bytes = new Uint8Array(HEADER + payload.length + TRAILER);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, sequence, true);
  view.setUint32(8, payload.length, true);
  bytes.set(payload, HEADER);
  const end = HEADER + payload.length;
  view.setUint32(end, crc32(bytes.subarray(0, end)), true);
  return bytes;
}

/** The record in a cell, as far as it is whole. */
export function readRecord(cell: Uint8Array | undefined): RecordRead {
  if (cell === undefined || cell.length === 0) return { kind: "unwritten" };
  if (cell.length < HEADER) return { kind: "torn" };
  const view = new DataView(cell.buffer, cell.byteOffset, cell.byteLength);
  if (view.getUint32(0, true) !== MAGIC) return { kind: "corrupt" };
  const end = HEADER + view.getUint32(8, true);
  if (end + TRAILER > cell.length) return { kind: "torn" };
  if (view.getUint32(end, true) !== crc32(cell.subarray(0, end))) return { kind: "corrupt" };
  return { kind: "valid", sequence: view.getUint32(4, true), payload: cell.slice(HEADER, end) };
}

type Found = { readonly slot: Slot; readonly record: Extract<RecordRead, { kind: "valid" }> };

function newestOf(a: RecordRead, b: RecordRead): Found | undefined {
  if (a.kind !== "valid") return b.kind === "valid" ? { slot: "b", record: b } : undefined;
  if (b.kind !== "valid") return { slot: "a", record: a };
  // Serial number arithmetic (RFC 1982): 0 is newer than 0xffffffff.
  return ((b.sequence - a.sequence) | 0) > 0 ? { slot: "b", record: b } : { slot: "a", record: a };
}

function withoutRecord(name: string, a: RecordRead, b: RecordRead): Result<undefined, string> {
  // Slot b is still unwritten: the very first write was cut in slot a and never came back.
  if (b.kind === "unwritten") return success(undefined);
  return failure(`both slots of the checkpoint "${name}" are lost: a is ${a.kind}, b is ${b.kind}`);
}
