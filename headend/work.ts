/** The pieces of work that change the books: each says what it stores, what it tells afterwards, and what if it never can. */
import type { OrderNumber } from "../protocols/orders.ts";
import type { LogEffect } from "../src/core/actor.ts";
import { failure, type Result, success } from "../src/core/result.ts";
import type { Now } from "../src/core/time.ts";
import { type Books, type Draft, PREPAID_KEY } from "./books.ts";
import { advanceOrder, expiredOrders, type OrderStep, requestOrder } from "./commands/orders.ts";
import type { Work } from "./committer.ts";
import type { CollectorConfig, Limits } from "./config.ts";
import { type Directory, inability, type KnownMeter } from "./directory.ts";
import { configureAccount, requestTopUp } from "./ledger/accounts.ts";
import type { MeterReading, Receipt, Refusal, Request } from "./ports.ts";
import { takeReading } from "./readings.ts";
import { isActive } from "./registry/entry.ts";
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
      for (const account of config.prepaid ?? []) configureAccount(books, account, draft, now);
    },
  };
}

export function readingWork(books: Books, limits: Limits, meter: KnownMeter, reading: MeterReading): Work {
  return {
    apply(draft, now) {
      takeReading(books, limits, meter, reading, draft, now);
    },
    abandoned: (reason) => [
      { kind: "log", level: "error", event: "reading-not-stored", fields: { meter: reading.meter, reason } },
    ],
  };
}

export function orderStepWork(books: Books, id: OrderNumber, step: OrderStep): Work {
  return { apply: (draft, now) => advanceOrder(books, id, step, draft, now), abandoned: () => [] };
}

export function expiryWork(books: Books): Work {
  return {
    apply(draft, now) {
      for (const order of expiredOrders(books, now.civil)) {
        const reason =
          order.state === "queued"
            ? "the meter was not reached in time"
            : "no confirmation in time: the meter may have done it, look at its relay";
        advanceOrder(books, order.id, { state: "expired", reason }, draft, now);
      }
    },
    abandoned: (reason) => [{ kind: "log", level: "error", event: "expiry-not-stored", fields: { reason } }],
  };
}

/** A request of the API; answered after the commit, or with `store-failed` when there was none. */
export function requestWork(books: Books, limits: Limits, directory: Directory, request: Request): Work {
  const { ticket } = request;
  return {
    apply(draft, now) {
      draft.after.push({ kind: "reply", ticket, result: decide(books, limits, directory, request, draft, now) });
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
const RESERVED = [PREPAID_KEY, "charge:", "initial:"];

function decide(
  books: Books,
  limits: Limits,
  directory: Directory,
  request: Request,
  draft: Draft,
  now: Now,
): Result<Receipt, Refusal> {
  if (request.kind === "registry") return success(changeRegistry(books, directory, request, draft, now));
  if (request.kind === "exchange") return exchangeMeter(books, limits, directory, request, draft, now);
  const entry = books.registry.get(request.meter);
  if (!isActive(entry))
    return failure({
      reason: "not-active",
      detail: `${request.meter} is ${entry?.state} in the registry: "meterworks registry accept" makes it active`,
    });
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
  const unable = inability(meter, request.operation);
  if (unable !== undefined) return failure(unable);
  if (!argumentFits(request.operation, request.argument))
    return failure({ reason: "bad-amount", detail: `${request.argument} is no argument of ${request.operation}` });
  return requestOrder(books, limits, { ...request, reason: `asked for by ${request.actor}` }, draft, now);
}

/** clock-set: seconds since 1970, up to what an unsigned 32-bit clock register shows; relay orders: 0; credit is not given yet. */
function argumentFits(operation: string, argument: number): boolean {
  if (operation.startsWith("credit-")) return false;
  if (operation !== "clock-set") return argument === 0;
  return Number.isInteger(argument) && argument > 0 && argument < 2 ** 32;
}
