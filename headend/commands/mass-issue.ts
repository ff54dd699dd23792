/** Giving the orders of mass orders: one at a time, at the rate, whatever number of mass orders is running. */
import { civil, MICROS_PER_SECOND, type Now, SECONDS_PER_DAY } from "../../src/core/time.ts";
import { type Books, type Draft, MASS_KEY } from "../books.ts";
import type { Limits } from "../config.ts";
import { type Directory, inability } from "../directory.ts";
import type { MeterId } from "../ports.ts";
import { auditMass, type MassOrder, METERS_IN_PIECE, openOf, pieceKey, putMass, settle } from "./mass-order.ts";
import { requestOrder } from "./orders.ts";

/** Orders of a mass order that may be open at a time: meters that do not answer must not fill the order book. */
const MOST_OPEN = 100;
const MINUTE = (SECONDS_PER_DAY / 1_440) * MICROS_PER_SECOND;

function interval({ perMinute }: MassOrder): number {
  return Math.ceil(MINUTE / perMinute);
}

function issuable(mass: MassOrder): boolean {
  return mass.state === "running" && mass.issued < mass.total && openOf(mass) < MOST_OPEN;
}

/** The oldest that has an order to give; all share the one rate. */
function nextToIssue(books: Books): MassOrder | undefined {
  let first: MassOrder | undefined;
  for (const mass of books.massOrders.values())
    if (issuable(mass) && (first === undefined || mass.requestedAt < first.requestedAt)) first = mass;
  return first;
}

/** Civil time of the next order; Infinity when there is none to give. */
export function nextIssue(books: Books, now: Now): number {
  if (nextToIssue(books) === undefined) return Number.POSITIVE_INFINITY;
  let due = Number.NEGATIVE_INFINITY;
  // A wait longer than a step is from before the clock was set back: it says nothing.
  for (const mass of books.massOrders.values())
    if (mass.nextAt <= now.civil + interval(mass)) due = Math.max(due, mass.nextAt);
  return Math.max(due, now.civil);
}

/** Gives the next order where it is due. */
export function issueDue(books: Books, limits: Limits, directory: Directory, draft: Draft, now: Now): void {
  const mass = nextToIssue(books);
  if (mass === undefined || nextIssue(books, now) > now.civil) return;
  const meter = books.massMeters.get(pieceKey(mass.id, mass.issued))?.[mass.issued % METERS_IN_PIECE] as MeterId;
  const issued: MassOrder = { ...mass, issued: mass.issued + 1, nextAt: civil(now.civil + interval(mass)) };
  const known = directory.find(meter);
  const unable = known === undefined ? `there is no meter ${meter} any more` : inability(known, mass.operation)?.detail;
  if (unable !== undefined) {
    auditMass(mass, "left out", unable, "collector", draft, now);
    settle(books, { ...issued, skipped: issued.skipped + 1 }, draft, now);
    return;
  }
  const { id, operation, requester, orderExpiry } = mass;
  const given = requestOrder(
    books,
    limits,
    {
      ...{ meter, operation, argument: 0, key: `${MASS_KEY}${id}:${meter}`, actor: requester, mass: id },
      reason: `mass order ${id}`,
      expiresAt: civil(now.civil + orderExpiry),
    },
    draft,
    now,
  );
  // The order book is full: tried again at the next step.
  putMass(books, given.ok ? issued : { ...mass, nextAt: issued.nextAt }, draft);
}
