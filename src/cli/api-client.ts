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

export interface AlarmAnswer {
  readonly id: string;
  readonly kind: string;
  readonly part: string;
  readonly name: string;
  readonly open: boolean;
  readonly since: string;
  readonly seconds: number | null;
  readonly count: number;
  readonly meters: number;
  readonly within: string | null;
  readonly cause: string;
  readonly acknowledged: { readonly by: string } | null;
}

export function listAlarms(access: ApiAccess, state: "open" | "all", limit: number) {
  return call(access, "GET", `/api/v1/alarms?state=${state}&limit=${limit}`) as Promise<{
    readonly alarms: readonly AlarmAnswer[];
    readonly unlisted: number;
  }>;
}

export function acknowledgeByApi(access: ApiAccess, id: string, note: string): Promise<AlarmAnswer> {
  const path = `/api/v1/alarms/${encodeURIComponent(id)}/acknowledgement`;
  return call(access, "POST", path, { note }) as Promise<AlarmAnswer>;
}

export interface AvailabilityAnswer {
  readonly from: string;
  readonly to: string;
  readonly rows: readonly {
    readonly name: string;
    readonly meters: number;
    readonly availability: string | null;
    readonly outages: number;
    readonly downSeconds: string;
    readonly mtbfSeconds: string | null;
    readonly mttrSeconds: string | null;
  }[];
  readonly next: string | null;
}

/** All rows: follows the cursor to the end, over the same period. */
export async function getAvailability(
  access: ApiAccess,
  query: { readonly by: string; readonly from?: string; readonly to?: string },
): Promise<AvailabilityAnswer> {
  const page = async (more: object) =>
    (await call(
      access,
      "GET",
      `/api/v1/availability?${new URLSearchParams({ ...query, ...more })}`,
    )) as AvailabilityAnswer;
  let answer = await page({ limit: "500" });
  const { from, to } = answer;
  const rows = [...answer.rows];
  while (answer.next !== null) {
    answer = await page({ limit: "500", from, to, cursor: answer.next });
    rows.push(...answer.rows);
  }
  return { from, to, rows, next: null };
}

async function call(access: ApiAccess, method: "GET" | "POST", path: string, body?: object): Promise<unknown> {
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
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const detail = (answer as { detail?: string } | undefined)?.detail ?? `HTTP ${response.status}`;
  throw failed(`the head-end refused: ${detail}`);
}
