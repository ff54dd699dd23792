/** Every captured frame from its other end: our reader must send the requests, our meter must say the replies, both to the byte. */
import { describe, expect, test } from "vitest";
import { ERR } from "../../../protocols/dlt645/errors.ts";
import { FROM_METER } from "../../../protocols/dlt645/functions.ts";
import { identifier } from "../../../protocols/dlt645/identifier.ts";
import type { Dlt645Request } from "../../../protocols/dlt645/message.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { ClientBench, frameHex, MemoryModel, MS, ServerBench } from "./support.ts";
import { bytes, REVERSED, V47, V52, VECTORS, vector } from "./vectors.ts";

const read = (id: number): Dlt645Request => ({ kind: "read", identifier: identifier(id) });
const time = (second: number, minute: number, hour: number, day: number, month: number, year: number) =>
  ({ second, minute, hour, day, month, year }) as const;
const trip = (digits: string): Dlt645Request => ({
  kind: "control",
  credentials: { password: { level: 2, digits }, operator: "00000000" },
  operation: 0x1a,
  reserved: 0,
  until: time(59, 59, 23, 9, 7, 21),
});

/** What each captured request asks for, as the source of the frame says it. */
const REQUESTS: Readonly<Record<string, Dlt645Request>> = {
  V1: { kind: "read-address" },
  V6: read(0x00010000),
  V14: read(0x00010000),
  V18: trip("000000"),
  V23: read(0x02010100),
  V25: read(0x00000000),
  V32: read(0x00900200),
  V42: { kind: "set-time", time: time(51, 22, 10, 5, 6, 17) },
  V43: { kind: "set-time", time: time(25, 40, 10, 5, 6, 17) },
  V44: { kind: "set-time", time: time(25, 11, 2, 12, 34, 56) },
  V48: read(0x02010100),
  V49: read(0x02060000),
  "V49 frequency": read(0x02800002),
  V51: read(0x02010100),
};

interface Said {
  /** What the meter was asked. */
  readonly asked: Dlt645Request;
  /** Identifier and data of the meter, low byte first; or its refusal. */
  readonly has?: readonly [id: number, data: string];
  readonly refuses?: number;
}

/** What each captured reply was said to, and what the meter must have had. */
const REPLIES: Readonly<Record<string, Said>> = {
  V2: { asked: { kind: "read-address" } },
  V3: { asked: { kind: "read-address" } },
  V4: { asked: { kind: "read-address" } },
  V5: { asked: { kind: "read-address" } },
  V7: { asked: read(0x00010000), has: [0x00010000, "26000000"] },
  V8: { asked: read(0x00020000), has: [0x00020000, "26010000"] },
  V9: { asked: read(0x00030000), has: [0x00030000, "26000100"] },
  V10: { asked: read(0x00040000), has: [0x00040000, "23000100"] },
  V11: { asked: read(0x02010100), has: [0x02010100, "0110"] },
  V15: { asked: read(0x00010000), has: [0x00010000, "26020000"] },
  V19: { asked: trip("000000") },
  V20: { asked: trip("000000") },
  V27: { asked: read(0x00010000), has: [0x00010000, "86010000"] },
  V30: { asked: read(0x00010000), refuses: ERR.notAuthorised },
  V31: { asked: read(0x00000000), refuses: ERR.noSuchData },
  V35: { asked: read(0x0201ff00), has: [0x0201ff00, "5622FFFFFFFF"] },
  V36: { asked: read(0x04000101), has: [0x04000101, "01110116"] },
  V39: { asked: read(0x03300d00), has: [0x03300d00, "270000"] },
  V40: { asked: read(0x1d000001), has: [0x1d000001, "000000"] },
  V41: { asked: read(0x03010000), refuses: ERR.noSuchData },
  "V48 reply": { asked: read(0x02010100), has: [0x02010100, "9722"] },
};

/** Control and data of the replies that carry nothing that was read. */
const SHORT = { control: [0x9c, ""], "read-address": [0x93, "610100000000"] } as const;

/** The frame of a request as somebody else would write it. */
function requestHex(address: string, request: Dlt645Request): string {
  const bench = new ClientBench().submit(1, address, request).pass(50 * MS);
  return bench.sent[0]?.hex ?? "";
}

class RefusingModel extends MemoryModel {
  readonly #error: number;
  constructor(error: number) {
    super();
    this.#error = error;
  }
  override read(): number {
    return this.#error;
  }
}

/** Has something behind every identifier. */
class AnsweringModel extends MemoryModel {
  override read(): Uint8Array {
    return bytes("00");
  }
}

test("no captured frame is left out", () => {
  const names = VECTORS.map((v) => v.name);
  expect([...Object.keys(REQUESTS), ...Object.keys(REPLIES)].sort()).toEqual([...names].sort());
  for (const v of VECTORS) expect(v.name in REPLIES, v.name).toBe(v.control >= FROM_METER);
});

describe("our reader sends the captured request", () => {
  test.each(Object.entries(REQUESTS))("%s", (name, request) => {
    const { address, hex, preamble } = vector(name);
    const bench = new ClientBench({ preamble }).submit(1, address, request).pass(50 * MS);
    expect(bench.sent.map((sent) => sent.hex)).toEqual([hex]);
  });
});

describe("our meter says the captured reply", () => {
  test.each(Object.entries(REPLIES))("%s", (name, { asked, has, refuses }) => {
    const { address, hex, preamble } = vector(name);
    const model = refuses === undefined ? new MemoryModel() : new RefusingModel(refuses);
    if (has !== undefined) model.data.set(has[0], bytes(has[1]));
    const bench = new ServerBench({ address, preamble, passwords: new Map([[2, "000000"]]) }, model);
    const to = asked.kind === "read-address" ? "AAAAAAAAAAAA" : address;
    bench.send(bytes(requestHex(to, asked))).pass(1_000 * MS);
    expect(bench.replies.map((reply) => reply.hex)).toEqual([hex]);
  });
});

describe("our reader takes the captured reply", () => {
  test.each(Object.entries(REPLIES))("%s", (name, { asked, has, refuses }) => {
    const { address, hex } = vector(name);
    const to = asked.kind === "read-address" ? "AAAAAAAAAAAA" : address;
    const bench = new ClientBench()
      .submit(1, to, asked)
      .pass(50 * MS)
      .hear(hex);
    const result = bench.done[0]?.result;
    if (refuses !== undefined) expect(result).toMatchObject({ ok: false, error: { kind: "refused", code: refuses } });
    else if (has === undefined) expect(result).toMatchObject({ ok: true, value: { address } });
    else
      expect(result).toMatchObject({
        ok: true,
        value: { address, reply: { identifier: has[0], data: bytes(has[1]), more: false } },
      });
  });
});

describe("our meter does what the captured request says", () => {
  test.each(Object.entries(REQUESTS))("%s", (name, request) => {
    const { address, hex } = vector(name);
    const own = /^(A|9)+$/.test(address) ? "000000000161" : address;
    const bench = new ServerBench({ address: own, passwords: new Map([[2, "000000"]]) });
    if (request.kind === "read") bench.model.data.set(request.identifier, bytes("1234"));
    const replies = bench.ask(hex);
    if (request.kind === "set-time") {
      expect(replies).toEqual([]);
      expect(bench.model.done).toEqual([`time ${Object.values(request.time).join(" ")}`]);
    } else if (request.kind === "read") {
      const di = toHex(bytes(request.identifier.toString(16).padStart(8, "0")).reverse());
      expect(replies).toEqual([frameHex(own, 0x91, `${di}1234`)]);
    } else {
      const [control, data] = SHORT[request.kind as keyof typeof SHORT];
      expect(replies).toEqual([frameHex(own, control, data)]);
    }
  });
});

describe("the bad ones", () => {
  test.each([
    ["V47, of the 1997 edition", V47, "000001234567"],
    ["V52, a wrong checksum", V52, "114712000003"],
  ])("%s: no meter answers it, no reader takes it", (_name, hex, address) => {
    const server = new ServerBench({ address }, new AnsweringModel());
    expect(server.ask(hex)).toEqual([]);
    // It has an answer to whatever it is asked in a good frame.
    expect(server.ask(requestHex(address, read(0)))).toHaveLength(1);
    const reader = new ClientBench()
      .submit(1, address, read(0x00010000))
      .pass(50 * MS)
      .hear(hex)
      .pass(2_000 * MS);
    expect(reader.done[0]?.result.ok).toBe(false);
  });

  test("an identifier in the wrong byte order is no such data, not total power", () => {
    const bench = new ServerBench({ address: "111111111111" });
    bench.model.data.set(0x02030000, bytes("000000"));
    expect(bench.ask(REVERSED)).toEqual([frameHex("111111111111", 0xd1, "02")]);
  });
});
