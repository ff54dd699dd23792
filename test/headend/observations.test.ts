/** What the collector counts of its lines and messages: each once, and messages only after their commit. */
import { expect, test } from "vitest";
import type { MessageOutcome, Observation } from "../../headend/observations.ts";
import { FakeModbusMeter, FakeMqttMeter } from "./fakes.ts";
import { busConfig, M1, mqttConfig } from "./site.ts";
import { BUS, SECOND, World } from "./world.ts";

const observed = (world: World): Observation[] =>
  world.effects.flatMap((effect) => (effect.kind === "observe" ? [effect.observation] : []));
const messages = (world: World): MessageOutcome[] =>
  observed(world).flatMap((o) => (o.kind === "message" ? [o.outcome] : []));

test("each request of a line ends once, with the time it took", () => {
  const meter = new FakeModbusMeter(1);
  const world = new World(busConfig(), { modbus: [meter] });
  world.run(0.5 * SECOND);
  // A poll takes two requests.
  expect(observed(world)).toEqual([
    { kind: "request", line: BUS, meter: "m1", outcome: "answer", took: expect.closeTo(20_000, -4) },
    { kind: "request", line: BUS, meter: "m1", outcome: "answer", took: expect.closeTo(20_000, -4) },
    { kind: "poll", line: BUS, ok: true },
  ]);
  meter.silent = true;
  world.run(1.5 * SECOND);
  expect(observed(world).slice(3)).toEqual([
    ...Array.from({ length: 3 }, () => ({
      kind: "request",
      line: BUS,
      meter: "m1",
      outcome: "timeout",
      // The patience of 200 ms begins when the 8 bytes of 11 bits have left at 9600 baud.
      took: 209_167,
    })),
    { kind: "poll", line: BUS, ok: false },
  ]);
});

test("an exception and a broken line are told apart from silence", () => {
  const meter = new FakeModbusMeter(1);
  meter.refuses = () => 2;
  const world = new World(busConfig(), { modbus: [meter] });
  world.run(0.5 * SECOND);
  meter.refuses = () => undefined;
  meter.silent = true;
  world.run(0.6 * SECOND);
  world.event({ kind: "closed", link: BUS, reason: "unplugged" });
  const outcomes = observed(world).flatMap((o) => (o.kind === "request" ? [o.outcome] : []));
  expect(outcomes).toEqual(["exception", "link-down"]);
});

test("a message is taken, repeated, refused, not wanted: each counted once, after its commit", () => {
  const meter = new FakeMqttMeter("q1");
  const world = new World(mqttConfig(), { mqtt: [meter] });
  world.run(SECOND);
  const telemetry = meter.telemetry(world.iso);
  world.publish("q1", "telemetry", telemetry);
  expect(messages(world)).toEqual([]);
  world.run(SECOND);
  expect(messages(world)).toEqual(["taken"]);
  world.publish("q1", "telemetry", telemetry);
  world.publish("q1", "telemetry", "{");
  world.publish("q1", "cmd", "{}");
  world.run(SECOND);
  expect(messages(world).slice(1).sort()).toEqual(["duplicate", "ignored", "refused"]);
});

test("a batch that the store refuses first is counted once all the same", () => {
  const meter = new FakeMqttMeter("q1");
  const world = new World(mqttConfig(), { mqtt: [meter] });
  world.run(SECOND);
  world.store.refuses = () => "disk full";
  world.publish("q1", "telemetry", meter.telemetry(world.iso));
  world.run(0.1 * SECOND);
  expect(messages(world)).toEqual([]);
  world.store.refuses = () => undefined;
  world.run(5 * SECOND);
  expect(messages(world)).toEqual(["taken"]);
});

test("what the store never takes is counted as not stored, and stays unacknowledged", () => {
  const meter = new FakeMqttMeter("q1");
  const world = new World(mqttConfig(), { mqtt: [meter] });
  world.run(SECOND);
  world.store.refuses = () => "disk full";
  world.publish("q1", "telemetry", meter.telemetry(world.iso));
  world.run(30 * SECOND);
  expect(messages(world)).toEqual(["not-stored"]);
  expect(world.acknowledged).toEqual([]);
});

test("meters that nobody accepted, and publishes beyond the bound", () => {
  const config = mqttConfig({ limits: { queuedWork: 1 } });
  const stranger = new FakeMqttMeter("stranger");
  const world = new World(
    { ...config, mqtt: { ...(config.mqtt as NonNullable<typeof config.mqtt>), acceptUnknown: false } },
    { mqtt: [stranger] },
  );
  world.run(SECOND);
  world.commitTime = 10 * SECOND;
  const meter = new FakeMqttMeter("q1");
  for (let i = 0; i < 4; i++) world.publish("q1", "telemetry", meter.telemetry(world.iso));
  expect(world.collector.figures().backlog).toBe(3);
  expect(messages(world)).toEqual(["turned-away"]);
  world.commitTime = 5_000;
  world.run(30 * SECOND);
  expect(world.collector.figures().backlog).toBe(0);
  world.publish("stranger", "telemetry", stranger.telemetry(world.iso));
  world.run(SECOND);
  expect(messages(world).at(-1)).toBe("not-accepted");
});

test("open orders are there until they end", () => {
  const meter = new FakeModbusMeter(1);
  const world = new World(busConfig(), { modbus: [meter] });
  world.run(SECOND);
  const open = () => world.collector.figures().openOrders.map(({ operation }) => operation);
  world.request({ kind: "order", meter: M1, operation: "relay-open", argument: 0, key: "k", actor: "operator" });
  expect(open()).toEqual(["relay-open"]);
  world.run(5 * SECOND);
  expect(open()).toEqual([]);
});
