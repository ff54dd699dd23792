/** What the routes are given: the store's read side and the way to the collector. */
import type { FastifyRequest } from "fastify";
import type { LogEffect } from "../../src/core/actor.ts";
import type { Result } from "../../src/core/result.ts";
import type { Civil } from "../../src/core/time.ts";
import type { MeterId, Receipt, Refusal, RegisteredMeter, Request, StoreQuery } from "../ports.ts";
import { fromStore, Problem } from "./problems.ts";

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

export interface ApiOptions {
  readonly store: StoreQuery;
  /** Resolves with the collector's reply, which comes after the commit. */
  readonly submit: (request: ApiRequest) => Promise<Result<Receipt, Refusal>>;
  /** At least 16 characters, random. */
  readonly token: string;
  readonly now: () => Civil;
  readonly version: string;
  /** What the driver knows of lines, broker and queues; plain JSON data. */
  readonly status: () => object;
  /** In the Prometheus text format, version 0.0.4. */
  readonly metrics: () => Promise<string>;
  readonly readiness: () => Promise<readonly ReadyCheck[]>;
  readonly log?: (entry: LogEffect) => void;
}

/** Who the audit says it was. */
export function actorOf(_request: FastifyRequest): string {
  return ACTOR;
}

/** The API has one token and so one user. */
const ACTOR = "operator";

export async function knownMeter(store: StoreQuery, id: string): Promise<RegisteredMeter> {
  const meter = await fromStore(store.meter(id as MeterId));
  if (meter === undefined)
    throw new Problem(404, "unknown-meter", `there is no meter "${id}": GET /api/v1/meters lists those there are`);
  return meter;
}
