/** Event messages of meters on MQTT: what is acknowledged is stored. */
import { describe, expect, test } from "vitest";
import { eventFrom } from "../../headend/events/records.ts";
import { FakeMqttMeter } from "./fakes.ts";
import { mqttConfig } from "./site.ts";
import { SECOND, World } from "./world.ts";

const message = (change: object = {}, meter = "q1") =>
  JSON.stringify({
    ...{ version: 1, meter, kind: "event", sequence: 8, time: "2026-11-28T16:01:00Z", event: "overVoltage", phase: 1 },
    ...{ state: "end", start: "2026-11-28T15:58:12", end: "2026-11-28T16:01:00" },
    values: { "1-0:1.8.0": "12.345678", "1-0:2.8.0": "0" },
    ...change,
  });

const stored = (world: World) =>
  [...world.store.documents.values()].filter(({ collection }) => collection === "meter-events").map(eventFrom);
const site = (more: object = {}) => {
  const config = mqttConfig();
  const mqtt = { ...(config.mqtt as NonNullable<typeof config.mqtt>), ...more };
  return new World({ ...config, mqtt }, { mqtt: [new FakeMqttMeter("q1")] });
};

describe("an event message", () => {
  test("is stored with its local times and energies, and then acknowledged", () => {
    const world = site();
    const token = world.publish("q1", "event", message());
    expect(world.acknowledged).toEqual([]);
    world.run(SECOND);
    expect(world.acknowledged).toEqual([token]);
    expect(stored(world)).toEqual([
      {
        ...{ meter: "q1", event: "overVoltage", phase: 1, state: "end", source: "mqtt", sequence: 8 },
        ...{ start: 1_795_881_492, end: 1_795_881_660 },
        values: { activeEnergyImport: 12_345_678, activeEnergyExport: 0 },
      },
    ]);
  });

  test("that comes twice is one, its beginning is another", () => {
    const world = site();
    for (const change of [{ state: "begin", end: null, sequence: 7 }, {}, {}])
      world.publish("q1", "event", message(change));
    world.run(SECOND);
    expect(stored(world).map(({ state, end }) => [state, end])).toEqual([
      ["begin", null],
      ["end", 1_795_881_660],
    ]);
    expect(world.acknowledged).toHaveLength(3);
  });

  test("that the store does not take stays unacknowledged", () => {
    const world = site();
    world.store.refuses = () => "no room";
    world.publish("q1", "event", message());
    world.run(20 * SECOND);
    expect([world.acknowledged, stored(world)]).toEqual([[], []]);
  });

  test("of a meter that nobody knows yet is stored, but where such meters are not wanted", () => {
    const open = site({ acceptUnknown: true });
    open.publish("new", "event", message({}, "new"));
    open.run(SECOND);
    expect(stored(open)).toHaveLength(1);
    const closed = site({ acceptUnknown: false });
    closed.publish("new", "event", message({}, "new"));
    closed.run(SECOND);
    expect([stored(closed), closed.acknowledged.length]).toEqual([[], 1]);
  });

  test.each([
    ["a kind with a blank", { event: "over voltage" }],
    ["a phase that is none", { phase: 4 }],
    ["a state that is none", { state: "over" }],
    ["a date that does not exist", { start: "2026-02-30T00:00:00" }],
    ["a time with an offset", { start: "2026-11-28T15:58:12Z" }],
    ["another meter's name", { meter: "q2" }],
    ["no values", { values: undefined }],
  ])("with %s is refused, with a note in the audit", (_, change) => {
    const world = site();
    world.publish("q1", "event", message(change));
    world.run(SECOND);
    expect(stored(world)).toEqual([]);
    expect(world.store.audit.at(-1)?.action).toBe("message refused");
    expect(world.acknowledged).toHaveLength(1);
  });
});
