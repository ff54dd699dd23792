/** Exchange of a device on a polled line: baseline, prepaid money to the mWh, restarts, and what came late. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Refusal } from "../../../headend/ports.ts";
import type { ExchangeReceipt } from "../../../headend/registry/requests.ts";
import { minor } from "../../../src/core/money.ts";
import { type Civil, civil } from "../../../src/core/time.ts";
import { FakeModbusMeter, FakeMqttMeter } from "../fakes.ts";
import { account, busConfig, M1, mqttConfig, Q1 } from "../site.ts";
import { SECOND, World } from "../world.ts";

interface Wish {
  readonly at?: Civil;
  readonly closing?: number;
  readonly opening?: number;
  readonly serial?: string;
  readonly model?: string;
  readonly key?: string;
}

function exchange(world: World, { at, closing, opening = 0, serial = "new", model, key = "x1" }: Wish, meter = M1) {
  const ticket = world.request({
    kind: "exchange",
    ...{ meter, at: at ?? null, closing: closing ?? null, opening, serial, model: model ?? null, key, actor: "tester" },
  });
  world.runUntil(() => world.replies.has(ticket));
  const reply = world.replies.get(ticket);
  if (reply === undefined) throw new Error("no reply");
  return reply.ok ? { receipt: reply.value as ExchangeReceipt } : { refusal: reply.error as Refusal };
}

function prepaidWorld() {
  const meter = new FakeModbusMeter(1);
  const world = new World(busConfig({ prepaid: [{ ...account(), initial: minor(1_000_000n) }] }), { modbus: [meter] });
  world.run(3 * SECOND);
  return { meter, world };
}

const qualities = (world: World) => world.store.readingsOf(M1).map(({ quality }) => quality);

describe("a meter on a line is exchanged", () => {
  test("what the new device shows is good at once, and the account goes on where it was", () => {
    const { meter, world } = prepaidWorld();
    meter.device.energyWh = 1005;
    world.run(2 * SECOND);
    const before = world.store.accounts.get(M1);
    expect(before).toMatchObject({ energyFrom: 1_000_000, energyTo: 1_005_000 });
    // 7 Wh were used since the last poll, and nobody polled them: the technician read them off.
    expect(exchange(world, { closing: 1_012_000, opening: 40_000 }).receipt).toMatchObject({
      created: true,
      exchange: { closing: 1_012_000, opening: 40_000, newSerial: "new", actor: "tester" },
    });
    meter.device.energyWh = 41;
    world.run(2 * SECOND);
    expect(qualities(world).at(-1)).toBe("good");
    expect(world.store.accounts.get(M1)).toMatchObject({ energyFrom: 1_000_000, energyTo: 1_013_000 });
    expect(world.store.audit.some(({ action }) => action === "meter exchanged")).toBe(true);
  });

  test("without it the new device is not believed", () => {
    const { meter, world } = prepaidWorld();
    meter.device.energyWh = 41;
    world.run(2 * SECOND);
    expect(qualities(world).at(-1)).toBe("invalid");
    // Told afterwards, with the time at which it was done, it is believed from then on.
    const { receipt } = exchange(world, { at: civil(world.now.civil - SECOND), opening: 40_000 });
    expect(receipt?.exchange.closing).toBe(1_000_000);
    world.run(2 * SECOND);
    expect(qualities(world).at(-1)).toBe("good");
    expect(world.store.accounts.get(M1)?.energyTo).toBe(1_001_000);
  });

  test("a restart before the first reading of the new device forgets nothing", () => {
    const { meter, world } = prepaidWorld();
    meter.silent = true;
    exchange(world, { opening: 500_000 });
    world.restart();
    meter.silent = false;
    meter.device.energyWh = 502;
    world.run(8 * SECOND);
    expect(qualities(world).at(-1)).toBe("good");
    expect(world.store.accounts.get(M1)?.energyTo).toBe(1_002_000);
  });

  test("the same key is the same exchange, another wish under it is refused", () => {
    const { world } = prepaidWorld();
    exchange(world, { opening: 7_000 });
    expect(exchange(world, { opening: 7_000 }).receipt?.created).toBe(false);
    expect(exchange(world, { opening: 8_000 }).refusal?.reason).toBe("key-used-differently");
    const document = world.store.documents.get(`registry ${M1}`);
    expect(JSON.parse(document?.text ?? "").exchanges).toHaveLength(1);
  });

  test("a display without the last digits loses nothing and gives nothing back", () => {
    const { world } = prepaidWorld();
    expect(exchange(world, { closing: 990_000 }).receipt?.exchange.closing).toBe(1_000_000);
  });

  test.each([
    ["a closing read below what was read", { closing: 800_000 }, /closing read can't be right.*went back/],
    ["one beyond what the plate allows", { closing: 90_000_000 }, /grew by/],
    ["a time to come", { at: civil(4_000_000_000_000_000) }, /still to come/],
    ["a time before a good reading", { at: civil(1_795_881_600_000_000) }, /there is a good reading of/],
    ["another model where the file rules it", { model: "test-plain" }, /change the model there/],
  ] as const)("%s is refused and changes nothing", (_name, wish, why) => {
    const { world } = prepaidWorld();
    const before = [world.store.accounts.get(M1), world.store.documents.get(`registry ${M1}`)];
    const { refusal } = exchange(world, wish);
    expect(refusal?.detail).toMatch(why);
    expect([world.store.accounts.get(M1), world.store.documents.get(`registry ${M1}`)]).toEqual(before);
  });

  test("a store that refuses takes the whole exchange back, and it is done at the next try", () => {
    const { meter, world } = prepaidWorld();
    let left = 2;
    world.store.refuses = (batch) => (batch.some(({ kind }) => kind === "document") && left-- > 0 ? "full" : undefined);
    expect(exchange(world, { closing: 1_010_000 }).receipt?.created).toBe(true);
    meter.device.energyWh = 3;
    world.run(3 * SECOND);
    expect(world.store.accounts.get(M1)?.energyTo).toBe(1_013_000);
  });
});

test("readings of the old device that come after the exchange are kept as late and cost nothing", () => {
  const meter = new FakeMqttMeter(Q1);
  const world = new World(mqttConfig({ prepaid: [account(Q1)] }), { mqtt: [meter] });
  const send = (iso: string) => {
    world.publish(Q1, "telemetry", meter.telemetry(iso));
    world.run(SECOND);
  };
  send(world.iso);
  world.run(10 * SECOND);
  const backlog = meter.telemetry(world.iso).replace('"1.000"', '"1.004"');
  world.run(10 * SECOND);
  exchange(world, { closing: 1_009_000 }, Q1);
  world.run(SECOND);
  world.publish(Q1, "telemetry", backlog);
  world.run(SECOND);
  expect(world.store.readingsOf(Q1).at(-1)?.quality).toBe("late");
  expect(world.store.accounts.get(Q1)?.energyTo).toBe(1_009_000);
  meter.sequence = 0;
  meter.device.energyWh = 2;
  send(world.iso);
  expect(world.store.readingsOf(Q1).at(-1)?.quality).toBe("good");
  expect(world.store.accounts.get(Q1)?.energyTo).toBe(1_011_000);
});

test("over any number of exchanges, rollovers and restarts the account pays exactly what the devices counted", () => {
  const step = fc.record({
    wh: fc.integer({ min: 0, max: 40 }),
    do: fc.constantFrom("poll", "poll", "exchange", "exchange-by-last", "restart"),
    opening: fc.integer({ min: 0, max: 999_999 }),
    // Below 1 Wh: what the register does not show is read off by the technician.
    rest: fc.integer({ min: 0, max: 999 }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999 }), fc.array(step, { maxLength: 12 }), (first, steps) => {
      const meter = new FakeModbusMeter(1);
      meter.device.energyWh = first;
      const config = busConfig({ prepaid: [{ ...account(), initial: minor(1_000_000n) }] });
      const world = new World(config, { modbus: [meter] });
      world.run(3 * SECOND);
      let used = 0;
      for (const [i, { wh, do: what, opening, rest }] of steps.entries()) {
        meter.device.energyWh += wh;
        used += wh * 1000;
        if (what === "poll") world.run(3 * SECOND);
        else if (what === "restart") {
          world.run(3 * SECOND);
          world.restart();
        } else {
          if (what === "exchange-by-last") world.run(3 * SECOND);
          // Nothing answers while the devices are changed.
          meter.silent = true;
          world.run(SECOND);
          const shown = (meter.device.energyWh % 1_000_000) * 1000;
          const wish = what === "exchange" ? { closing: shown + rest } : {};
          if (what === "exchange") used += rest;
          const { receipt, refusal } = exchange(world, { ...wish, opening: opening * 1000, key: `x${i}` });
          expect(refusal).toBeUndefined();
          expect(receipt?.exchange.opening).toBe(opening * 1000);
          meter.device.energyWh = opening;
          meter.silent = false;
        }
      }
      world.run(12 * SECOND);
      const paid = world.store.accounts.get(M1);
      expect((paid?.energyTo ?? 0) - (paid?.energyFrom ?? 0)).toBe(used);
      const charges = [...world.store.postings.values()].filter(({ kind }) => kind === "charge");
      const charged = charges.reduce((sum, { amount }) => sum + amount, 0n);
      expect(charged).toBe(paid?.charged);
      expect(charged).toBe((BigInt(used) * 25n) / 1_000_000n);
    }),
    { numRuns: 60 },
  );
});
