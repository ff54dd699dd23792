/** No order lost or done twice: what meters did is counted at the meters, what the head-end says is read from the store. */
import type { Order } from "../../../headend/ports.ts";
import { Findings, type Verdict } from "./verdict.ts";

const ENDS: ReadonlySet<Order["state"]> = new Set(["done", "failed", "expired", "refused", "cancelled"]);

/**
 * @param done how often any meter carried each order id out
 * @param requested ids that the head-end confirmed to a requester
 */
export function checkOrders(
  orders: readonly Order[],
  done: ReadonlyMap<number, number>,
  requested: ReadonlySet<number>,
): Verdict {
  const findings = new Findings("no order lost or done twice");
  const byId = new Map<number, Order>(orders.map((order) => [order.id, order]));
  for (const id of requested) findings.check(byId.has(id), () => `order ${id} was confirmed and is not in the store`);
  for (const order of orders) {
    const times = done.get(order.id) ?? 0;
    const who = `order ${order.id} (${order.operation} on ${order.meter}, ${order.state})`;
    findings.check(ENDS.has(order.state), () => `${who} never came to an end`);
    findings.check(times <= 1, () => `${who} was done ${times} times`);
    findings.check(order.state !== "cancelled" || times === 0, () => `${who} is said to be never sent, and was done`);
    findings.check(order.state !== "done" || times === 1, () => `${who} is said to be done, but no meter did it`);
  }
  for (const [id, times] of done)
    findings.check(byId.has(id), () => `a meter did order ${id} (${times} times), which nobody stored`);
  return findings.verdict();
}
