/** An order on a full line with dead and noisy meters: whoever is asked next, it is the meter of the order. */
import { describe, expect, test } from "vitest";
import type { Order } from "../../../../headend/ports.ts";
import { civil } from "../../../../src/core/time.ts";
import { meterId } from "../../fakes.ts";
import { type MeterKind, PacedLine, SECOND } from "./paced-line.ts";

const ORDERS = 40;

/** Every fourth is dead, every eighth noisy. */
const KINDS = Array.from({ length: 32 }, (_, i): MeterKind => {
  if (i % 4 === 1) return "dead";
  return i % 8 === 2 ? "noisy" : "healthy";
});

function relayOrder(id: number, unit: number, line: PacedLine): Order {
  const now = line.world.now().civil;
  return {
    ...{ id, key: `k${id}`, meter: meterId(`m${unit}`), operation: "relay-open", argument: 0, state: "queued" },
    ...{ reason: "operator", requestedAt: now, expiresAt: civil(now + 3_600 * SECOND) },
    ...{ outcome: null, relayReadBack: null, finishedAt: null },
    terms: { requester: "operator", persons: 1, approvedBy: [], precondition: null, mass: null },
  } as unknown as Order;
}

describe("orders on a line with more reads than it can carry", () => {
  const line = new PacedLine({
    kinds: KINDS,
    model: "meterworks-3p",
    pollEvery: 5 * SECOND,
    ...{ noise: 2_000, lateAfter: SECOND, seed: 3 },
  });
  line.run(120 * SECOND);

  test.each(["healthy", "noisy"] as const)("one for a %s meter waits for the request on the wire only", (kind) => {
    const units = KINDS.flatMap((own, i) => (own === kind ? [i + 1] : []));
    for (let i = 0; i < ORDERS; i++) {
      const unit = units[i % units.length] as number;
      const [before, at] = [line.asked.length, line.world.now().mono];
      line.order(relayOrder(1 + i, unit, line));
      line.run(1.5 * SECOND);
      // One request may be on its way already: it waits for the silence after the reply before it.
      const first = line.asked.slice(before, before + 2).find((asked) => asked.unit === unit);
      expect(first).toBeDefined();
      // The response timeout, and a request and the silences around it.
      expect((first?.at as number) - at).toBeLessThan(1.2 * SECOND);
      line.cancel(relayOrder(1 + i, unit, line));
      line.run(0.137 * SECOND);
    }
  });
});
