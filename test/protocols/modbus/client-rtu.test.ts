import { describe, expect, test } from "vitest";
import { type ClientEffect, ModbusClient } from "../../../protocols/modbus/client.ts";
import type { ModbusRequest } from "../../../protocols/modbus/message.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { Random } from "../../../src/core/random.ts";
import { hex, join, rtu, show } from "./support.ts";

const LUMPS = rtuTiming(9600);
const T35 = 4011;
const TIMEOUT = 500_000;
const READ: ModbusRequest = { function: 3, address: 0, quantity: 2 };
const REQUEST = rtu("01 03 0000 0002");
const REPLY = rtu("01 03 04 03e8 03e9");
/** 8 characters of 11 bits at 9600. */
const REQUEST_TIME = 9_167;

/** A client with its line; effects are collected with their times. */
class Bench {
  now = 0;
  readonly client: ModbusClient;
  readonly log: (ClientEffect & { at: number })[] = [];

  constructor(timing = LUMPS, up = true) {
    this.client = new ModbusClient({ framing: "rtu", timing, responseTimeout: TIMEOUT });
    if (up) this.take(this.client.linkUp(0));
    this.pass(100_000);
  }

  take(effects: readonly ClientEffect[]): this {
    for (const effect of effects) this.log.push({ ...effect, at: this.now });
    return this;
  }

  submit(ticket: number, unit = 1, request = READ): this {
    return this.take(this.client.submit(ticket, unit, request, this.now));
  }

  receive(bytes: Uint8Array): this {
    return this.take(this.client.receive(bytes, this.now));
  }

  pass(micros: number): this {
    const until = this.now + micros;
    for (let guard = 0; this.client.nextWake() <= until; guard++) {
      expect(guard).toBeLessThan(1000);
      this.now = Math.max(this.now, this.client.nextWake());
      this.take(this.client.wake(this.now));
    }
    this.now = until;
    return this;
  }

  get sent() {
    return this.log.flatMap((e) => (e.kind === "send" ? [{ at: e.at, text: show(e.bytes) }] : []));
  }

  get done() {
    return this.log.flatMap((e) =>
      e.kind === "done" ? [[e.ticket, e.result.ok ? show(e.result.value.data) : e.result.error.kind]] : [],
    );
  }
}

describe("addresses", () => {
  test("8: units 248 .. 255, and what is no unit, are refused; so is a read of all", () => {
    const b = new Bench();
    for (const unit of [248, 255, 256, -1, 1.5]) b.submit(unit, unit);
    b.submit(0, 0);
    expect(b.done.map(([, reason]) => reason)).toEqual(Array(6).fill("bad-request"));
    expect(b.sent).toEqual([]);
    expect(b.submit(1, 247).sent).toHaveLength(1);
  });

  test("9: a broadcast is done after the turnaround delay, and the next request waits for it", () => {
    const b = new Bench().submit(1, 0, { function: 6, address: 7, value: 1 }).submit(2);
    const start = b.now;
    b.pass(TIMEOUT / 2);
    expect(b.done).toEqual([[1, ""]]);
    expect(b.sent.map((s) => s.at - start)).toEqual([0, REQUEST_TIME + 100_000]);
  });

  test("12: other units' replies are ignored, the timer goes on", () => {
    const b = new Bench().submit(1).pass(50_000);
    b.receive(rtu("02 03 04 ffff ffff")).pass(50_000);
    expect(b.done).toEqual([]);
    b.receive(REPLY).pass(50_000);
    expect(b.done).toEqual([[1, "03 e8 03 e9"]]);
  });
});

describe("the line", () => {
  test("17: t3.5 of silence before each frame: it asks to be woken", () => {
    const b = new Bench();
    b.submit(1).pass(30_000).receive(REPLY);
    const heard = b.now;
    b.pass(3_000).receive(hex("00"));
    b.submit(2).pass(100_000);
    expect(b.sent.map((s) => s.at - heard)).toEqual([-30_000, 3_000 + T35]);
    b.pass(TIMEOUT).submit(3);
    expect(b.sent).toHaveLength(3);
  });

  test("17: back to back, the next request follows the reply's last byte by exactly t3.5", () => {
    const b = new Bench().submit(1).submit(2).pass(30_000).receive(REPLY);
    const heard = b.now;
    b.pass(10_000);
    expect(b.sent.map((s) => s.at - heard)).toEqual([-30_000, T35]);
  });

  test("17: not at once after the link came up", () => {
    const b = new Bench(LUMPS, false);
    b.take(b.client.linkUp(b.now)).submit(1);
    expect(b.sent).toEqual([]);
    expect(b.client.nextWake()).toBe(b.now + T35);
  });

  test("10, 11: one outstanding; the timeout runs from the end of the request", () => {
    const b = new Bench().submit(1).submit(2);
    const start = b.now;
    expect(b.client.outstanding).toBe(2);
    b.pass(REQUEST_TIME + TIMEOUT - 1);
    expect(b.done).toEqual([]);
    b.pass(1);
    expect(b.done).toEqual([[1, "timeout"]]);
    b.pass(20_000);
    expect(b.sent.map((s) => s.at - start)).toEqual([0, REQUEST_TIME + TIMEOUT + 20_000]);
  });

  test("latency is that of the reply's last byte", () => {
    const b = new Bench().submit(1).pass(30_000).receive(REPLY).pass(100_000);
    expect(b.log.at(-1)).toMatchObject({ kind: "done", latency: 30_000 });
  });

  test("a reply that begins in time may end late; noise may not hold the line for ever", () => {
    const b = new Bench().submit(1).pass(REQUEST_TIME + TIMEOUT - 1000);
    b.receive(REPLY.subarray(0, 4)).pass(10_000).receive(REPLY.subarray(4)).pass(10_000);
    expect(b.done).toEqual([[1, "03 e8 03 e9"]]);
    const noisy = new Bench().submit(1);
    for (let i = 0; i < 2000; i++) noisy.receive(hex("55")).pass(1_000);
    expect(noisy.done).toEqual([[1, "timeout"]]);
  });

  test("a line that never falls silent fails what waits, and recovers", () => {
    const b = new Bench().receive(hex("55")).submit(1).submit(2);
    for (let i = 0; i < 1100; i++) b.receive(hex("55")).pass(1_000);
    expect(b.sent).toEqual([]);
    expect(b.done).toEqual([
      [1, "timeout"],
      [2, "timeout"],
    ]);
    expect(b.submit(3).pass(10_000).sent).toHaveLength(1);
  });
});

describe("replies", () => {
  test("13: a reply that comes before the next request is sent is never taken for its reply", () => {
    const b = new Bench().submit(1).pass(REQUEST_TIME + TIMEOUT);
    b.receive(REPLY).pass(100_000).submit(2).pass(1_000_000);
    expect(b.done).toEqual([
      [1, "timeout"],
      [2, "timeout"],
    ]);
  });

  test("13: a late reply that comes while the line is listened to after the timeout holds the next request back", () => {
    const b = new Bench().submit(1).submit(2);
    b.pass(REQUEST_TIME + TIMEOUT + 15_000).receive(REPLY);
    const heard = b.now;
    b.pass(100_000).receive(rtu("01 03 04 0001 0002")).pass(100_000);
    expect(b.sent[1]?.at).toBe(heard + 20_000);
    expect(b.done).toEqual([
      [1, "timeout"],
      [2, "00 01 00 02"],
    ]);
  });

  test("a reply that breaks off is a bad reply", () => {
    const b = new Bench().submit(1).pass(50_000).receive(REPLY.subarray(0, 5)).pass(30_000);
    expect(b.done).toEqual([[1, "bad-reply"]]);
  });

  test("13: a late reply that does not fit the present request does not end it", () => {
    const b = new Bench().submit(1).submit(2, 1, { function: 3, address: 0, quantity: 1 });
    b.pass(REQUEST_TIME + TIMEOUT + 40_000);
    expect(b.sent).toHaveLength(2);
    b.receive(REPLY).pass(30_000).receive(rtu("01 03 02 0007")).pass(100_000);
    expect(b.done).toEqual([
      [1, "timeout"],
      [2, "00 07"],
    ]);
  });

  test("45: if nothing better follows, what was wrong with it is said", () => {
    const b = new Bench().submit(1).pass(50_000).receive(rtu("01 03 02 0007")).pass(TIMEOUT);
    expect(b.log.at(-1)).toMatchObject({
      result: { error: { kind: "bad-reply", detail: "4 bytes of PDU where 6 were asked for" } },
    });
  });

  test("26: a reply with a wrong CRC is an error, and at once", () => {
    for (let bit = 16; bit < 8 * REPLY.length; bit++) {
      const damaged = REPLY.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const b = new Bench().submit(1).pass(50_000).receive(damaged).pass(30_000);
      expect(b.done).toEqual([[1, "bad-reply"]]);
    }
  });

  test("16, 27: junk before the reply does not cost it", () => {
    const random = new Random(5);
    const junk = Uint8Array.from({ length: 1000 }, () => random.below(256));
    expect(new Bench().submit(1).pass(50_000).receive(join(junk, REPLY)).pass(30_000).done).toEqual([
      [1, "03 e8 03 e9"],
    ]);
    expect(new Bench().submit(1).pass(50_000).receive(junk).pass(100_000).receive(REPLY).pass(30_000).done).toEqual([
      [1, "03 e8 03 e9"],
    ]);
  });

  test("a reply in single bytes 16 ms apart", () => {
    const b = new Bench().submit(1).pass(50_000);
    for (const byte of REPLY) b.receive(Uint8Array.of(byte)).pass(16_000);
    expect(b.pass(10_000).done).toEqual([[1, "03 e8 03 e9"]]);
  });

  test("44: exceptions come with their code", () => {
    const b = new Bench().submit(1).pass(50_000).receive(rtu("01 83 06")).pass(30_000);
    expect(b.log.at(-1)).toMatchObject({ result: { ok: false, error: { kind: "exception", code: 6 } } });
  });
});

describe("bounds and link", () => {
  test("the queue is bounded", () => {
    const b = new Bench();
    for (let i = 0; i < 300; i++) b.submit(i);
    expect(b.client.outstanding).toBe(257);
    expect(b.done).toHaveLength(43);
    expect(b.done[0]).toEqual([257, "bad-request"]);
  });

  test("link down fails everything outstanding, once; down from the start", () => {
    const b = new Bench().submit(1).submit(2).submit(3);
    b.take(b.client.linkDown(b.now)).submit(4);
    expect(b.done).toEqual([1, 2, 3, 4].map((ticket) => [ticket, "link-down"]));
    expect(b.client.outstanding).toBe(0);
    expect(b.client.nextWake()).toBe(Number.POSITIVE_INFINITY);
    expect(new Bench(LUMPS, false).submit(1).done).toEqual([[1, "link-down"]]);
    b.take(b.client.linkUp(b.now)).submit(5).pass(30_000).receive(REPLY).pass(30_000);
    expect(b.done.at(-1)).toEqual([5, "03 e8 03 e9"]);
  });
});

test("with byte times: gaps are judged (18), the request is the captured one", () => {
  const timing = rtuTiming(9600, { byteTimes: true });
  const run = (gap: number) => {
    const b = new Bench(timing).submit(1).pass(50_000);
    for (const [i, byte] of REPLY.entries()) b.pass(1_146 + (i === 4 ? gap : 0)).receive(Uint8Array.of(byte));
    return b.pass(TIMEOUT);
  };
  expect(run(1_718).done).toEqual([[1, "03 e8 03 e9"]]);
  expect(run(1_719).done).toEqual([[1, "bad-reply"]]);
  expect(run(0).sent[0]?.text).toBe(show(REQUEST));
});
