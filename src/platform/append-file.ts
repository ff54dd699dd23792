/** A file that only grows: what was appended is there when the process dies. It has a limit, so that no disk is filled. */
import { closeSync, fstatSync, fsyncSync, openSync, readSync } from "node:fs";
import { fileError, writeWhole } from "./atomic-file.ts";
import { PlatformError } from "./errors.ts";

export class AppendFile {
  readonly path: string;
  readonly #fd: number;
  readonly #limit: number;
  #size: number;
  #open = true;

  /**
   * Opens or makes the file. What it has is kept: it must begin with these bytes, or be empty.
   * @param limit most bytes of the whole file
   * @throws PlatformError where it can't be had, or is a file of another kind
   */
  constructor(path: string, beginning: Uint8Array, limit: number) {
    this.path = path;
    this.#limit = limit;
    try {
      this.#fd = openSync(path, "a+", 0o644);
      this.#size = fstatSync(this.#fd).size;
    } catch (error) {
      throw fileError(error, path);
    }
    if (this.#size === 0) return;
    const found = new Uint8Array(beginning.length);
    readSync(this.#fd, found, 0, found.length, 0);
    if (found.every((byte, i) => byte === beginning[i])) return;
    closeSync(this.#fd);
    throw new PlatformError("failed", `${path} is there and no file of this kind`, "name another file");
  }

  /** @throws PlatformError `failed` when the disk or the limit is full; nothing more is written then. */
  append(bytes: Uint8Array): void {
    if (!this.#open || bytes.length === 0) return;
    if (this.#size + bytes.length > this.#limit) {
      this.close();
      throw new PlatformError("failed", `${this.path} is full at ${this.#size} bytes`, "name another file");
    }
    try {
      writeWhole(this.#fd, bytes, this.#size);
    } catch (error) {
      this.#open = false;
      closeSync(this.#fd);
      throw fileError(error, this.path);
    }
    this.#size += bytes.length;
  }

  /** What was appended is on the disk after this. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      fsyncSync(this.#fd);
    } catch {
      // Pipes and some devices have nothing to make durable.
    }
    closeSync(this.#fd);
  }
}
