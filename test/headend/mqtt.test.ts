/** Messages of MQTT meters through the whole collector. */
import { describe, expect, test } from "vitest";
import { simSigner } from "../../src/simulation/cipher.ts";
import { FakeMqttMeter, meterId } from "./fakes.ts";
import { account, mqttConfig, Q1 } from "./site.ts";
import { BROKER, SECOND, World } from "./world.ts";

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
    const world = new World(
      mqttConfig({ mqtt: { link: BROKER, signer: simSigner("head-end"), acceptUnknown: false, meters: [] } }),
      {
        mqtt: [meter],
      },
    );
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
