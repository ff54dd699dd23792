import { EMPTY_BYTES } from "../../src/core/bytes.ts";

/**
 * Non-volatile memory as the meter's CPU sees it: named cells, written whole, that keep what was written when the power goes.
 * A write may be cut at any byte by a power loss; readers must tell a torn cell from a good one.
 * Writing is synchronous, as an EEPROM's is to firmware that waits for its end: what must precede an act is on the part before it.
 */
export interface Nvram {
  /** The cell's bytes as they were last written (perhaps torn), or undefined where nothing ever was. */
  read(cell: string): Uint8Array | undefined;
  /** Returns once the bytes would survive a power loss. */
  write(cell: string, bytes: Uint8Array): void;
  /** Up to `length` bytes of the cell from `offset` on; fewer, or none, where nothing ever was written. */
  readAt(cell: string, offset: number, length: number): Uint8Array;
  /** Changes a part of a cell and nothing else of it; a gap before `offset` reads as zeros. Returns as {@link write} does. */
  writeAt(cell: string, offset: number, bytes: Uint8Array): void;
}

/** Cells in memory: a meter without `--state`, and the simulation's parts. */
export class MemoryNvram implements Nvram {
  readonly #cells = new Map<string, Uint8Array>();

  read(cell: string): Uint8Array | undefined {
    return this.#cells.get(cell);
  }

  write(cell: string, bytes: Uint8Array): void {
    this.#cells.set(cell, bytes.slice());
  }

  readAt(cell: string, offset: number, length: number): Uint8Array {
    return this.#cells.get(cell)?.slice(offset, offset + length) ?? EMPTY_BYTES;
  }

  writeAt(cell: string, offset: number, bytes: Uint8Array): void {
    const before = this.#cells.get(cell) ?? EMPTY_BYTES;
    if (offset + bytes.length <= before.length) {
      before.set(bytes, offset);
      return;
    }
    const after = new Uint8Array(offset + bytes.length);
    after.set(before);
    after.set(bytes, offset);
    this.#cells.set(cell, after);
  }
}
