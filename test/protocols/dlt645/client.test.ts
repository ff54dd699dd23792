/** The reader's side against bytes of meters: what it sends, what it believes, how each request ends. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { identifier } from "../../../protocols/dlt645/identifier.ts";
import type { Dlt645Request } from "../../../protocols/dlt645/message.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { Random } from "../../../src/core/random.ts";
import { ADDRESS, ClientBench, frameHex, MS, ServerBench } from "./support.ts";
import { bytes, V52, vector } from "./vectors.ts";

const READ: Dlt645Request = { kind: "read", identifier: identifier(0x00010000) };
const UA: Dlt645Request = { kind: "read", identifier: identifier(0x02010100) };
const CREDENTIALS = { password: { level: 2, digits: "000000" }, operator: "00000000" };
const TRIP: Dlt645Request = {
  kind: "control",
  credentials: CREDENTIALS,
  operation: 0x1a,
  reserved: 0,
  until: { second: 59, minute: 59, hour: 23, day: 9, month: 7, year: 21 },
};

/** A request under way. */
function asked(request: Dlt645Request = READ, address = ADDRESS, options = {}): ClientBench {
  return new ClientBench(options).submit(1, address, request).pass(100 * MS);
}

const outcome = (bench: ClientBench) => bench.done.map(({ ticket, result }) => [ticket, result]);
const data = (hex: string, address = ADDRESS, id = 0x00010000) => [
  [1, { ok: true, value: { address, reply: { kind: "data", identifier: id, data: bytes(hex), more: false } } }],
];
const bad = (detail: string) => [[1, { ok: false, error: { kind: "bad-reply", detail } }]];
const TIMEOUT = [[1, { ok: false, error: { kind: "timeout" } }]];

describe("captured exchanges", () => {
  test("V6 goes out after 20 ms of silence, V7 is its answer", () => {
    const bench = new ClientBench().submit(1, ADDRESS, READ);
    expect(bench.sent).toEqual([]);
    bench.pass(20 * MS);
    expect(bench.sent).toEqual([{ hex: vector("V6").hex, at: 1_000_000 + 20 * MS }]);
    bench.pass(80 * MS).hear(vector("V7").hex);
    expect(outcome(bench)).toEqual(data("26000000"));
    expect(bench.done[0]?.latency).toBe(80 * MS);
    expect(bench.client.outstanding).toBe(0);
    expect(bench.client.nextWake()).toBe(Number.POSITIVE_INFINITY);
  });

  test("V1 with four FE; V2 tells the address", () => {
    const bench = asked({ kind: "read-address" }, "AAAAAAAAAAAA", { preamble: 4 });
    expect(bench.sent[0]?.hex).toBe(vector("V1").hex);
    bench.hear(vector("V2").hex);
    const address = "558890213594";
    expect(outcome(bench)).toEqual([[1, { ok: true, value: { address, reply: { kind: "address", address } } }]]);
  });

  test("V51 to any meter, answered by one: its own address is told", () => {
    const bench = asked(UA, "AAAAAAAAAAAA").hear(vector("V11").hex);
    expect(bench.sent[0]?.hex).toBe(vector("V51").hex);
    expect(outcome(bench)).toEqual(data("0110", ADDRESS, 0x02010100));
  });

  test("V18 and V19, V18 and a refusal", () => {
    const trip = () => asked(TRIP, "558890213594", { preamble: 4 });
    expect(trip().sent[0]?.hex).toBe(vector("V18").hex);
    expect(trip().hear(vector("V19").hex).done[0]?.result).toMatchObject({
      ok: true,
      value: { reply: { kind: "done" } },
    });
    const refused = (hex: string) => trip().hear(frameHex("558890213594", 0xdc, hex)).done[0]?.result;
    expect(refused("04")).toEqual({ ok: false, error: { kind: "refused", code: 4, wide: false } });
    expect(refused("0401")).toEqual({ ok: false, error: { kind: "refused", code: 0x104, wide: true } });
  });

  test("V25 and V31: no such data", () => {
    const bench = asked({ kind: "read", identifier: identifier(0) }, "111111111111").hear(vector("V31").hex);
    expect(bench.done[0]?.result).toEqual({ ok: false, error: { kind: "refused", code: 2, wide: false } });
  });

  test("V43 and V42 are done after the turnaround: nobody answers", () => {
    const time = { second: 51, minute: 22, hour: 10, day: 5, month: 6, year: 17 };
    const bench = new ClientBench().submit(1, "999999999999", { kind: "set-time", time }).pass(119 * MS);
    expect(bench.sent[0]?.hex).toBe(vector("V42").hex);
    expect(bench.done).toEqual([]);
    bench.pass(1 * MS);
    expect(bench.done[0]?.result).toMatchObject({ ok: true });
    const one = new ClientBench().submit(1, "111111111111", { kind: "set-time", time }).pass(120 * MS);
    expect(one.done[0]?.result).toMatchObject({ ok: true });
  });
});

describe("what is not the answer", () => {
  test.each([
    ["nothing", ""],
    ["its own echo", vector("V6").hex],
    ["another meter's reply", vector("V15").hex],
  ])("%s: timeout at the end of the wait", (_name, hex) => {
    const bench = new ClientBench()
      .submit(1, ADDRESS, READ)
      .pass(100 * MS)
      .hear(hex);
    bench.pass(919 * MS);
    expect(bench.done).toEqual([]);
    bench.pass(1 * MS);
    expect(outcome(bench)).toEqual(TIMEOUT);
  });

  test.each([
    ["another identifier", vector("V8").hex, "the reply has another identifier"],
    ["another function", frameHex(ADDRESS, 0x94, ""), "the reply has control 94"],
    ["a reply that is too short", frameHex(ADDRESS, 0x91, "0000"), "a reply with control 91 has no 2 data bytes"],
    ["a damaged reply", V52, "16 bytes came that are no good frame"],
  ])("%s: the reason at the end of the wait", (_name, hex, detail) => {
    expect(
      outcome(
        asked()
          .hear(hex)
          .pass(2_000 * MS),
      ),
    ).toEqual(bad(detail));
  });

  test("a late reply to an earlier request does not end the wait for the right one", () => {
    const bench = asked()
      .hear(vector("V8").hex)
      .pass(50 * MS)
      .hear(vector("V7").hex);
    expect(outcome(bench)).toEqual(data("26000000"));
  });

  test("what comes before the request has gone out is not its answer", () => {
    const bench = new ClientBench().hear(vector("V7").hex).submit(1, ADDRESS, READ).hear(vector("V7").hex);
    bench.pass(2_000 * MS);
    expect(bench.sent.length).toBe(1);
    expect(outcome(bench)).toEqual(TIMEOUT);
  });

  test("noise before the answer does not cost it", () => {
    const bench = asked()
      .hear(`00 68 FF ${vector("V7").hex}`)
      .pass(100 * MS);
    expect(outcome(bench)).toEqual(data("26000000"));
  });
});

describe("time", () => {
  test("on a serial line the wait begins when the request has left: 16 bytes at 1200 baud are 147 ms", () => {
    const bench = new ClientBench({ baud: 1200 }).submit(1, ADDRESS, READ).pass(1_020 * MS + 146_000);
    expect(bench.done).toEqual([]);
    bench.pass(1_000);
    expect(outcome(bench)).toEqual(TIMEOUT);
  });

  test("a reply that began in time may end later, byte by byte", () => {
    const bench = asked().pass(900 * MS);
    for (const byte of bytes(vector("V7").hex)) bench.hear(toHex(Uint8Array.of(byte))).pass(20 * MS);
    expect(outcome(bench)).toEqual(data("26000000"));
  });

  test("endless noise ends the request all the same, asked or still waiting to ask", () => {
    for (const start of [asked(), new ClientBench().submit(1, ADDRESS, READ)]) {
      const random = new Random(1);
      for (let i = 0; i < 500 && start.done.length === 0; i++)
        start.hear(toHex(Uint8Array.of(0x68, random.below(256)))).pass(10 * MS);
      expect(start.done.length).toBe(1);
      expect(start.now).toBeLessThan(5_000 * MS);
    }
  });

  test("one request at a time, in their order, each after 20 ms of silence", () => {
    const bench = new ClientBench()
      .submit(1, ADDRESS, READ)
      .submit(2, ADDRESS, UA)
      .pass(100 * MS);
    expect(bench.sent.length).toBe(1);
    expect(bench.client.outstanding).toBe(2);
    bench.hear(vector("V7").hex);
    const heard = bench.now;
    bench.pass(100 * MS).hear(vector("V11").hex);
    expect(bench.sent[1]?.at).toBe(heard + 20 * MS);
    expect(bench.done.map((d) => [d.ticket, d.result.ok])).toEqual([
      [1, true],
      [2, true],
    ]);
  });
});

describe("following frames", () => {
  const id = identifier(0x06010001);
  const LONG: Dlt645Request = { kind: "read", identifier: id };

  test("are asked for and joined", () => {
    const bench = asked(LONG)
      .hear(frameHex(ADDRESS, 0xb1, "01000106 AABB"))
      .pass(100 * MS);
    expect(bench.sent[1]?.hex).toBe(frameHex(ADDRESS, 0x12, "01000106 01"));
    bench.hear(frameHex(ADDRESS, 0xb2, "01000106 CC 01")).pass(100 * MS);
    expect(bench.sent[2]?.hex).toBe(frameHex(ADDRESS, 0x12, "01000106 02"));
    bench.hear(frameHex(ADDRESS, 0x92, "01000106 DDEE 02"));
    expect(bench.done[0]?.result).toMatchObject({ ok: true, value: { reply: { data: bytes("AABBCCDDEE") } } });
  });

  test("a lost one fails the request; a doubled one does not count twice", () => {
    const lost = asked(LONG)
      .hear(frameHex(ADDRESS, 0xb1, "01000106 AABB"))
      .pass(2_000 * MS);
    expect(outcome(lost)).toEqual(TIMEOUT);
    const doubled = asked(LONG)
      .hear(frameHex(ADDRESS, 0xb1, "01000106 AABB"))
      .hear(frameHex(ADDRESS, 0xb1, "01000106 AABB"))
      .pass(100 * MS)
      .hear(frameHex(ADDRESS, 0xb2, "01000106 CC 01"))
      .pass(100 * MS)
      .hear(frameHex(ADDRESS, 0xb2, "01000106 CC 01"))
      .hear(frameHex(ADDRESS, 0x92, "01000106 DD 02"));
    expect(doubled.done[0]?.result).toMatchObject({ ok: true, value: { reply: { data: bytes("AABBCCDD") } } });
  });

  test("a meter without an end is left after 255 of them", () => {
    const bench = asked(LONG).hear(frameHex(ADDRESS, 0xb1, "01000106 00"));
    for (let i = 1; i < 300 && bench.done.length === 0; i++)
      bench.pass(100 * MS).hear(frameHex(ADDRESS, 0xb2, `01000106 00 ${toHex(Uint8Array.of(i))}`));
    expect(bench.done[0]?.result).toMatchObject({ ok: false, error: { kind: "bad-reply" } });
  });

  test("against our server, any length comes through, however the line cuts it (property)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_500 }), fc.integer({ min: 1, max: 60 }), (long, cut) => {
        const bench = new ClientBench();
        const server = new ServerBench();
        server.model.data.set(id, long);
        bench.submit(1, ADDRESS, LONG);
        for (let i = 0; i < 20 && bench.done.length === 0; i++) {
          const before = bench.sent.length;
          bench.pass(50 * MS);
          for (const reply of bench.sent.slice(before).flatMap(({ hex }) => server.ask(hex)))
            for (let at = 0; at < reply.length; at += 2 * cut) bench.hear(reply.slice(at, at + 2 * cut)).pass(5 * MS);
        }
        expect(bench.done[0]?.result).toMatchObject({ ok: true, value: { reply: { data: long } } });
      }),
      { numRuns: 50 },
    );
  });
});

describe("what can't be sent", () => {
  const write: Dlt645Request = {
    kind: "write",
    identifier: identifier(0x04000101),
    credentials: CREDENTIALS,
    data: bytes("00"),
  };
  test.each([
    ["no address", "12", READ],
    ["a wildcard in the low digits", "0000000001AA", READ],
    ["a read to all", "999999999999", READ],
    ["a trip to any", "AAAAAAAAAAAA", TRIP],
    ["a new address to one meter", ADDRESS, { kind: "write-address", address: ADDRESS }],
    ["a new address with a wildcard", "AAAAAAAAAAAA", { kind: "write-address", address: "AA0000000001" }],
    ["nothing to write", ADDRESS, { ...write, data: bytes("") }],
    ["too much to write", ADDRESS, { ...write, data: new Uint8Array(39) }],
    [
      "a password that is none",
      ADDRESS,
      { ...write, credentials: { password: { level: 2, digits: "1" }, operator: "00000000" } },
    ],
    ["an operator that is none", ADDRESS, { ...write, credentials: { ...CREDENTIALS, operator: "0" } }],
  ] as const)("%s", (_name, address, request) => {
    const bench = new ClientBench().submit(1, address, request as Dlt645Request).pass(100 * MS);
    expect(bench.sent).toEqual([]);
    expect(bench.done[0]).toMatchObject({ result: { ok: false, error: { kind: "bad-request" } }, latency: 0 });
  });

  test("a line that is down, before and while asked", () => {
    const bench = asked().submit(2, ADDRESS, UA);
    bench.keep(bench.client.linkDown(bench.now)).submit(3, ADDRESS, READ);
    expect(bench.done.map((d) => [d.ticket, d.result])).toEqual(
      [1, 2, 3].map((ticket) => [ticket, { ok: false, error: { kind: "link-down" } }]),
    );
    expect(bench.client.outstanding).toBe(0);
  });

  test("more than 256 waiting", () => {
    const bench = new ClientBench();
    for (let ticket = 0; ticket < 300; ticket++) bench.submit(ticket, ADDRESS, READ);
    expect(bench.client.outstanding).toBe(257);
    expect(bench.done.length).toBe(43);
  });
});
