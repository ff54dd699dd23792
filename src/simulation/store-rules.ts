/** What a store refuses: the rules that `StoreRecord` in headend/ports.ts gives, over what is stored and the batch so far. */
import type { Order, Posting, PrepaidAccount, StoreBatch } from "../../headend/ports.ts";

/** What is stored, as far as the rules ask for it. */
export interface Held {
  order(id: number): Order | undefined;
  orderOfKey(key: string): number | undefined;
  posting(key: string): Posting | undefined;
}

/** As wide as the integers of the databases that it stands for. */
const LARGEST_MONEY = 2n ** 63n - 1n;

/** Why this batch must not be committed, or nothing: a record of it may break a rule by another one of it. */
export function refusalOf(batch: StoreBatch, held: Held): string | undefined {
  const orders = new Map<number, Order>();
  const keys = new Map<string, number>();
  const postings = new Map<string, Posting>();
  for (const record of batch) {
    let refusal: string | undefined;
    if (record.kind === "order") {
      const { id, key } = record.order;
      const holder = keys.get(key) ?? held.orderOfKey(key);
      refusal = orderRefusal(record.order, holder, orders.get(id) ?? held.order(id));
      orders.set(id, record.order);
      keys.set(key, id);
    } else if (record.kind === "posting") {
      const { key } = record.posting;
      const booked = postings.get(key) ?? held.posting(key);
      refusal = postingRefusal(record.posting, booked);
      postings.set(key, booked ?? record.posting);
    } else if (record.kind === "account") refusal = accountRefusal(record.account);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function orderRefusal(order: Order, holder: number | undefined, former: Order | undefined): string | undefined {
  const { id, key } = order;
  if (holder !== undefined && holder !== id) return `order key "${key}" belongs to order ${holder}, not ${id}`;
  if (former === undefined) return undefined;
  const same = (["key", "meter", "operation", "argument"] as const).every((field) => former[field] === order[field]);
  return same ? undefined : `order ${id} exists with another key, meter, operation or argument`;
}

function postingRefusal(posting: Posting, booked: Posting | undefined): string | undefined {
  if (booked === undefined)
    return posting.amount > 0n ? tooWide([posting.amount]) : `posting "${posting.key}" is of nothing or less`;
  const same = (["meter", "at", "kind", "amount", "energyTo"] as const).every((f) => booked[f] === posting[f]);
  return same ? undefined : `posting key "${posting.key}" is booked with another content`;
}

function accountRefusal({ price, warnAt, cutAt, toppedUp, charged }: PrepaidAccount): string | undefined {
  return tooWide([price, warnAt, cutAt, toppedUp, charged]);
}

function tooWide(amounts: readonly bigint[]): string | undefined {
  const wide = amounts.find((amount) => amount > LARGEST_MONEY || amount < -LARGEST_MONEY);
  return wide === undefined ? undefined : `${wide} does not fit into 64 bits`;
}
