/**
 * Whose orders a meter takes over MQTT. It belongs to one key: the one it was given, or else that of the first well signed
 * order, which it keeps from then on. An order counts once: its counter has to be above that of the last one taken.
 * What the meter has taken already may be repeated, since nothing is done then.
 */
import type { MeterCommand, Rejection } from "../../protocols/mqtt/message.ts";
import { isSigned } from "../../protocols/mqtt/order-proof.ts";
import { EMPTY_BYTES, toHex } from "../../src/core/bytes.ts";
import { PUBLIC_KEY_BYTES, type Verify } from "../../src/core/signature.ts";

/** Counter (f64: exact to 2^53), then the key, if there is one. */
const COUNTER_BYTES = 8;

export class OrderPairing {
  #key: Uint8Array | undefined;
  #last = 0;

  /** @param kept as {@link toBytes} wrote it. A key that is given now stands above the one that was kept. */
  constructor(given: Uint8Array | undefined, kept: Uint8Array = EMPTY_BYTES) {
    if (kept.length >= COUNTER_BYTES) this.#last = new DataView(kept.buffer, kept.byteOffset).getFloat64(0);
    const known = kept.length === COUNTER_BYTES + PUBLIC_KEY_BYTES ? kept.slice(COUNTER_BYTES) : undefined;
    this.#key = given ?? known;
    // Another head-end counts for itself.
    if (given !== undefined && known !== undefined && !same(given, known)) this.#last = 0;
  }

  /** Of the last order that was taken. */
  get lastCounter(): number {
    return this.#last;
  }

  /**
   * Judges an order and, where it is taken, remembers its key and counter; they are on the memory with what it does.
   * @param known whether the meter has had this id: then the counter does not matter
   */
  take(
    meter: string,
    { order, expires, proof }: MeterCommand & { kind: "order" },
    known: boolean,
    verify: Verify,
  ): Rejection | undefined {
    if (proof === undefined) return "unsigned";
    if (this.#key !== undefined && !same(this.#key, proof.key)) return "other-key";
    if (!isSigned(verify, meter, order, expires, proof)) return "bad-signature";
    if (known) return undefined;
    if (proof.counter <= this.#last) return "old-counter";
    this.#key = proof.key;
    this.#last = proof.counter;
    return undefined;
  }

  toBytes(): Uint8Array {
    const key = this.#key ?? EMPTY_BYTES;
    const bytes = new Uint8Array(COUNTER_BYTES + key.length);
    new DataView(bytes.buffer).setFloat64(0, this.#last);
    bytes.set(key, COUNTER_BYTES);
    return bytes;
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return toHex(a) === toHex(b);
}
