/** What fails together is one incident at the part that those who suffer have in common. */
import { expect, test } from "vitest";
import type { Incident } from "../../../headend/alarms/incident.ts";
import { Incidents } from "../../../headend/alarms/incidents.ts";
import { LineWatch } from "../../../headend/alarms/lines.ts";
import { MqttWatch } from "../../../headend/alarms/mqtt-watch.ts";
import type { LineConfig } from "../../../headend/config.ts";
import { linkId } from "../../../src/core/actor.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { meterId, TEST_MODEL } from "../fakes.ts";

const SECOND = 1_000_000;
const START = 1_795_536_000 * SECOND;
const at = (seconds: number): Now => ({ mono: mono(seconds * SECOND), civil: civil(START + seconds * SECOND) });

function line(name: string, meters: number, gateway?: string): LineConfig {
  return {
    ...{ link: linkId(name), framing: "tcp", pollEvery: SECOND },
    ...(gateway === undefined ? {} : { gateway }),
    meters: Array.from({ length: meters }, (_, i) => ({
      id: meterId(`${name}-${i + 1}`),
      unit: i + 1,
      model: TEST_MODEL,
    })),
  };
}

function watch(...lines: LineConfig[]) {
  const told: string[] = [];
  const incidents = new Incidents([], 1, ({ kind, place }, what) => told.push(`${what} ${kind} ${place.name}`));
  const lineWatch = new LineWatch(lines, incidents);
  for (const { link } of lines) lineWatch.opened(link, at(0));
  const poll = (name: string, meter: number, ok: boolean, seconds: number) =>
    lineWatch.poll(linkId(name), meterId(`${name}-${meter}`), ok ? null : "no answer", at(seconds));
  const open = () => incidents.open().map(({ kind, place, within }) => [kind, place.name, within !== null] as const);
  return { incidents, lineWatch, poll, open, told };
}

const of = (incidents: Incidents, name: string): Incident => {
  const found = incidents.open().find(({ place }) => place.name === name);
  if (found === undefined) throw new Error(`nothing is wrong at ${name}`);
  return found;
};

test("one meter of three that is silent is the meter, from its first failed poll on", () => {
  const { incidents, poll, open } = watch(line("a", 3));
  poll("a", 1, true, 1);
  poll("a", 2, false, 2);
  expect(open()).toEqual([]);
  poll("a", 2, false, 12);
  expect(open()).toEqual([["meter-silent", "a-2", false]]);
  expect(of(incidents, "a-2")).toMatchObject({ since: at(2).civil, cause: "no answer", meters: 1, count: 1 });
  poll("a", 2, true, 30);
  expect(open()).toEqual([]);
});

test("all meters of an open line are the line, and theirs are within it; one that answers again ends it", () => {
  const { incidents, poll, open } = watch(line("a", 3));
  for (const seconds of [10, 20]) for (const meter of [1, 2, 3]) poll("a", meter, false, seconds + meter);
  expect(open()).toContainEqual(["line-silent", "a", false]);
  expect(open().filter(([kind, , within]) => kind === "meter-silent" && within)).toHaveLength(3);
  expect(of(incidents, "a")).toMatchObject({ since: at(13).civil, meters: 3 });
  poll("a", 2, true, 40);
  expect(open().toSorted()).toEqual([
    ["meter-silent", "a-1", false],
    ["meter-silent", "a-3", false],
  ]);
});

test("a lost line says nothing of its meters; all lines of a host are the host", () => {
  const { incidents, lineWatch, open } = watch(line("a", 2, "10.0.0.9"), line("b", 2, "10.0.0.9"), line("c", 2));
  lineWatch.closed(linkId("a"), "ECONNRESET", at(5));
  expect(open()).toEqual([["line-down", "a", false]]);
  expect(of(incidents, "a")).toMatchObject({ cause: "ECONNRESET", meters: 2 });
  lineWatch.closed(linkId("b"), "ECONNRESET", at(6));
  expect(open().toSorted()).toEqual([
    ["gateway-down", "10.0.0.9", false],
    ["line-down", "a", true],
    ["line-down", "b", true],
  ]);
  // The next failed attempt changes the reason and not the beginning.
  lineWatch.closed(linkId("a"), "ECONNREFUSED", at(7));
  expect(of(incidents, "a")).toMatchObject({ cause: "ECONNREFUSED", since: at(5).civil });
  lineWatch.opened(linkId("b"), at(10));
  expect(open()).toEqual([["line-down", "a", false]]);
});

test("nothing answers on any line of a gateway that takes connections: the gateway", () => {
  const { poll, open } = watch(line("a", 1, "gw"), line("b", 1, "gw"));
  for (const seconds of [1, 2]) poll("a", 1, false, seconds);
  expect(open()).toEqual([["meter-silent", "a-1", false]]);
  for (const seconds of [3, 4]) poll("b", 1, false, seconds);
  expect(open()).toContainEqual(["gateway-silent", "gw", false]);
  poll("a", 1, true, 5);
  expect(open()).toEqual([["meter-silent", "b-1", false]]);
});

test("a connection that we close ourselves is lost only when there is no other within ten seconds", () => {
  const { lineWatch, open, told } = watch(line("a", 2));
  lineWatch.closing(linkId("a"), at(1));
  lineWatch.closed(linkId("a"), "no meter answers on this connection", at(1));
  lineWatch.opened(linkId("a"), at(2));
  expect([told, lineWatch.nextWake()]).toEqual([[], Number.POSITIVE_INFINITY]);
  lineWatch.closing(linkId("a"), at(20));
  lineWatch.closed(linkId("a"), "no meter answers on this connection", at(20));
  lineWatch.wake(at(30));
  expect(open()).toEqual([["line-down", "a", false]]);
});

test("a meter that answers two requests of three is noisy, and well again when it answers nearly all", () => {
  const { incidents, lineWatch, open } = watch(line("a", 2));
  const request = (ok: boolean, seconds: number) => lineWatch.request(linkId("a"), meterId("a-1"), ok, at(seconds));
  for (let i = 0; i < 29; i++) request(i % 3 !== 0, i);
  expect(open()).toEqual([["meter-noisy", "a-1", false]]);
  expect(of(incidents, "a-1").meters).toBe(0);
  for (let i = 30; i < 70; i++) request(true, i);
  expect(open()).toEqual([]);
});

test("what comes back within a minute is the same incident, with its beginning; later it is another", () => {
  const { incidents, lineWatch } = watch(line("a", 1));
  lineWatch.closed(linkId("a"), "unplugged", at(10));
  lineWatch.opened(linkId("a"), at(20));
  lineWatch.closed(linkId("a"), "unplugged", at(79));
  const again = of(incidents, "a");
  expect(again).toMatchObject({ count: 2, since: at(10).civil, until: null });
  lineWatch.opened(linkId("a"), at(80));
  lineWatch.closed(linkId("a"), "unplugged", at(141));
  expect(of(incidents, "a")).toMatchObject({ count: 1, since: at(141).civil });
  expect(of(incidents, "a").id).not.toBe(again.id);
});

test("how long it lasted is told by the clock that nobody sets", () => {
  const healed: Incident[] = [];
  const incidents = new Incidents([], 1, (incident) => healed.push(incident));
  incidents.hold("line-down", { part: "line", name: "a" }, { cause: "x" }, at(0));
  incidents.heal("line-down", { part: "line", name: "a" }, { mono: mono(7 * SECOND), civil: at(3600).civil });
  expect(healed.at(-1)).toMatchObject({ lasted: 7 * SECOND, until: at(3600).civil });
});

test("on MQTT one that is late is the meter, all at once are the broker, and none while the broker is away", () => {
  const incidents = new Incidents([], 1, () => {});
  const ids = ["q1", "q2", "q3", "q4"].map(meterId);
  const mqtt = new MqttWatch("mqtt", 60 * SECOND, ids, incidents);
  const names = () => incidents.open().map(({ kind, place }) => `${kind} ${place.name}`);
  mqtt.opened(at(0));
  const pass = (from: number, to: number, heard: readonly number[]) => {
    for (let s = from; s < to; s++) {
      if (s % 10 === 0) for (const i of heard) mqtt.heard(ids[i] as (typeof ids)[0], at(s));
      mqtt.wake(at(s));
    }
  };
  pass(1, 100, [0, 1, 2]);
  expect(names()).toEqual(["meter-silent q4"]);
  pass(100, 170, []);
  expect(names().toSorted()).toEqual(["broker-silent mqtt", "meter-silent q4"]);
  pass(170, 200, [0, 1, 2, 3]);
  expect(names()).toEqual([]);
  mqtt.closed("connection refused", at(200));
  mqtt.wake(at(400));
  expect(names()).toEqual(["broker-down mqtt"]);
  mqtt.opened(at(500));
  mqtt.wake(at(530));
  expect(names()).toEqual([]);
});
