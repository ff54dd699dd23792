/** Polled readings and the prepaid story through the whole collector, over fake meters at byte level. */
import { describe, expect, test } from "vitest";
import { minor } from "../../src/core/money.ts";
import { FakeModbusMeter, FakeMqttMeter } from "./fakes.ts";
import { account, busConfig, M1, mqttConfig, Q1, states } from "./site.ts";
import { SECOND, World } from "./world.ts";

const LIFE = ["requested", "approved", "queued", "sent", "acknowledged", "verified", "done"];

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
    expect(states(world)).toEqual(LIFE);
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
    expect(states(world, 2)).toEqual(LIFE);
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
