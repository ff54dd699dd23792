/** Whether what is read back shows that an order was carried out, whatever protocol read it. */
import type { OrderStatus } from "../../protocols/orders.ts";
import { type Civil, MICROS_PER_SECOND } from "../../src/core/time.ts";
import type { OrderStep } from "../commands/orders.ts";
import type { Order } from "../ports.ts";

/** What was read after the meter's acknowledgement; null where the meter does not say. */
export interface ReadBack {
  readonly relay: 0 | 1 | null;
  /** The meter's clock, seconds since 1970. */
  readonly clock: number | null;
}

/** A clock is set to the second, and the reading of it has a delay of its own. */
const CLOCK_TOLERANCE_SECONDS = 3;

/** The end of an order whose outcome is `done`. */
export function verify(order: Order, read: ReadBack, now: Civil): OrderStep {
  if (order.operation === "clock-set") return verifyClock(order, read, now);
  // Allowed to be closed: it is, or waits for the customer.
  const asWanted =
    order.operation === "relay-allow"
      ? read.relay !== null
      : read.relay === (order.operation === "relay-close" ? 1 : 0);
  if (asWanted) return { state: "verified", relay: read.relay };
  const shown = read.relay === null ? "no state" : read.relay === 1 ? "closed" : "open";
  return {
    state: "failed",
    outcome: "done",
    relay: read.relay,
    reason: `the meter says done, but its relay reads back ${shown}: look at the meter`,
  };
}

/** The clock was set at some moment between the request and now and has run on since. */
function verifyClock(order: Order, read: ReadBack, now: Civil): OrderStep {
  const latest = order.argument + (now - order.requestedAt) / MICROS_PER_SECOND + CLOCK_TOLERANCE_SECONDS;
  const right = read.clock !== null && read.clock >= order.argument - CLOCK_TOLERANCE_SECONDS && read.clock <= latest;
  if (right) return { state: "verified", relay: null };
  return {
    state: "failed",
    outcome: "done",
    relay: null,
    reason: `the meter says done, but its clock reads back ${read.clock ?? "nothing"}`,
  };
}

/** The end of an order that the meter did not carry out. */
export function refusedByMeter(status: OrderStatus, relay: 0 | 1 | null): OrderStep {
  const why: Readonly<Record<OrderStatus, string>> = {
    none: "the meter does not know the order",
    done: "the meter did it",
    refused: "the meter refused it",
    locked: "the meter is locked: check the password",
    "bad-argument": "the meter does not take the argument",
  };
  return { state: "refused", outcome: status, relay, reason: why[status] };
}
