/** The head-end's API from the command line's side. */

import type { OrderOperation } from "../../protocols/orders.ts";
import { formatFixed } from "../core/decimal.ts";
import { currencyOf, type Minor } from "../core/money.ts";
import { failed } from "./errors.ts";

export const MILLIS_PER_SECOND = 1_000;
const PATIENCE_MS = 15_000;
/** Newest audit entries, among which the end of an order that has just ended is looked for. */
const NOTES_LOOKED_AT = 100;

export interface ApiAccess {
  readonly url: string;
  readonly token: string;
}

export interface TopupAnswer {
  readonly meter: string;
  readonly amount: string;
  readonly balance: string;
  readonly currency: string;
  readonly booked: boolean;
}

export interface OrderAnswer {
  readonly id: number;
  readonly meter: string;
  readonly operation: string;
  readonly state: string;
  readonly reason: string;
  readonly outcome: string | null;
  readonly relayReadBack: 0 | 1 | null;
}

/** Books a top-up; repeated with the same key it is booked once. @throws CommandError (exit 1) with the API's reason. */
export function topUpByApi(
  access: ApiAccess,
  topup: { readonly meter: string; readonly amount: Minor; readonly currency: string; readonly key: string },
): Promise<TopupAnswer> {
  const { meter, amount, currency, key } = topup;
  const body = { amount: formatFixed(amount, currencyOf(currency).decimals), currency, key };
  return call(access, "POST", `/api/v1/meters/${encodeURIComponent(meter)}/topups`, body) as Promise<TopupAnswer>;
}

export async function orderByApi(
  access: ApiAccess,
  order: { readonly meter: string; readonly operation: OrderOperation; readonly key: string },
): Promise<OrderAnswer> {
  const { meter, operation, key } = order;
  const path = `/api/v1/meters/${encodeURIComponent(meter)}/orders`;
  const receipt = (await call(access, "POST", path, { operation, key })) as { order: OrderAnswer };
  return receipt.order;
}

export function getOrder(access: ApiAccess, id: number): Promise<OrderAnswer> {
  return call(access, "GET", `/api/v1/orders/${id}`) as Promise<OrderAnswer>;
}

/** What the head-end noted last about an order, such as why it failed; undefined where its latest notes are about others. */
export async function noteOnOrder(access: ApiAccess, id: number): Promise<string | undefined> {
  const audit = (await call(access, "GET", `/api/v1/audit?limit=${NOTES_LOOKED_AT}`)) as {
    readonly entries: readonly { readonly order: number | null; readonly detail: string }[];
  };
  return audit.entries.find(({ order }) => order === id)?.detail;
}

/** @throws CommandError (exit 1) with the API's reason. @returns its JSON, or its text where it is a table */
export async function call(
  access: ApiAccess,
  method: "GET" | "POST" | "PUT",
  path: string,
  body?: object,
): Promise<unknown> {
  const headers: Record<string, string> = { authorization: `Bearer ${access.token}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(new URL(path, access.url), {
      method,
      headers,
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    const cause = (error as { cause?: { message?: string } }).cause?.message ?? (error as Error).message;
    throw failed(`the head-end at ${access.url} can't be reached: ${cause}`, "is it running, and is --api its URL?");
  }
  const isTable = response.headers.get("content-type")?.startsWith("text/csv") === true;
  const answer: unknown = isTable ? await response.text() : await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const detail = (answer as { detail?: string } | undefined)?.detail ?? `HTTP ${response.status}`;
  throw failed(`the head-end refused: ${detail}`);
}
