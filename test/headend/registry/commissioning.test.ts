/** Meters that are held, accepted, rejected and said to be somewhere, through the whole collector and over restarts. */
import { describe, expect, test } from "vitest";
import type { Place } from "../../../headend/registry/entry.ts";
import type { PatchOutcome, RegistryChange, RegistryReceipt } from "../../../headend/registry/requests.ts";
import { disagreements } from "../../../headend/registry/start.ts";
import { civil } from "../../../src/core/time.ts";
import { simSigner } from "../../../src/simulation/cipher.ts";
import { FakeModbusMeter, FakeMqttMeter, meterId, PLAIN_MODEL, TEST_MODEL } from "../fakes.ts";
import { account, busConfig, M1, mqttConfig } from "../site.ts";
import { BROKER, BUS, SECOND, World } from "../world.ts";

const NEW = meterId("new-1");
const HOLD = mqttConfig({
  mqtt: { link: BROKER, signer: simSigner("head-end"), acceptUnknown: "hold", meters: [] },
  models: [TEST_MODEL],
});
const unit = (n: number, line: string = BUS): Place => ({ kind: "line", line, unit: n });

function change(world: World, patches: RegistryChange["patches"], how: Partial<RegistryChange> = {}): RegistryReceipt {
  const rest = { partial: false, dryRun: false, onlyNew: false, actor: "tester", ...how };
  const ticket = world.request({ kind: "registry", patches, ...rest });
  world.runUntil(() => world.replies.has(ticket));
  const reply = world.replies.get(ticket);
  if (reply?.ok !== true || reply.value.kind !== "registry") throw new Error("no receipt");
  return reply.value;
}

const told = (receipt: RegistryReceipt) => receipt.outcomes.map(({ outcome }) => outcome);
const why = ({ outcomes }: RegistryReceipt) =>
  outcomes.flatMap(({ mistakes }: PatchOutcome) => mistakes.map(({ column, problem }) => `${column}: ${problem}`));

function order(world: World, meter = NEW) {
  const wish = {
    kind: "order",
    operation: "relay-open",
    argument: 0,
    key: `k${world.replies.size}`,
    actor: "op",
  } as const;
  const ticket = world.request({ ...wish, meter });
  world.runUntil(() => world.replies.has(ticket));
  const reply = world.replies.get(ticket);
  return reply?.ok ? "taken" : reply?.error.reason;
}

function heldWorld() {
  const meter = new FakeMqttMeter(NEW);
  const world = new World(HOLD, { mqtt: [meter] });
  const send = () => {
    const token = world.publish(NEW, "telemetry", meter.telemetry(world.iso));
    world.run(SECOND);
    return token;
  };
  return { world, send, meter };
}

describe("a stranger on MQTT where strangers are held", () => {
  test("its readings are stored and acknowledged, but it takes no orders until a person accepts it", () => {
    const { world, send } = heldWorld();
    const tokens = [send(), send()];
    expect(world.acknowledged).toEqual(tokens);
    expect(world.store.readingsOf(NEW).map(({ quality }) => quality)).toEqual(["good", "good"]);
    expect(order(world)).toBe("not-active");
    world.restart();
    expect(order(world)).toBe("not-active");
    expect(told(change(world, [{ meter: NEW, state: "active" }]))).toEqual(["changed"]);
    expect(order(world)).toBe("taken");
    expect(world.store.audit.map(({ actor, action }) => [actor, action])).toEqual(
      expect.arrayContaining([
        ["collector", "meter held"],
        ["tester", "registry held to active"],
      ]),
    );
  });

  test("a rejected one is not listened to any more, also after a restart, and may be accepted later", () => {
    const { world, send } = heldWorld();
    send();
    change(world, [{ meter: NEW, state: "removed", note: "not ours" }]);
    send();
    world.restart();
    const last = send();
    expect(world.acknowledged).toContain(last);
    expect(world.store.readingsOf(NEW)).toHaveLength(1);
    change(world, [{ meter: NEW, state: "active" }]);
    send();
    expect(world.store.readingsOf(NEW)).toHaveLength(2);
  });

  test("an accepted one stays what was accepted, whatever it says to be", () => {
    const { world, send, meter } = heldWorld();
    send();
    change(world, [{ meter: NEW, state: "active" }]);
    meter.model = "something-else";
    send();
    expect(world.store.meters.get(NEW)?.model).toBe("test-1p");
    expect(world.store.readingsOf(NEW)).toHaveLength(2);
  });

  test("schedules begin with it when it is accepted, also after a restart while it was held, and pause while it is held", () => {
    const timing = { kind: "every", every: 10 * SECOND } as const;
    const schedules = [{ task: "instantaneous", timing }] as const;
    const meter = new FakeMqttMeter(NEW);
    const world = new World({ ...HOLD, groups: [{ name: "all", meters: "all", schedules }] }, { mqtt: [meter] });
    world.publish(NEW, "telemetry", meter.telemetry(world.iso));
    const asked = () => world.effects.filter((effect) => effect.kind === "publish").length;
    world.run(60 * SECOND);
    world.restart();
    world.run(60 * SECOND);
    expect(asked()).toBe(0);
    change(world, [{ meter: NEW, state: "active" }]);
    world.run(60 * SECOND);
    expect(asked()).toBeGreaterThanOrEqual(5);
    change(world, [{ meter: NEW, state: "held" }]);
    const before = asked();
    world.run(60 * SECOND);
    expect(asked()).toBe(before);
  });

  test("one that was said before it came is not held", () => {
    const { world, send } = heldWorld();
    const place = { kind: "mqtt" } as const;
    expect(told(change(world, [{ meter: NEW, model: "test-1p", place }]))).toEqual(["new"]);
    send();
    expect(order(world)).toBe("taken");
  });
});

describe("a meter on a line that the file does not name", () => {
  const site = () => {
    const second = new FakeModbusMeter(2);
    const config = busConfig({ models: [TEST_MODEL, PLAIN_MODEL] });
    return new World(config, { modbus: [new FakeModbusMeter(1), second] });
  };

  test("found by a scan it is held and not polled; accepted, it is polled from the next start", () => {
    const world = site();
    const found = { meter: NEW, model: "test-1p", place: unit(2), state: "held" } as const;
    expect(told(change(world, [found], { onlyNew: true }))).toEqual(["new"]);
    world.restart();
    world.run(3 * SECOND);
    expect(world.store.readingsOf(NEW)).toHaveLength(0);
    change(world, [{ meter: NEW, state: "active" }]);
    // The same scan once more does not hold it again.
    expect(told(change(world, [found], { onlyNew: true }))).toEqual(["unchanged"]);
    world.restart();
    world.run(3 * SECOND);
    expect(world.store.readingsOf(NEW).length).toBeGreaterThan(1);
    expect(world.store.readingsOf(M1).length).toBeGreaterThan(1);
    change(world, [{ meter: NEW, state: "removed" }]);
    const before = world.store.readingsOf(NEW).length;
    world.run(3 * SECOND);
    expect(world.store.readingsOf(NEW)).toHaveLength(before);
  });

  test("what cannot be is refused with its column", () => {
    const world = site();
    const wrong = (patch: Omit<RegistryChange["patches"][number], "meter">, meter = NEW) =>
      why(change(world, [{ meter, ...patch }])).join("\n");
    expect(wrong({ model: "test-1p", place: unit(1) })).toMatch(/^where: m1 is at unit 1 of bus; two would answer/);
    expect(wrong({ model: "test-1p", place: unit(2, "attic") })).toMatch(/^where: there is no line "attic"/);
    expect(wrong({ model: "nobody-knows", place: unit(2) })).toMatch(/^model: no register map of "nobody-knows"/);
    expect(wrong({})).toMatch(/^model: a new meter needs its model\nwhere: say where it is/);
    expect(wrong({ model: "test-plain" }, M1)).toMatch(/^model: the configuration says test-1p: change it there/);
    expect(wrong({ place: unit(5) }, M1)).toMatch(/^where: the configuration says line bus unit 1/);
    expect(wrong({ state: "removed" }, M1)).toMatch(/^state: the configuration names this meter/);
    expect(world.store.documents.size).toBe(0);
  });

  test("one wrong meter keeps all others out, unless the rest is asked for; a dry run changes nothing", () => {
    const world = site();
    const patches = [
      { meter: NEW, model: "test-1p", place: unit(2) },
      { meter: meterId("new-2"), model: "test-1p", place: unit(2) },
      { meter: M1, note: "in the cellar" },
    ] as const;
    expect(change(world, patches).applied).toBe(false);
    expect(change(world, [patches[2]], { dryRun: true })).toMatchObject({
      applied: false,
      outcomes: [{ outcome: "changed", changes: [{ column: "note", before: "", after: "in the cellar" }] }],
    });
    expect(world.store.documents.size).toBe(0);
    expect(told(change(world, patches, { partial: true }))).toEqual(["refused", "refused", "changed"]);
    expect([...world.store.documents.keys()]).toEqual(["registry m1"]);
  });

  test("two meters change their units in one table: nothing is read under the wrong name until the next start", () => {
    const world = site();
    world.modbus.push(new FakeModbusMeter(3));
    (world.modbus[2] as FakeModbusMeter).device.energyWh = 500_000;
    const [a, b] = [meterId("a"), meterId("b")];
    change(world, [
      { meter: a, model: "test-1p", place: unit(2) },
      { meter: b, model: "test-1p", place: unit(3) },
    ]);
    const swapped = change(world, [
      { meter: a, place: unit(3) },
      { meter: b, place: unit(2) },
    ]);
    expect(told(swapped)).toEqual(["changed", "changed"]);
    world.restart();
    world.run(3 * SECOND);
    const energies = (meter: string) =>
      new Set(world.store.readingsOf(meter).map(({ values }) => values.activeEnergyImport));
    expect([energies("a"), energies("b")]).toEqual([new Set([500_000_000]), new Set([1_000_000])]);
    change(world, [
      { meter: a, place: unit(2) },
      { meter: b, place: unit(3) },
    ]);
    const before = world.store.readings.size - world.store.readingsOf(M1).length;
    world.run(3 * SECOND);
    expect(world.store.readings.size - world.store.readingsOf(M1).length).toBe(before);
    expect(world.store.meters.get("a")?.via).toBe("line bus unit 2");
  });

  test("a meter that left the file is reached by nothing, and is found at its new place once it is said", () => {
    const world = site();
    world.run(2 * SECOND);
    const [line] = world.config.lines;
    const meters = [{ id: meterId("other"), unit: 9, model: TEST_MODEL }];
    const empty = { ...world.config, lines: [{ ...(line as NonNullable<typeof line>), meters }] };
    const without = new World(empty, { store: world.store, modbus: [new FakeModbusMeter(1)] });
    without.run(2 * SECOND);
    expect(world.store.meters.get(M1)?.via).toMatch(/^nowhere/);
    const before = world.store.readingsOf(M1).length;
    expect(told(change(without, [{ meter: M1, place: unit(1) }]))).toEqual(["changed"]);
    without.restart();
    without.run(3 * SECOND);
    expect(world.store.readingsOf(M1).length).toBeGreaterThan(before);
  });
});

describe("ratios", () => {
  const ct = [
    { from: civil(0), value: { primary: 200, secondary: 5 } },
    { from: civil(1_800_000_000_000_000), value: { primary: 400, secondary: 5 } },
  ];

  test("the file's product and the registry's transformers must agree; at a start the sentence names both", () => {
    const world = new World(busConfig({ models: [TEST_MODEL] }), { modbus: [new FakeModbusMeter(1)] });
    change(world, [{ meter: M1, ct }]);
    expect(world.store.meters.get(M1)?.ratio).toBe(40);
    world.restart();
    world.run(SECOND);
    expect(world.store.meters.get(M1)?.ratio).toBe(40);
    const [line] = world.config.lines;
    const meters = (ratio: number) => [{ id: M1, unit: 1, model: TEST_MODEL, ratio }];
    const said = (ratio: number) => ({
      ...world.config,
      lines: [{ ...(line as NonNullable<typeof line>), meters: meters(ratio) }],
    });
    expect(disagreements(said(30), world.store.snapshot())).toEqual([
      {
        place: "lines[0].meters[0].ratio",
        problem: expect.stringMatching(/the file says ratio 30 for m1, the registry says 40: take "ratio" out/),
      },
    ]);
    // Of the later 80 the file knows nothing either.
    expect(disagreements(said(40), world.store.snapshot())).toHaveLength(1);
    change(world, [{ meter: M1, ct: ct.slice(0, 1) }]);
    expect(disagreements(said(40), world.store.snapshot())).toEqual([]);
    const fixed = new World(said(40), { store: world.store, modbus: [] });
    expect(why(change(fixed, [{ meter: M1, ct }]))).toEqual([
      'ct: the configuration says ratio 40, this makes 80: take "ratio" out there first',
    ]);
  });

  test("a prepaid meter has no transformers", () => {
    const world = new World(busConfig({ prepaid: [account()] }), { modbus: [new FakeModbusMeter(1)] });
    world.run(SECOND);
    expect(why(change(world, [{ meter: M1, ct }]))).toEqual([
      "ct: a prepaid meter is a direct one: it has no transformers",
    ]);
  });
});

test("a rating plate of its own widens what is believed", () => {
  const meter = new FakeModbusMeter(1);
  const world = new World(busConfig(), { modbus: [meter] });
  world.run(2 * SECOND);
  change(world, [{ meter: M1, plate: { imax: 60_000 } }]);
  // 230 V × 60 A allow some 120 Wh at a step, a thousandfold current a thousand times that.
  meter.device.energyWh += 5_000;
  world.run(2 * SECOND);
  expect(world.store.readingsOf(M1).at(-1)?.quality).toBe("good");
  change(world, [{ meter: M1, plate: { imax: null } }]);
  meter.device.energyWh += 5_000;
  world.run(2 * SECOND);
  expect(world.store.readingsOf(M1).at(-1)?.quality).toBe("invalid");
});
