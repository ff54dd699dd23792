/** docs/orders.md against the code: the states, the example configuration, and what the audit says of each wire. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { authenticity } from "../../headend/audit/authenticity.ts";
import { parseConfig } from "../../headend/parse-config.ts";
import { ORDER_STATES } from "../../headend/ports.ts";
import { failure } from "../../src/core/result.ts";
import { REPOSITORY } from "../programs.ts";

const PAGE = readFileSync(join(REPOSITORY, "docs/orders.md"), "utf8");

test("the table has every state, in order", () => {
  const states = [...PAGE.matchAll(/^\| `([a-z]+)` +\|/gm)].map(([, state]) => state);
  const alphabetical = (all: readonly (string | undefined)[]) => [...all].sort();
  expect(states.slice(0, 7)).toEqual(ORDER_STATES.slice(0, 7));
  expect(alphabetical(states)).toEqual(alphabetical(ORDER_STATES));
});

test("the configuration it shows is taken", () => {
  const [, text = ""] = /```json\n(\{\n {2}"orders"[^`]*)```/.exec(PAGE) ?? [];
  const parsed = parseConfig(JSON.parse(text), () => failure("no models here"));
  expect(parsed.ok && parsed.value.collector.orders).toEqual({
    persons: { "relay-open": 2, "clock-set": 1 },
    mass: { persons: 2, perMinute: 60, stopPercent: 10, stopWindow: 20, orderExpiry: 3_600_000_000 },
  });
});

test("what stands in for a signature over Modbus is what the audit says", () => {
  const words = "the meter's password and its unlock window stand in for";
  expect(authenticity("modbus")).toContain(words);
  expect(PAGE.replace(/\s+/g, " ")).toContain(words);
});
