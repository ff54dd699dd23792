/** Prepaid accounts in the books: what a reading charges, what a top-up adds, and which relay order follows from the balance. */
import type { Minor } from "../../src/core/money.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import { type Books, type Draft, PREPAID_KEY } from "../books.ts";
import { isFinished, requestOrder } from "../commands/orders.ts";
import type { Limits, PrepaidConfig } from "../config.ts";
import type { MeterId, MeterReading, Order, PrepaidAccount, Refusal, TopupReceipt } from "../ports.ts";
import { balanceOf, initialTopUpKey, levelOf, openAccount, settle, topUp } from "./prepaid.ts";

/** More than anybody pays at once in any currency; far inside the 63 bits that the store keeps. */
const LARGEST_TOPUP = 1_000_000_000_000_000n;
/** A relay order that failed is given again by a later reading, but not more often than this (civil time). */
const REPEAT_AFTER = 3600 * MICROS_PER_SECOND;

/** Opens a configured account on its first run; later runs keep its price and take over the levels. */
export function configureAccount(books: Books, config: PrepaidConfig, draft: Draft, now: Now): void {
  const known = books.accounts.get(config.meter);
  if (known === undefined) {
    putAccount(books, openAccount(config), draft);
    audit(
      draft,
      now,
      config.meter,
      "account opened",
      `${config.price} millionths of a minor unit of ${config.currency} per kWh`,
    );
    if (config.initial !== undefined && config.initial > 0n)
      bookTopUp(books, config.meter, config.initial, initialTopUpKey(config.meter), "configuration", draft, now);
    return;
  }
  if (known.price !== config.price || known.currency !== config.currency)
    draft.after.push({
      kind: "log",
      level: "warn",
      event: "price-kept",
      fields: { meter: config.meter, price: String(known.price), currency: known.currency },
    });
  if (known.warnAt !== config.warnAt || known.cutAt !== config.cutAt)
    putAccount(books, { ...known, warnAt: config.warnAt, cutAt: config.cutAt }, draft);
}

/** Charges up to a plausible reading and gives the relay order that the balance asks for. */
export function chargeReading(
  books: Books,
  limits: Limits,
  reading: MeterReading,
  modulus: number | undefined,
  draft: Draft,
  now: Now,
): void {
  const account = books.accounts.get(reading.meter);
  const register = reading.values.activeEnergyImport;
  if (account === undefined || register === undefined || register === null) return;
  const settled = settle(account, register, modulus, now.civil);
  if (settled !== undefined) {
    if (settled.posting !== undefined) draft.records.push({ kind: "posting", posting: settled.posting });
    putAccount(books, settled.account, draft);
    if (settled.posting !== undefined) tellBalance(account, settled.account, draft, now);
  }
  switchByBalance(books, limits, reading.meter, draft, now);
}

export interface TopupOrder {
  readonly meter: MeterId;
  readonly amount: Minor;
  readonly key: string;
  readonly actor: string;
}

/** Books a top-up once per key and closes the relay again where the balance allows it. */
export function requestTopUp(
  books: Books,
  limits: Limits,
  request: TopupOrder,
  draft: Draft,
  now: Now,
): Result<TopupReceipt, Refusal> {
  const { meter, amount, key } = request;
  const account = books.accounts.get(meter);
  if (account === undefined)
    return failure({ reason: "not-prepaid", detail: `${meter} has no prepaid account; add it to the configuration` });
  if (amount <= 0n || amount > LARGEST_TOPUP)
    return failure({ reason: "bad-amount", detail: `${amount} minor units are no amount to top up` });
  const known = books.recentTopups.get(key);
  if (known !== undefined && (known.meter !== meter || known.amount !== amount))
    return failure({
      reason: "key-used-differently",
      detail: `the key "${key}" booked ${known.amount} minor units for ${known.meter}; use a new key for a new top-up`,
    });
  if (known === undefined) {
    bookTopUp(books, meter, amount, key, request.actor, draft, now);
    switchByBalance(books, limits, meter, draft, now);
  }
  const balance = balanceOf(books.accounts.get(meter) ?? account);
  return success({ kind: "topup", meter, amount, balance, currency: account.currency, booked: known === undefined });
}

function bookTopUp(
  books: Books,
  meter: MeterId,
  amount: Minor,
  key: string,
  actor: string,
  draft: Draft,
  now: Now,
): void {
  const before = books.accounts.get(meter) as PrepaidAccount;
  const { account, posting } = topUp(before, amount, key, now.civil);
  books.recentTopups.add(posting);
  draft.records.push({ kind: "posting", posting });
  putAccount(books, account, draft);
  audit(draft, now, meter, "top-up", `${amount} minor units, key ${key}`, actor);
  tellBalance(before, account, draft, now);
}

/**
 * Empty → relay open, with credit again → relay closed; each once per episode. What counts is the newest order that an
 * account gave for this meter, which survives a restart with the order book.
 */
function switchByBalance(books: Books, limits: Limits, meter: MeterId, draft: Draft, now: Now): void {
  const account = books.accounts.get(meter);
  // Without a reading nothing is known of the meter, so nothing is switched.
  if (account === undefined || account.energyTo === null) return;
  const cut = levelOf(account) === "empty";
  const operation = cut ? "relay-open" : "relay-close";
  const last = books.prepaidOrders.get(meter);
  if (last === undefined ? !cut : last.operation === operation && !mayRepeat(last, now)) return;
  const ordered = requestOrder(
    books,
    limits,
    {
      meter,
      operation,
      argument: 0,
      // Made of the state that asks for it: the same state again is the same order.
      key: `${PREPAID_KEY}${meter}:${cut ? "cut" : "restore"}:${last?.id ?? 0}:${account.energyTo}`,
      actor: "prepaid",
      reason: cut ? "prepaid: balance used up" : "prepaid: topped up",
    },
    draft,
    now,
  );
  if (!ordered.ok)
    draft.after.push({
      kind: "log",
      level: "error",
      event: "prepaid-order-refused",
      fields: { meter, reason: ordered.error.detail },
    });
}

function mayRepeat(order: Order, now: Now): boolean {
  return isFinished(order) && order.state !== "done" && now.civil - (order.finishedAt ?? 0) >= REPEAT_AFTER;
}

function putAccount(books: Books, account: PrepaidAccount, draft: Draft): void {
  books.accounts.set(account.meter, account);
  draft.records.push({ kind: "account", account });
}

function tellBalance(before: PrepaidAccount, after: PrepaidAccount, draft: Draft, now: Now): void {
  const balance = balanceOf(after);
  const level = levelOf(after);
  draft.after.push({
    kind: "notify",
    notice: { kind: "balance", meter: after.meter, currency: after.currency, balance, level },
  });
  if (level !== levelOf(before))
    audit(draft, now, after.meter, `balance ${level}`, `${balance} minor units of ${after.currency} left`);
}

function audit(draft: Draft, now: Now, meter: MeterId, action: string, detail: string, actor = "prepaid"): void {
  draft.records.push({ kind: "audit", entry: { at: now.civil, actor, action, meter, order: null, detail } });
}
