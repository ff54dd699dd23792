/** Memories for power cuts: one that tells of every write before it is done, and forks in which that write is cut. */
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { EMPTY_BYTES } from "../../core/bytes.ts";

/** What lies behind the written bytes of a cell whose writing was cut: what was there before, or nothing. */
export type TornTail = "old bytes stay" | "cell is cut off";

export interface NvramWrite {
  readonly cell: string;
  readonly bytes: Uint8Array;
  /** Of a change within a cell; undefined where the whole cell is written. */
  readonly offset: number | undefined;
}

/** A write of which only `length` bytes reached the part. */
export function writeCut(memory: Nvram, { cell, bytes, offset }: NvramWrite, length: number, tail: TornTail): void {
  const written = bytes.subarray(0, length);
  // A part of a cell: what lies behind it stays as it was, whatever the kind of memory.
  if (offset !== undefined) {
    if (length > 0) memory.writeAt(cell, offset, written);
    return;
  }
  const old = tail === "old bytes stay" ? (memory.read(cell) ?? EMPTY_BYTES) : EMPTY_BYTES;
  const torn = new Uint8Array(Math.max(length, old.length));
  torn.set(old);
  torn.set(written);
  memory.write(cell, torn);
}

/** Tells of each write before it is done. */
export class WatchedNvram implements Nvram {
  readonly #memory: Nvram;
  readonly #beforeWrite: (write: NvramWrite) => void;

  /** @param beforeWrite throws where the power goes: the write is then not done */
  constructor(memory: Nvram, beforeWrite: (write: NvramWrite) => void) {
    this.#memory = memory;
    this.#beforeWrite = beforeWrite;
  }

  read(cell: string): Uint8Array | undefined {
    return this.#memory.read(cell);
  }

  readAt(cell: string, offset: number, length: number): Uint8Array {
    return this.#memory.readAt(cell, offset, length);
  }

  write(cell: string, bytes: Uint8Array): void {
    this.#beforeWrite({ cell, bytes, offset: undefined });
    this.#memory.write(cell, bytes);
  }

  writeAt(cell: string, offset: number, bytes: Uint8Array): void {
    this.#beforeWrite({ cell, bytes, offset });
    this.#memory.writeAt(cell, offset, bytes);
  }
}

/** A copy that takes memory only for the cells that it changes. */
export class ForkedNvram implements Nvram {
  readonly #base: Nvram;
  readonly #own = new MemoryNvram();

  constructor(base: Nvram) {
    this.#base = base;
  }

  read(cell: string): Uint8Array | undefined {
    return this.#own.read(cell) ?? this.#base.read(cell);
  }

  readAt(cell: string, offset: number, length: number): Uint8Array {
    return (this.#own.read(cell) === undefined ? this.#base : this.#own).readAt(cell, offset, length);
  }

  write(cell: string, bytes: Uint8Array): void {
    this.#own.write(cell, bytes);
  }

  writeAt(cell: string, offset: number, bytes: Uint8Array): void {
    const shared = this.#own.read(cell) === undefined ? this.#base.read(cell) : undefined;
    if (shared !== undefined) this.#own.write(cell, shared);
    this.#own.writeAt(cell, offset, bytes);
  }
}
