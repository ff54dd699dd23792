/**
 * The meter's memory of orders. An id is remembered together with its outcome in the same checkpoint that changes the relay,
 * before the relay moves: a repeated order, a lost acknowledgement or a power cut in between never does it twice.
 */
import { ORDER_STATUSES, type OrderNumber, type OrderOutcome, type OrderStatus } from "../../protocols/orders.ts";

/** How many orders back a repeat is recognised; the head-end has at most one open order per meter. */
export const JOURNAL_DEPTH = 64;

const STATUS_BY_CODE = new Map<number, OrderStatus>(
  Object.entries(ORDER_STATUSES).map(([status, code]) => [code, status as OrderStatus]),
);

/** Bytes of one entry: id (f64: exact to 2^53), status, relay. */
const ENTRY_BYTES = 10;

export class OrderJournal {
  readonly #outcomes: OrderOutcome[] = [];

  find(id: OrderNumber): OrderOutcome | undefined {
    return this.#outcomes.find((outcome) => outcome.id === id);
  }

  get last(): OrderOutcome | undefined {
    return this.#outcomes.at(-1);
  }

  remember(outcome: OrderOutcome): OrderOutcome {
    this.#outcomes.push(outcome);
    if (this.#outcomes.length > JOURNAL_DEPTH) this.#outcomes.shift();
    return outcome;
  }

  /** Makes a remembered outcome the newest. */
  promote(outcome: OrderOutcome): void {
    const at = this.#outcomes.indexOf(outcome);
    if (at >= 0) this.#outcomes.push(...this.#outcomes.splice(at, 1));
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#outcomes.length * ENTRY_BYTES);
    const view = new DataView(bytes.buffer);
    for (const [i, outcome] of this.#outcomes.entries()) {
      view.setFloat64(i * ENTRY_BYTES, outcome.id);
      view.setUint8(i * ENTRY_BYTES + 8, ORDER_STATUSES[outcome.status]);
      view.setUint8(i * ENTRY_BYTES + 9, outcome.relay);
    }
    return bytes;
  }

  /** Entries of a checkpoint whose CRC was good; what an older format left out stays forgotten. */
  static fromBytes(bytes: Uint8Array): OrderJournal {
    const journal = new OrderJournal();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
      journal.remember({
        id: view.getFloat64(at) as OrderNumber,
        status: STATUS_BY_CODE.get(view.getUint8(at + 8)) ?? "none",
        relay: view.getUint8(at + 9) === 0 ? 0 : 1,
      });
    }
    return journal;
  }
}
