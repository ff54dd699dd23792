import { describe, expect, test } from "vitest";
import { ModbusSerialServer } from "../../../protocols/modbus/server.ts";
import { type RtuTiming, rtuTiming, wireTime } from "../../../protocols/modbus/timing.ts";
import { Random } from "../../../src/core/random.ts";
import { hex, join, MemoryDevice, rtu, show } from "./support.ts";

const EXACT = rtuTiming(9600, { byteTimes: true });
const LUMPS = rtuTiming(9600);
const READ = rtu("05 03 0001 0002");
const READ_REPLY = show(rtu("05 03 04 0001 0002"));
const WRITE = rtu("05 06 0007 beef");

/** A server of unit 5 with the line in front of it; replies carry the time at which they were given. */
class Bench {
  readonly device = new MemoryDevice();
  readonly server: ModbusSerialServer;
  readonly replies: { text: string | undefined; at: number }[] = [];
  now = 1_000_000;
  readonly timing: RtuTiming;

  constructor(timing: RtuTiming) {
    this.timing = timing;
    this.server = new ModbusSerialServer(5, this.device, { framing: "rtu", timing });
  }

  /** Lets time pass with every wake at its time. */
  pass(micros: number): this {
    const until = this.now + micros;
    while (this.server.nextWake() <= until) {
      this.now = this.server.nextWake();
      const reply = this.server.wake(this.now);
      if (reply !== undefined) this.replies.push({ text: show(reply), at: this.now });
    }
    this.now = until;
    return this;
  }

  /** A byte after the other, without a gap. */
  wire(bytes: Uint8Array): this {
    const start = this.now;
    for (let i = 0; i < bytes.length; i++) {
      this.pass(start + wireTime(this.timing, i + 1) - this.now);
      this.server.receive(bytes.subarray(i, i + 1), this.now);
    }
    return this;
  }

  /** All at once, as a host's port gives them. */
  lump(bytes: Uint8Array): this {
    this.server.receive(bytes, this.now);
    return this;
  }

  get texts(): (string | undefined)[] {
    return this.replies.map((reply) => reply.text);
  }
}

describe.each([
  ["with byte times", EXACT],
  ["in lumps", LUMPS],
])("both kinds of line: %s", (_name, timing) => {
  const bench = () => new Bench(timing);

  test("7, 17: the reply comes t3.5 (and where bytes are timed, the character that could have begun) after the last byte, with own unit and function", () => {
    const b = bench().wire(READ);
    const end = b.now;
    b.pass(1_000_000);
    expect(b.replies).toEqual([{ text: READ_REPLY, at: end + 4011 + (timing.byteTimes ? 1146 : 0) }]);
    expect(b.server.nextWake()).toBe(Number.POSITIVE_INFINITY);
  });

  test("2, 3: another unit's frames, and those of reserved units: silence, no change", () => {
    const b = bench();
    for (const unit of ["04", "06", "f8", "ff"]) b.wire(rtu(`${unit} 06 0007 beef`)).pass(100_000);
    expect(b.replies).toEqual([]);
    expect(b.device.writes).toBe(0);
    expect(b.server.counters).toMatchObject({ busMessages: 4, serverMessages: 0, crcErrors: 0 });
  });

  test("4: a broadcast write of each kind is executed and not answered", () => {
    const b = bench();
    for (const pdu of ["05 0002 ff00", "06 0003 1234", "0f 0008 0002 01 03", "10 0010 0001 02 4321"])
      b.wire(rtu(`00 ${pdu}`)).pass(100_000);
    expect(b.replies).toEqual([]);
    expect([b.device.coils[2], b.device.coils[8], b.device.coils[9]]).toEqual([1, 1, 1]);
    expect([b.device.holding[3], b.device.holding[0x10]]).toEqual([0x1234, 0x4321]);
    expect(b.server.counters).toMatchObject({ noResponses: 4 });
  });

  test("5: a broadcast read, or an unknown function: silence", () => {
    const b = bench().wire(rtu("00 03 0001 0002")).pass(100_000).wire(rtu("00 64")).pass(100_000);
    expect(b.replies).toEqual([]);
    expect(b.device.reads).toBe(0);
  });

  test("23: wrong CRC: silence, nothing executed, one error counted", () => {
    for (let bit = 0; bit < 8 * WRITE.length; bit++) {
      const b = bench();
      const damaged = WRITE.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      b.wire(damaged).pass(100_000);
      expect(b.replies).toEqual([]);
      expect(b.device.writes).toBe(0);
      expect(b.server.counters.crcErrors).toBe(1);
    }
  });

  test("25: fewer than 4 bytes: silence", () => {
    const b = bench();
    for (const bytes of [rtu("05"), hex("05"), rtu(""), hex("00 00 00")]) b.wire(bytes).pass(100_000);
    expect(b.replies).toEqual([]);
    expect(b.server.counters.busMessages).toBe(0);
  });

  test("39: an unknown function of any length is exception 01", () => {
    const b = bench();
    for (const frame of ["05 07", "05 11", "05 2b 0e 01 00", `05 64 ${"00".repeat(252)}`])
      b.wire(rtu(frame)).pass(100_000);
    expect(b.texts).toEqual(["87", "91", "ab", "e4"].map((code) => show(rtu(`05 ${code} 01`))));
    expect(b.server.counters.exceptions).toBe(4);
  });

  test("40: a known function with a wrong length is exception 03", () => {
    const b = bench();
    for (const frame of ["05 03 0001 0002 00", "05 10 0001 0002 05 0000 0000", "05 03 00"])
      b.wire(rtu(frame)).pass(100_000);
    expect(b.texts).toEqual([show(rtu("05 83 03")), show(rtu("05 90 03")), show(rtu("05 83 03"))]);
    expect(b.device.writes).toBe(0);
  });

  test("16, 27: 1000 bytes of junk, and the next frame is answered", () => {
    const random = new Random(16);
    const b = bench();
    for (let round = 0; round < 20; round++) {
      b.wire(Uint8Array.from({ length: 1000 }, () => random.below(256)))
        .pass(timing.t35)
        .wire(READ)
        .pass(100_000);
    }
    expect(b.texts).toEqual(Array(20).fill(READ_REPLY));
    expect(b.device.writes).toBe(0);
  });

  test("16: a frame of 257 bytes with a good CRC is dropped whole", () => {
    const b = bench()
      .wire(rtu(`05 64 ${"00".repeat(253)}`))
      .pass(100_000);
    expect(b.replies).toEqual([]);
  });

  test("6: the replies of other units are no requests, and requests after them are heard", () => {
    const b = bench()
      .wire(rtu("03 04 0000 0002"))
      .pass(5_000)
      .wire(rtu("03 04 04 4366 3333"))
      .pass(5_000)
      .wire(rtu("03 84 02"))
      .pass(5_000)
      .wire(READ)
      .pass(100_000);
    expect(b.texts).toEqual([READ_REPLY]);
    expect(b.server.counters).toMatchObject({ busMessages: 4, serverMessages: 1, crcErrors: 0 });
  });
});

describe("with byte times", () => {
  const at = (gap: number) => new Bench(EXACT).wire(READ.subarray(0, 3)).pass(gap).wire(READ.subarray(3)).pass(100_000);

  test("18: a gap inside the frame: t1.5 is allowed, a microsecond more is not", () => {
    expect(at(1718).texts).toEqual([READ_REPLY]);
    expect(at(1719).texts).toEqual([]);
    expect(at(1719).server.counters.crcErrors).toBe(1);
    expect(at(4010).server.counters.crcErrors).toBe(1);
    expect(at(4011).server.counters.crcErrors).toBe(2);
  });

  test("21: two requests with less than t3.5 between them are not two frames", () => {
    const pair = (gap: number) => new Bench(EXACT).wire(WRITE).pass(gap).wire(READ).pass(100_000);
    for (const gap of [0, 1718, 1719, 4010]) {
      expect(pair(gap).texts).toEqual([]);
      expect(pair(gap).device.writes).toBe(0);
    }
    // At t3.5 the first is a frame of its own.
    expect(pair(4011).device.writes).toBe(1);
    expect(pair(4011).texts.at(-1)).toBe(READ_REPLY);
  });

  test("27: junk less than t3.5 before a frame takes it along", () => {
    expect(new Bench(EXACT).wire(hex("ff")).pass(4010).wire(READ).pass(100_000).texts).toEqual([]);
    expect(new Bench(EXACT).wire(hex("ff")).pass(4011).wire(READ).pass(100_000).texts).toEqual([READ_REPLY]);
  });

  test("a driver that wakes late: silence has ended the frame all the same, and the old reply is not sent", () => {
    const b = new Bench(EXACT).wire(WRITE);
    for (let i = 0; i < READ.length; i++)
      b.server.receive(READ.subarray(i, i + 1), b.now + 50_000 + wireTime(EXACT, i + 1));
    b.now += 50_000 + wireTime(EXACT, READ.length);
    b.pass(100_000);
    expect(b.device.writes).toBe(1);
    expect(b.texts).toEqual([READ_REPLY]);
  });
});

describe("in lumps", () => {
  const bench = () => new Bench(LUMPS);
  const junk = (length: number, seed = 1) => {
    const random = new Random(seed);
    return Uint8Array.from({ length }, () => random.below(256));
  };

  test("a frame in pieces up to 16 ms apart, cut anywhere, is one frame", () => {
    for (let cut = 1; cut < WRITE.length; cut++) {
      const b = bench().lump(WRITE.subarray(0, cut)).pass(16_000).lump(WRITE.subarray(cut));
      const end = b.now;
      b.pass(100_000);
      expect(b.replies).toEqual([{ text: show(WRITE), at: end + 4011 }]);
    }
  });

  test("an unfinished frame is dropped after the lump gap, not before", () => {
    const b = bench().lump(WRITE.subarray(0, 5));
    // Its length is known: t3.5 of silence could not make a frame of it, and a host is not woken for that.
    expect(b.server.nextWake()).toBe(b.now + 20_000);
    b.lump(WRITE.subarray(5, 6));
    expect(b.server.nextWake()).toBe(b.now + 20_000);
    b.pass(20_000).lump(WRITE.subarray(6)).pass(100_000).lump(READ).pass(100_000);
    expect(b.device.writes).toBe(0);
    expect(b.texts).toEqual([READ_REPLY]);
  });

  test("what is whole, or of unknown length, is looked at after t3.5", () => {
    for (const bytes of [WRITE, rtu("01 64 00"), join(rtu("03 06 0001 0002"), WRITE.subarray(0, 5))]) {
      const b = bench().lump(bytes);
      expect(b.server.nextWake()).toBe(b.now + 4011);
    }
  });

  test("another unit's reply and a request to us in one lump: answered after t3.5", () => {
    for (const foreign of ["03 03 04 0506 0001", "03 83 02", "03 06 0001 0002", "03 04 0000 0010", "03 01 03 112233"]) {
      const b = bench().lump(join(rtu(foreign), READ));
      const end = b.now;
      b.pass(100_000);
      expect(b.replies).toEqual([{ text: READ_REPLY, at: end + 4011 }]);
    }
  });

  test("functions of unknown length from other units cost the frame nothing but time", () => {
    const b = bench()
      .lump(join(rtu("03 2b 0e 01 01 00 00 01 00 03 414243"), READ))
      .pass(100_000);
    expect(b.texts).toEqual([READ_REPLY]);
  });

  test("junk before a write in the same lump: found, because it ends the burst", () => {
    for (let seed = 0; seed < 50; seed++) {
      const b = bench()
        .lump(join(junk(1 + seed * 41, seed), WRITE))
        .pass(100_000);
      expect(b.texts).toEqual([show(WRITE)]);
    }
  });

  test("junk behind a frame, and between two, costs neither", () => {
    const behind = bench()
      .lump(join(WRITE, junk(1000)))
      .pass(100_000);
    expect(behind.device.holding[7]).toBe(0xbeef);
    expect(behind.texts).toEqual([show(WRITE)]);
    const between = bench()
      .lump(join(WRITE, junk(1000), READ))
      .pass(100_000);
    expect(between.device.writes).toBe(1);
    expect(between.texts).toEqual([READ_REPLY]);
  });

  test("a frame between seen pauses of t3.5, junk on both sides", () => {
    const b = bench().lump(junk(300)).pass(14_000).lump(WRITE).pass(14_000).lump(junk(8, 2)).pass(100_000);
    expect(b.device.writes).toBe(1);
  });

  test("a write inside junk, with bytes at once behind it, is not executed", () => {
    const b = bench()
      .lump(join(junk(500), WRITE, junk(500, 2)))
      .pass(100_000);
    expect(b.device.writes).toBe(0);
    expect(b.replies).toEqual([]);
  });

  test("what looks like a write to us inside another unit's frame is data, however the frame is cut", () => {
    const outer = rtu(`03 10 0000 0008 10 0000 ${show(WRITE)} ffff ffff ffff`);
    const inner = outer.length - 2 - 6 - WRITE.length;
    for (const cuts of [[], [inner], [inner + 8], [inner, inner + 8]]) {
      for (const pause of [0, 3_000, 16_000]) {
        const b = bench();
        let from = 0;
        for (const cut of [...cuts, outer.length]) {
          b.lump(outer.subarray(from, cut)).pass(pause);
          from = cut;
        }
        b.pass(100_000);
        expect(b.device.writes).toBe(0);
        expect(b.replies).toEqual([]);
        expect(b.server.counters.busMessages).toBe(1);
      }
    }
  });

  test("the same with the outer frame damaged: silence unless pauses stand exactly around it", () => {
    const outer = rtu(`03 10 0000 0008 10 0000 ${show(WRITE)} ffff ffff ffff`);
    outer[7] = 0x55;
    expect(bench().lump(outer).pass(100_000).device.writes).toBe(0);
    const inner = outer.length - 2 - 6 - WRITE.length;
    for (const cut of [inner, inner + 8]) {
      const b = bench().lump(outer.subarray(0, cut)).pass(16_000).lump(outer.subarray(cut)).pass(100_000);
      expect(b.device.writes).toBe(0);
    }
  });

  test("the bus moves on: the reply to a request that is already superseded is not sent", () => {
    const b = bench().lump(join(WRITE, READ)).pass(100_000);
    expect(b.device.writes).toBe(1);
    expect(b.texts).toEqual([READ_REPLY]);
  });

  test("a request to us with another unit's frame behind it is not answered into that unit's time", () => {
    const b = bench()
      .lump(join(WRITE, rtu("03 04 0000 0002")))
      .pass(100_000);
    expect(b.device.writes).toBe(1);
    expect(b.replies).toEqual([]);
  });

  test("39: a function of unknown length is answered after t3.5 too", () => {
    const b = bench().lump(rtu("05 2b 0e 01 00"));
    const end = b.now;
    b.pass(100_000);
    expect(b.replies).toEqual([{ text: show(rtu("05 ab 01")), at: end + 4011 }]);
  });

  test("a driver that wakes late: an unfinished frame does not hold up the next one", () => {
    const b = bench();
    b.server.receive(WRITE.subarray(0, 5), b.now);
    b.now += 50_000;
    b.lump(READ);
    const end = b.now;
    b.pass(100_000);
    expect(b.replies).toEqual([{ text: READ_REPLY, at: end + 4011 }]);
  });

  test("a frame with more junk behind it than is kept is executed", () => {
    expect(bench().lump(join(WRITE, junk(3000))).device.writes).toBe(1);
  });

  test("endless junk without a pause stays bounded, and a request behind it is answered", () => {
    const b = bench();
    for (let i = 0; i < 300; i++) b.lump(junk(97, i)).pass(2_000);
    b.lump(READ).pass(100_000);
    expect(b.texts).toEqual([READ_REPLY]);
    expect(b.device.writes).toBe(0);
  });
});
