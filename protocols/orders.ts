/**
 * The vocabulary of orders that head-end and meter share, whatever protocol carries them.
 * An order has an id chosen by the head-end; the meter remembers ids before it acts, so an order is done at most once.
 */

/** Operations with their code in the native Modbus mailbox. */
export const ORDER_OPERATIONS = {
  "relay-open": 1,
  "relay-close": 2,
  "clock-set": 3,
  "credit-add": 4,
  "credit-refund": 5,
  /** The customer may close the relay by the meter's button. */
  "relay-allow": 6,
} as const;
export type OrderOperation = keyof typeof ORDER_OPERATIONS;

/** What a meter says of an order, with its code on the wire. A repeated id gets its first outcome again: nothing is done twice. */
export const ORDER_STATUSES = { none: 0, done: 1, refused: 2, locked: 3, "bad-argument": 4 } as const;
export type OrderStatus = keyof typeof ORDER_STATUSES;

/** An order id on the wire: 1 .. 2^53 − 1, unique within the head-end that issues it. */
export type OrderNumber = number & { readonly __id: "order" };

export interface MeterOrder {
  readonly id: OrderNumber;
  readonly operation: OrderOperation;
  /** clock-set: seconds since 1970 in UTC; credit: whole minor units, or mWh where credit is energy; otherwise 0. */
  readonly argument: number;
}

export interface OrderOutcome {
  readonly id: OrderNumber;
  readonly status: OrderStatus;
  /** Relay state after the order: 1 closed, 0 open. */
  readonly relay: 0 | 1;
}
