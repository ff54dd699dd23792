/** Functions 16 and 17: registers changed in place, and written and read in one request. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ModbusRequest, putRequest, refusalOf, requestSize } from "../../../protocols/modbus/message.ts";
import { parseReply } from "../../../protocols/modbus/reply.ts";
import { respond } from "../../../protocols/modbus/server.ts";
import { hex, MemoryDevice, show } from "./support.ts";

function ask(device: MemoryDevice, request: string): string | undefined {
  const pdu = hex(request);
  const out = new Uint8Array(253).fill(0xee);
  return show(out.subarray(0, respond(device, pdu, 0, pdu.length, out, 0)));
}

function pduOf(request: ModbusRequest): Uint8Array {
  const out = new Uint8Array(requestSize(request));
  putRequest(request, out, 0);
  return out;
}

describe("mask write", () => {
  test("58: libmodbus' vector: 0012, and F2, or 25 gives 0017; the reply is an echo", () => {
    const device = new MemoryDevice();
    device.holding[4] = 0x0012;
    expect(ask(device, "16 0004 00f2 0025")).toBe("16 00 04 00 f2 00 25");
    expect(device.holding[4]).toBe(0x0017);
  });

  test("58: bit by bit, each taken from the register where AND is 1, from OR where it is 0", () => {
    const word = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(word, word, word, (current, and, or) => {
        const device = new MemoryDevice();
        device.holding[9] = current;
        const words = [and, or].map((w) => w.toString(16).padStart(4, "0")).join("");
        ask(device, `160009${words}`);
        const bits = Array.from({ length: 16 }, (_, i) => (and & (1 << i) ? current & (1 << i) : or & (1 << i)));
        expect(device.holding[9]).toBe(bits.reduce((all, bit) => all | bit, 0));
      }),
    );
  });

  test("a wrong length is 03, a place that is not there 02, a refused write what the device says; nothing changes", () => {
    const device = new MemoryDevice(10);
    for (const request of ["16", "16 0004", "16 0004 00f2", "16 0004 00f2 0025 00"])
      expect(ask(device, request)).toBe("96 03");
    expect(ask(device, "16 000a 0000 ffff")).toBe("96 02");
    expect(ask(device, "16 ffff 0000 ffff")).toBe("96 02");
    device.writeResult = 4;
    expect(ask(device, "16 0004 0000 ffff")).toBe("96 04");
    expect(device.writes).toBe(0);
  });

  test("as a client's request, and its reply", () => {
    const request: ModbusRequest = { function: 22, address: 4, and: 0xf2, or: 0x25 };
    expect(show(pduOf(request))).toBe("16 00 04 00 f2 00 25");
    expect(parseReply(request, pduOf(request), 0, 7)).toMatchObject({ ok: true });
    expect(parseReply(request, hex("16 0004 00f2 0024"), 0, 7)).toMatchObject({ ok: false });
    expect(parseReply(request, hex("16 0004 00f2"), 0, 5)).toMatchObject({ ok: false });
    expect(parseReply(request, hex("96 02"), 0, 2)).toMatchObject({ error: { kind: "exception", code: 2 } });
    expect(refusalOf({ ...request, and: 0x1_0000 })).toBe("a mask is not 0 .. 65535");
    expect(refusalOf({ ...request, address: 0x1_0000 })).toBe("address 65536 with quantity 1 is outside 0 .. 65535");
  });
});

describe("read and write", () => {
  test("59: V1.1b3's example: reads 6 at 3, writes three times 00FF at 14", () => {
    const device = new MemoryDevice();
    [0x00fe, 0x0acd, 0x0001, 0x0003, 0x000d, 0x00ff].forEach((word, i) => {
      device.holding[3 + i] = word;
    });
    expect(ask(device, "17 0003 0006 000e 0003 06 00ff 00ff 00ff")).toBe("17 0c 00 fe 0a cd 00 01 00 03 00 0d 00 ff");
    expect([...device.holding.subarray(14, 17)]).toEqual([0xff, 0xff, 0xff]);
  });

  test("59: the write comes before the read", () => {
    expect(ask(new MemoryDevice(), "17 0007 0002 0008 0001 02 abcd")).toBe("17 04 00 07 ab cd");
  });

  test("59: reads 1 .. 125, writes 1 .. 121, byte count twice the writes; else 03 and nothing is written", () => {
    const device = new MemoryDevice();
    const writes = (count: number, bytes = 2 * count) =>
      `${count.toString(16).padStart(4, "0")}${(bytes & 0xff).toString(16).padStart(2, "0")}${"00".repeat(2 * count)}`;
    expect(ask(device, `17 0000 0001 0000 ${writes(121)}`)).toBe("17 02 00 00");
    expect(ask(device, `17 0000 007d 0000 ${writes(1)}`)?.slice(0, 5)).toBe("17 fa");
    expect(device.writes).toBe(2);
    for (const [read, write] of [
      ["0000", writes(1)],
      ["007e", writes(1)],
      ["0001", writes(0)],
      ["0001", writes(122)],
      ["0001", writes(2, 3)],
      ["0001", `${writes(2)}00`],
    ])
      expect(ask(device, `17 0000 ${read} 0000 ${write}`)).toBe("97 03");
    expect(ask(device, "17 0000 0001 0000")).toBe("97 03");
    expect(device.writes).toBe(2);
  });

  test("56: what cannot be read leaves no write behind; what cannot be written changes nothing", () => {
    const device = new MemoryDevice(10);
    expect(ask(device, "17 0009 0002 0000 0001 02 abcd")).toBe("97 02");
    expect(ask(device, "17 0000 0001 0009 0002 04 abcd abcd")).toBe("97 02");
    expect(ask(device, "17 ffff 0002 0000 0001 02 abcd")).toBe("97 02");
    expect(device.writes).toBe(0);
    expect(device.holding[0]).toBe(0);
  });

  test("as a client's request, and its reply", () => {
    const request: ModbusRequest = { function: 23, address: 3, quantity: 2, target: 14, words: hex("00ff00fe") };
    expect(show(pduOf(request))).toBe("17 00 03 00 02 00 0e 00 02 04 00 ff 00 fe");
    expect(parseReply(request, hex("17 04 0001 0002"), 0, 6)).toMatchObject({
      ok: true,
      value: { data: hex("00010002") },
    });
    expect(parseReply(request, hex("17 02 0001"), 0, 4)).toMatchObject({ ok: false });
    expect(refusalOf({ ...request, words: new Uint8Array(2 * 122) })).toBe("quantity 122 is not 1 .. 121");
    expect(refusalOf({ ...request, words: new Uint8Array(3) })).toBe("quantity 1.5 is not 1 .. 121");
    expect(refusalOf({ ...request, quantity: 126 })).toBe("quantity 126 is not 1 .. 125");
    expect(refusalOf({ ...request, target: 0xffff })).toBe("address 65535 with quantity 2 is outside 0 .. 65535");
  });
});
