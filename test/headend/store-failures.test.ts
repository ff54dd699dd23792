/** The collector over a store that refuses: nothing is lost, booked twice or acknowledged too early. */
import { describe, expect, test } from "vitest";
import { minor } from "../../src/core/money.ts";
import { FakeModbusMeter, FakeMqttMeter } from "./fakes.ts";
import { account, busConfig, M1, mqttConfig } from "./site.ts";
import { SECOND, World } from "./world.ts";

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
