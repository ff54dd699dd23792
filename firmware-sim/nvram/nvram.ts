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
}
