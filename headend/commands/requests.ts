/** Requests about orders from outside: checked against what the meter can do and what the policy asks, then the order book's. */
import { failure, type Result, success } from "../../src/core/result.ts";
import type { Now } from "../../src/core/time.ts";
import type { Books, Draft } from "../books.ts";
import type { Limits, OrderPolicy } from "../config.ts";
import { inability, type KnownMeter } from "../directory.ts";
import type { OrderReceipt, Refusal, Request } from "../ports.ts";
import { requestOrder } from "./orders.ts";

/** @throws nothing; refuses in the order of {@link Refusal}. */
export function requestSingle(
  books: Books,
  limits: Limits,
  policy: OrderPolicy,
  meter: KnownMeter,
  request: Extract<Request, { kind: "order" }>,
  draft: Draft,
  now: Now,
): Result<OrderReceipt, Refusal> {
  const { operation, argument, actor } = request;
  const unable = inability(meter, operation);
  if (unable !== undefined) return failure(unable);
  if (!argumentFits(operation, argument))
    return failure({ reason: "bad-amount", detail: `${argument} is no argument of ${operation}` });
  const testable = checkPrecondition(books, meter, request);
  if (!testable.ok) return testable;
  const persons = policy.persons[operation] ?? 1;
  return requestOrder(books, limits, { ...request, persons, reason: `asked for by ${actor}` }, draft, now);
}

/** clock-set: seconds since 1970, up to what an unsigned 32-bit clock register shows; relay orders: 0; credit is not given yet. */
function argumentFits(operation: string, argument: number): boolean {
  if (operation.startsWith("credit-")) return false;
  if (operation !== "clock-set") return argument === 0;
  return Number.isInteger(argument) && argument > 0 && argument < 2 ** 32;
}

/** A precondition that can never be judged is refused at once, not found out when the order is due. */
function checkPrecondition(
  books: Books,
  meter: KnownMeter,
  { meter: id, precondition }: Extract<Request, { kind: "order" }>,
): Result<void, Refusal> {
  if (precondition?.relay !== undefined && inability(meter, "relay-open") !== undefined)
    return failure({ reason: "bad-precondition", detail: `${id} has no relay whose state could be a precondition` });
  const currency = precondition?.balanceAtMost?.currency;
  if (currency !== undefined && books.accounts.get(id)?.currency !== currency)
    return failure({
      reason: "bad-precondition",
      detail: `${id} has no prepaid account in ${currency} whose balance could be a precondition`,
    });
  return success(undefined);
}
