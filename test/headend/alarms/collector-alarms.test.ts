/** The collector's alarms in virtual time: outages that are known, a store that refuses, a kill, a clock that is set. */
import { expect, test } from "vitest";
import { availability } from "../../../headend/alarms/availability.ts";
import { decodeIncident, type Incident } from "../../../headend/alarms/incident.ts";
import { decodeRun } from "../../../headend/alarms/runs.ts";
import { civil } from "../../../src/core/time.ts";
import { FakeModbusMeter, meterId, TEST_MODEL } from "../fakes.ts";
import { busConfig, M1 } from "../site.ts";
import { BUS, SECOND, World } from "../world.ts";

const M2 = meterId("m2");
const MINUTE = 60 * SECOND;
const line = busConfig().lines[0] as NonNullable<ReturnType<typeof busConfig>["lines"][0]>;
const config = busConfig({
  alarms: { speed: 1 },
  lines: [{ ...line, retries: 0, meters: [...line.meters, { id: M2, unit: 2, model: TEST_MODEL }] }],
});

function site() {
  const meters = [new FakeModbusMeter(1), new FakeModbusMeter(2)] as const;
  return { meters, world: new World(config, { modbus: [...meters] }) };
}

const documents = (world: World, collection: string) =>
  [...world.store.documents.values()].filter((document) => document.collection === collection);
const stored = (world: World): Incident[] =>
  documents(world, "incidents")
    .map(({ text }) => decodeIncident(text))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
const kinds = (incidents: readonly Incident[]) => incidents.map(({ kind, place }) => `${kind} ${place.name}`);

test("outages that are known come out as availability, to the poll", () => {
  const { meters, world } = site();
  const begin = world.now.civil;
  world.run(10 * MINUTE);
  meters[0].silent = true;
  world.run(10 * MINUTE);
  meters[0].silent = false;
  world.run(20 * MINUTE);
  world.event({ kind: "closed", link: BUS, reason: "unplugged" });
  world.run(5 * MINUTE);
  world.event({ kind: "opened", link: BUS });
  world.run(15 * MINUTE);
  expect(kinds(stored(world))).toEqual(["meter-silent m1", "line-down bus"]);
  const runs = documents(world, "runs").map(({ text }) => ({ ...decodeRun(text), seen: world.now.civil }));
  const history = { runs, incidents: stored(world), contacts: new Map() };
  const period = { from: begin, to: world.now.civil };
  const [m1, m2] = availability("meter", world.collector.places(), history, period, world.now.civil);
  expect(m2).toMatchObject({ watched: BigInt(60 * MINUTE), down: BigInt(5 * MINUTE), outages: 1 });
  expect(m1?.outages).toBe(2);
  // Known by its polls: up to a second later than it fell silent, and back when its next probe is due, at most 300 s later.
  const down = Number(m1?.down) / MINUTE;
  expect(down).toBeGreaterThan(14.9);
  expect(down).toBeLessThan(20.1);
});

test("a refusing store is told at once and stored when it takes again; what polls could not store pauses them", () => {
  const { world } = site();
  world.run(10 * SECOND);
  world.store.refuses = () => "database or disk is full";
  world.run(20 * SECOND);
  expect(world.collector.open()).toMatchObject([
    { kind: "store-failing", place: { part: "store" }, cause: "database or disk is full", until: null },
  ]);
  expect(stored(world)).toEqual([]);
  world.store.refuses = () => undefined;
  world.run(20 * SECOND);
  expect(world.collector.open()).toEqual([]);
  expect(stored(world)).toMatchObject([{ kind: "store-failing", until: expect.any(Number) }]);
});

test("a store that does not answer is behind after ten seconds", () => {
  const { world } = site();
  world.run(2 * SECOND);
  world.commitTime = 30 * SECOND;
  world.run(15 * SECOND);
  expect(world.collector.open()).toMatchObject([{ kind: "store-behind", cause: expect.stringMatching(/no answer/) }]);
  world.commitTime = 5_000;
  world.run(60 * SECOND);
  expect(world.collector.open()).toEqual([]);
});

test("after a kill the next start says so, and an incident that lasted goes on under its id", () => {
  const { meters, world } = site();
  meters[1].silent = true;
  world.run(3 * MINUTE);
  const before = stored(world);
  expect(kinds(before)).toEqual(["meter-silent m2"]);
  world.restart();
  world.run(5 * SECOND);
  const [silent, killed] = stored(world);
  expect(silent).toMatchObject({ id: before[0]?.id, until: null, count: 1 });
  expect(killed).toMatchObject({ kind: "unclean-stop", cause: expect.stringMatching(/last sign of life/) });
  // The last sign is at most a minute old.
  expect(killed?.lasted).toBeLessThanOrEqual(MINUTE);
  meters[1].silent = false;
  world.run(6 * MINUTE);
  expect(world.collector.open()).toEqual([]);
  expect(stored(world)[0]?.lasted).toBeGreaterThan(3 * MINUTE);
});

test("after a goodbye the next start says nothing", () => {
  const { world } = site();
  world.run(MINUTE);
  world.store.commit(world.collector.farewell(world.now));
  world.restart();
  world.run(MINUTE);
  expect(stored(world)).toEqual([]);
  expect(documents(world, "runs").map(({ text }) => decodeRun(text).clean)).toEqual([true, false]);
});

test("a clock that is set is told with its direction, and no outage comes of it", () => {
  const { world } = site();
  world.run(MINUTE);
  const { mono } = world.now;
  const later = { mono, civil: civil(world.now.civil + 3600 * SECOND) };
  world.collector.handle({ kind: "opened", link: BUS }, later);
  world.collector.wake(world.now);
  expect(world.collector.open()).toEqual([]);
  const jumps = world.collector.handle({ kind: "opened", link: BUS }, world.now);
  expect(jumps).toEqual(expect.any(Array));
  world.run(SECOND);
  expect(stored(world)).toMatchObject([
    { kind: "clock-jump", place: { part: "head-end" }, count: 2, cause: "the clock went back by 3600.0 s" },
  ]);
});

test("a person acknowledges one that lasts: stored, with the name in the audit; one that is over is refused", () => {
  const { meters, world } = site();
  meters[1].silent = true;
  world.run(MINUTE);
  const [open] = world.collector.open();
  const ask = (incident: string) => world.request({ kind: "acknowledge", incident, note: "on my way", actor: "ann" });
  const good = ask(open?.id as string);
  const bad = ask("0000000000000000-9");
  world.run(SECOND);
  expect(world.replies.get(good)).toMatchObject({ ok: true, value: { incident: { acknowledged: { by: "ann" } } } });
  expect(world.replies.get(bad)).toMatchObject({ ok: false, error: { reason: "unknown-alarm" } });
  expect(stored(world)[0]?.acknowledged).toMatchObject({ by: "ann", note: "on my way" });
  expect(world.store.audit).toMatchObject([{ actor: "ann", action: "alarm acknowledged", meter: M2 }]);
  expect(world.store.audit[0]?.detail).toContain("meter-silent at meter m2: on my way");
});

test("the first contact of a meter is noted once, also over a restart", () => {
  const { meters, world } = site();
  meters[1].silent = true;
  world.run(MINUTE);
  expect(documents(world, "contacts").map(({ key }) => key)).toEqual([M1]);
  const [first] = documents(world, "contacts");
  world.restart();
  meters[1].silent = false;
  world.run(6 * MINUTE);
  expect(documents(world, "contacts").map(({ key }) => key)).toEqual([M1, M2]);
  expect(documents(world, "contacts")[0]).toEqual(first);
});
