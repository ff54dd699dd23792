/**
 * The order book. An order is stored before anything is sent, its id is used once, its state only moves forward, and each
 * step leaves an audit row in the same batch. A meter gets one order at a time, oldest first.
 */
import type { OrderNumber, OrderOperation, OrderStatus } from "../../protocols/orders.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { type Civil, civil, MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import { authenticity, type OrderWire } from "../audit/authenticity.ts";
import { type Books, type Draft, isPrepaidOrder } from "../books.ts";
import type { Limits } from "../config.ts";
import type { MeterId, Order, OrderReceipt, OrderState, Precondition, Refusal } from "../ports.ts";
import { countEnd, isHeld } from "./mass-order.ts";
import { unmet } from "./terms.ts";

export interface OrderRequest {
  readonly meter: MeterId;
  readonly operation: OrderOperation;
  readonly argument: number;
  readonly key: string;
  readonly actor: string;
  readonly reason: string;
  /** Default: `limits.orderExpiry` from now. */
  readonly expiresAt?: Civil;
  readonly precondition?: Precondition;
  /** How many persons must stand behind it, the requester among them; default 1. */
  readonly persons?: number;
  /** The mass order that it is part of, and by which it is approved. */
  readonly mass?: string;
}

/** What a session reports of an order it carries. */
export type OrderStep =
  /** About to be sent: the session waits until this is stored. `relay` as the meter says, where a precondition asks for it. */
  | { readonly state: "sent"; readonly wire: OrderWire; readonly relay: 0 | 1 | null }
  | { readonly state: "acknowledged"; readonly outcome: OrderStatus }
  /** Read back as it shall be. */
  | { readonly state: "verified"; readonly relay: 0 | 1 | null }
  | {
      readonly state: "failed" | "refused";
      readonly outcome: OrderStatus | null;
      readonly relay: 0 | 1 | null;
      readonly reason: string;
    };

/** A state is only ever left for one of higher rank; those of rank {@link END} are ends. */
const RANK: Readonly<Record<OrderState, number>> = {
  requested: 0,
  approved: 1,
  queued: 2,
  sent: 3,
  acknowledged: 4,
  verified: 5,
  done: 6,
  failed: 6,
  expired: 6,
  refused: 6,
  cancelled: 6,
};
const END = 6;

/** A deadline leaves the meter this long at least; µs. */
const SHORTEST_DEADLINE = 5 * MICROS_PER_SECOND;

export function isFinished(order: Order): boolean {
  return RANK[order.state] === END;
}

/** Whether the meter may have the order, or may have carried it out. */
export function mayBeDone(order: Order): boolean {
  return RANK[order.state] >= RANK.sent;
}

function findByKey(books: Books, key: string): Order | undefined {
  const open = books.openOrderKeys.get(key);
  return open === undefined ? books.recentOrders.get(key) : books.openOrders.get(open);
}

/**
 * Creates an order, or finds the one its key has created before. Unless a second person is needed it is approved and queued
 * in the same batch.
 * That the meter exists and can do it is checked before; here are `key-used-differently`, `bad-deadline` and `too-many-orders`.
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
  const { expiresAt = civil(now.civil + limits.orderExpiry), precondition = null, persons = 1, mass = null } = request;
  if (expiresAt < now.civil + SHORTEST_DEADLINE || expiresAt > now.civil + limits.longestOrderExpiry)
    return failure({
      reason: "bad-deadline",
      detail: `an order expires ${SHORTEST_DEADLINE / MICROS_PER_SECOND} s to ${limits.longestOrderExpiry / MICROS_PER_SECOND} s from now: choose an expiresAt in between, or leave it out`,
    });
  if (books.openOrders.size >= limits.openOrders)
    return failure({
      reason: "too-many-orders",
      detail: `${books.openOrders.size} orders are open; try again when some are done`,
    });
  const asked: Order = {
    id: books.nextOrder(),
    key: request.key,
    meter: request.meter,
    operation: request.operation,
    argument: request.argument,
    state: "requested",
    reason: request.reason,
    requestedAt: now.civil,
    expiresAt,
    outcome: null,
    relayReadBack: null,
    finishedAt: null,
    terms: { requester: request.actor, persons, approvedBy: [], precondition, mass },
  };
  if (persons > 1) {
    step(asked, draft, now, request.actor, `${request.reason}; waits for ${others(persons - 1)} to approve it`);
    keep(books, asked, draft, now);
    return success({ kind: "order", order: asked, created: true });
  }
  step(asked, draft, now, request.actor, request.reason);
  const by = mass === null ? "needs no second person" : `part of the mass order ${mass}, which was approved`;
  return success({ kind: "order", order: queue(books, asked, draft, now, "collector", by), created: true });
}

function others(count: number): string {
  return count === 1 ? "another person" : `${count} other persons`;
}

/** Approved, and queued at once. */
function queue(books: Books, order: Order, draft: Draft, now: Now, actor: string, approval: string): Order {
  step({ ...order, state: "approved" }, draft, now, actor, approval);
  const queued: Order = { ...order, state: "queued" };
  step(queued, draft, now, "collector", "waits for its turn with the meter");
  keep(books, queued, draft, now);
  return queued;
}

/** A person's decision on an order. Refused: `unknown-order`, `not-waiting`, `second-person-needed`, `too-late`. */
export function decideOrder(
  books: Books,
  id: OrderNumber,
  decision: "approve" | "reject" | "cancel",
  actor: string,
  draft: Draft,
  now: Now,
): Result<OrderReceipt, Refusal> {
  const order = books.openOrders.get(id);
  if (order === undefined)
    return failure({ reason: "unknown-order", detail: `no order ${id} is open: it has come to its end, or never was` });
  const receipt = (changed: Order) => success({ kind: "order" as const, order: changed, created: false });
  if (decision === "cancel") {
    if (mayBeDone(order))
      return failure({
        reason: "too-late",
        detail: `order ${id} is ${order.state}: it may have been carried out; to undo it, give the opposite order`,
      });
    return receipt(
      finish(books, order, { state: "cancelled" }, draft, now, actor, `cancelled by ${actor}: never sent`),
    );
  }
  if (order.state !== "requested")
    return failure({ reason: "not-waiting", detail: `order ${id} is ${order.state}: it waits for nobody's approval` });
  if (decision === "reject")
    return receipt(finish(books, order, { state: "refused" }, draft, now, actor, `rejected by ${actor}: never sent`));
  const { requester, approvedBy, persons } = order.terms;
  if (actor === requester || approvedBy.includes(actor))
    return failure({
      reason: "second-person-needed",
      detail: `${actor} has ${actor === requester ? "requested" : "approved"} order ${id}: another person must approve it`,
    });
  const approved: Order = { ...order, terms: { ...order.terms, approvedBy: [...approvedBy, actor] } };
  const missing = persons - 2 - approvedBy.length;
  if (missing <= 0) return receipt(queue(books, approved, draft, now, actor, `approved by ${actor}`));
  step(approved, draft, now, actor, `approved by ${actor}; waits for ${others(missing)}`);
  keep(books, approved, draft, now);
  return receipt(approved);
}

/**
 * Moves an order forward. A step that comes late (a repeated answer, one after the expiry) changes nothing. An order whose
 * precondition does not hold is cancelled in the place of being sent.
 */
export function advanceOrder(books: Books, id: OrderNumber, said: OrderStep, draft: Draft, now: Now): void {
  const order = books.openOrders.get(id);
  if (order === undefined || RANK[said.state] <= RANK[order.state]) return;
  if (said.state === "sent") {
    // After a restart the deadline may have passed before anything noticed: what is late is not begun.
    if (isHeld(books, order) || order.expiresAt <= now.civil) return;
    const why = unmet(books, order, said.relay);
    if (why === undefined)
      move(books, { ...order, state: "sent" }, draft, now, `on its way ${authenticity(said.wire)}`);
    else finish(books, order, { state: "cancelled" }, draft, now, "collector", why);
  } else if (said.state === "acknowledged") {
    const { outcome } = said;
    move(books, { ...order, state: "acknowledged", outcome }, draft, now, `the meter says: ${outcome}`);
  } else if (said.state === "verified") {
    const verified: Order = { ...order, state: "verified", relayReadBack: said.relay };
    step(verified, draft, now, "collector", describeReadBack(order.operation, said.relay));
    finish(books, verified, { state: "done" }, draft, now, "collector", "carried out and verified");
  } else {
    const { state, relay: relayReadBack, reason } = said;
    const outcome = said.outcome ?? order.outcome;
    finish(books, { ...order, outcome, relayReadBack }, { state }, draft, now, "collector", reason);
  }
}

function describeReadBack(operation: OrderOperation, relay: 0 | 1 | null): string {
  if (relay === null) return "read back as it was ordered";
  if (operation === "relay-allow" && relay === 0)
    return "relay reads back open: the customer may close it by the button";
  return `relay reads back ${relay === 1 ? "closed" : "open"}`;
}

/** Ends the orders that are due to, with what is known of them. */
export function expireOrders(books: Books, draft: Draft, now: Now): void {
  for (const order of [...books.openOrders.values()].filter(({ expiresAt }) => expiresAt <= now.civil))
    finish(books, order, { state: "expired" }, draft, now, "collector", whyExpired(order));
}

function whyExpired(order: Order): string {
  if (order.state === "requested") return "not approved in time: never sent";
  if (!mayBeDone(order)) return "the meter was not reached in time: never sent";
  if (order.state === "sent") return "no confirmation in time: the meter may have done it, look at its relay";
  return `the meter said ${order.outcome} and was not read back in time: look at its relay`;
}

export function finish(
  books: Books,
  order: Order,
  end: { readonly state: "done" | "failed" | "refused" | "expired" | "cancelled" },
  draft: Draft,
  now: Now,
  actor: string,
  detail: string,
): Order {
  const finished: Order = { ...order, state: end.state, finishedAt: now.civil };
  step(finished, draft, now, actor, detail);
  keep(books, finished, draft, now);
  return finished;
}

function move(books: Books, order: Order, draft: Draft, now: Now, detail: string): void {
  step(order, draft, now, "collector", detail);
  keep(books, order, draft, now);
}

/** One step of an order's life in the audit, told once it is stored. */
function step(order: Order, draft: Draft, now: Now, actor: string, detail: string): void {
  const action = `order ${order.operation} ${order.state}`;
  const { meter, id } = order;
  draft.records.push({ kind: "audit", entry: { at: now.civil, actor, action, meter, order: id, detail } });
  draft.after.push({ kind: "notify", notice: { kind: "order", order } });
}

/** What the order is after the steps of this batch. */
function keep(books: Books, order: Order, draft: Draft, now: Now): void {
  if (isFinished(order)) {
    books.openOrders.delete(order.id);
    books.openOrderKeys.delete(order.key);
    books.recentOrders.add(order);
    countEnd(books, order, draft, now);
  } else {
    books.openOrders.set(order.id, order);
    books.openOrderKeys.set(order.key, order.id);
  }
  if (isPrepaidOrder(order)) books.prepaidOrders.set(order.meter, order);
  draft.records.push({ kind: "order", order });
}

/** Of each meter the order that may be on its way: the one that already is, else the oldest that is queued. */
export function headsByMeter(books: Books): Map<MeterId, Order> {
  const heads = new Map<MeterId, Order>();
  for (const order of books.openOrders.values()) {
    if (order.state === "requested" || isHeld(books, order)) continue;
    const head = heads.get(order.meter);
    if (head === undefined || goesBefore(order, head)) heads.set(order.meter, order);
  }
  return heads;
}

/** An order that waited for approval is older than one that was sent meanwhile, and waits for its end. */
function goesBefore(order: Order, other: Order): boolean {
  return mayBeDone(order) === mayBeDone(other) ? order.id < other.id : mayBeDone(order);
}

/** When the first open order expires; Infinity when none is open. */
export function nextExpiry(books: Books): number {
  let first = Number.POSITIVE_INFINITY;
  for (const order of books.openOrders.values()) first = Math.min(first, order.expiresAt);
  return first;
}
