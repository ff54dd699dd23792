const MOST_16 = 0xffff;
const MOST_32 = 0xffff_ffff;

/** Writes numbers one behind the other, never beyond their width. */
export class Words {
  readonly #view: DataView;
  #at = 0;

  constructor(out: Uint8Array, at: number, registers: number) {
    out.fill(0, at, at + 2 * registers);
    this.#view = new DataView(out.buffer, out.byteOffset + at, 2 * registers);
  }

  u16(value: number): this {
    this.#view.setUint16(this.#at, Math.min(value, MOST_16));
    this.#at += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, Math.min(value, MOST_32));
    this.#at += 4;
    return this;
  }

  u64(value: number | bigint): this {
    this.#view.setBigUint64(this.#at, BigInt(value));
    this.#at += 8;
    return this;
  }

  /** Signed, as a two's complement. */
  i64(value: number | bigint): this {
    this.#view.setBigInt64(this.#at, BigInt(value));
    this.#at += 8;
    return this;
  }
}
