/** A meter's non-volatile memory in a directory: one file per cell. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { EMPTY_BYTES } from "../core/bytes.ts";
import { assert } from "../core/result.ts";
import { fileError, syncDirectory, writeWhole } from "./atomic-file.ts";
import { lockDirectory } from "./directory-lock.ts";
import { systemCode } from "./errors.ts";
import { plainBytes } from "./link.ts";

const CELL_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,100}$/;

/** Files held open; a meter with a long buffer has thousands of cells. */
const OPEN_FILES = 32;

/**
 * Cells are written in place, as into an EEPROM: a power cut may tear the cell being written, and no other. Which half is
 * good is the reader's business (sequence and CRC in each cell).
 */
export class FileNvram {
  readonly #directory: string;
  readonly #files = new Map<string, number>();
  readonly #unlock: () => void;

  /** Makes the directory where needed and takes it for this process. @throws PlatformError `in-use` or `permission`. */
  constructor(directory: string) {
    this.#directory = directory;
    try {
      makeDirectory(directory);
      // The dot makes a file in its place ENOTDIR, where it would seem to be a folder of somebody else.
      accessSync(`${directory}/.`, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw fileError(error, directory);
    }
    this.#unlock = lockDirectory(directory);
  }

  /** The cell's bytes as last written, perhaps torn; undefined where nothing ever was. */
  read(cell: string): Uint8Array | undefined {
    try {
      return plainBytes(readFileSync(this.#path(cell)));
    } catch (error) {
      if (systemCode(error) === "ENOENT") return undefined;
      throw fileError(error, this.#path(cell));
    }
  }

  /** Returns once the bytes would survive a power cut. @throws PlatformError when the disk refuses: nothing may be claimed. */
  write(cell: string, bytes: Uint8Array): void {
    try {
      const fd = this.#open(cell);
      writeWhole(fd, bytes);
      ftruncateSync(fd, bytes.length);
      fdatasyncSync(fd);
    } catch (error) {
      throw fileError(error, this.#path(cell));
    }
  }

  /** @throws PlatformError when the disk refuses. */
  readAt(cell: string, offset: number, length: number): Uint8Array {
    // Asked for before it was ever written, a cell must not come into being.
    if (!this.#files.has(cell) && !existsSync(this.#path(cell))) return EMPTY_BYTES;
    try {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(this.#open(cell), bytes, 0, length, offset));
    } catch (error) {
      throw fileError(error, this.#path(cell));
    }
  }

  /** In place, with the same promise as {@link write}. @throws PlatformError when the disk refuses. */
  writeAt(cell: string, offset: number, bytes: Uint8Array): void {
    try {
      const fd = this.#open(cell);
      writeWhole(fd, bytes, offset);
      fdatasyncSync(fd);
    } catch (error) {
      throw fileError(error, this.#path(cell));
    }
  }

  close(): void {
    for (const fd of this.#files.values()) closeSync(fd);
    this.#files.clear();
    this.#unlock();
  }

  #open(cell: string): number {
    const known = this.#files.get(cell);
    if (known !== undefined) return known;
    const [oldest] = this.#files;
    if (oldest !== undefined && this.#files.size >= OPEN_FILES) {
      closeSync(oldest[1]);
      this.#files.delete(oldest[0]);
    }
    const fd = openSync(this.#path(cell), constants.O_RDWR | constants.O_CREAT, 0o600);
    this.#files.set(cell, fd);
    syncDirectory(this.#directory);
    return fd;
  }

  #path(cell: string): string {
    assert(CELL_NAME.test(cell), `"${cell}" cannot be the name of a cell`);
    return join(this.#directory, `${cell}.cell`);
  }
}

/** With its parents. Node 20's own recursive mkdir never returns where the system answers ENOENT below a parent that exists, as in /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (!existsSync(parent)) makeDirectory(parent);
  mkdirSync(path);
}
