/** An optical head, or a two-wire adapter, shows the reader its own message first. It is taken away before the answer is looked for. */
import { EMPTY_BYTES } from "../src/core/bytes.ts";

export class EchoFilter {
  #sent: Uint8Array = EMPTY_BYTES;
  #seen = 0;

  /** Characters kept back so far, because they may be the echo's. */
  get held(): number {
    return this.#seen < this.#sent.length ? this.#seen : 0;
  }

  /** From now on these characters may come back. */
  expect(sent: Uint8Array): void {
    this.#sent = sent;
    this.#seen = 0;
  }

  /** The characters to be heard on account of this one: what began like the echo and was the answer is given back. */
  pass(byte: number): readonly number[] {
    if (this.#sent[this.#seen] === byte) {
      this.#seen++;
      return [];
    }
    const begun = this.#seen < this.#sent.length ? this.#sent.subarray(0, this.#seen) : EMPTY_BYTES;
    this.expect(EMPTY_BYTES);
    return [...begun, byte];
  }
}
