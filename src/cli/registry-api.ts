/** The registry through the head-end's API. */
import type { Change } from "../../headend/registry/plan.ts";
import type { RegistryBody } from "../../headend/registry/view.ts";
import { type ApiAccess, allPages, callApi as call } from "./api-client.ts";

export interface RegistryAnswer {
  readonly id: string;
  readonly state: string;
  readonly model: string;
  readonly where: string | null;
  readonly ratio: number;
  readonly serial: string | null;
  readonly note: string;
  readonly exchanges: readonly ExchangeAnswer[];
}

export interface ExchangeAnswer {
  readonly at: string;
  readonly closing: string;
  readonly opening: string;
  readonly oldSerial: string | null;
  readonly newSerial: string | null;
}

export interface ImportAnswer {
  readonly applied: boolean;
  readonly counts: Readonly<Record<"new" | "changed" | "unchanged" | "refused", number>>;
  readonly rows: readonly { readonly meter: string; readonly outcome: string; readonly changes: readonly Change[] }[];
  readonly mistakes: readonly { readonly line: number; readonly column: string; readonly problem: string }[];
}

export interface ExchangeWish {
  readonly at?: string;
  readonly closing?: string;
  readonly opening: string;
  readonly serial?: string;
  readonly model?: string;
  readonly key: string;
}

export interface Proposal {
  readonly id: string;
  readonly where: string;
  readonly model: string;
  readonly note: string;
}

const PAGE = 500;
/** For tables of thousands of meters, beside a head-end at work. */
const TABLE_PATIENCE_MS = 120_000;
const pathOf = (meter: string) => `/api/v1/registry/${encodeURIComponent(meter)}`;

/** All of them, page by page. */
export async function listRegistry(access: ApiAccess, state: string | undefined): Promise<readonly RegistryAnswer[]> {
  const pages = await allPages(async (cursor) => {
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (state !== undefined) query.set("state", state);
    if (cursor !== undefined) query.set("cursor", cursor);
    return (await call(access, "GET", `/api/v1/registry?${query}`)) as {
      readonly meters: readonly RegistryAnswer[];
      readonly next: string | null;
    };
  });
  return pages.flatMap(({ meters }) => meters);
}

export function getRegistryMeter(access: ApiAccess, meter: string): Promise<RegistryAnswer> {
  return call(access, "GET", pathOf(meter)) as Promise<RegistryAnswer>;
}

export function putRegistryMeter(access: ApiAccess, meter: string, body: RegistryBody) {
  return call(access, "PUT", pathOf(meter), body) as Promise<{
    readonly meter: RegistryAnswer;
    readonly outcome: string;
    readonly changes: readonly Change[];
  }>;
}

export function exchangeByApi(access: ApiAccess, meter: string, wish: ExchangeWish) {
  return call(access, "POST", `${pathOf(meter)}/exchanges`, wish) as Promise<{
    readonly meter: string;
    readonly created: boolean;
    readonly exchange: ExchangeAnswer;
  }>;
}

export function exportRegistry(access: ApiAccess): Promise<string> {
  return call(access, "GET", "/api/v1/registry.csv", undefined, TABLE_PATIENCE_MS) as Promise<string>;
}

export function importRegistry(
  access: ApiAccess,
  table: { readonly csv: string; readonly partial: boolean; readonly dryRun: boolean },
): Promise<ImportAnswer> {
  return call(access, "POST", "/api/v1/registry-import", table, TABLE_PATIENCE_MS) as Promise<ImportAnswer>;
}

export function proposeMeters(access: ApiAccess, meters: readonly Proposal[]) {
  return call(access, "POST", "/api/v1/registry-proposals", { meters }) as Promise<{
    readonly meters: readonly { readonly meter: string; readonly outcome: string; readonly reason: string | null }[];
  }>;
}
