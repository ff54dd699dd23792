/**
 * A mass order: one wish for many meters, which two persons stand behind. Its orders are given one after the other at a
 * rate, so that neither lines nor grid see a rush; it stops by itself when too many of them come to nothing, and what has not
 * been sent by then waits until a person has looked and resumes or cancels it.
 */
import { assert } from "../../src/core/result.ts";
import type { Civil, Now } from "../../src/core/time.ts";
import type { Books, Draft } from "../books.ts";
import type { DocumentCodec } from "../documents.ts";
import type { MeterId, Order } from "../ports.ts";

/** Relay operations only: nothing else is urgent for many meters and dangerous for all of them. */
export const MASS_OPERATIONS = ["relay-open", "relay-allow", "relay-close"] as const;
export type MassOperation = (typeof MASS_OPERATIONS)[number];

export const MASS_STATES = ["requested", "running", "stopped", "done", "rejected", "cancelled"] as const;
export type MassState = (typeof MASS_STATES)[number];

const ENDS = ["done", "failed", "expired", "refused", "cancelled"] as const;
type End = (typeof ENDS)[number];

export interface MassOrder {
  /** Chosen by the requester: the same id again is the same mass order. */
  readonly id: string;
  readonly operation: MassOperation;
  readonly requester: string;
  /** Why, in the requester's words; may be empty. */
  readonly note: string;
  readonly requestedAt: Civil;
  /** How many persons must stand behind it, the requester among them. */
  readonly persons: number;
  readonly approvedBy: readonly string[];
  readonly state: MassState;
  /** Why it is stopped, rejected or cancelled; else empty. */
  readonly why: string;
  readonly perMinute: number;
  /** µs of civil time that each of its orders has. */
  readonly orderExpiry: number;
  /** It stops when more than so many percent of the last `stopWindow` orders that came to an end did not succeed. */
  readonly stopPercent: number;
  readonly stopWindow: number;
  readonly total: number;
  /** How many meters have had their turn, and of these how many were left out, since they cannot be switched any more. */
  readonly issued: number;
  readonly skipped: number;
  /** How its orders ended. */
  readonly ends: Readonly<Record<End, number>>;
  /** The last ends, oldest first: `+` done, `-` not. */
  readonly recent: string;
  /** When the next order may be given. */
  readonly nextAt: Civil;
  readonly finishedAt: Civil | null;
}

/** A request for a new one. */
export interface MassRequest {
  readonly kind: "mass";
  readonly ticket: number;
  readonly id: string;
  readonly operation: MassOperation;
  /** The meters listed, or all that can be switched, of a model, on a line (`mqtt`: on the broker). */
  readonly selection: { readonly meters?: readonly MeterId[]; readonly model?: string; readonly via?: string };
  readonly note: string;
  readonly actor: string;
}

export const MASS_DECISIONS = ["approve", "reject", "stop", "resume", "cancel"] as const;

export interface MassDecision {
  readonly kind: "decide-mass";
  readonly ticket: number;
  readonly id: string;
  readonly decision: (typeof MASS_DECISIONS)[number];
  readonly actor: string;
}

export interface MassReceipt {
  readonly kind: "mass";
  readonly mass: MassOrder;
  /** False when this id was used for the same before. */
  readonly created: boolean;
}

export const NO_ENDS: MassOrder["ends"] = { done: 0, failed: 0, expired: 0, refused: 0, cancelled: 0 };

/** Kept for good: an id is used once. */
export const MASS_ORDERS = "mass-orders";
export const massOrderCodec: DocumentCodec<MassOrder> = {
  encode: (mass) => JSON.stringify(mass),
  decode(text) {
    const mass = JSON.parse(text) as MassOrder;
    assert(
      MASS_STATES.includes(mass.state) && MASS_OPERATIONS.includes(mass.operation),
      "a mass order in the database",
    );
    return mass;
  },
  live: () => true,
};

/** Meters of a mass order by pieces, each a document of its own. */
export const METERS_IN_PIECE = 500;
export const MASS_METERS = "mass-order-meters";
export const massMetersCodec: DocumentCodec<readonly MeterId[]> = {
  encode: (meters) => JSON.stringify(meters),
  decode: (text) => JSON.parse(text) as readonly MeterId[],
  live: (meters) => meters.length > 0,
};

export function pieceKey(id: string, index: number): string {
  return `${id}/${Math.floor(index / METERS_IN_PIECE)}`;
}

/** Orders given that have not come to an end. */
export function openOf(mass: MassOrder): number {
  return mass.issued - mass.skipped - ENDS.reduce((sum, end) => sum + mass.ends[end], 0);
}

/** Whether an order waits because its mass order is stopped or over. What may be with the meter already is not held. */
export function isHeld(books: Books, order: Order): boolean {
  if (order.terms.mass === null || order.state !== "queued") return false;
  const state = books.massOrders.get(order.terms.mass)?.state;
  return state === "stopped" || state === "cancelled";
}

/** An order of a mass order has come to its end. */
export function countEnd(books: Books, order: Order, draft: Draft, now: Now): void {
  const mass = order.terms.mass === null ? undefined : books.massOrders.get(order.terms.mass);
  if (mass === undefined) return;
  const end = order.state as End;
  // What a person or a precondition cancelled says nothing of the meters.
  const mark = end === "cancelled" ? "" : end === "done" ? "+" : "-";
  const recent = `${mass.recent}${mark}`.slice(-mass.stopWindow);
  const counted: MassOrder = { ...mass, ends: { ...mass.ends, [end]: mass.ends[end] + 1 }, recent };
  const failures = recent.split("-").length - 1;
  const tooMany = recent.length === mass.stopWindow && failures * 100 > mass.stopPercent * mass.stopWindow;
  if (counted.state === "running" && tooMany) {
    const why = `${failures} of the last ${mass.stopWindow} orders came to nothing`;
    putMass(books, { ...counted, state: "stopped", why }, draft);
    auditMass(counted, "stopped", `${why}: look at their meters, then resume or cancel it`, "collector", draft, now);
  } else settle(books, counted, draft, now);
}

/** Stores it, and ends it where nothing is left to do or to wait for. */
export function settle(books: Books, mass: MassOrder, draft: Draft, now: Now): MassOrder {
  const isEnded = mass.state === "cancelled" || mass.state === "rejected";
  const isOver = openOf(mass) === 0 && (mass.issued === mass.total || isEnded);
  if (!isOver || mass.finishedAt !== null) return putMass(books, mass, draft);
  const state = isEnded ? mass.state : "done";
  const { ends } = mass;
  const detail = [...ENDS.map((end) => `${ends[end]} ${end}`), `${mass.skipped} left out`].join(", ");
  for (let i = 0; i < mass.total; i += METERS_IN_PIECE) books.massMeters.set(pieceKey(mass.id, i), [], draft);
  auditMass(mass, state === "done" ? "done" : "over", detail, "collector", draft, now);
  return putMass(books, { ...mass, state, finishedAt: now.civil }, draft);
}

export function putMass(books: Books, mass: MassOrder, draft: Draft): MassOrder {
  books.massOrders.set(mass.id, mass, draft);
  return mass;
}

export function auditMass(mass: MassOrder, step: string, detail: string, actor: string, draft: Draft, now: Now): void {
  const entry = {
    ...{ at: now.civil, actor, action: `mass ${mass.operation} ${step}`, meter: null, order: null },
    detail: `${mass.id}: ${detail}`,
  };
  draft.records.push({ kind: "audit", entry });
}
