/** Orders through the whole collector: lost answers, restarts, repeated keys, refusals. */
import { describe, expect, test } from "vitest";
import { minor } from "../../src/core/money.ts";
import { FakeModbusMeter, FakeMqttMeter, meterId, PLAIN_MODEL, TEST_MODEL } from "./fakes.ts";
import { account, busConfig, M1, mqttConfig, Q1 } from "./site.ts";
import { BUS, SECOND, World } from "./world.ts";

describe("an order is done once", () => {
  const order = { kind: "order", meter: M1, operation: "relay-open", argument: 0, key: "k1", actor: "op" } as const;

  test.each([
    ["the unlock", 0x100, 5],
    // After the line's three attempts the outcome is looked at, which shows that it was done.
    ["the mailbox", 0x110, 3],
    ["the outcome", 0x120, 5],
  ])("when the answer to %s is lost up to five times", (_, register, times) => {
    const meter = new FakeModbusMeter(1);
    let lost = 0;
    meter.replies = (code, address) => (address === register && code !== 1 && lost < 5 ? ++lost === 0 : true);
    const world = new World(busConfig(), { modbus: [meter] });
    world.request(order);
    expect(world.runUntil(() => world.store.orders.get(1)?.state === "done")).toBe(true);
    expect(lost).toBe(times);
    expect(meter.device.done).toEqual([{ id: 1n, operation: 1 }]);
  });

  test.each(["outcome", "state"])("over MQTT when two %s answers are lost", (kind) => {
    const meter = new FakeMqttMeter("q1");
    let lost = 0;
    meter.answers = (answer) => (answer === kind && lost < 2 ? ++lost === 0 : true);
    const world = new World(mqttConfig(), { mqtt: [meter] });
    world.request({ ...order, meter: Q1 });
    expect(world.runUntil(() => world.store.orders.get(1)?.state === "done")).toBe(true);
    expect(lost).toBe(2);
    expect(meter.device.done).toEqual([{ id: 1n, operation: 1 }]);
  });

  test.each(["queued", "sent", "acknowledged"] as const)("when the head-end dies with the order %s", (state) => {
    for (const way of ["modbus", "mqtt"] as const) {
      const modbus = new FakeModbusMeter(1);
      const mqtt = new FakeMqttMeter("q1");
      const world =
        way === "modbus" ? new World(busConfig(), { modbus: [modbus] }) : new World(mqttConfig(), { mqtt: [mqtt] });
      world.run(SECOND);
      world.request({ ...order, meter: way === "modbus" ? M1 : Q1 });
      // The moment the store has the order in this state, whatever else is under way.
      for (let i = 0; i < 100_000 && world.store.orders.get(1)?.state !== state; i++) world.run(100);
      expect(world.store.orders.get(1)?.state).toBe(state);
      world.restart();
      expect(world.runUntil(() => world.store.orders.get(1)?.state === "done")).toBe(true);
      const device = way === "modbus" ? modbus.device : mqtt.device;
      expect(device.done).toEqual([{ id: 1n, operation: 1 }]);
      expect(world.store.audit.filter((a) => a.action === "order relay-open done").length).toBe(1);
      const repeat = world.request({ ...order, meter: way === "modbus" ? M1 : Q1 });
      world.run(SECOND);
      expect(world.replies.get(repeat)).toMatchObject({
        ok: true,
        value: { created: false, order: { id: 1, state: "done" } },
      });
    }
  });

  test("when the key comes again, at once or later; another use of the key is refused", () => {
    const world = new World(busConfig(), { modbus: [new FakeModbusMeter(1)] });
    const tickets = [world.request(order), world.request(order)];
    world.run(5 * SECOND);
    tickets.push(world.request(order), world.request({ ...order, operation: "relay-close" }));
    world.run(SECOND);
    const results = tickets.map((ticket) => world.replies.get(ticket));
    expect(results.map((r) => (r?.ok && r.value.kind === "order" ? [r.value.order.id, r.value.created] : r))).toEqual([
      [1, true],
      [1, false],
      [1, false],
      { ok: false, error: expect.objectContaining({ reason: "key-used-differently" }) },
    ]);
    expect(world.store.orders.size).toBe(1);
  });

  test("orders for one meter go one after the other, oldest first", () => {
    const meter = new FakeModbusMeter(1);
    const world = new World(busConfig(), { modbus: [meter] });
    for (let i = 0; i < 4; i++)
      world.request({ ...order, key: `k${i}`, operation: i % 2 === 0 ? "relay-open" : "relay-close" });
    expect(world.runUntil(() => world.store.orders.get(4)?.state === "done")).toBe(true);
    expect(meter.device.done.map((o) => o.id)).toEqual([1n, 2n, 3n, 4n]);
  });

  test("a clock is set and its reading checked against the time since", () => {
    const meter = new FakeModbusMeter(1);
    const world = new World(busConfig(), { modbus: [meter] });
    world.request({ ...order, operation: "clock-set", argument: 1_795_881_600 });
    expect(world.runUntil(() => world.store.orders.get(1)?.state === "done")).toBe(true);
    expect(meter.device.clock).toBe(1_795_881_600);
    expect(world.store.orders.get(1)).toMatchObject({ outcome: "done", relayReadBack: null });
  });

  test("a meter that says done but whose relay did not move fails the order", () => {
    const meter = new FakeModbusMeter(1);
    Object.defineProperty(meter.device, "relay", { get: () => 1, set: () => {} });
    const world = new World(busConfig(), { modbus: [meter] });
    world.request(order);
    expect(world.runUntil(() => world.store.orders.get(1)?.state === "failed")).toBe(true);
    expect(world.store.orders.get(1)).toMatchObject({ outcome: "done", relayReadBack: 1 });
    expect(world.store.audit.at(-1)?.detail).toContain("relay reads back closed");
  });

  test("a wrong password ends the order with what to do", () => {
    const meter = new FakeModbusMeter(1);
    meter.password = 99;
    const world = new World(busConfig(), { modbus: [meter] });
    world.request(order);
    expect(world.runUntil(() => world.store.orders.get(1)?.state === "failed")).toBe(true);
    expect(world.store.audit.at(-1)?.detail).toContain("password");
    expect(meter.device.done).toEqual([]);
  });

  test("a meter that never answers lets its order expire, and an answer after that changes nothing", () => {
    const meter = new FakeMqttMeter("q1");
    const world = new World(mqttConfig({ limits: { orderExpiry: 30 * SECOND } }), { mqtt: [] });
    world.request({ ...order, meter: Q1 });
    world.run(31 * SECOND);
    expect(world.store.orders.get(1)?.state).toBe("expired");
    const outcome = JSON.stringify({
      version: 1,
      meter: "q1",
      time: world.iso,
      kind: "outcome",
      id: 1,
      status: "done",
      relay: 0,
    });
    const token = world.publish("q1", "resp", outcome);
    world.run(SECOND);
    expect(world.acknowledged).toContain(token);
    expect(world.store.orders.get(1)?.state).toBe("expired");
    expect(meter.device.done).toEqual([]);
  });
});

describe("refusals before anything is queued", () => {
  const world = new World(
    {
      ...busConfig({ limits: { openOrders: 1 } }),
      lines: [
        {
          link: BUS,
          framing: "rtu",
          pollEvery: SECOND,
          meters: [
            { id: M1, unit: 1, model: TEST_MODEL },
            { id: meterId("plain"), unit: 2, model: PLAIN_MODEL },
          ],
        },
      ],
    },
    {},
  );
  const base = { kind: "order", meter: M1, operation: "relay-open", argument: 0, key: "a", actor: "op" } as const;
  test.each([
    [{ ...base, meter: meterId("nobody") }, "unknown-meter", "nobody"],
    [{ ...base, meter: meterId("plain") }, "no-relay", "this model has no relay"],
    [{ ...base, meter: meterId("plain"), operation: "clock-set", argument: 5 } as const, "no-clock", "no clock"],
    [{ ...base, operation: "clock-set", argument: -1 } as const, "bad-amount", "-1"],
    [{ ...base, operation: "credit-add", argument: 500 } as const, "bad-amount", "500"],
    [{ ...base, key: "prepaid:m1:cut:0:0" }, "key-used-differently", "prepaid:"],
    [{ kind: "topup", meter: M1, amount: minor(5n), key: "t", actor: "a" } as const, "not-prepaid", "m1"],
  ] as const)("%o → %s", (request, reason, detail) => {
    const ticket = world.request(request);
    world.run(SECOND);
    expect(world.replies.get(ticket)).toMatchObject({
      ok: false,
      error: { reason, detail: expect.stringContaining(detail) },
    });
    expect(world.store.orders.size).toBe(0);
  });

  test("more open orders than allowed, and amounts that are none", () => {
    const first = world.request(base);
    const second = world.request({ ...base, key: "b" });
    world.run(SECOND);
    expect(world.replies.get(first)?.ok).toBe(true);
    expect(world.replies.get(second)).toMatchObject({ ok: false, error: { reason: "too-many-orders" } });
    const prepaid = new World(busConfig({ prepaid: [account()] }), {});
    for (const amount of [0n, -5n, 10n ** 16n]) {
      const ticket = prepaid.request({
        kind: "topup",
        meter: M1,
        amount: minor(amount),
        key: `t${amount}`,
        actor: "a",
      });
      prepaid.run(SECOND);
      expect(prepaid.replies.get(ticket)).toMatchObject({ ok: false, error: { reason: "bad-amount" } });
    }
  });
});
