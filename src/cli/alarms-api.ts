/** What the head-end's API says of alarms and availability. */
import { type ApiAccess, allPages, callApi } from "./api-client.ts";

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
  return callApi(access, "GET", `/api/v1/alarms?state=${state}&limit=${limit}`) as Promise<{
    readonly alarms: readonly AlarmAnswer[];
    readonly unlisted: number;
  }>;
}

export function acknowledgeByApi(access: ApiAccess, id: string, note: string): Promise<AlarmAnswer> {
  const path = `/api/v1/alarms/${encodeURIComponent(id)}/acknowledgement`;
  return callApi(access, "POST", path, { note }) as Promise<AlarmAnswer>;
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
  let period: { readonly from?: string; readonly to?: string } = {};
  const pages = await allPages(async (cursor) => {
    // The first page says which period it took; the others are of the same.
    const more = { limit: "500", ...period, ...(cursor === undefined ? {} : { cursor }) };
    const parameters = new URLSearchParams({ ...query, ...more });
    const page = (await callApi(access, "GET", `/api/v1/availability?${parameters}`)) as AvailabilityAnswer;
    period = { from: page.from, to: page.to };
    return page;
  });
  const { from, to } = pages[0] as AvailabilityAnswer;
  return { from, to, rows: pages.flatMap(({ rows }) => rows), next: null };
}
