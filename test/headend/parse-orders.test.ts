/** The `orders` section of the configuration. */
import { expect, test } from "vitest";
import { DEFAULT_ORDER_POLICY } from "../../headend/config.ts";
import { problemText } from "../../headend/config-reader.ts";
import { parseConfig } from "../../headend/parse-config.ts";
import { failure } from "../../src/core/result.ts";

const parse = (orders: unknown) => {
  const parsed = parseConfig({ orders }, () => failure("no models here"));
  return parsed.ok ? parsed.value.collector.orders : parsed.error.map(problemText).join("\n");
};

test("without it orders need no second person, and mass orders two", () => {
  const parsed = parseConfig({}, () => failure("no models here"));
  expect(parsed.ok && parsed.value.collector.orders).toBeUndefined();
  expect(DEFAULT_ORDER_POLICY).toEqual({
    persons: {},
    mass: { persons: 2, perMinute: 60, stopPercent: 10, stopWindow: 20, orderExpiry: 3_600_000_000 },
  });
  expect(parse({})).toEqual(DEFAULT_ORDER_POLICY);
});

test("what it says is taken, the rest stays usual", () => {
  const mass = { persons: 3, perMinute: 6, stopPercent: 0, stopWindow: 50, expirySeconds: 600 };
  expect(parse({ persons: { "relay-open": 2, "clock-set": 1 }, mass })).toEqual({
    persons: { "relay-open": 2, "clock-set": 1 },
    mass: { persons: 3, perMinute: 6, stopPercent: 0, stopWindow: 50, orderExpiry: 600_000_000 },
  });
  expect(parse({ mass: { perMinute: 6 } })).toMatchObject({ mass: { perMinute: 6, persons: 2, stopWindow: 20 } });
});

test.each([
  [{ persons: { "relay-open": 0 } }, "orders.persons.relay-open: a whole number from 1 to 5 is needed, not 0"],
  [
    { persons: { "relay-explode": 2 } },
    "orders.persons.relay-explode: there is no such setting here; known are clock-set",
  ],
  [{ mass: { persons: 1 } }, "orders.mass.persons: a whole number from 2 to 5 is needed, not 1"],
  [{ mass: { stopWindow: 5 } }, "orders.mass.stopWindow: a whole number from 20 to 1000 is needed, not 5"],
  [{ mass: { perMinute: "60" } }, 'orders.mass.perMinute: a whole number from 1 to 6000 is needed, not "60"'],
  [{ rate: 5 }, "orders.rate: there is no such setting here"],
  [[], "orders: an object { … } is needed"],
])("%j is refused with the place and the fix", (orders, words) => {
  expect(parse(orders)).toContain(words);
});
