/** What the head-end's API says of completeness. */
import { type ApiAccess, callApi } from "./api-client.ts";

/** What is expected and there; `percent` is null where nothing is expected. */
export interface CompletenessFigures {
  readonly expected: number;
  readonly read: number;
  readonly late: number;
  readonly missing: number;
  readonly open: number;
  readonly percent: string | null;
}

export interface CompletenessAnswer {
  readonly by: string;
  readonly from: string;
  readonly to: string;
  readonly total: CompletenessFigures;
  readonly rows: readonly (CompletenessFigures & { readonly key: string })[];
}

export interface MeterCompletenessAnswer {
  readonly meter: string;
  readonly minutes: number | null;
  readonly total: CompletenessFigures;
  readonly runs: readonly { readonly from: string; readonly to: string; readonly state: string }[];
}

/** The worst `limit` rows of a day (undefined: of all days that are kept). */
export function completenessByApi(
  access: ApiAccess,
  query: { readonly day: string | undefined; readonly by: string; readonly limit: number },
): Promise<CompletenessAnswer> {
  const { day, by, limit } = query;
  const parameters = new URLSearchParams({ by, limit: String(limit), ...(day === undefined ? {} : { day }) });
  return callApi(access, "GET", `/api/v1/completeness?${parameters}`) as Promise<CompletenessAnswer>;
}

export function meterCompletenessByApi(access: ApiAccess, meter: string): Promise<MeterCompletenessAnswer> {
  const path = `/api/v1/meters/${encodeURIComponent(meter)}/completeness`;
  return callApi(access, "GET", path) as Promise<MeterCompletenessAnswer>;
}
