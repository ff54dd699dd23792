/** The collector end to end over fake meters at byte level: the prepaid story, lost answers, restarts, a failing store. */
import { describe, expect, test } from "vitest";
import type { CollectorConfig } from "../../headend/config.ts";
import { minor, pricePerKwh } from "../../src/core/money.ts";
import { FakeModbusMeter, FakeMqttMeter, meterId, PLAIN_MODEL, TEST_MODEL } from "./fakes.ts";
import { BROKER, BUS, SECOND, World } from "./world.ts";

const M1 = meterId("m1");
const Q1 = meterId("q1");
/** 0.25 a kWh in cents: 25 cents, in millionths. */
const PRICE = pricePerKwh(25_000_000n);

function account(meter = M1) {
  return { meter, currency: "EUR", price: PRICE, warnAt: minor(50n), cutAt: minor(0n), initial: minor(100n) };
}

function busConfig(more: Partial<CollectorConfig> = {}): CollectorConfig {
  return {
    lines: [
      {
        link: BUS,
        framing: "rtu",
        responseTimeout: 200_000,
        pollEvery: SECOND,
        meters: [{ id: M1, unit: 1, model: TEST_MODEL, password: 1234 }],
      },
    ],
    ...more,
  };
}

const mqttConfig = (more: Partial<CollectorConfig> = {}): CollectorConfig => ({
  lines: [],
  mqtt: { link: BROKER, meters: [{ id: Q1, model: TEST_MODEL }] },
  ...more,
});

const states = (world: World, id = 1) =>
  world.notices.flatMap((n) => (n.kind === "order" && n.order.id === id ? [n.order.state] : []));

describe("readings of a polled meter", () => {
  test("two blocks are one reading, stored once per interval", () => {
    const world = new World(busConfig(), { modbus: [new FakeModbusMeter(1)] });
    world.run(10.5 * SECOND);
    const readings = world.store.readingsOf("m1");
    expect(readings.length).toBe(11);
    expect(readings[0]?.values).toEqual({
      voltageL1: 230_100,
      activeEnergyImport: 1_000_000,
      clock: 0,
      frequency: 50_000,
    });
    expect(readings[0]).toMatchObject({ source: "modbus", sequence: null, quality: "good" });
  });

  test("the interval is civil time: at speed 60 a poll per minute of the meter is one a second", () => {
    const config = busConfig();
    const line = { ...(config.lines[0] as (typeof config.lines)[0]), pollEvery: 60 * SECOND };
    const world = new World({ ...config, lines: [line] }, { modbus: [new FakeModbusMeter(1)], speed: 60 });
    world.run(9.5 * SECOND);
    expect(world.store.readingsOf("m1").length).toBe(10);
  });

  test("a register that goes back is stored as invalid, audited once, charged never", () => {
    const meter = new FakeModbusMeter(1);
    const world = new World(busConfig({ prepaid: [account()] }), { modbus: [meter] });
    world.run(2.5 * SECOND);
    meter.device.energyWh = 500;
    world.run(3 * SECOND);
    expect(world.store.readingsOf("m1").map((r) => r.quality)).toEqual([
      ...["good", "good", "good"],
      ...["invalid", "invalid", "invalid"],
    ]);
    expect(world.store.audit.filter((a) => a.action === "reading invalid").length).toBe(1);
    meter.device.energyWh = 200_000;
    world.run(SECOND);
    expect(world.store.readingsOf("m1").at(-1)?.quality).toBe("invalid");
    expect(world.store.accounts.get("m1")?.charged).toBe(0n);
    expect(world.store.orders.size).toBe(0);
    // Back to the truth: the baseline never moved, so the next reading is good at once.
    meter.device.energyWh = 1004;
    world.run(SECOND);
    expect(world.store.readingsOf("m1").at(-1)?.quality).toBe("good");
    expect(world.store.accounts.get("m1")?.charged).toBe(0n);
  });

  test("a register that rolls over is charged through", () => {
    const meter = new FakeModbusMeter(1);
    meter.device.energyWh = 999_990;
    const world = new World(busConfig({ prepaid: [account()] }), { modbus: [meter] });
    world.run(SECOND / 2);
    meter.device.energyWh = 1_000_070;
    world.run(SECOND);
    expect(world.store.readingsOf("m1").at(-1)).toMatchObject({
      quality: "good",
      values: { activeEnergyImport: 70_000 },
    });
    // 80 Wh at 25 cents a kWh: 2 cents.
    expect(world.store.accounts.get("m1")).toMatchObject({
      charged: 2n,
      energyFrom: 999_990_000,
      energyTo: 1_000_070_000,
    });
  });
});

test("a reading has the time of its energy, however slow the line and fast the clock", () => {
  const meter = new FakeModbusMeter(1);
  const world = new World(busConfig(), { modbus: [meter], speed: 600 });
  world.replyTime = 150_000;
  const asked: number[] = [];
  world.watch = (effect) => {
    // The block at address 0 holds +A, the one at 0x40 does not.
    if (effect.kind === "send" && effect.bytes[3] === 0) asked.push(world.now.civil);
  };
  world.run(3 * SECOND);
  const times = world.store.readingsOf("m1").map((r) => r.time);
  expect(times.length).toBeGreaterThan(5);
  // Six registers come in 17 characters of 11 bits at 9600 bit/s; in the middle of what is left the meter was read.
  const onWire = (17 * 11 * 1e6) / 9600;
  for (const [i, time] of times.entries())
    expect((time - (asked[i] as number)) / 600).toBeCloseTo((150_000 - onWire) / 2, -1);
});

describe("the prepaid story", () => {
  test.each(["modbus", "mqtt"] as const)("over %s: used up, cut, read back, topped up, restored", (way) => {
    const meter = way === "modbus" ? new FakeModbusMeter(1) : new FakeMqttMeter("q1");
    const id = way === "modbus" ? M1 : Q1;
    const world =
      way === "modbus"
        ? new World(busConfig({ prepaid: [account(M1)] }), { modbus: [meter as FakeModbusMeter], speed: 600 })
        : new World(mqttConfig({ prepaid: [account(Q1)] }), { mqtt: [meter as FakeMqttMeter], speed: 600 });
    // An order may leave only when its row is in the store.
    world.watch = (effect) => {
      const writes = effect.kind === "send" && effect.bytes[1] === 16;
      if (writes || effect.kind === "publish") expect(world.store.orders.size).toBeGreaterThan(0);
    };
    const second = (wh: number) => {
      meter.device.energyWh += wh;
      if (meter instanceof FakeMqttMeter) world.publish("q1", "telemetry", meter.telemetry(world.iso));
      world.run(SECOND);
    };
    second(0);
    expect(world.store.accounts.get(id)).toMatchObject({ toppedUp: 100n, charged: 0n });
    // 100 cents buy 4000 Wh; 600 Wh in ten minutes of the meter are 3.6 kW.
    const levels: string[] = [];
    for (let i = 0; i < 7 && meter.device.relay === 1; i++) second(600);
    for (const n of world.notices) if (n.kind === "balance") levels.push(n.level);
    expect([...new Set(levels)]).toEqual(["good", "warning", "empty"]);
    expect(meter.device.relay).toBe(0);
    expect(states(world)).toEqual(["queued", "sent", "acknowledged", "done"]);
    expect(world.store.orders.get(1)).toMatchObject({
      operation: "relay-open",
      reason: "prepaid: balance used up",
      outcome: "done",
      relayReadBack: 0,
    });
    second(0);
    second(0);
    expect(world.store.orders.size).toBe(1);

    const ticket = world.request({ kind: "topup", meter: id, amount: minor(500n), key: "bill-1", actor: "shop" });
    expect(world.runUntil(() => meter.device.relay === 1, 5 * SECOND)).toBe(true);
    expect(world.replies.get(ticket)).toMatchObject({
      ok: true,
      value: { booked: true, balance: 495n, currency: "EUR" },
    });
    world.run(SECOND);
    expect(states(world, 2)).toEqual(["queued", "sent", "acknowledged", "done"]);
    expect(world.store.orders.get(2)).toMatchObject({ operation: "relay-close", relayReadBack: 1 });

    const again = world.request({ kind: "topup", meter: id, amount: minor(500n), key: "bill-1", actor: "shop" });
    const other = world.request({ kind: "topup", meter: id, amount: minor(501n), key: "bill-1", actor: "shop" });
    world.run(SECOND);
    expect(world.replies.get(again)).toMatchObject({ ok: true, value: { booked: false, balance: 495n } });
    expect(world.replies.get(other)).toMatchObject({ ok: false, error: { reason: "key-used-differently" } });
    expect(meter.device.done.map((o) => o.operation)).toEqual([1, 2]);
    expect([...world.store.postings.values()].filter((p) => p.kind === "topup").map((p) => p.amount)).toEqual([
      100n,
      500n,
    ]);
    const charges = [...world.store.postings.values()].filter((p) => p.kind === "charge");
    expect(charges.reduce((sum, p) => sum + p.amount, 0n)).toBe(world.store.accounts.get(id)?.charged);
    expect(world.store.audit.map((a) => a.action)).toEqual(
      expect.arrayContaining(["account opened", "top-up", "balance warning", "balance empty", "order relay-open done"]),
    );
  });

  test("a restart after the cut gives no second order, a restart of an empty store of orders does", () => {
    const meter = new FakeModbusMeter(1);
    const world = new World(busConfig({ prepaid: [{ ...account(), initial: minor(0n) }] }), { modbus: [meter] });
    expect(world.runUntil(() => world.store.orders.get(1)?.state === "done")).toBe(true);
    for (let i = 0; i < 3; i++) {
      world.restart();
      world.run(3 * SECOND);
    }
    expect(world.store.orders.size).toBe(1);
    expect(meter.device.done.length).toBe(1);
  });
});

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

describe("a store that refuses", () => {
  test("a publish is acknowledged only after the commit, however often that fails before", () => {
    const meter = new FakeMqttMeter("q1");
    const world = new World(mqttConfig(), { mqtt: [meter] });
    world.run(SECOND);
    let failures = 2;
    world.store.refuses = () => (failures-- > 0 ? "disk full" : undefined);
    const token = world.publish("q1", "telemetry", meter.telemetry(world.iso));
    world.run(100_000);
    expect(world.acknowledged).not.toContain(token);
    world.run(5 * SECOND);
    expect(world.acknowledged).toContain(token);
    expect(world.store.readingsOf("q1").length).toBe(1);
  });

  test("one reading that can never be stored stays unacknowledged and holds up nobody else", () => {
    const meters = Array.from({ length: 8 }, (_, i) => new FakeMqttMeter(`u${i}`));
    const world = new World(mqttConfig(), { mqtt: meters });
    world.run(SECOND);
    world.store.refuses = (batch) =>
      batch.some((r) => r.kind === "reading" && r.reading.meter === "u3") ? "constraint" : undefined;
    const tokens = meters.map((meter) => world.publish(meter.id, "telemetry", meter.telemetry(world.iso)));
    world.run(60 * SECOND);
    expect(world.acknowledged.toSorted()).toEqual(tokens.filter((_, i) => i !== 3).toSorted());
    expect(world.store.meters.has("u3")).toBe(false);
    // Repaired, the meter's repetition gets through.
    world.store.refuses = () => undefined;
    const meter = meters[3] as FakeMqttMeter;
    meter.sequence = 0;
    const token = world.publish("u3", "telemetry", meter.telemetry(world.iso));
    world.run(SECOND);
    expect(world.acknowledged).toContain(token);
    expect(world.store.readingsOf("u3").length).toBe(1);
  });

  test("money, orders and books go back with a refused batch: nothing is charged or cut twice", () => {
    const meter = new FakeModbusMeter(1);
    const world = new World(busConfig({ prepaid: [account()] }), { modbus: [meter], speed: 600 });
    let n = 0;
    world.store.refuses = () => (n++ % 3 !== 2 ? "busy" : undefined);
    for (let i = 0; i < 40; i++) {
      if (meter.device.relay === 1) meter.device.energyWh += 300;
      world.run(SECOND);
    }
    // The id is not 1: those of refused batches are not used again.
    expect(world.runUntil(() => [...world.store.orders.values()][0]?.state === "done")).toBe(true);
    expect(world.store.orders.size).toBe(1);
    const stored = world.store.accounts.get("m1");
    const charges = [...world.store.postings.values()].filter((p) => p.kind === "charge");
    expect(charges.reduce((sum, p) => sum + p.amount, 0n)).toBe(stored?.charged);
    const used = BigInt((stored?.energyTo ?? 0) - (stored?.energyFrom ?? 0));
    expect(stored?.charged).toBe((used * 25n) / 1_000_000n);
    expect(meter.device.done.length).toBe(1);
  });

  test("a request gets store-failed, nothing changed, and the same key works later", () => {
    const world = new World(busConfig({ prepaid: [account()] }), {});
    world.run(SECOND);
    world.store.refuses = () => "disk full";
    const topup = { kind: "topup", meter: M1, amount: minor(500n), key: "k", actor: "a" } as const;
    const failed = world.request(topup);
    world.run(10 * SECOND);
    expect(world.replies.get(failed)).toMatchObject({
      ok: false,
      error: { reason: "store-failed", detail: expect.stringContaining("disk full") },
    });
    world.store.refuses = () => undefined;
    const good = world.request(topup);
    world.run(10 * SECOND);
    expect(world.replies.get(good)).toMatchObject({ ok: true, value: { booked: true, balance: 600n } });
  });

  test("an order step that is lost does not lose the order", () => {
    const meter = new FakeModbusMeter(1);
    const world = new World(busConfig(), { modbus: [meter] });
    world.run(SECOND);
    let refusing = 0;
    world.store.refuses = (batch) =>
      batch.some((r) => r.kind === "order" && r.order.state === "done") && refusing++ < 5 ? "no" : undefined;
    world.request({ kind: "order", meter: M1, operation: "relay-open", argument: 0, key: "k", actor: "op" });
    expect(world.runUntil(() => world.store.orders.get(1)?.state === "done", 120 * SECOND)).toBe(true);
    expect(refusing).toBeGreaterThanOrEqual(5);
    expect(meter.device.done.length).toBe(1);
  });

  test("while it is behind, polls pause and what comes beyond the bound is left to its sender", () => {
    const config = busConfig({ ...mqttConfig(), lines: busConfig().lines, limits: { queuedWork: 10 } });
    const world = new World(config, { modbus: [new FakeModbusMeter(1)] });
    world.run(SECOND);
    world.commitTime = 3600 * SECOND;
    const meter = new FakeMqttMeter("q1");
    const tokens = Array.from({ length: 40 }, () => world.publish("q1", "telemetry", meter.telemetry(world.iso)));
    world.run(30 * SECOND);
    const polls = world.notices.filter((n) => n.kind === "poll").length;
    world.run(30 * SECOND);
    expect(world.notices.filter((n) => n.kind === "poll").length).toBe(polls);
    expect(world.acknowledged.filter((t) => tokens.includes(t))).toEqual([]);
    world.commitTime = 5_000;
    world.run(2 * 3600 * SECOND);
    const kept = world.acknowledged.length;
    expect(kept).toBeGreaterThanOrEqual(20);
    expect(kept).toBeLessThan(40);
    expect(world.notices.filter((n) => n.kind === "poll").length).toBeGreaterThan(polls);
  });
});

describe("messages of MQTT meters", () => {
  test("an unknown meter registers itself and is known after a restart, also for orders", () => {
    const meter = new FakeMqttMeter("new-1");
    meter.model = "meterworks-1p";
    const world = new World(mqttConfig(), { mqtt: [meter] });
    world.publish("new-1", "telemetry", meter.telemetry(world.iso));
    world.run(SECOND);
    expect(world.store.meters.get("new-1")).toEqual({ id: "new-1", model: "meterworks-1p", ratio: 1, via: "mqtt" });
    world.restart();
    world.request({
      kind: "order",
      meter: meterId("new-1"),
      operation: "relay-open",
      argument: 0,
      key: "k",
      actor: "op",
    });
    expect(world.runUntil(() => world.store.orders.get(1)?.state === "done")).toBe(true);
  });

  test("a stranger is not stored where strangers are not wanted", () => {
    const meter = new FakeMqttMeter("new-1");
    const world = new World(mqttConfig({ mqtt: { link: BROKER, acceptUnknown: false, meters: [] } }), {
      mqtt: [meter],
    });
    const token = world.publish("new-1", "telemetry", meter.telemetry(world.iso));
    world.run(SECOND);
    expect(world.acknowledged).toEqual([token]);
    expect(world.store.readings.size).toBe(0);
  });

  test("the same publish again is acknowledged and stored once, in one batch, in two, and after a restart", () => {
    const meter = new FakeMqttMeter("q1");
    const world = new World(mqttConfig(), { mqtt: [meter] });
    world.run(SECOND);
    const payload = meter.telemetry(world.iso);
    const tokens = [world.publish("q1", "telemetry", payload), world.publish("q1", "telemetry", payload)];
    world.run(SECOND);
    tokens.push(world.publish("q1", "telemetry", payload));
    world.run(SECOND);
    world.restart();
    tokens.push(world.publish("q1", "telemetry", payload));
    world.run(SECOND);
    expect(world.acknowledged).toEqual(tokens);
    expect(world.store.readingsOf("q1").length).toBe(1);
    expect(world.notices.filter((n) => n.kind === "reading").length).toBe(1);
  });

  test("a delayed reading is kept as late and charges nothing", () => {
    const meter = new FakeMqttMeter("q1");
    const world = new World(mqttConfig({ prepaid: [account(Q1)] }), { mqtt: [meter] });
    const first = meter.telemetry(world.iso);
    world.run(60 * SECOND);
    const second = meter.telemetry(world.iso);
    world.run(60 * SECOND);
    meter.device.energyWh += 100;
    const third = meter.telemetry(world.iso);
    for (const payload of [first, third, second]) {
      world.publish("q1", "telemetry", payload);
      world.run(SECOND);
    }
    expect(world.store.readingsOf("q1").map((r) => [r.sequence, r.quality])).toEqual([
      [1, "good"],
      [2, "late"],
      [3, "good"],
    ]);
    expect(world.store.accounts.get("q1")?.charged).toBe(2n);
  });

  test("what is no message is acknowledged, and audited once a minute", () => {
    const world = new World(mqttConfig());
    const bad = [
      "",
      "{",
      "[]",
      '{"version":2}',
      '{"version":1,"meter":"q2","model":"m","sequence":1,"time":"2026-01-01T00:00:00Z","values":{}}',
    ];
    const tokens = bad.map((payload) => world.publish("q1", "telemetry", payload));
    tokens.push(world.publish("q1", "resp", "nonsense"));
    world.run(SECOND);
    expect(world.acknowledged).toEqual(tokens);
    expect(world.store.readings.size).toBe(0);
    expect(world.store.audit.filter((a) => a.action === "message refused").length).toBe(1);
    world.run(60 * SECOND);
    world.publish("q1", "telemetry", "{");
    world.run(SECOND);
    expect(world.store.audit.filter((a) => a.action === "message refused").length).toBe(2);
  });
});
