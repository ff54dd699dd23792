import fc from "fast-check";
import { expect, test } from "vitest";
import { type ClientEffect, ModbusClient } from "../../../protocols/modbus/client.ts";
import type { ModbusRequest } from "../../../protocols/modbus/message.ts";
import { hex, join, show } from "./support.ts";

const READ: ModbusRequest = { function: 3, address: 0, quantity: 1 };
const client = (maxInFlight?: number) => {
  const one = new ModbusClient({
    framing: "tcp",
    responseTimeout: 1_000,
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
  });
  one.linkUp(0);
  return one;
};
const id = (n: number) => n.toString(16).padStart(4, "0");
const reply = (n: number, value = n, unit = "01") => hex(`${id(n)} 0000 0005 ${unit} 03 02 ${id(value)}`);
const short = (effects: readonly ClientEffect[]) =>
  effects.map((e) =>
    e.kind === "send"
      ? `send ${show(e.bytes)?.slice(0, 5)}`
      : `${e.ticket} ${e.result.ok ? show(e.result.value.data) : e.result.error.kind} ${e.latency}`,
  );

test("91: the request's bytes", () => {
  expect(client().submit(1, 0x11, { function: 3, address: 0x6b, quantity: 3 }, 0)).toEqual([
    { kind: "send", bytes: hex("0001 0000 0006 11 03 006b 0003") },
  ]);
});

test("one in flight by default; the next goes out with the reply", () => {
  const one = client();
  expect(short(one.submit(1, 1, READ, 0))).toEqual(["send 00 01"]);
  expect(one.submit(2, 1, READ, 10)).toEqual([]);
  expect(one.outstanding).toBe(2);
  expect(short(one.receive(reply(1), 50))).toEqual(["1 00 01 50", "send 00 02"]);
  expect(short(one.receive(reply(2), 75))).toEqual(["2 00 02 25"]);
  expect(one.nextWake()).toBe(Number.POSITIVE_INFINITY);
});

test("94, 96: several in flight, replies in any order, in one segment or cut anywhere", () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 5 }),
      fc.array(fc.nat(55), { maxLength: 8 }),
      (order, cuts) => {
        const one = client(5);
        for (let n = 1; n <= 5; n++) one.submit(n, 1, READ, 0);
        const bytes = join(...order.map((n) => reply(n, 100 + n)));
        const effects: ClientEffect[] = [];
        let from = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
          effects.push(...one.receive(bytes.subarray(from, cut), 9));
          from = cut;
        }
        expect(short(effects)).toEqual(order.map((n) => `${n} 00 ${(100 + n).toString(16)} 9`));
      },
    ),
  );
});

test("96: a wrong id is ignored; a reply after the timeout too", () => {
  const one = client();
  one.submit(1, 1, READ, 0);
  expect(one.receive(reply(7), 10)).toEqual([]);
  expect(one.nextWake()).toBe(1_000);
  expect(one.wake(999)).toEqual([]);
  expect(short(one.wake(1_000))).toEqual(["1 timeout 1000"]);
  one.submit(2, 1, READ, 1_100);
  expect(one.receive(reply(1), 1_200)).toEqual([]);
  expect(short(one.receive(reply(2), 1_300))).toEqual(["2 00 02 200"]);
});

test("96: each request has its own timeout", () => {
  const one = client(3);
  one.submit(1, 1, READ, 0);
  one.submit(2, 1, READ, 300);
  one.submit(3, 1, READ, 600);
  expect(short(one.receive(reply(2), 700))).toEqual(["2 00 02 400"]);
  expect(short(one.wake(one.nextWake()))).toEqual(["1 timeout 1000"]);
  expect(one.nextWake()).toBe(1_600);
});

test("92: another protocol id is passed over", () => {
  const one = client();
  one.submit(1, 1, READ, 0);
  expect(short(one.receive(join(hex("0001 0001 0005 01 03 02 0009"), reply(1)), 5))).toEqual(["1 00 01 5"]);
});

test("91: a reply for another unit is a bad reply; so is a wrong function or count; exceptions keep their code", () => {
  const ask = (answer: Uint8Array) => {
    const one = client();
    one.submit(1, 1, READ, 0);
    return one.receive(answer, 5)[0];
  };
  expect(ask(reply(1, 1, "02"))).toMatchObject({ result: { error: { kind: "bad-reply" } } });
  expect(ask(hex("0001 0000 0005 01 04 02 0000"))).toMatchObject({ result: { error: { kind: "bad-reply" } } });
  expect(ask(hex("0001 0000 0007 01 03 04 0000 0000"))).toMatchObject({ result: { error: { kind: "bad-reply" } } });
  expect(ask(hex("0001 0000 0003 01 83 0b"))).toMatchObject({ result: { error: { kind: "exception", code: 11 } } });
});

test("93: a length that cannot be fails what is in flight, sends what waits, and reading starts anew", () => {
  const one = client();
  one.submit(1, 1, READ, 0);
  one.submit(2, 1, READ, 0);
  expect(short(one.receive(join(hex("0001 0000 0001"), new Uint8Array(700)), 5))).toEqual([
    "1 bad-reply 5",
    "send 00 02",
  ]);
  expect(short(one.receive(reply(2), 6))).toEqual(["2 00 02 1"]);
});

test("units 0 .. 255 are possible, others are not; the queue is bounded", () => {
  expect(short(client().submit(1, 0, READ, 0))).toEqual(["send 00 01"]);
  expect(short(client().submit(1, 255, READ, 0))).toEqual(["send 00 01"]);
  expect(short(client().submit(1, 256, READ, 0))).toEqual(["1 bad-request 0"]);
  const one = client();
  for (let i = 0; i < 257; i++) one.submit(i, 1, READ, 0);
  expect(short(one.submit(300, 1, READ, 0))).toEqual(["300 bad-request 0"]);
});

test("96: link down fails everything, in order, and half a reply is forgotten", () => {
  const one = client(2);
  for (let n = 1; n <= 3; n++) one.submit(n, 1, READ, 0);
  one.receive(reply(1).subarray(0, 8), 1);
  expect(short(one.linkDown(10))).toEqual(["1 link-down 10", "2 link-down 10", "3 link-down 0"]);
  expect(short(one.submit(4, 1, READ, 11))).toEqual(["4 link-down 0"]);
  one.linkUp(20);
  expect(short(one.submit(5, 1, READ, 20))).toEqual(["send 00 03"]);
  expect(short(one.receive(reply(3), 25))).toEqual(["5 00 03 5"]);
});

test("transaction ids wrap without meeting one that is still in flight", () => {
  const one = client(2);
  one.submit(0, 1, READ, 0);
  let last = "";
  for (let n = 1; n <= 65_536; n++) {
    const sent = one.submit(n, 1, READ, 0)[0];
    if (sent?.kind !== "send") throw new Error("not sent");
    const transaction = (sent.bytes[0] as number) * 256 + (sent.bytes[1] as number);
    if (transaction === 1) last = "reused";
    one.receive(reply(transaction, 0), 0);
  }
  expect(last).toBe("");
  expect(one.outstanding).toBe(1);
});
