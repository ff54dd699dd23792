/** What the routes are given: the store's read side and the way to the collector. */
import type { FastifyRequest } from "fastify";
import type { LogEffect } from "../../src/core/actor.ts";
import type { Result } from "../../src/core/result.ts";
import type { Civil } from "../../src/core/time.ts";
import type { MeterPlace } from "../alarms/availability.ts";
import type { Incident } from "../alarms/incident.ts";
import type { NoticeFeed } from "../notice-feed.ts";
import type { MeterId, Receipt, Refusal, RegisteredMeter, Request, StoredDocument, StoreQuery } from "../ports.ts";
import { pageOf, readCursor } from "./cursor.ts";
import { fromStore, Problem } from "./problems.ts";
import type { ApiToken } from "./tokens.ts";

type WithoutTicket<T> = T extends unknown ? Omit<T, "ticket"> : never;

/** A request to the collector; the driver gives it its ticket. */
export type ApiRequest = WithoutTicket<Request>;

/** One thing that the head-end needs for its work. */
export interface ReadyCheck {
  readonly part: "store" | "broker" | "line";
  readonly name: string;
  readonly ok: boolean;
  /** Why not, for people; null when it is good. */
  readonly reason: string | null;
}

/** What the collector knows of alarms at this moment. */
export interface AlarmView {
  /** Those that last, oldest first. */
  open(): readonly Incident[];
  /** As they are now, those that are over too, where the store has not got them yet. */
  unstored(): readonly Incident[];
  /** How many more came than can be listed. */
  readonly unlisted: number;
  /** Where each meter is reached, by its id. */
  places(): readonly MeterPlace[];
}

export interface ApiOptions {
  readonly store: StoreQuery;
  /** Resolves with the collector's reply, which comes after the commit. */
  readonly submit: (request: ApiRequest) => Promise<Result<Receipt, Refusal>>;
  /** At least 16 characters, random: allowed everything, under the name `operator`. */
  readonly token: string;
  /** Named tokens with scopes; default: none. */
  readonly tokens?: () => readonly ApiToken[];
  readonly now: () => Civil;
  readonly version: string;
  /** What the driver knows of lines, broker and queues; plain JSON data. */
  readonly status: () => object;
  /** In the Prometheus text format, version 0.0.4. */
  readonly metrics: () => Promise<string>;
  readonly readiness: () => Promise<readonly ReadyCheck[]>;
  readonly alarms: AlarmView;
  /** Where live updates come from. */
  readonly events: NoticeFeed;
  /** Between two signs of life on a stream of events, ms; default 15 s. */
  readonly heartbeatMs?: number;
  readonly log?: (entry: LogEffect) => void;
}

/** Who the audit says it was. */
export function actorOf({ caller }: FastifyRequest): string {
  return caller.name;
}

/** A page of a meter's documents, which have its id before the first slash of their keys; newest keys first. */
export async function documentsOf(
  store: StoreQuery,
  collection: string,
  meter: MeterId,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string },
): Promise<{ readonly documents: readonly StoredDocument[]; readonly next: string | null }> {
  const prefix = `${meter}/`;
  const list = `${collection} ${meter}`;
  const before = cursor === undefined ? "~" : readCursor(list, cursor);
  const found = await fromStore(store.documents(collection, `${prefix}${before}`, "down", limit + 1));
  const own = found.filter(({ key }) => key.startsWith(prefix));
  const { items, next } = pageOf(list, own, limit, ({ key }) => key.slice(prefix.length));
  return { documents: items, next };
}

export async function knownMeter(store: StoreQuery, id: string): Promise<RegisteredMeter> {
  const meter = await fromStore(store.meter(id as MeterId));
  if (meter === undefined)
    throw new Problem(404, "unknown-meter", `there is no meter "${id}": GET /api/v1/meters lists those there are`);
  return meter;
}
