/** Orders and mass orders through the head-end's API. */
import type { MassDecision, MassOperation } from "../../headend/commands/mass-order.ts";
import type { massView, orderView } from "../../headend/view.ts";
import type { OrderOperation } from "../../protocols/orders.ts";
import { type ApiAccess, callApi } from "./api-client.ts";

export type OrderAnswer = ReturnType<typeof orderView>;
export type MassAnswer = ReturnType<typeof massView>;

export interface OrderWish {
  readonly meter: string;
  readonly operation: OrderOperation;
  readonly key: string;
  /** ISO 8601. */
  readonly expiresAt?: string;
  readonly precondition?: { readonly relay?: "open" | "closed"; readonly balanceAtMost?: string };
}

/** Newest audit entries, among which the end of an order that has just ended is looked for. */
const NOTES_LOOKED_AT = 100;

/** Repeated with the same key it is the same order. @throws CommandError (exit 1) with the API's reason, as all here. */
export async function orderByApi(access: ApiAccess, { meter, ...body }: OrderWish): Promise<OrderAnswer> {
  const path = `/api/v1/meters/${encodeURIComponent(meter)}/orders`;
  const receipt = (await callApi(access, "POST", path, body)) as { order: OrderAnswer };
  return receipt.order;
}

export function getOrder(access: ApiAccess, id: number): Promise<OrderAnswer> {
  return callApi(access, "GET", `/api/v1/orders/${id}`) as Promise<OrderAnswer>;
}

export function decideOrder(access: ApiAccess, id: number, decision: "approve" | "reject" | "cancel") {
  return callApi(access, "POST", `/api/v1/orders/${id}/${decision}`) as Promise<OrderAnswer>;
}

/** What the head-end noted last about an order, such as why it failed; undefined where its latest notes are about others. */
export async function noteOnOrder(access: ApiAccess, id: number): Promise<string | undefined> {
  const audit = (await callApi(access, "GET", `/api/v1/audit?limit=${NOTES_LOOKED_AT}`)) as {
    readonly entries: readonly { readonly order: number | null; readonly detail: string }[];
  };
  return audit.entries.find(({ order }) => order === id)?.detail;
}

export interface MassWish {
  readonly id: string;
  readonly operation: MassOperation;
  readonly meters?: readonly string[];
  readonly model?: string;
  readonly via?: string;
  readonly all?: true;
  readonly note?: string;
}

export function massByApi(access: ApiAccess, wish: MassWish): Promise<MassAnswer> {
  return callApi(access, "POST", "/api/v1/mass-orders", wish) as Promise<MassAnswer>;
}

export function getMass(access: ApiAccess, id: string): Promise<MassAnswer> {
  return callApi(access, "GET", `/api/v1/mass-orders/${encodeURIComponent(id)}`) as Promise<MassAnswer>;
}

export function decideMass(access: ApiAccess, id: string, decision: MassDecision["decision"]): Promise<MassAnswer> {
  return callApi(access, "POST", `/api/v1/mass-orders/${encodeURIComponent(id)}/${decision}`) as Promise<MassAnswer>;
}
