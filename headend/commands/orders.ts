/**
 * The order book. An order is stored before anything is sent, its id is used once, its state only moves forward, and each
 * step leaves an audit row in the same batch. A meter gets one order at a time, oldest first.
 */
import type { OrderNumber, OrderOperation, OrderStatus } from "../../protocols/orders.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { type Civil, civil, type Now } from "../../src/core/time.ts";
import { type Books, type Draft, isPrepaidOrder } from "../books.ts";
import type { Limits } from "../config.ts";
import type { MeterId, Order, OrderReceipt, OrderState, Refusal } from "../ports.ts";

export interface OrderRequest {
  readonly meter: MeterId;
  readonly operation: OrderOperation;
  readonly argument: number;
  readonly key: string;
  readonly actor: string;
  readonly reason: string;
}

/** What a session reports of an order it carries. */
export type OrderStep =
  | { readonly state: "sent" }
  | { readonly state: "acknowledged"; readonly outcome: OrderStatus }
  | { readonly state: "done"; readonly relay: 0 | 1 | null }
  | {
      readonly state: "failed" | "refused";
      readonly outcome: OrderStatus | null;
      readonly relay: 0 | 1 | null;
      readonly reason: string;
    }
  | { readonly state: "expired"; readonly reason: string };

/** A state is only ever left for one of higher rank; those of rank 3 are ends. */
const RANK: Readonly<Record<OrderState, number>> = {
  queued: 0,
  sent: 1,
  acknowledged: 2,
  done: 3,
  failed: 3,
  expired: 3,
  refused: 3,
};

export function isFinished(order: Order): boolean {
  return RANK[order.state] === 3;
}

function findByKey(books: Books, key: string): Order | undefined {
  const open = books.openOrderKeys.get(key);
  return open === undefined ? books.recentOrders.get(key) : books.openOrders.get(open);
}

/**
 * Creates an order, or finds the one its key has created before.
 * That the meter exists and can do it is checked before; here are `key-used-differently` and `too-many-orders`.
 */
export function requestOrder(
  books: Books,
  limits: Limits,
  request: OrderRequest,
  draft: Draft,
  now: Now,
): Result<OrderReceipt, Refusal> {
  const known = findByKey(books, request.key);
  if (known !== undefined) {
    const same =
      known.meter === request.meter && known.operation === request.operation && known.argument === request.argument;
    if (same) return success({ kind: "order", order: known, created: false });
    return failure({
      reason: "key-used-differently",
      detail: `the key "${request.key}" belongs to order ${known.id} (${known.operation} on ${known.meter}); use a new key for a new order`,
    });
  }
  if (books.openOrders.size >= limits.openOrders)
    return failure({
      reason: "too-many-orders",
      detail: `${books.openOrders.size} orders are open; try again when some are done`,
    });
  const order: Order = {
    id: books.nextOrder(),
    key: request.key,
    meter: request.meter,
    operation: request.operation,
    argument: request.argument,
    state: "queued",
    reason: request.reason,
    requestedAt: now.civil,
    expiresAt: civil(now.civil + limits.orderExpiry),
    outcome: null,
    relayReadBack: null,
    finishedAt: null,
  };
  put(books, order, draft, now, request.actor, request.reason);
  return success({ kind: "order", order, created: true });
}

/** Moves an order forward. A step that comes late (a repeated answer, one after the expiry) changes nothing. */
export function advanceOrder(books: Books, id: OrderNumber, step: OrderStep, draft: Draft, now: Now): void {
  const order = books.openOrders.get(id);
  if (order === undefined || RANK[step.state] <= RANK[order.state]) return;
  const next: Order = {
    ...order,
    state: step.state,
    finishedAt: RANK[step.state] === 3 ? now.civil : null,
    ...("outcome" in step ? { outcome: step.outcome ?? order.outcome } : {}),
    ...("relay" in step ? { relayReadBack: step.relay } : {}),
  };
  put(books, next, draft, now, "collector", describe(step));
}

function describe(step: OrderStep): string {
  switch (step.state) {
    case "sent":
      return "on its way to the meter";
    case "acknowledged":
      return `the meter says: ${step.outcome}`;
    case "done":
      return step.relay === null ? "verified" : `verified: relay reads back ${step.relay === 1 ? "closed" : "open"}`;
    default:
      return step.reason;
  }
}

function put(books: Books, order: Order, draft: Draft, now: Now, actor: string, detail: string): void {
  if (isFinished(order)) {
    books.openOrders.delete(order.id);
    books.openOrderKeys.delete(order.key);
    books.recentOrders.add(order);
  } else {
    books.openOrders.set(order.id, order);
    books.openOrderKeys.set(order.key, order.id);
  }
  if (isPrepaidOrder(order)) books.prepaidOrders.set(order.meter, order);
  draft.records.push(
    { kind: "order", order },
    {
      kind: "audit",
      entry: {
        at: now.civil,
        actor,
        action: `order ${order.operation} ${order.state}`,
        meter: order.meter,
        order: order.id,
        detail,
      },
    },
  );
  draft.after.push({ kind: "notify", notice: { kind: "order", order } });
}

/** The oldest open order of each meter: the only one that may be on its way. */
export function headsByMeter(books: Books): Map<MeterId, Order> {
  const heads = new Map<MeterId, Order>();
  for (const order of books.openOrders.values()) {
    const head = heads.get(order.meter);
    if (head === undefined || order.id < head.id) heads.set(order.meter, order);
  }
  return heads;
}

/** When the first open order expires; Infinity when none is open. */
export function nextExpiry(books: Books): number {
  let first = Number.POSITIVE_INFINITY;
  for (const order of books.openOrders.values()) first = Math.min(first, order.expiresAt);
  return first;
}

export function expiredOrders(books: Books, at: Civil): readonly Order[] {
  return [...books.openOrders.values()].filter((order) => order.expiresAt <= at);
}
