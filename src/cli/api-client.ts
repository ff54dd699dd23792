/** The head-end's API from the command line's side. */

import type { ValueView } from "../../headend/view.ts";
import { formatFixed } from "../core/decimal.ts";
import { currencyOf, type Minor } from "../core/money.ts";
import { failed } from "./errors.ts";

export const MILLIS_PER_SECOND = 1_000;
const PATIENCE_MS = 15_000;

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

/** Books a top-up; repeated with the same key it is booked once. @throws CommandError (exit 1) with the API's reason. */
export function topUpByApi(
  access: ApiAccess,
  topup: { readonly meter: string; readonly amount: Minor; readonly currency: string; readonly key: string },
): Promise<TopupAnswer> {
  const { meter, amount, currency, key } = topup;
  const body = { amount: formatFixed(amount, currencyOf(currency).decimals), currency, key };
  return callApi(access, "POST", `/api/v1/meters/${encodeURIComponent(meter)}/topups`, body) as Promise<TopupAnswer>;
}

export interface ReadingAnswer {
  readonly meter: string;
  readonly reading: {
    readonly time: string;
    readonly source: string;
    readonly quality: string;
    readonly values: readonly ValueView[];
  };
}

/** A reading now. @throws CommandError (exit 1) with since when and why the meter does not answer. */
export function readNowByApi(access: ApiAccess, meter: string, waitSeconds: number): Promise<ReadingAnswer> {
  const path = `/api/v1/meters/${encodeURIComponent(meter)}/reads`;
  const patience = PATIENCE_MS + waitSeconds * MILLIS_PER_SECOND;
  return callApi(access, "POST", path, { waitSeconds }, patience) as Promise<ReadingAnswer>;
}

/** All pages of a list, one after the other: `pageAt` asks for the one behind a cursor, undefined for the first. */
export async function allPages<P extends { readonly next: string | null }>(
  pageAt: (cursor: string | undefined) => Promise<P>,
): Promise<readonly P[]> {
  const pages = [await pageAt(undefined)];
  for (let next = pages[0]?.next ?? null; next !== null; next = pages.at(-1)?.next ?? null)
    pages.push(await pageAt(next));
  return pages;
}

/** @throws CommandError (exit 1) where the head-end is not reached, or with its reason where it refuses. */
export async function callApi(
  access: ApiAccess,
  method: "GET" | "POST" | "PUT",
  path: string,
  body?: object,
  patience = PATIENCE_MS,
): Promise<unknown> {
  const headers: Record<string, string> = { authorization: `Bearer ${access.token}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(new URL(path, access.url), {
      method,
      headers,
      signal: AbortSignal.timeout(patience),
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
