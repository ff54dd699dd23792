/** The pieces of work that change the books: each says what it stores, what it tells afterwards, and what if it never can. */
import type { OrderNumber } from "../protocols/orders.ts";
import type { LogEffect } from "../src/core/actor.ts";
import { failure, type Result, success } from "../src/core/result.ts";
import type { Now } from "../src/core/time.ts";
import { type Books, type Draft, MASS_KEY, PREPAID_KEY } from "./books.ts";
import { CLOCK_KEY } from "./clock/desk.ts";
import { issueDue } from "./commands/mass-issue.ts";
import { decideMass, requestMass } from "./commands/mass-requests.ts";
import { advanceOrder, decideOrder, expireOrders, type OrderStep } from "./commands/orders.ts";
import { requestSingle } from "./commands/requests.ts";
import type { Work } from "./committer.ts";
import type { CollectorConfig, Limits, OrderPolicy } from "./config.ts";
import type { Directory } from "./directory.ts";
import { configureAccount, requestTopUp } from "./ledger/accounts.ts";
import type { Receipt, Refusal, Request } from "./ports.ts";
import { changeRegistry, exchangeMeter } from "./registry/requests.ts";
import { registerConfigured } from "./registry/start.ts";

/** What the configuration says and the store does not know yet. Kept until it is stored: nothing works without it. */
export function startWork(
  books: Books,
  directory: Directory,
  config: CollectorConfig,
  skipped: readonly LogEffect[],
): Work {
  return {
    apply(draft, now) {
      draft.after.push(...skipped);
      registerConfigured(books, directory, draft, now);
      for (const { registration } of directory.configured()) books.intervals?.begin(registration.id, draft, now);
      for (const account of config.prepaid ?? []) configureAccount(books, account, draft, now);
    },
  };
}

export function orderStepWork(books: Books, id: OrderNumber, step: OrderStep): Work {
  return { apply: (draft, now) => advanceOrder(books, id, step, draft, now), abandoned: () => [] };
}

/** What orders have to be done by the clock: deadlines, and the next order of a mass order. */
export function dueWork(books: Books, limits: Limits, directory: Directory): Work {
  return {
    apply(draft, now) {
      expireOrders(books, draft, now);
      issueDue(books, limits, directory, draft, now);
    },
    abandoned: (reason) => [{ kind: "log", level: "error", event: "due-orders-not-stored", fields: { reason } }],
  };
}

/** Requests that change the books: a read is the sessions' business, an acknowledgement that of the alarms. */
export type BookRequest = Exclude<Request, { kind: "acknowledge" | "read" }>;

/** A request of the API; answered after the commit, or with `store-failed` when there was none. */
export function requestWork(
  books: Books,
  limits: Limits,
  policy: OrderPolicy,
  directory: Directory,
  request: BookRequest,
): Work {
  const { ticket } = request;
  return {
    apply(draft, now) {
      const result = decide(books, limits, policy, directory, request, draft, now);
      draft.after.push({ kind: "reply", ticket, result });
    },
    abandoned: (reason) => [
      {
        kind: "reply",
        ticket,
        result: failure({
          reason: "store-failed",
          detail: `the store did not take it: ${reason}; try again with the same key`,
        }),
      },
    ],
  };
}

/** Keys of postings and orders that the collector makes itself. */
const RESERVED = [PREPAID_KEY, MASS_KEY, CLOCK_KEY, "charge:", "initial:"];

function decide(
  books: Books,
  limits: Limits,
  policy: OrderPolicy,
  directory: Directory,
  request: BookRequest,
  draft: Draft,
  now: Now,
): Result<Receipt, Refusal> {
  if (request.kind === "registry") return success(changeRegistry(books, directory, request, draft, now));
  if (request.kind === "exchange") return exchangeMeter(books, limits, directory, request, draft, now);
  if (request.kind === "decide-order")
    return decideOrder(books, request.order, request.decision, request.actor, draft, now);
  if (request.kind === "mass") return requestMass(books, policy, directory, request, draft, now);
  if (request.kind === "decide-mass") return decideMass(books, request, draft, now);
  const meter = directory.find(request.meter);
  if (meter === undefined)
    return failure({ reason: "unknown-meter", detail: `there is no meter ${request.meter}; see the list of meters` });
  const reserved = RESERVED.find((prefix) => request.key.startsWith(prefix));
  if (reserved !== undefined)
    return failure({
      reason: "key-used-differently",
      detail: `keys that begin with "${reserved}" are the collector's`,
    });
  if (request.kind === "topup") return requestTopUp(books, limits, request, draft, now);
  return requestSingle(books, limits, policy, meter, request, draft, now);
}
