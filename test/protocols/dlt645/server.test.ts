/** The meter's side against bytes: whom it answers, when, and with what. */
import { describe, expect, test } from "vitest";
import { ERR } from "../../../protocols/dlt645/errors.ts";
import { parseFrame } from "../../../protocols/dlt645/frame.ts";
import { Random } from "../../../src/core/random.ts";
import { ADDRESS, frameHex, MemoryModel, MS, ServerBench } from "./support.ts";
import { bytes, V47, V52, vector } from "./vectors.ts";

const bare = (name: string) => vector(name).hex.slice(2 * vector(name).preamble);

function meter(address = ADDRESS): ServerBench {
  const bench = new ServerBench({ address });
  bench.model.data.set(0x00010000, bytes("26000000"));
  bench.model.data.set(0x02010100, bytes("0110"));
  return bench;
}

describe("captured exchanges", () => {
  test("V6 is answered with V7", () => {
    expect(meter().ask(bare("V6"))).toEqual([bare("V7")]);
  });

  test("V1 is answered with V2: the real address", () => {
    expect(meter("558890213594").ask(vector("V1").hex)).toEqual([bare("V2")]);
  });

  test("V51: a read to AA is answered with the real address", () => {
    expect(meter().ask(bare("V51"))).toEqual([bare("V11")]);
  });

  test("V18 is answered with V19, and carried out", () => {
    const bench = new ServerBench({ address: "558890213594", passwords: new Map([[2, "000000"]]) });
    expect(bench.ask(vector("V18").hex)).toEqual([bare("V19")]);
    expect(bench.model.done).toEqual(["control 1a until 59 59 23 9 7 21"]);
  });

  test("V18 with another password in the meter: bit 2 as in V30", () => {
    const bench = new ServerBench({ address: "558890213594" });
    expect(bench.ask(vector("V18").hex)).toEqual([frameHex("558890213594", 0xdc, "04")]);
    expect(bench.model.done).toEqual([]);
  });

  test("V25 to a meter without that data is answered with V31", () => {
    expect(meter("111111111111").ask(bare("V25"))).toEqual([bare("V31")]);
  });

  test("V42 to all and V43 to one are carried out, and nobody answers", () => {
    const bench = meter("111111111111");
    expect(bench.ask(bare("V42"))).toEqual([]);
    expect(bench.ask(bare("V43"))).toEqual([]);
    expect(bench.model.done).toEqual(["time 51 22 10 5 6 17", "time 25 40 10 5 6 17"]);
  });
});

describe("silence", () => {
  test.each([
    ["a frame of the 1997 edition", V47],
    ["a read of the 1997 edition", frameHex(ADDRESS, 0x01, "10B6")],
    ["a wrong checksum", V52],
    ["a wrong end", `${bare("V6").slice(0, -2)}17`],
    ["an L longer than the frame", bare("V6").replace("1104", "1114")],
    ["another meter's address", bare("V23")],
    ["a meter's reply", bare("V7")],
    ["a function that does not exist", frameHex(ADDRESS, 0x1d, "00000100")],
    ["a request with an error bit", frameHex(ADDRESS, 0x51, "00000100")],
    ["a read to all", frameHex("999999999999", 0x11, "00000100")],
    ["a trip to all", frameHex("999999999999", 0x1c, "02563412000000001A00595923090721")],
    ["a trip to any", frameHex("AAAAAAAAAAAA", 0x1c, "02563412000000001A00595923090721")],
    ["a write to a shortened address", frameHex("AAAAAAAA0161", 0x14, "0201000404444444000000000102 03")],
    ["a new address without the programming key", frameHex("AAAAAAAAAAAA", 0x15, "020000000000")],
  ])("%s", (_name, hex) => {
    const bench = new ServerBench({ address: hex === V47 ? "000001234567" : ADDRESS });
    bench.model.data.set(0x00010000, bytes("26000000"));
    expect(bench.ask(hex)).toEqual([]);
    expect(bench.model.done).toEqual([]);
    // It is not deaf afterwards.
    if (hex !== V47) expect(bench.ask(bare("V6"))).toEqual([bare("V7")]);
  });
});

describe("when", () => {
  test.each([20, 30, 500])("the reply comes %i ms after the last byte", (ms) => {
    const bench = new ServerBench({ replyDelay: ms * MS });
    const end = bench.now;
    bench.send(bytes(bare("V6"))).pass(1_000 * MS);
    expect(bench.replies.map((reply) => reply.at)).toEqual([end + ms * MS]);
    expect(bench.server.nextWake()).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([19, 501])("a delay of %i ms is none that the standard allows", (ms) => {
    expect(() => new ServerBench({ replyDelay: ms * MS })).toThrow();
  });

  test("a reply that the line has overtaken is not sent; its request was carried out once", () => {
    const bench = meter();
    bench.send(bytes(bare("V6"))).pass(10 * MS);
    bench.send(bytes(frameHex(ADDRESS, 0x16, "99999999"))).pass(1_000 * MS);
    expect(bench.replies.length).toBe(1);
    expect(bench.model.done).toEqual(["freeze    "]);
  });

  test("a request behind a false start is answered within 500 ms", () => {
    const bench = meter();
    bench.send(bytes(`68 000000000000 68 91 C8 ${bare("V6")}`));
    const end = bench.now;
    bench.pass(1_000 * MS);
    expect(bench.replies.length).toBe(1);
    expect((bench.replies[0]?.at ?? 0) - end).toBeLessThanOrEqual(500 * MS);
  });

  test("junk between requests costs none of them", () => {
    const random = new Random(645);
    const bench = meter();
    for (let round = 0; round < 50; round++) {
      bench.send(Uint8Array.from({ length: 1_000 }, () => random.below(256))).pass(20 * MS);
      expect(bench.ask(bare("V6"))).toContain(bare("V7"));
    }
  });
});

const AUTH2 = "02 563412 00000000";
const AUTH4 = "04 444444 00000000";

describe("what it is told to do", () => {
  test.each([
    ["a write at level 04", 0x14, `02010004 ${AUTH4} 000102`, "94", "write 4000102 000102"],
    ["a write at level 02, which has more authority", 0x14, `02010004 ${AUTH2} 000102`, "94", "write 4000102 000102"],
    ["a freeze", 0x16, "99999999", "96", "freeze    "],
    ["a change of the rate, answered with its feature", 0x17, "08", "97 08", "baud 2400"],
    ["clear demand", 0x19, AUTH2, "99", "clear demand"],
    ["clear meter", 0x1a, AUTH2, "9a", "clear meter"],
    ["clear all events", 0x1b, `${AUTH2} FFFFFFFF`, "9b", "clear events ffffffff"],
    ["a close", 0x1c, `${AUTH2} 1C00 595923090721`, "9c", "control 1c until 59 59 23 9 7 21"],
  ])("%s", (_name, control, data, reply, done) => {
    const bench = new ServerBench();
    expect(bench.request(control, data)).toBe(reply);
    expect(bench.model.done).toEqual([done]);
  });

  test.each([
    ["a write", 0x14, "02010004 04 454444 00000000 000102", "d4"],
    ["a write with the password of another level", 0x14, "02010004 04 563412 00000000 000102", "d4"],
    ["a write at a level without a password", 0x14, "02010004 03 444444 00000000 000102", "d4"],
    ["clear demand at a level that may only write", 0x19, AUTH4, "d9"],
    ["clear meter", 0x1a, "02 000000 00000000", "da"],
    ["clear events", 0x1b, "02 000000 00000000 FFFFFFFF", "db"],
    ["a trip at a level that may only write", 0x1c, `${AUTH4} 1A00 595923090721`, "dc"],
    ["a new password with a wrong old one", 0x18, "030C0004 02 000000 02 111111", "d8"],
    ["a new password above the old one", 0x18, "030C0004 04 444444 02 111111", "d8"],
  ])("%s with a wrong password: bit 2, nothing done", (_name, control, data, code) => {
    const bench = new ServerBench();
    expect(bench.request(control, data)).toBe(`${code} 04`);
    expect(bench.model.done).toEqual([]);
  });

  test("what the model refuses is refused with its bits", () => {
    const bench = new ServerBench();
    bench.model.refusal = ERR.tooManySlots;
    expect(bench.request(0x14, `02010004 ${AUTH4} 000102`)).toBe("d4 20");
    expect(bench.request(0x16, "99999999")).toBe("d6 20");
    expect(bench.request(0x17, "08")).toBe("d7 20");
  });

  test("a model that only reads: no such data, and a rate that is fixed", () => {
    const bench = new ServerBench({}, { read: () => ERR.noSuchData });
    expect(bench.request(0x14, `02010004 ${AUTH4} 000102`)).toBe("d4 02");
    expect(bench.request(0x16, "99999999")).toBe("d6 02");
    expect(bench.request(0x17, "08")).toBe("d7 08");
    expect(bench.request(0x19, AUTH2)).toBe("d9 02");
    expect(bench.request(0x1c, `${AUTH2} 1C00 595923090721`)).toBe("dc 02");
    expect(bench.request(0x03, "FF000007 00000000 01")).toBe("c3 02");
  });

  test("fields that are wrong: bit 0 where the function has an abnormal reply", () => {
    const bench = new ServerBench();
    expect(bench.request(0x14, `02010004 ${AUTH4}`)).toBe("d4 01");
    expect(bench.request(0x14, `02010004 ${AUTH4} ${"00".repeat(39)}`)).toBe("d4 01");
    expect(bench.request(0x1c, `${AUTH2} 1C00 5959230A0721`)).toBe("dc 01");
    expect(bench.request(0x17, "0808")).toBe("d7 01");
    expect(bench.request(0x17, "06")).toBe("d7 08");
    expect(bench.model.done).toEqual([]);
  });

  test("a broadcast freeze is carried out and not answered", () => {
    const bench = new ServerBench();
    expect(bench.request(0x16, "99999999", "999999999999")).toBeUndefined();
    expect(bench.model.done).toEqual(["freeze    "]);
  });

  test("a new password holds from then on, and the old one no more", () => {
    const bench = new ServerBench();
    expect(bench.request(0x18, `030C0004 02 563412 04 111111`)).toBe("98 04111111");
    expect(bench.request(0x14, `02010004 ${AUTH4} 000102`)).toBe("d4 04");
    expect(bench.request(0x14, "02010004 04 111111 00000000 000102")).toBe("94");
  });

  test("a new address with the programming key pressed", () => {
    const bench = new ServerBench({ programmingKey: true });
    expect(bench.request(0x15, "999999999999", "AAAAAAAAAAAA")).toBeUndefined();
    expect(bench.request(0x15, "020000000000", ADDRESS)).toBeUndefined();
    expect(bench.request(0x15, "020000000000", "AAAAAAAAAAAA")).toBe("95");
    expect(bench.request(0x13, "", ADDRESS)).toBeUndefined();
    expect(bench.request(0x13, "", "000000000002")).toBe("93 020000000000");
  });

  test("options: SERR of two bytes for 1C and 03 only, features in BCD", () => {
    const bench = new ServerBench({ controlError: "serr", baudCoding: "bcd" });
    expect(bench.request(0x1c, "02 000000 00000000 1A00 595923090721")).toBe("dc 0400");
    expect(bench.request(0x03, "FF000007 00000000")).toBe("c3 0200");
    expect(bench.request(0x19, "02 000000 00000000")).toBe("d9 04");
    expect(bench.request(0x17, "32")).toBe("97 32");
    expect(bench.model.done).toEqual(["baud 9600"]);
  });
});

describe("long data", () => {
  const long = Uint8Array.from({ length: 500 }, (_, i) => i & 0xff);
  const bench = () => {
    const b = new ServerBench();
    b.model.data.set(0x06010001, long);
    return b;
  };
  const part = (reply: string | undefined) => bytes((reply ?? "").slice(3));

  test("three frames, D5 until the last, SEQ from 1; a lost one can be had again", () => {
    const b = bench();
    const first = b.request(0x11, "01000106");
    const second = b.request(0x12, "01000106 01");
    const again = b.request(0x12, "01000106 01");
    const third = b.request(0x12, "01000106 02");
    expect([first, second, third].map((reply) => reply?.slice(0, 2))).toEqual(["b1", "b2", "92"]);
    expect(again).toBe(second);
    expect(part(first).length).toBe(200);
    expect(part(second).length).toBe(200);
    const data = [part(first).subarray(4), part(second).subarray(4, -1), part(third).subarray(4, -1)];
    expect(Uint8Array.from(data.flatMap((d) => [...d]))).toEqual(long);
    expect([part(second).at(-1), part(third).at(-1)]).toEqual([1, 2]);
  });

  test("what was not begun, what is past the end and SEQ 0 are no such data", () => {
    const b = bench();
    expect(b.request(0x12, "01000106 01")).toBe("d2 02");
    b.request(0x11, "01000106");
    expect(b.request(0x12, "01000106 03")).toBe("d2 02");
    expect(b.request(0x12, "01000106 00")).toBe("d2 02");
    expect(b.request(0x12, "02000106 01")).toBe("d2 02");
    // Another read ends it.
    b.request(0x11, "00000100");
    expect(b.request(0x12, "01000106 01")).toBe("d2 02");
  });

  test.each([196, 197])("%i bytes", (length) => {
    const b = new ServerBench();
    b.model.data.set(0x06010001, long.subarray(0, length));
    const first = b.request(0x11, "01000106");
    expect(first?.slice(0, 2)).toBe(length === 196 ? "91" : "b1");
    if (length === 197) expect(b.request(0x12, "01000106 01")?.slice(0, 2)).toBe("92");
  });
});

test("every reply of every function has the meter's address and is a good frame", () => {
  const model = new MemoryModel();
  const bench = new ServerBench({}, model);
  for (let control = 0; control < 0x80; control++) {
    for (const length of [0, 1, 4, 5, 6, 8, 10, 12, 16]) {
      for (const reply of bench.ask(frameHex(ADDRESS, control, "00".repeat(length)))) {
        const frame = parseFrame(bytes(reply));
        expect(frame.ok && [frame.value.address, frame.value.control & 0x9f]).toEqual([ADDRESS, control | 0x80]);
      }
    }
  }
});
