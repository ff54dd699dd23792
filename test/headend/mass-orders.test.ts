/** Mass orders through the whole collector: a second person, the rate, stopping, resuming, restarts. */
import { describe, expect, test } from "vitest";
import type { MassOrder, MassRequest } from "../../headend/commands/mass-order.ts";
import { DEFAULT_ORDER_POLICY, type OrderPolicy } from "../../headend/config.ts";
import { civil } from "../../src/core/time.ts";
import { simSigner } from "../../src/simulation/cipher.ts";
import { FakeModbusMeter, FakeMqttMeter, meterId, TEST_MODEL } from "./fakes.ts";
import { busConfig, M1, mqttConfig } from "./site.ts";
import { BROKER, SECOND, World } from "./world.ts";

const NAMES = Array.from({ length: 60 }, (_, i) => `q${String(i + 1).padStart(2, "0")}`);

function site(names = NAMES, mass: Partial<OrderPolicy["mass"]> = {}) {
  const orders: OrderPolicy = { persons: {}, mass: { ...DEFAULT_ORDER_POLICY.mass, ...mass } };
  const mqtt = {
    link: BROKER,
    signer: simSigner("head-end"),
    meters: names.map((id) => ({ id: meterId(id), model: TEST_MODEL })),
  };
  const meters = names.map((id) => new FakeMqttMeter(id));
  const world = new World({ lines: [], mqtt, orders }, { mqtt: meters });
  world.run(SECOND);
  return { world, meters };
}

const ASKED: Omit<MassRequest, "ticket"> = {
  kind: "mass",
  ...{ id: "storm-1", operation: "relay-open", note: "feeder 7 is overloaded", actor: "anna" },
  selection: {},
};

function decide(world: World, decision: "approve" | "reject" | "stop" | "resume" | "cancel", actor = "ben") {
  const ticket = world.request({ kind: "decide-mass", id: "storm-1", decision, actor });
  world.run(0.1 * SECOND);
  return world.replies.get(ticket);
}

const massOf = (world: World): MassOrder =>
  JSON.parse(
    [...world.store.documents.values()].find(({ collection }) => collection === "mass-orders")?.text ?? "null",
  );
const opened = (meters: readonly FakeMqttMeter[]) => meters.filter(({ device }) => device.relay === 0).length;
const mass = (world: World) => world.store.audit.filter(({ action }) => action.startsWith("mass"));

describe("a second person", () => {
  test("approves it; until then nothing is sent", () => {
    const { world, meters } = site();
    world.request(ASKED);
    world.run(600 * SECOND);
    expect(massOf(world)).toMatchObject({ state: "requested", total: 60, issued: 0 });
    expect(decide(world, "approve", "anna")).toMatchObject({ ok: false, error: { reason: "second-person-needed" } });
    expect(decide(world, "stop")).toMatchObject({ ok: false, error: { reason: "not-waiting" } });
    world.run(60 * SECOND);
    expect(world.store.orders.size).toBe(0);
    expect(decide(world, "approve", "ben")).toMatchObject({ ok: true, value: { mass: { state: "running" } } });
    world.run(70 * SECOND);
    expect(opened(meters)).toBe(60);
    expect(massOf(world)).toMatchObject({ state: "done", approvedBy: ["ben"], ends: { done: 60 } });
    expect(mass(world).map(({ actor, action }) => [actor, action])).toEqual([
      ["anna", "mass relay-open requested"],
      ["ben", "mass relay-open approved"],
      ["collector", "mass relay-open done"],
    ]);
    const first = world.store.audit.filter(({ order }) => order === 1);
    expect(first.map(({ action, detail }) => [action, detail]).slice(0, 2)).toEqual([
      ["order relay-open requested", "mass order storm-1"],
      ["order relay-open approved", "part of the mass order storm-1, which was approved"],
    ]);
  });

  test("or three persons, where the configuration asks for them", () => {
    const { world, meters } = site(NAMES.slice(0, 3), { persons: 3 });
    world.request(ASKED);
    decide(world, "approve", "ben");
    expect(decide(world, "approve", "ben")).toMatchObject({ ok: false, error: { reason: "second-person-needed" } });
    world.run(10 * SECOND);
    expect(opened(meters)).toBe(0);
    decide(world, "approve", "carl");
    world.run(10 * SECOND);
    expect(opened(meters)).toBe(3);
  });

  test("rejects it, and it is over", () => {
    const { world, meters } = site();
    world.request(ASKED);
    expect(decide(world, "reject")).toMatchObject({ ok: true, value: { mass: { state: "rejected", why: "by ben" } } });
    expect(decide(world, "approve", "carl")).toMatchObject({ ok: false, error: { reason: "not-waiting" } });
    world.run(100 * SECOND);
    expect(opened(meters)).toBe(0);
    expect(
      [...world.store.documents.values()].filter(({ collection, live }) => live && collection.endsWith("meters")),
    ).toEqual([]);
  });
});

describe("the rate", () => {
  test.each([
    [60, 10],
    [120, 20],
    [6, 1],
  ])("%i a minute are about %i in ten seconds", (perMinute, count) => {
    const { world, meters } = site(NAMES, { perMinute });
    world.request(ASKED);
    decide(world, "approve");
    world.run(9.8 * SECOND);
    expect(opened(meters)).toBe(count);
  });

  test("holds over a restart: what was missed is not caught up, and nobody is ordered twice", () => {
    const { world, meters } = site();
    world.request(ASKED);
    decide(world, "approve");
    for (let i = 0; i < 6; i++) {
      world.run(5 * SECOND);
      world.restart();
    }
    expect(opened(meters)).toBeLessThanOrEqual(37);
    expect(opened(meters)).toBeGreaterThanOrEqual(28);
    world.run(60 * SECOND);
    expect(massOf(world)).toMatchObject({ state: "done", ends: { done: 60 } });
    for (const { device } of meters) expect(device.done.length).toBe(1);
  });

  test("does not wait for a clock that was set back to come again to where it was", () => {
    const { world, meters } = site();
    world.request(ASKED);
    decide(world, "approve");
    const ahead: MassOrder = { ...massOf(world), nextAt: civil(world.now.civil + 86_400 * SECOND) };
    for (const [key, document] of world.store.documents)
      if (document.collection === "mass-orders")
        world.store.documents.set(key, { ...document, text: JSON.stringify(ahead) });
    world.restart();
    world.run(5 * SECOND);
    expect(opened(meters)).toBeGreaterThanOrEqual(5);
    expect(opened(meters)).toBeLessThanOrEqual(7);
  });

  test("is shared by mass orders that run at the same time", () => {
    const { world } = site();
    world.request(ASKED);
    decide(world, "approve");
    world.request({ ...ASKED, id: "storm-2", operation: "relay-allow" });
    world.request({ kind: "decide-mass", id: "storm-2", decision: "approve", actor: "ben" });
    world.run(30 * SECOND);
    expect(world.store.orders.size).toBeLessThanOrEqual(32);
  });
});

describe("stopping", () => {
  test("by a person: what was not sent waits, what was runs on; resumed it goes on where it was", () => {
    const { world, meters } = site();
    world.request(ASKED);
    decide(world, "approve");
    world.run(10 * SECOND);
    expect(decide(world, "stop")).toMatchObject({ ok: true, value: { mass: { state: "stopped", why: "by ben" } } });
    const before = opened(meters);
    world.run(300 * SECOND);
    expect(opened(meters)).toBe(before);
    world.restart();
    world.run(60 * SECOND);
    expect(opened(meters)).toBe(before);
    decide(world, "resume");
    world.run(70 * SECOND);
    expect(opened(meters)).toBe(60);
  });

  test("by itself, when more than a tenth of the last twenty came to nothing", () => {
    const { world, meters } = site();
    // Of the first thirty every seventh does nothing: three of the first twenty-one.
    const broken = meters.filter((_, i) => i < 30 && i % 7 === 6);
    for (const meter of broken) Object.defineProperty(meter.device, "relay", { get: () => 1, set: () => {} });
    world.request(ASKED);
    decide(world, "approve");
    world.run(120 * SECOND);
    expect(massOf(world)).toMatchObject({
      state: "stopped",
      why: "3 of the last 20 orders came to nothing",
      issued: 21,
    });
    expect(mass(world).at(-1)).toMatchObject({ actor: "collector", action: "mass relay-open stopped" });
    // A person has looked: what comes then is judged afresh.
    decide(world, "resume", "anna");
    world.run(60 * SECOND);
    expect(massOf(world)).toMatchObject({ state: "done", ends: { done: 56, failed: 4 } });
  });

  test("not by two of twenty", () => {
    const { world, meters } = site();
    for (const i of [3, 9, 40, 45]) Object.defineProperty(meters[i]?.device, "relay", { get: () => 1, set: () => {} });
    world.request(ASKED);
    decide(world, "approve");
    world.run(120 * SECOND);
    expect(massOf(world)).toMatchObject({ state: "done", ends: { done: 56, failed: 4 } });
  });

  test("an order that waits for a dead meter is held, and cancelled with its mass order", () => {
    const meter = new FakeModbusMeter(1);
    meter.silent = true;
    const world = new World(busConfig(), { modbus: [meter] });
    world.run(20 * SECOND);
    world.request({ ...ASKED, selection: { meters: [M1] } });
    decide(world, "approve");
    world.run(60 * SECOND);
    expect(world.store.orders.get(1)?.state).toBe("queued");
    decide(world, "stop");
    meter.silent = false;
    world.run(400 * SECOND);
    expect([world.store.orders.get(1)?.state, meter.device.done]).toEqual(["queued", []]);
    // What is held does not stand in the way of other orders of its meter.
    world.request({ kind: "order", meter: M1, operation: "relay-close", argument: 0, key: "c", actor: "op" });
    expect(world.runUntil(() => world.store.orders.get(2)?.state === "done")).toBe(true);
    decide(world, "cancel");
    expect(world.store.orders.get(1)?.state).toBe("cancelled");
    expect(massOf(world)).toMatchObject({ state: "cancelled", ends: { cancelled: 1 }, finishedAt: expect.any(Number) });
    world.run(400 * SECOND);
    expect(meter.device.done.map(({ operation }) => operation)).toEqual([2]);
  });
});

describe("what is asked", () => {
  test.each([
    [{ selection: { meters: [meterId("nobody")] } }, "unknown-meter", "nobody"],
    [{ selection: { model: "other" } }, "bad-selection", "0 meters"],
    [{ selection: { meters: [] } }, "bad-selection", "0 meters"],
  ] as const)("%j is refused: %s", (change, reason, detail) => {
    const { world } = site(NAMES.slice(0, 2));
    const ticket = world.request({ ...ASKED, ...change });
    world.run(SECOND);
    expect(world.replies.get(ticket)).toMatchObject({
      ok: false,
      error: { reason, detail: expect.stringContaining(detail) },
    });
    expect(world.store.audit.filter(({ action }) => action.startsWith("mass"))).toEqual([]);
  });

  test("the same id again is the same mass order, also when it is over and after a restart", () => {
    const { world, meters } = site(NAMES.slice(0, 2));
    world.request(ASKED);
    decide(world, "approve");
    world.run(10 * SECOND);
    world.restart();
    const again = world.request(ASKED);
    const other = world.request({ ...ASKED, operation: "relay-close" });
    world.run(60 * SECOND);
    expect(world.replies.get(again)).toMatchObject({ ok: true, value: { created: false, mass: { state: "done" } } });
    expect(world.replies.get(other)).toMatchObject({ ok: false, error: { reason: "key-used-differently" } });
    for (const { device } of meters) expect(device.done.length).toBe(1);
  });

  test("a selection by line takes only that line's meters", () => {
    const world = new World(
      { ...busConfig(), ...({ mqtt: mqttConfig().mqtt } as object) },
      { modbus: [new FakeModbusMeter(1)], mqtt: [new FakeMqttMeter("q1")] },
    );
    world.run(SECOND);
    world.request({ ...ASKED, selection: { via: "bus" } });
    decide(world, "approve");
    world.run(10 * SECOND);
    expect([...world.store.orders.values()].map(({ meter, state }) => [meter, state])).toEqual([["m1", "done"]]);
  });
});
