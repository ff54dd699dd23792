/** A non-volatile memory that loses its power in the middle of a write. */
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";

/** Stops at the n-th write, in the middle of it: the power went. */
export class DyingNvram implements Nvram {
  readonly #cells = new Map<string, Uint8Array>();
  writes = 0;
  readonly #dieAt: number;
  readonly #keep: number;

  /** Of the cell that is being written `keep` bytes are new. */
  constructor(dieAt: number, keep: number) {
    this.#dieAt = dieAt;
    this.#keep = keep;
  }

  read(cell: string): Uint8Array | undefined {
    return this.#cells.get(cell);
  }

  write(cell: string, bytes: Uint8Array): void {
    this.writes += 1;
    if (this.writes < this.#dieAt) {
      this.#cells.set(cell, bytes.slice());
      return;
    }
    const old = this.#cells.get(cell) ?? new Uint8Array(0);
    const torn = new Uint8Array(Math.max(old.length, this.#keep));
    torn.set(old);
    torn.set(bytes.subarray(0, this.#keep));
    this.#cells.set(cell, torn);
    throw new Error("power");
  }

  readAt(cell: string, offset: number, length: number): Uint8Array {
    return this.#cells.get(cell)?.slice(offset, offset + length) ?? new Uint8Array(0);
  }

  writeAt(cell: string, offset: number, bytes: Uint8Array): void {
    this.writes += 1;
    const dies = this.writes >= this.#dieAt;
    const memory = this.survivor();
    memory.writeAt(cell, offset, dies ? bytes.subarray(0, this.#keep) : bytes);
    // Cut before its first byte, a new cell has not come into being.
    const kept = memory.read(cell);
    if (kept !== undefined) this.#cells.set(cell, kept);
    if (dies) throw new Error("power");
  }

  /** What the next power on finds. */
  survivor(): MemoryNvram {
    const memory = new MemoryNvram();
    for (const [cell, bytes] of this.#cells) memory.write(cell, bytes);
    return memory;
  }
}
