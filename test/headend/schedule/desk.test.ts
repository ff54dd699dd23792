/** Schedules and reads on demand through a whole collector, with fake meters on a line and on MQTT. */
import { describe, expect, test } from "vitest";
import type { CollectorConfig } from "../../../headend/config.ts";
import type { GroupConfig, ScheduleConfig } from "../../../headend/schedule/groups.ts";
import { datedReadFrom } from "../../../headend/schedule/records.ts";
import { toIso } from "../../../src/core/time.ts";
import { FakeModbusMeter, FakeMqttMeter } from "../fakes.ts";
import { busConfig, M1, mqttConfig, Q1 } from "../site.ts";
import { BUS, SECOND, World } from "../world.ts";

const HOUR = 3_600 * SECOND;

const cron = (task: ScheduleConfig["task"], pattern: string): ScheduleConfig => ({
  task,
  timing: { kind: "cron", pattern, zone: "Europe/Berlin" },
});
const group = (...schedules: ScheduleConfig[]): readonly GroupConfig[] => [{ name: "flats", meters: "all", schedules }];
/** The virtual day begins at 17:00 in Berlin. */
const DAILY = group(cron("freeze", "0 18 * * *"));

const reads = (world: World) =>
  [...world.store.documents.values()]
    .filter(({ collection }) => collection === "dated-reads")
    .map(datedReadFrom)
    .map(({ meter, task, slot, taken }) => [meter, task, toIso(slot), toIso(taken).slice(0, 16)]);

const line = (more: Partial<CollectorConfig> = {}, meter = new FakeModbusMeter(1)) => {
  const config = busConfig({ groups: DAILY, ...more });
  return { meter, world: new World(config, { modbus: [meter] }) };
};

describe("a daily freeze", () => {
  test("is read on a line at its time, once, and its registers are kept", () => {
    const { world, meter } = line();
    meter.device.energyWh = 4711;
    world.run(3 * HOUR);
    expect(reads(world)).toEqual([["m1", "freeze", "2026-11-28T17:00:00Z", "2026-11-28T17:00"]]);
    const text = [...world.store.documents.values()].find(({ collection }) => collection === "dated-reads")?.text;
    expect(JSON.parse(text as string).values).toEqual({ activeEnergyImport: 4_711_000 });
  });

  test("is asked for over MQTT", () => {
    const meter = new FakeMqttMeter("q1");
    const world = new World(mqttConfig({ groups: DAILY }), { mqtt: [meter] });
    world.run(3 * HOUR);
    expect(reads(world)).toEqual([["q1", "freeze", "2026-11-28T17:00:00Z", "2026-11-28T17:00"]]);
    expect(world.store.readings.size).toBe(1);
  });

  test("is tried again while the meter is away, and made up for when the head-end was", () => {
    const { world, meter } = line();
    world.run(0.9 * HOUR);
    meter.silent = true;
    world.run(2 * HOUR);
    expect(reads(world)).toEqual([]);
    world.restart();
    world.run(HOUR);
    meter.silent = false;
    world.run(1.2 * HOUR);
    expect(reads(world).map(([, task, slot]) => [task, slot])).toEqual([["freeze", "2026-11-28T17:00:00Z"]]);
    world.restart();
    world.run(2 * HOUR);
    expect(reads(world)).toHaveLength(1);
  });

  test("is made up for once after days of standing still", () => {
    const { world } = line();
    world.run(0.5 * HOUR);
    world.event({ kind: "closed", link: BUS, reason: "unplugged" });
    world.run(72 * HOUR);
    world.event({ kind: "opened", link: BUS });
    world.run(HOUR / 4);
    expect(reads(world).map(([, , slot]) => slot)).toEqual(["2026-11-30T17:00:00Z"]);
  });

  test("that the store does not take is read again", () => {
    const { world } = line();
    world.run(0.99 * HOUR);
    let refusals = 0;
    world.store.refuses = (batch) => {
      const dated = batch.some((record) => record.kind === "document" && record.document.collection === "dated-reads");
      if (!dated || refusals >= 3) return undefined;
      refusals += 1;
      return "no room";
    };
    world.run(HOUR);
    expect(refusals).toBeGreaterThan(0);
    expect(reads(world)).toHaveLength(1);
  });
});

test("the usual values come by the group's period instead of the line's, and over MQTT by queries", () => {
  const every = (seconds: number) =>
    group({ task: "instantaneous", timing: { kind: "every", every: seconds * SECOND } });
  const { world } = line({ groups: every(10) });
  world.run(100 * SECOND);
  expect(world.notices.filter(({ kind }) => kind === "reading")).toHaveLength(10);
  const mqtt = new World(mqttConfig({ groups: every(10) }), { mqtt: [new FakeMqttMeter("q1")] });
  mqtt.run(105 * SECOND);
  expect(mqtt.notices.filter(({ kind }) => kind === "reading")).toHaveLength(10);
});

test("queries to many meters leave at the pace that is allowed", () => {
  const meters = Array.from({ length: 60 }, (_, i) => new FakeMqttMeter(`f${i}`));
  const mqtt = { ...mqttConfig().mqtt, meters: [] } as NonNullable<CollectorConfig["mqtt"]>;
  const config = {
    ...{ lines: [], mqtt, limits: { mqttQueries: 10 } },
    groups: group({ ...cron("freeze", "0 18 * * *"), spread: 0 }),
  };
  const world = new World(config, { mqtt: meters });
  for (const meter of meters) world.publish(meter.id, "telemetry", meter.telemetry("2026-11-28T16:00:00Z"));
  const sent: number[] = [];
  world.watch = (effect) => {
    if (effect.kind === "publish") sent.push(Math.floor(world.now.mono / SECOND));
  };
  world.run(2 * HOUR);
  expect(reads(world)).toHaveLength(60);
  expect(sent).toHaveLength(60);
  const counts = new Map<number, number>();
  for (const second of sent) counts.set(second, (counts.get(second) ?? 0) + 1);
  expect(Math.max(...counts.values())).toBeLessThanOrEqual(10);
});

describe("a read on demand", () => {
  const ask = (world: World, meter = M1, wait = 10 * SECOND) => world.request({ kind: "read", meter, wait });

  test("gives the reading once it is stored, and all who wait get the same", () => {
    const { world } = line();
    world.run(SECOND / 2);
    const [first, second] = [ask(world), ask(world)];
    const before = world.now.mono;
    expect(world.runUntil(() => world.replies.size === 2)).toBe(true);
    expect(world.now.mono - before).toBeLessThan(SECOND / 5);
    const reply = world.replies.get(first);
    expect(reply).toMatchObject({ ok: true, value: { kind: "read", reading: { meter: "m1", quality: "good" } } });
    expect(world.replies.get(second)).toEqual(reply);
  });

  test("asks a meter on MQTT", () => {
    const world = new World(mqttConfig(), { mqtt: [new FakeMqttMeter("q1")] });
    const ticket = ask(world, Q1);
    world.run(SECOND);
    expect(world.replies.get(ticket)).toMatchObject({ ok: true, value: { reading: { source: "mqtt" } } });
  });

  test("says since when and why a silent meter does not answer", () => {
    const { world, meter } = line();
    world.run(5 * SECOND);
    meter.silent = true;
    world.run(60 * SECOND);
    const ticket = ask(world);
    world.run(11 * SECOND);
    const reply = world.replies.get(ticket);
    expect(reply).toMatchObject({ ok: false, error: { reason: "no-answer" } });
    expect(JSON.stringify(reply)).toMatch(/m1: no answer since 2026-11-28T16:00:0.*: .*look at the meter/);
  });

  test("finds a meter that is back at once, though its next probe is minutes away", () => {
    const { world, meter } = line();
    meter.silent = true;
    world.run(HOUR);
    meter.silent = false;
    const ticket = ask(world);
    world.run(5 * SECOND);
    expect(world.replies.get(ticket)?.ok).toBe(true);
  });

  test("is told when its line is not open", () => {
    const { world } = line();
    world.event({ kind: "closed", link: BUS, reason: "unplugged" });
    const ticket = ask(world);
    world.run(11 * SECOND);
    expect(JSON.stringify(world.replies.get(ticket))).toContain("line bus is not open");
  });

  test("of an unknown meter, or of too many, is refused at once", () => {
    const { world } = line({ limits: { onDemandReads: 0 } });
    const [unknown, full] = [ask(world, Q1), ask(world)];
    expect(world.replies.get(unknown)).toMatchObject({ error: { reason: "unknown-meter" } });
    expect(world.replies.get(full)).toMatchObject({ error: { reason: "too-many-reads" } });
  });

  test("is answered when the store refuses its reading for good", () => {
    const { world } = line();
    world.run(SECOND / 2);
    const ticket = ask(world);
    world.store.refuses = () => "no room";
    world.run(10 * SECOND);
    expect(world.replies.get(ticket)).toMatchObject({ error: { reason: "store-failed" } });
  });
});
