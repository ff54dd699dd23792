/** On what terms an order is given: who stands behind it, and what must hold just before it is sent. */
import { formatFixed } from "../../src/core/decimal.ts";
import { currencyOf, minor } from "../../src/core/money.ts";
import { assert } from "../../src/core/result.ts";
import type { Books } from "../books.ts";
import { balanceOf } from "../ledger/prepaid.ts";
import type { Order, OrderTerms, Precondition } from "../ports.ts";

/** Terms as the text that a store keeps. */
export function encodeTerms({ requester, persons, approvedBy, precondition, mass }: OrderTerms): string {
  const { relay, balanceAtMost } = precondition ?? {};
  return JSON.stringify({
    requester,
    persons,
    approvedBy,
    ...(relay === undefined ? {} : { relay }),
    ...(balanceAtMost === undefined
      ? {}
      : { balanceAtMost: String(balanceAtMost.amount), currency: balanceAtMost.currency }),
    ...(mass === null ? {} : { mass }),
  });
}

/** Takes what {@link encodeTerms} gives. @throws Error where a text is none of it: the store is damaged. */
export function decodeTerms(text: string): OrderTerms {
  const terms = JSON.parse(text) as Record<string, unknown>;
  const { requester, persons, approvedBy, relay, balanceAtMost, currency, mass = null } = terms;
  assert(typeof requester === "string" && typeof persons === "number", "the terms of an order in the database");
  assert(
    Array.isArray(approvedBy) && (mass === null || typeof mass === "string"),
    "the terms of an order in the database",
  );
  const precondition: Precondition = {
    ...(relay === "open" || relay === "closed" ? { relay } : {}),
    ...(typeof balanceAtMost === "string" && typeof currency === "string"
      ? { balanceAtMost: { amount: minor(BigInt(balanceAtMost)), currency } }
      : {}),
  };
  return {
    ...{ requester, persons, approvedBy, mass },
    precondition: Object.keys(precondition).length === 0 ? null : precondition,
  };
}

/**
 * Why the order must not be sent; undefined where all that was asked for holds.
 * @param relay as the meter has just said; null where it was not asked or does not say
 */
export function unmet(books: Books, { meter, terms }: Order, relay: 0 | 1 | null): string | undefined {
  const { precondition } = terms;
  if (precondition?.relay !== undefined) {
    const shown = relay === null ? "unknown" : relay === 1 ? "closed" : "open";
    if (shown !== precondition.relay)
      return `it was to be sent only while the relay is ${precondition.relay}; it is ${shown}`;
  }
  if (precondition?.balanceAtMost !== undefined) {
    const { amount, currency } = precondition.balanceAtMost;
    const account = books.accounts.get(meter);
    if (account?.currency !== currency)
      return `it was to be sent only up to a balance in ${currency}, and the meter has no prepaid account in it`;
    const balance = balanceOf(account);
    const { decimals } = currencyOf(currency);
    if (balance > amount)
      return `it was to be sent only up to a balance of ${formatFixed(amount, decimals)} ${currency}; it is ${formatFixed(balance, decimals)}`;
  }
  return undefined;
}
