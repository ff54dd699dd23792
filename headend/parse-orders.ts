/** The `orders` section of the configuration: who must stand behind orders, and the pace of mass orders. */
import { ORDER_OPERATIONS, type OrderOperation } from "../protocols/orders.ts";
import { MICROS_PER_SECOND } from "../src/core/time.ts";
import { DEFAULT_ORDER_POLICY, type OrderPolicy } from "./config.ts";
import type { ObjectReader } from "./config-reader.ts";

const MOST_PERSONS = 5;

export function readOrders(orders: ObjectReader): OrderPolicy {
  const persons = orders.has("persons") ? readPersons(orders.object("persons")) : {};
  const mass = orders.has("mass") ? readMass(orders.object("mass")) : DEFAULT_ORDER_POLICY.mass;
  orders.close();
  return { persons, mass };
}

function readPersons(reader: ObjectReader): OrderPolicy["persons"] {
  const persons: Partial<Record<OrderOperation, number>> = {};
  for (const operation of Object.keys(ORDER_OPERATIONS) as OrderOperation[]) {
    // Credit is not ordered from outside.
    if (operation.startsWith("credit-") || !reader.has(operation)) continue;
    const count = reader.integer(operation, 1, MOST_PERSONS);
    if (count !== undefined) persons[operation] = count;
  }
  reader.close();
  return persons;
}

function readMass(reader: ObjectReader): OrderPolicy["mass"] {
  const usual = DEFAULT_ORDER_POLICY.mass;
  const integer = (name: keyof typeof usual, low: number, high: number): number =>
    (reader.has(name) ? reader.integer(name, low, high) : undefined) ?? usual[name];
  const persons = integer("persons", 2, MOST_PERSONS);
  const perMinute = integer("perMinute", 1, 6_000);
  const stopPercent = integer("stopPercent", 0, 100);
  const stopWindow = integer("stopWindow", 20, 1_000);
  const expiry = reader.has("expirySeconds") ? reader.integer("expirySeconds", 10, 30 * 86_400) : undefined;
  reader.close();
  const orderExpiry = expiry === undefined ? usual.orderExpiry : expiry * MICROS_PER_SECOND;
  return { persons, perMinute, stopPercent, stopWindow, orderExpiry };
}
