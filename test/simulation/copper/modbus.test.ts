/** The real server and client of the Modbus code on copper. */
import { describe, expect, test } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { MemoryDevice, rtu } from "../../protocols/modbus/support.ts";
import { Bench, CHARACTER, EVEN_9600, EXACT, LUMPS } from "./support.ts";

const READ = [...rtu("05 03 0001 0002")];
const REPLY = [...rtu("05 03 04 0001 0002")];
const T15 = 1_718;
const T35 = 4_011;
const REPLY_LENGTH = 9;

describe("silences, to the microsecond", () => {
  /** A request whose fourth byte begins `gap` µs after the third has ended. */
  function askedWithGap(gap: number): number[] {
    const bench = new Bench();
    bench.server(5, EXACT);
    const master = bench.party();
    master.sendAt(1_000, ...READ.slice(0, 3)).sendAt(Math.round(1_000 + 3 * CHARACTER + gap), ...READ.slice(3));
    bench.run(1_000_000);
    return master.bytes;
  }

  test("a gap of t1.5 inside a frame is borne, one longer by the rounding of two times is not", () => {
    expect(askedWithGap(T15 - 1)).toEqual(REPLY);
    expect(askedWithGap(T15 + 2)).toEqual([]);
  });

  /** Two requests to two servers, the second `gap` µs after the first; how many of them were understood. */
  function understood(gap: number): number {
    const bench = new Bench();
    const server = bench.server(6, EXACT);
    const other = [...rtu("07 06 0001 0002")];
    const master = bench.party();
    master
      .sendAt(1_000, ...other)
      .sendAt(Math.round(1_000 + other.length * CHARACTER + gap), ...rtu("06 06 0001 0002"));
    bench.run(1_000_000);
    return server.counters.busMessages;
  }

  test("a silence of t3.5 parts two frames, one shorter does not", () => {
    expect(understood(T35 + 1)).toBe(2);
    expect(understood(T35 - 2)).toBe(0);
  });

  test("the reply begins t3.5 and one character after the request, the client's next request t3.5 after the reply", () => {
    const bench = new Bench();
    bench.server(5, EXACT);
    const witness = bench.party();
    expect(bench.poll(2, EXACT)).toEqual([]);
    bench.run(1_000_000);
    const at = (index: number) => (witness.heard[index]?.at ?? 0) - (witness.heard[index - 1]?.at ?? 0);
    const settled = T35 + Math.round(CHARACTER) + CHARACTER;
    expect(Math.abs(at(READ.length) - settled)).toBeLessThanOrEqual(1);
    expect(at(READ.length + REPLY_LENGTH)).toBeGreaterThanOrEqual(T35 + Math.floor(CHARACTER));
    expect(at(READ.length + REPLY_LENGTH)).toBeLessThanOrEqual(settled + 1);
  });
});

describe.each([
  ["timed bytes", EXACT, false],
  ["lumps of 16 ms", LUMPS, true],
])("%s", (_name, timing, lumps) => {
  test("polls are answered", () => {
    const bench = new Bench({}, { lumps });
    bench.server(5, timing);
    const results = bench.poll(20, timing);
    bench.run(5_000_000);
    expect(results).toEqual(Array.from({ length: 20 }, () => "0 1 0 2"));
  });

  test("polls are answered through an adapter that hears itself, with and without faults", () => {
    const bench = new Bench({}, { lumps });
    // A quick meter: now and then a lump has the end of the echo and the start of the reply.
    bench.server(5, EXACT, { lumps: false });
    const results = bench.poll(20, timing, { echo: true }, 10_007);
    bench.run(5_000_000);
    expect(results).toEqual(Array.from({ length: 20 }, () => "0 1 0 2"));
    const harsh = new Bench({ lost: 20, doubled: 20, late: 20, noise: 300, stray: 300 }, { lumps }, 5);
    harsh.server(5, EXACT, { lumps: false });
    const harmed = harsh.poll(200, timing, { echo: true }, 10_007);
    harsh.run(60_000_000);
    expect(harmed).toHaveLength(200);
    expect(harmed.filter((result) => result === "0 1 0 2").length).toBeGreaterThan(120);
    expect(harmed.filter((result) => !["0 1 0 2", "timeout", "bad-reply"].includes(result))).toEqual([]);
  });

  test("1,000 bytes of garbage before, between and after frames cost only the frames they touch", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const bench = new Bench({}, { lumps }, seed);
      const random = new Random(seed);
      bench.server(5, timing);
      const [master, talker] = [bench.party(), bench.party()];
      const garbage = () => Array.from({ length: 1_000 }, () => random.below(256));
      const long = 1_000 * CHARACTER + 50_000;
      let at = 1_000;
      for (let round = 0; round < 3; round++) {
        talker.sendAt(Math.round(at), ...garbage());
        at += long;
        master.sendAt(Math.round(at), ...READ);
        at += 200_000;
        master.sendAt(Math.round(at), ...READ);
        at += 200_000;
      }
      bench.run(at + 1_000_000);
      const replies = master.bytes.join(" ").split(REPLY.join(" ")).length - 1;
      expect([seed, replies]).toEqual([seed, 6]);
    }
  });

  test("a burst on a frame costs that one", () => {
    const bench = new Bench({}, { lumps });
    bench.server(5, timing);
    const master = bench.party();
    for (let i = 0; i < 5; i++) master.sendAt(i * 300_000, ...READ);
    bench.world.at(600_500, () => bench.line.burst(100));
    bench.run(3_000_000);
    expect(master.bytes.join(" ").split(REPLY.join(" ")).length - 1).toBe(4);
  });

  test("a line with much of everything answers most polls, all of them right, and all once it is calm", () => {
    const faults = {
      lost: 20,
      doubled: 20,
      late: 20,
      flipped: 20,
      noise: 300,
      turnaround: 300,
      stray: 300,
      chatty: 300,
    };
    const bench = new Bench(faults, { lumps }, 5);
    bench.server(5, timing);
    const results = bench.poll(300, timing);
    bench.run(30_000_000);
    const harmed = results.length;
    expect(bench.line.harmed).toBeGreaterThan(20);
    expect(results.filter((result) => result === "0 1 0 2").length).toBeGreaterThan(harmed * 0.6);
    expect(results.filter((result) => !["0 1 0 2", "timeout", "bad-reply"].includes(result))).toEqual([]);
    bench.line.calm();
    bench.run(31_000_000);
    const calm = results.length;
    bench.run(120_000_000);
    expect(results.slice(calm).every((result) => result === "0 1 0 2")).toBe(true);
  });

  test("two meters with one address spoil each other's replies, and neither is believed", () => {
    const bench = new Bench({}, { lumps });
    const other = new MemoryDevice();
    other.holding.fill(0x1234);
    bench.server(5, EXACT, { lumps: false });
    bench.server(5, EXACT, { lumps: false }, other);
    const results = bench.poll(5, timing);
    bench.run(10_000_000);
    expect(results).toHaveLength(5);
    expect(results.every((result) => result === "timeout" || result === "bad-reply")).toBe(true);
  });

  test("a meter set to another baud hears nothing that it would answer", () => {
    const bench = new Bench({}, { lumps });
    const server = bench.server(5, timing, { format: { ...EVEN_9600, baud: 19_200 } });
    const results = bench.poll(3, timing);
    bench.run(10_000_000);
    expect(results).toEqual(["timeout", "timeout", "timeout"]);
    expect(server.counters.busMessages).toBe(0);
  });
});
