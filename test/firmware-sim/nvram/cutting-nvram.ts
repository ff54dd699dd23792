/** A memory whose writes can be cut by a power loss at any byte. */
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";

export class PowerCut extends Error {}

/** Loses power after `bytes` more bytes: the cell keeps what was written, behind it what was there before, or nothing. */
export class CuttingNvram implements Nvram {
  readonly #cells = new MemoryNvram();
  readonly #tail: "old bytes stay" | "cell is cut off";
  #bytes = Number.POSITIVE_INFINITY;

  constructor(tail: "old bytes stay" | "cell is cut off") {
    this.#tail = tail;
  }

  cutAfter(bytes: number): void {
    this.#bytes = bytes;
  }

  powerOn(): void {
    this.#bytes = Number.POSITIVE_INFINITY;
  }

  read(cell: string): Uint8Array | undefined {
    return this.#cells.read(cell);
  }

  write(cell: string, bytes: Uint8Array): void {
    const old = this.#cells.read(cell) ?? new Uint8Array(0);
    const written = bytes.subarray(0, Math.min(bytes.length, this.#bytes));
    const behind = this.#tail === "old bytes stay" ? old.subarray(written.length) : old.subarray(0, 0);
    this.#bytes -= written.length;
    this.#cells.write(cell, Uint8Array.from([...written, ...behind]));
    if (this.#bytes <= 0) throw new PowerCut();
  }

  readAt(cell: string, offset: number, length: number): Uint8Array {
    return this.#cells.readAt(cell, offset, length);
  }

  /** A part of a cell: what lies behind it stays as it was, whatever the kind of memory. */
  writeAt(cell: string, offset: number, bytes: Uint8Array): void {
    const written = bytes.subarray(0, Math.min(bytes.length, this.#bytes));
    this.#bytes -= written.length;
    this.#cells.writeAt(cell, offset, written);
    if (this.#bytes <= 0) throw new PowerCut();
  }
}
