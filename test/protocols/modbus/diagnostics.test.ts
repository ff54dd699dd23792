/** Functions 07, 08, 0B, 0C on an RTU line, by the numbers of the checklist. */
import { describe, expect, test } from "vitest";
import { ModbusSerialServer, respond } from "../../../protocols/modbus/server.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { hex, MemoryDevice, rtu, show } from "./support.ts";

class Meter extends MemoryDevice {
  exceptionStatus(): number {
    return 0x6d;
  }
}

/** A server of unit 5; `ask` gives what it answers to the request with the CRC put behind. */
class Bench {
  readonly device = new Meter();
  readonly server = new ModbusSerialServer(5, this.device, { framing: "rtu", timing: rtuTiming(9600) });
  #now = 1_000_000;

  raw(bytes: Uint8Array): string | undefined {
    this.server.receive(bytes, this.#now);
    let reply: Uint8Array | undefined;
    while (this.server.nextWake() !== Number.POSITIVE_INFINITY) {
      this.#now = this.server.nextWake();
      reply = this.server.wake(this.#now) ?? reply;
    }
    this.#now += 1_000_000;
    return show(reply);
  }

  ask(request: string): string | undefined {
    return this.raw(rtu(request));
  }

  /** A counter read by 08. */
  count(sub: string): number {
    const reply = this.ask(`05 08 00${sub} 0000`)?.replaceAll(" ", "") ?? "";
    expect(reply.slice(0, 8)).toBe(`050800${sub}`);
    return Number.parseInt(reply.slice(8, 12), 16);
  }
}

const frame = (text: string) => show(rtu(text));
const READ = "05 03 0001 0001";

test("57: function 07 is one byte, on serial lines only", () => {
  const bench = new Bench();
  expect(bench.ask("05 07")).toBe(frame("05 07 6d"));
  expect(bench.ask("05 07 00")).toBe(frame("05 87 03"));
  const out = new Uint8Array(260);
  expect(respond(bench.device, hex("07"), 0, 1, out, 0)).toBe(2);
  expect(show(out.subarray(0, 2))).toBe("87 01");
});

test("66: the loopback echoes any data", () => {
  const bench = new Bench();
  for (const data of ["", "a5", "a537", "00 01 02 03 04 05 06 07 08 09", "ff".repeat(250)])
    expect(bench.ask(`05 08 0000 ${data}`)).toBe(frame(`05 08 0000 ${data}`));
});

test("68: the diagnostic register is 0", () => {
  expect(new Bench().ask("05 08 0002 0000")).toBe(frame("05 08 0002 0000"));
});

describe("67, 70: restart and listen-only", () => {
  test("listen-only does and answers nothing until 08/01, which is not answered either", () => {
    const bench = new Bench();
    expect(bench.ask("05 08 0004 0000")).toBeUndefined();
    expect(bench.ask("05 06 0007 beef")).toBeUndefined();
    expect(bench.ask("00 06 0007 beef")).toBeUndefined();
    expect(bench.ask(READ)).toBeUndefined();
    expect(bench.ask("05 08 0001 1234")).toBeUndefined();
    expect(bench.ask("05 08 000b 0000")).toBeUndefined();
    expect(bench.device.writes).toBe(0);
    expect(bench.ask("05 08 0001 0000")).toBeUndefined();
    expect(bench.ask(READ)).toBe(frame("05 03 02 0001"));
  });

  test("a restart in the open is answered, clears the counters, and the log only with FF00", () => {
    const bench = new Bench();
    bench.ask(READ);
    expect(bench.ask("05 08 0001 0000")).toBe(frame("05 08 0001 0000"));
    // Newest first: this request, the restart, what was before it.
    expect(bench.ask("05 0c")).toBe(frame("05 0c 0c 0000 0000 0001 80 00 40 80 40 80"));
    expect(bench.ask("05 08 0001 ff00")).toBe(frame("05 08 0001 ff00"));
    expect(bench.ask("05 0c")).toBe(frame("05 0c 08 0000 0000 0001 80 00"));
  });
});

describe("72 to 77: what is counted", () => {
  test("messages of the bus, errors, exceptions, messages to us, unanswered ones", () => {
    const bench = new Bench();
    bench.ask(READ);
    bench.ask("09 06 0001 0002");
    bench.ask("00 06 0001 0002");
    bench.ask("05 03 0001 0000");
    bench.raw(hex("05 03 0001 0001 ffff"));
    expect(bench.server.counters).toEqual({
      busMessages: 4,
      crcErrors: 1,
      exceptions: 1,
      serverMessages: 3,
      noResponses: 1,
      naks: 0,
      busy: 0,
      overruns: 0,
    });
    expect(["0b", "0c", "0d", "0e", "0f", "10", "11", "12"].map((sub) => bench.count(sub))).toEqual([
      5, 1, 1, 7, 1, 0, 0, 0,
    ]);
  });

  test("77: busy and negative acknowledge", () => {
    const bench = new Bench();
    bench.device.writeResult = 6;
    bench.ask("05 06 0001 0002");
    bench.device.writeResult = 7;
    bench.ask("05 06 0001 0002");
    expect([bench.count("10"), bench.count("11"), bench.count("0d")]).toEqual([1, 1, 2]);
    expect(bench.ask("05 08 0014 0000")).toBe(frame("05 08 0014 0000"));
  });

  test("71: 08/0A clears all of them, the event counter too", () => {
    const bench = new Bench();
    bench.ask(READ);
    bench.ask("05 64");
    expect(bench.ask("05 08 000a 0000")).toBe(frame("05 08 000a 0000"));
    expect(Object.values(bench.server.counters).every((count) => count === 0)).toBe(true);
    expect(bench.ask("05 0b")).toBe(frame("05 0b 0000 0000"));
  });

  test("79: counters wrap behind 65535", () => {
    const bench = new Bench();
    const request = rtu("09 03 0001 0001");
    for (let i = 0; i < 65_535; i++) bench.raw(request);
    expect(bench.count("0b")).toBe(0);
    expect(bench.count("0b")).toBe(1);
  });
});

test("78: unknown sub-functions are 01, data that are not 0000 are 03", () => {
  const bench = new Bench();
  for (const sub of ["0003", "0005", "0009", "0013", "0015", "0100", "ffff"])
    expect(bench.ask(`05 08 ${sub} 0000`)).toBe(frame("05 88 01"));
  for (const sub of ["02", "04", "0a", "0b", "0c", "0d", "0e", "0f", "10", "11", "12", "14"])
    for (const data of ["0001", "0100", "", "00", "000000"])
      expect(bench.ask(`05 08 00${sub} ${data}`)).toBe(frame("05 88 03"));
  for (const data of ["0001", "ff01", "1234"]) expect(bench.ask(`05 08 0001 ${data}`)).toBe(frame("05 88 03"));
  expect(bench.ask("05 08 00")).toBe(frame("05 88 03"));
});

test("80: the event counter takes commands that were done, not exceptions, not 0B and 0C", () => {
  const bench = new Bench();
  bench.ask(READ);
  bench.ask("00 06 0001 0002");
  bench.ask("05 08 0000 1234");
  bench.ask("05 64");
  bench.ask("05 0c");
  bench.ask("05 0b");
  expect(bench.ask("05 0b")).toBe(frame("05 0b 0000 0003"));
  expect(bench.ask("05 0b 00")).toBe(frame("05 8b 03"));
  expect(bench.ask("05 0c 00")).toBe(frame("05 8c 03"));
});

test("81: the event log, newest first, 64 at most", () => {
  const bench = new Bench();
  bench.raw(hex("05 03 0001 0001 ffff"));
  bench.ask("00 06 0001 0002");
  bench.ask("05 64");
  // This request; exception sent, request; broadcast done, broadcast; a damaged frame.
  expect(bench.ask("05 0c")).toBe(frame("05 0c 0c 0000 0001 0003 80 41 80 40 c0 82"));
  for (let i = 0; i < 40; i++) bench.ask(READ);
  const reply = bench.ask("05 0c")?.split(" ") ?? [];
  expect(reply.length).toBe(1 + 1 + 1 + 6 + 64 + 2);
  expect(reply[2]).toBe("46");
  expect(reply.slice(9, 12)).toEqual(["80", "40", "80"]);
});

test("81: what is heard while listening only is marked so", () => {
  const bench = new Bench();
  bench.ask("05 08 0004 0000");
  bench.ask(READ);
  bench.ask("00 06 0001 0002");
  bench.ask("05 08 0001 0000");
  expect(bench.ask("05 0c")).toBe(frame("05 0c 0d 0000 0000 0001 80 00 a0 e0 a0 04 80"));
});

test("14, 15, 18: file records and FIFO queues are no part of a meter: exception 01", () => {
  const bench = new Bench();
  expect(bench.ask("05 14 07 06 0001 0000 0001")).toBe(frame("05 94 01"));
  expect(bench.ask("05 15 09 06 0001 0000 0001 1234")).toBe(frame("05 95 01"));
  expect(bench.ask("05 18 0001")).toBe(frame("05 98 01"));
});

test("64: function 11 has four bytes in all on RTU and is answered", () => {
  const server = new ModbusSerialServer(5, { serverId: hex("2aff 4142") }, { framing: "rtu", timing: rtuTiming(9600) });
  server.receive(rtu("05 11"), 0);
  expect(show(server.wake(server.nextWake()))).toBe(frame("05 11 04 2aff 4142"));
});
