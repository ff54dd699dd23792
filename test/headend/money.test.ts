/** Money against energy over whole histories: repeats, bad values, lost batches and restarts in any order. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { minor, pricePerKwh } from "../../src/core/money.ts";
import { simSigner } from "../../src/simulation/cipher.ts";
import { FakeMqttMeter, meterId, TEST_MODEL } from "./fakes.ts";
import { BROKER, SECOND, World } from "./world.ts";

const Q1 = meterId("q1");

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("use" as const), wh: fc.nat({ max: 300 }) }) },
    { weight: 2, arbitrary: fc.constant({ kind: "repeat" as const }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("lie" as const), wh: fc.constantFrom(0, 1, 50_000_000) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("fail" as const), batches: fc.integer({ min: 1, max: 6 }) }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "die" as const }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("topup" as const), amount: fc.integer({ min: 1, max: 90 }) }),
    },
  ),
  { maxLength: 40 },
);

test("whatever happened on the way, the account has taken the energy at the price, once", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const meter = new FakeMqttMeter("q1");
      const price = 33_333_333n;
      const world = new World(
        {
          lines: [],
          mqtt: { link: BROKER, signer: simSigner("head-end"), meters: [{ id: Q1, model: TEST_MODEL }] },
          prepaid: [
            {
              meter: Q1,
              currency: "EUR",
              price: pricePerKwh(price),
              warnAt: minor(9n),
              cutAt: minor(0n),
              initial: minor(20n),
            },
          ],
        },
        { mqtt: [meter] },
      );
      const send = () => {
        const payload = meter.telemetry(world.iso);
        world.publish("q1", "telemetry", payload);
        return payload;
      };
      let last = send();
      world.run(60 * SECOND);
      let topups = 20n;
      let refuse = 0;
      world.store.refuses = () => (refuse > 0 && refuse-- > 0 ? "full" : undefined);
      for (const [i, step] of history.entries()) {
        if (step.kind === "use") {
          if (meter.device.relay === 1) meter.device.energyWh += step.wh;
          last = send();
        } else if (step.kind === "repeat") world.publish("q1", "telemetry", last);
        else if (step.kind === "fail") refuse = step.batches;
        else if (step.kind === "die") world.restart();
        else if (step.kind === "lie") {
          const truth = meter.device.energyWh;
          meter.device.energyWh = step.wh;
          send();
          meter.device.energyWh = truth;
        } else {
          const topup = {
            kind: "topup",
            meter: Q1,
            amount: minor(BigInt(step.amount)),
            key: `t${i}`,
            actor: "a",
          } as const;
          topups += BigInt(step.amount);
          // The requester repeats with the same key until it is told.
          for (let told = false; !told; ) {
            const ticket = world.request(topup);
            world.run(30 * SECOND);
            told = world.replies.get(ticket)?.ok === true;
          }
        }
        world.run(60 * SECOND);
      }
      refuse = 0;
      send();
      world.run(120 * SECOND);
      const account = world.store.accounts.get("q1");
      const postings = [...world.store.postings.values()];
      const sum = (kind: string) => postings.filter((p) => p.kind === kind).reduce((total, p) => total + p.amount, 0n);
      const used = BigInt(meter.device.energyWh * 1000 - 1_000_000);
      expect(account?.energyTo).toBe(meter.device.energyWh * 1000);
      expect(account?.charged).toBe((used * price) / 10n ** 12n);
      expect(sum("charge")).toBe(account?.charged);
      expect(account?.toppedUp).toBe(topups);
      expect(sum("topup")).toBe(topups);
      // The relay follows the balance, and no order was done twice.
      expect(meter.device.relay).toBe(topups - (account?.charged ?? 0n) <= 0n ? 0 : 1);
      expect(new Set(meter.device.done.map((o) => o.id)).size).toBe(meter.device.done.length);
    }),
    { numRuns: 40 },
  );
});
