/** On what terms an order is sent: deadline, precondition, approval, and cancelling before it is sent. */
import { describe, expect, test } from "vitest";
import { decodeTerms, encodeTerms } from "../../headend/commands/terms.ts";
import { DEFAULT_ORDER_POLICY } from "../../headend/config.ts";
import type { OrderNumber } from "../../protocols/orders.ts";
import { minor } from "../../src/core/money.ts";
import { civil } from "../../src/core/time.ts";
import { FakeModbusMeter, FakeMqttMeter } from "./fakes.ts";
import { account, busConfig, M1, mqttConfig, Q1 } from "./site.ts";
import { SECOND, World } from "./world.ts";

const ORDER = { kind: "order", meter: M1, operation: "relay-open", argument: 0, key: "k1", actor: "anna" } as const;
const life = (world: World, id = 1) =>
  world.store.audit.filter(({ order }) => order === id).map(({ action }) => action.replace("order relay-open ", ""));
const stateOf = (world: World, id = 1) => world.store.orders.get(id)?.state;
const last = (world: World) => world.store.audit.at(-1);

function site(wire: "modbus" | "mqtt", more: Parameters<typeof busConfig>[0] = {}) {
  if (wire === "modbus") {
    const meter = new FakeModbusMeter(1);
    return { world: new World(busConfig(more), { modbus: [meter] }), meter, order: ORDER };
  }
  const meter = new FakeMqttMeter("q1");
  return { world: new World(mqttConfig(more), { mqtt: [meter] }), meter, order: { ...ORDER, meter: Q1 } };
}

describe("each step is in the audit, with what stands in for a signature", () => {
  test.each([
    ["modbus", "on its way over Modbus, unsigned: the meter's password and its unlock window stand in for a signature"],
    ["mqtt", "on its way over MQTT, signed with the head-end's key"],
  ] as const)("%s", (wire, sent) => {
    const { world, order } = site(wire);
    world.request(order);
    world.run(5 * SECOND);
    const entries = world.store.audit.filter((entry) => entry.order === 1);
    expect(entries.map(({ actor, action, detail }) => [actor, action, detail])).toEqual([
      ["anna", "order relay-open requested", "asked for by anna"],
      ["collector", "order relay-open approved", "needs no second person"],
      ["collector", "order relay-open queued", "waits for its turn with the meter"],
      ["collector", "order relay-open sent", sent],
      ["collector", "order relay-open acknowledged", "the meter says: done"],
      ["collector", "order relay-open verified", "relay reads back open"],
      ["collector", "order relay-open done", "carried out and verified"],
    ]);
  });
});

describe.each(["modbus", "mqtt"] as const)("nothing leaves before it is stored that it leaves, over %s", (wire) => {
  test("an order whose step is not stored is never carried out", () => {
    const { world, meter, order } = site(wire);
    world.request(order);
    world.store.refuses = (batch) =>
      batch.some((r) => r.kind === "order" && r.order.state === "sent") ? "disk full" : undefined;
    world.run(30 * SECOND);
    expect([stateOf(world), meter.device.done]).toEqual(["queued", []]);
    world.store.refuses = () => undefined;
    expect(world.runUntil(() => stateOf(world) === "done")).toBe(true);
    expect(meter.device.done.length).toBe(1);
  });
});

describe("a deadline", () => {
  test("ends an order that the meter was not reached for, and says that it was never sent", () => {
    const { world, meter, order } = site("modbus");
    (meter as FakeModbusMeter).silent = true;
    world.request({ ...order, expiresAt: civil(world.now.civil + 20 * SECOND) });
    world.run(25 * SECOND);
    (meter as FakeModbusMeter).silent = false;
    world.run(60 * SECOND);
    expect([stateOf(world), last(world)?.detail, meter.device.done]).toEqual([
      ...["expired", "the meter was not reached in time: never sent", []],
    ]);
  });

  test.each([
    ["too soon", 4 * SECOND],
    ["too late", 31 * 86_400 * SECOND],
  ])("%s is refused", (_, after) => {
    const { world, order } = site("modbus");
    const ticket = world.request({ ...order, expiresAt: civil(world.now.civil + after) });
    world.run(SECOND);
    expect(world.replies.get(ticket)).toMatchObject({ ok: false, error: { reason: "bad-deadline" } });
    expect(world.store.orders.size).toBe(0);
  });
});

describe.each(["modbus", "mqtt"] as const)("a precondition over %s", (wire) => {
  test.each([
    ["closed", 1, "done"],
    ["closed", 0, "cancelled"],
    ["open", 1, "cancelled"],
    ["open", 0, "done"],
  ] as const)("relay %s, and it reads %i: %s", (relay, shown, end) => {
    const { world, meter, order } = site(wire);
    meter.device.relay = shown;
    world.request({ ...order, precondition: { relay } });
    world.run(10 * SECOND);
    expect(stateOf(world)).toBe(end);
    expect(meter.device.done.length).toBe(end === "done" ? 1 : 0);
    if (end === "cancelled")
      expect(last(world)?.detail).toBe(
        `it was to be sent only while the relay is ${relay}; it is ${shown === 1 ? "closed" : "open"}`,
      );
  });

  test("is judged just before the sending, not when it is asked for, and not again by what the order did", () => {
    const { world, meter, order } = site(wire);
    let lost = 0;
    if (meter instanceof FakeMqttMeter) meter.answers = (kind) => !(kind === "outcome" && lost++ < 3);
    else meter.replies = (_code, address) => !(address === 0x110 && lost++ < 3);
    world.request({ ...order, precondition: { relay: "closed" } });
    world.run(0.5 * SECOND);
    world.restart();
    expect(world.runUntil(() => stateOf(world) === "done")).toBe(true);
    expect([lost > 0, meter.device.done.length]).toEqual([true, 1]);
  });
});

describe("a precondition on the balance", () => {
  const asked = (amount: bigint) => ({ balanceAtMost: { amount: minor(amount), currency: "EUR" } });
  test.each([
    [100n, "done"],
    [99n, "cancelled"],
  ] as const)("of 1.00 at most %i cents: %s", (cents, end) => {
    const { world } = site("modbus", { prepaid: [account()] });
    world.run(SECOND);
    world.request({ ...ORDER, precondition: asked(cents) });
    world.run(5 * SECOND);
    expect(stateOf(world)).toBe(end);
    if (end === "cancelled") expect(last(world)?.detail).toMatch(/only up to a balance of 0\.99 EUR; it is 1\.00/);
  });

  test("that can't be judged is refused at once", () => {
    const { world } = site("modbus");
    const ticket = world.request({ ...ORDER, precondition: asked(0n) });
    world.run(SECOND);
    expect(world.replies.get(ticket)).toMatchObject({ ok: false, error: { reason: "bad-precondition" } });
  });
});

describe("approval", () => {
  const policy = { orders: { ...DEFAULT_ORDER_POLICY, persons: { "relay-open": 2 } } };
  const decide = (world: World, decision: "approve" | "reject" | "cancel", actor: string, order = 1) => {
    const ticket = world.request({ kind: "decide-order", order: order as OrderNumber, decision, actor });
    world.run(0.2 * SECOND);
    return world.replies.get(ticket);
  };

  test("by another person than the requester; only then it is sent", () => {
    const { world, meter } = site("modbus", policy);
    world.request(ORDER);
    world.run(10 * SECOND);
    expect([stateOf(world), meter.device.done]).toEqual(["requested", []]);
    expect(decide(world, "approve", "anna")).toMatchObject({ ok: false, error: { reason: "second-person-needed" } });
    world.restart();
    expect(decide(world, "approve", "ben")).toMatchObject({ ok: true, value: { order: { state: "queued" } } });
    world.run(5 * SECOND);
    expect(life(world)).toEqual(["requested", "approved", "queued", "sent", "acknowledged", "verified", "done"]);
    expect(world.store.orders.get(1)?.terms).toMatchObject({ requester: "anna", approvedBy: ["ben"], persons: 2 });
    expect(decide(world, "approve", "carl")).toMatchObject({ ok: false, error: { reason: "unknown-order" } });
  });

  test("operations without a policy need none, and what waits for approval does not stand in their way", () => {
    const { world } = site("modbus", policy);
    world.request(ORDER);
    world.request({ ...ORDER, operation: "relay-close", key: "k2" });
    world.run(5 * SECOND);
    expect([stateOf(world, 1), stateOf(world, 2)]).toEqual(["requested", "done"]);
    expect(decide(world, "approve", "ben", 2)).toMatchObject({ ok: false, error: { reason: "unknown-order" } });
  });

  test("rejected it is refused, and nobody approves it any more", () => {
    const { world, meter } = site("modbus", policy);
    world.request(ORDER);
    expect(decide(world, "reject", "ben")).toMatchObject({ ok: true, value: { order: { state: "refused" } } });
    expect(decide(world, "approve", "carl")).toMatchObject({ ok: false, error: { reason: "unknown-order" } });
    world.run(10 * SECOND);
    expect([meter.device.done, last(world)]).toMatchObject([
      [],
      { actor: "ben", detail: "rejected by ben: never sent" },
    ]);
  });

  test("that does not come in time lets the order expire", () => {
    const { world } = site("modbus", policy);
    world.request({ ...ORDER, expiresAt: civil(world.now.civil + 10 * SECOND) });
    world.run(11 * SECOND);
    expect([stateOf(world), last(world)?.detail]).toEqual(["expired", "not approved in time: never sent"]);
  });

  test("cancelling is possible until it is sent, and refused after that", () => {
    const { world, meter } = site("modbus");
    (meter as FakeModbusMeter).silent = true;
    world.request(ORDER);
    world.run(5 * SECOND);
    expect(decide(world, "cancel", "ben")).toMatchObject({ ok: true, value: { order: { state: "cancelled" } } });
    (meter as FakeModbusMeter).silent = false;
    world.run(60 * SECOND);
    expect(meter.device.done).toEqual([]);
    // The mailbox has it, and its answers are lost.
    (meter as FakeModbusMeter).replies = (_code, address) => address !== 0x110;
    world.request({ ...ORDER, key: "k2" });
    world.runUntil(() => meter.device.done.length === 1);
    expect(decide(world, "cancel", "ben", 2)).toMatchObject({
      ok: false,
      error: { reason: "too-late", detail: expect.stringContaining("it may have been carried out") },
    });
  });
});

test("allowing to close is done whether the customer has pressed the button yet or not", () => {
  for (const relay of [0, 1] as const) {
    const { world, meter } = site("modbus");
    meter.device.relay = relay;
    world.request({ ...ORDER, operation: "relay-allow" });
    world.run(5 * SECOND);
    expect(world.store.orders.get(1)).toMatchObject({ state: "done", relayReadBack: relay });
    expect(meter.device.done).toEqual([{ id: 1n, operation: 6 }]);
  }
});

test("terms come back from their text as they were", () => {
  const plain = { requester: "anna", persons: 1, approvedBy: [], precondition: null, mass: null };
  const full = {
    ...{ requester: "änna", persons: 3, approvedBy: ["ben"], mass: "storm-1" },
    precondition: { relay: "open" as const, balanceAtMost: { amount: minor(-5n), currency: "EUR" } },
  };
  for (const terms of [plain, full]) expect(decodeTerms(encodeTerms(terms))).toEqual(terms);
  expect(() => decodeTerms("{}")).toThrow();
});
