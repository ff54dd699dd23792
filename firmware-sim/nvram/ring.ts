/**
 * A ring of records in non-volatile memory: events, profile entries, freezes, purchases. A record is written first and counts
 * once the meter's checkpoint that holds {@link RecordRing.written} is on the part: a power cut in between leaves the ring as the
 * last checkpoint says, and the next record takes the uncommitted place.
 *
 * Slots lie {@link SLOTS_PER_CELL} to a cell, each: length u16, payload, CRC-32 of serial number and payload. The ring has
 * {@link SLACK} slots more than its depth, so that records not yet committed never overwrite one that is.
 */

import { crc32 } from "../../src/core/crc32.ts";
import { assert } from "../../src/core/result.ts";
import type { Nvram } from "./nvram.ts";

const SLOTS_PER_CELL = 64;
const SLACK = 8;
const LENGTH_BYTES = 2;
const CRC_BYTES = 4;
const SERIAL_BYTES = 8;

export interface RingShape {
  /** Cells are called `<name>.<n>`. */
  readonly name: string;
  /** Records that are kept; older ones are overwritten. */
  readonly depth: number;
  /** The longest payload, bytes. */
  readonly recordSize: number;
}

export class RecordRing {
  readonly #nvram: Nvram;
  readonly #shape: RingShape;
  readonly #slots: number;
  readonly #slotSize: number;
  #written: number;
  #committed: number;

  /** @param written what the last checkpoint said of {@link written}; 0 in a new meter. */
  constructor(nvram: Nvram, shape: RingShape, written: number) {
    this.#nvram = nvram;
    this.#shape = shape;
    this.#slots = shape.depth + SLACK;
    this.#slotSize = LENGTH_BYTES + shape.recordSize + CRC_BYTES;
    this.#written = written;
    this.#committed = written;
  }

  /** Records ever written: for the checkpoint, and the number that the next one gets. */
  get written(): number {
    return this.#written;
  }

  /** Records that can be read now. */
  get length(): number {
    return Math.min(this.#written, this.#shape.depth);
  }

  /** True when a checkpoint must come before the next {@link append}. */
  get full(): boolean {
    return this.#written - this.#committed >= SLACK;
  }

  /** The checkpoint with {@link written} is on the part. */
  commit(): void {
    this.#committed = this.#written;
  }

  append(payload: Uint8Array): void {
    assert(payload.length <= this.#shape.recordSize, `a record of ${this.#shape.name} fits its slot`);
    assert(!this.full, `the records of ${this.#shape.name} are committed before more come`);
    const serial = this.#written;
    const slot = new Uint8Array(LENGTH_BYTES + payload.length + CRC_BYTES);
    const view = new DataView(slot.buffer);
    view.setUint16(0, payload.length, true);
    slot.set(payload, LENGTH_BYTES);
    view.setUint32(LENGTH_BYTES + payload.length, checkOf(serial, payload), true);
    const { cell, offset } = this.#place(serial);
    this.#nvram.writeAt(cell, offset, slot);
    this.#written += 1;
  }

  /**
   * A record by age: 0 is the newest.
   * @returns undefined where there is none, or where the part has lost it (its check is wrong)
   */
  read(age: number): Uint8Array | undefined {
    if (age < 0 || age >= this.length) return undefined;
    const serial = this.#written - 1 - age;
    const { cell, offset } = this.#place(serial);
    const slot = this.#nvram.readAt(cell, offset, this.#slotSize);
    if (slot.length < LENGTH_BYTES + CRC_BYTES) return undefined;
    const view = new DataView(slot.buffer, slot.byteOffset, slot.byteLength);
    const length = view.getUint16(0, true);
    if (LENGTH_BYTES + length + CRC_BYTES > slot.length) return undefined;
    const payload = slot.slice(LENGTH_BYTES, LENGTH_BYTES + length);
    return view.getUint32(LENGTH_BYTES + length, true) === checkOf(serial, payload) ? payload : undefined;
  }

  #place(serial: number): { readonly cell: string; readonly offset: number } {
    const slot = serial % this.#slots;
    return {
      cell: `${this.#shape.name}.${Math.floor(slot / SLOTS_PER_CELL)}`,
      offset: (slot % SLOTS_PER_CELL) * this.#slotSize,
    };
  }
}

/** The serial number is part of the check: an old record in the right place is not taken for the new one. */
function checkOf(serial: number, payload: Uint8Array): number {
  const checked = new Uint8Array(SERIAL_BYTES + payload.length);
  new DataView(checked.buffer).setFloat64(0, serial, true);
  checked.set(payload, SERIAL_BYTES);
  return crc32(checked);
}
