/** One line with several meters in virtual time: fairness, the share of a silent meter, repeats, reconnects. */
import { describe, expect, test } from "vitest";
import type { CollectorConfig, LineConfig } from "../../../headend/config.ts";
import { LineSession } from "../../../headend/sessions/line-session.ts";
import type { SessionOutput } from "../../../headend/sessions/line-task.ts";
import { linkId } from "../../../src/core/actor.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { crc16, FakeModbusMeter, meterId, TEST_MODEL } from "../fakes.ts";
import { BUS, SECOND, World } from "../world.ts";

function config(units: number, change: Partial<LineConfig> = {}): CollectorConfig {
  const meters = Array.from({ length: units }, (_, i) => ({
    id: meterId(`m${i + 1}`),
    unit: i + 1,
    model: TEST_MODEL,
  }));
  return { lines: [{ link: BUS, framing: "rtu", responseTimeout: 500_000, pollEvery: SECOND, meters, ...change }] };
}

const meters = (units: number) => Array.from({ length: units }, (_, i) => new FakeModbusMeter(i + 1));

const polls = (world: World, meter: string, ok: boolean) =>
  world.notices.filter((n) => n.kind === "poll" && n.meter === meter && n.ok === ok).length;

describe("a fair line", () => {
  test("all meters are read alike, also when the line cannot keep up with the interval", () => {
    const world = new World(config(6, { pollEvery: 100_000 }), { modbus: meters(6) });
    world.run(30 * SECOND);
    const counts = Array.from({ length: 6 }, (_, i) => polls(world, `m${i + 1}`, true));
    expect(Math.min(...counts)).toBeGreaterThan(50);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  test("meters come due one after the other", () => {
    const world = new World(config(4, { pollEvery: 4 * SECOND }), { modbus: meters(4) });
    const first = new Map<number, number>();
    world.watch = (effect) => {
      if (effect.kind === "send")
        first.set(effect.bytes[0] as number, first.get(effect.bytes[0] as number) ?? world.now.mono);
    };
    world.run(4 * SECOND);
    expect([...first].map(([unit, at]) => [unit, Math.floor(at / SECOND)])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 3],
    ]);
  });

  test("polls that could not be made are not made up for", () => {
    const world = new World(config(1), { modbus: meters(1) });
    world.run(2.5 * SECOND);
    world.event({ kind: "closed", link: BUS, reason: "unplugged" });
    world.run(60 * SECOND);
    expect(polls(world, "m1", true)).toBe(3);
    world.event({ kind: "opened", link: BUS });
    world.run(2 * SECOND);
    expect(polls(world, "m1", true)).toBeLessThanOrEqual(6);
    expect(polls(world, "m1", true)).toBeGreaterThanOrEqual(5);
  });
});

describe("silent meters", () => {
  test.each([
    [1, 5],
    [5, 1],
    [16, 2],
  ])("%i beside %i that answer take at most an eighth of the line", (silent, answering) => {
    const devices = meters(silent + answering);
    for (const device of devices.slice(0, silent)) device.silent = true;
    const world = new World(config(silent + answering, { pollEvery: 200_000 }), { modbus: devices });
    // Each has to be found silent first: two polls with three attempts of half a second.
    world.run(silent * 2 * 3 * 0.5 * SECOND + 10 * SECOND);
    let asked = 0;
    world.watch = (effect) => {
      if (effect.kind === "send" && (effect.bytes[0] as number) <= silent) asked += 1;
    };
    const last = `m${silent + answering}`;
    const before = polls(world, last, true);
    world.run(160 * SECOND);
    expect(asked).toBeGreaterThan(0);
    expect(asked * 0.5).toBeLessThanOrEqual(160 / 8 + 0.5);
    const alone = new World(config(answering, { pollEvery: 200_000 }), { modbus: meters(answering) });
    alone.run(160 * SECOND);
    expect(polls(world, last, true) - before).toBeGreaterThan(0.85 * polls(alone, "m1", true));
  });

  test("one behind a gateway that reports it missing counts as silent too", () => {
    const devices = meters(2);
    (devices[0] as FakeModbusMeter).refuses = () => 0x0b;
    const world = new World(config(2, { retries: 0 }), { modbus: devices });
    world.run(60 * SECOND);
    // Two polls to find out, then one after 1, 2, 4, 8, 16 seconds.
    expect(polls(world, "m1", false)).toBeLessThanOrEqual(8);
    expect(polls(world, "m2", true)).toBe(60);
  });

  test("one that answers again is a full member at once", () => {
    const devices = meters(2);
    const [first] = devices as [FakeModbusMeter];
    first.silent = true;
    const world = new World(config(2), { modbus: devices });
    world.run(120 * SECOND);
    expect(polls(world, "m1", true)).toBe(0);
    first.silent = false;
    expect(world.runUntil(() => polls(world, "m1", true) > 0, 310 * SECOND)).toBe(true);
    const before = polls(world, "m1", true);
    world.run(10 * SECOND);
    expect(polls(world, "m1", true) - before).toBeGreaterThanOrEqual(9);
  });

  test("an order for a silent meter waits with it and does not take the line", () => {
    const devices = meters(2);
    (devices[0] as FakeModbusMeter).silent = true;
    const world = new World(config(2), { modbus: devices });
    world.run(20 * SECOND);
    world.request({ kind: "order", meter: meterId("m1"), operation: "relay-open", argument: 0, key: "k", actor: "op" });
    const before = polls(world, "m2", true);
    world.run(60 * SECOND);
    expect(polls(world, "m2", true) - before).toBeGreaterThan(50);
    // Not reached: it was certainly not carried out.
    expect(world.store.orders.get(1)?.state).toBe("queued");
  });

  test("a TCP connection on which nobody answers is closed, so that a new one is made", () => {
    const session = new LineSession(config(1, { framing: "tcp" }).lines[0] as LineConfig);
    let now = 0;
    const at = (): Now => ({ mono: mono(now), civil: civil(now) });
    const outputs: SessionOutput[] = session.opened(at());
    while (now < 20 * SECOND && !outputs.some((o) => o.kind === "close")) {
      const wake = session.nextWake();
      now = Math.max(now + 1, Math.min(wake.mono, wake.civil));
      outputs.push(...session.wake(at()));
    }
    expect(outputs.find((o) => o.kind === "close")).toMatchObject({ link: linkId("bus") });
    // Two polls of three attempts came first.
    expect(outputs.filter((o) => o.kind === "send").length).toBe(6);
  });
});

test("over TCP the same meter is read through the MBAP header", () => {
  const session = new LineSession(config(1, { framing: "tcp" }).lines[0] as LineConfig);
  const device = new FakeModbusMeter(1);
  const now: Now = { mono: mono(0), civil: civil(0) };
  let outputs = session.opened(now);
  for (let i = 0; i < 2; i++) {
    const sent = outputs.find((o) => o.kind === "send");
    if (sent?.kind !== "send") throw new Error("nothing was sent");
    const adu = [...sent.bytes.slice(6)];
    const answer = device.answer(Uint8Array.from([...adu, ...crc16(adu)])) as number[];
    const pdu = answer.slice(1, -2);
    const reply = [...sent.bytes.slice(0, 4), 0, pdu.length + 1, 1, ...pdu];
    outputs = session.receive(Uint8Array.from(reply), now);
  }
  expect(outputs).toEqual([
    { kind: "observe", observation: { kind: "request", line: BUS, meter: "m1", outcome: "answer", took: 0 } },
    {
      kind: "polled",
      meter: "m1",
      ...{ purpose: "instantaneous", source: "modbus" },
      // A register of whole seconds: give or take half a one.
      contact: { asked: -500_000, answered: 500_000, shown: 500_000 },
      time: 0,
      values: { voltageL1: 230_100, activeEnergyImport: 1_000_000, clock: 0, frequency: 50_000 },
    },
  ]);
});

describe("repeats", () => {
  test("a lost reply is asked for again; a reading comes out of it all the same", () => {
    const device = new FakeModbusMeter(1);
    let lost = 0;
    device.replies = () => (lost < 2 ? ++lost === 0 : true);
    const world = new World(config(1), { modbus: [device] });
    world.run(1.5 * SECOND);
    expect(lost).toBe(2);
    expect(polls(world, "m1", true)).toBe(1);
    expect(polls(world, "m1", false)).toBe(0);
  });

  test("when one block of two stays unanswered there is no reading, and the poll says why", () => {
    const device = new FakeModbusMeter(1);
    device.replies = (_, address) => address !== 0x40;
    const world = new World(config(1, { retries: 1 }), { modbus: [device] });
    world.run(3 * SECOND);
    expect(world.store.readings.size).toBe(0);
    const failed = world.notices.find((n) => n.kind === "poll" && !n.ok);
    expect(failed).toMatchObject({ meter: "m1", reason: "no reply in time" });
  });

  test("busy is asked again later, another exception ends the poll at once", () => {
    const device = new FakeModbusMeter(1);
    let busy = 0;
    device.refuses = () => (busy < 2 ? ++busy && 6 : undefined);
    const world = new World(config(1), { modbus: [device] });
    world.run(0.9 * SECOND);
    expect(polls(world, "m1", true)).toBe(1);
    expect(device.requests.length).toBe(4);
    device.refuses = () => 2;
    const before = device.requests.length;
    world.run(2 * SECOND);
    expect(device.requests.length - before).toBe(2);
    expect(polls(world, "m1", false)).toBe(2);
  });

  test("a reply with a broken CRC is no data", () => {
    const device = new FakeModbusMeter(1);
    const answer = device.answer.bind(device);
    let broken = 0;
    device.answer = (frame) => {
      const reply = answer(frame);
      if (reply !== undefined && broken++ === 0) reply[4] = (reply[4] as number) ^ 1;
      return reply;
    };
    const world = new World(config(1), { modbus: [device] });
    world.run(0.9 * SECOND);
    expect(world.store.readingsOf("m1").map((r) => r.values.voltageL1)).toEqual([230_100]);
  });
});

test("an order goes before the polls that wait", () => {
  const devices = meters(4);
  const world = new World(config(4, { pollEvery: 100_000 }), { modbus: devices });
  world.run(5 * SECOND);
  world.request({ kind: "order", meter: meterId("m4"), operation: "relay-open", argument: 0, key: "k", actor: "op" });
  (devices[3] as FakeModbusMeter).password = 0;
  const asked: number[] = [];
  world.watch = (effect) => {
    if (effect.kind === "send") asked.push(effect.bytes[0] as number);
  };
  world.run(0.3 * SECOND);
  // At most the request on the wire comes first; then the look, and one poll while "sent" is being stored; then unlock,
  // mailbox, outcome, coil without a poll in between.
  const first = asked.indexOf(4);
  expect(first).toBeLessThanOrEqual(1);
  const second = asked.indexOf(4, first + 1);
  expect(second - first).toBeLessThanOrEqual(2);
  expect(asked.slice(second, second + 4)).toEqual([4, 4, 4, 4]);
});
