/** What copper does to bytes: expected times and levels are worked out by hand here, not by the line's own code. */
import { describe, expect, test } from "vitest";
import { levelsOf } from "../../../src/core/line-format.ts";
import { byteOf } from "../../../src/simulation/copper/character.ts";
import { Bench, CHARACTER, EVEN_9600 } from "./support.ts";

const FRAME = [0x05, 0x03, 0x00, 0x01, 0x00, 0x02, 0x94, 0x4f];

describe("characters", () => {
  test("0x55 and 0x01 as they stand on a scope: start, low bit first, even parity, stop", () => {
    expect(levelsOf(0x55, EVEN_9600).toString(2)).toBe("10010101010");
    expect(levelsOf(0x01, EVEN_9600).toString(2)).toBe("11000000010");
    expect(levelsOf(0x01, { ...EVEN_9600, parity: "odd" }).toString(2)).toBe("10000000010");
    expect(levelsOf(0x41, { ...EVEN_9600, dataBits: 7 }).toString(2)).toBe("1010000010");
  });

  test("a wrong parity and a missing stop bit are seen", () => {
    expect(byteOf(levelsOf(0x01, EVEN_9600), EVEN_9600)).toEqual({ byte: 1, bad: false });
    expect(byteOf(levelsOf(0x01, { ...EVEN_9600, parity: "odd" }), EVEN_9600)).toEqual({ byte: 1, bad: true });
    expect(byteOf(0, EVEN_9600)).toEqual({ byte: 0, bad: true });
  });
});

describe("a sound line", () => {
  test("every byte comes to all others at the end of its character, and to the sender only with echo", () => {
    const bench = new Bench();
    const [a, b, c] = [bench.party({ echo: true }), bench.party(), bench.party()];
    b.sendAt(40_000, 0xaa);
    a.sendAt(1_000, ...FRAME);
    bench.run(100_000);
    const times = FRAME.map((byte, i) => ({ byte, at: Math.round(1_000 + (i + 1) * CHARACTER) }));
    expect(b.heard).toEqual(times);
    expect(c.heard.slice(0, 8)).toEqual(times);
    expect(a.heard).toEqual([...times, { byte: 0xaa, at: Math.round(40_000 + CHARACTER) }]);
  });

  test("a USB adapter hands over lumps at most 16 ms apart, in order and complete", () => {
    const bench = new Bench();
    const [a, b] = [bench.party(), bench.party({ lumps: true })];
    const bytes = Array.from({ length: 200 }, (_, i) => i);
    a.sendAt(0, ...bytes);
    bench.run(1_000_000);
    expect(b.bytes).toEqual(bytes);
    expect(Math.max(...b.lumps)).toBeGreaterThan(10);
    for (const [i, { at }] of b.heard.entries()) {
      const waited = at - (i + 1) * CHARACTER;
      expect(waited).toBeGreaterThanOrEqual(-1);
      expect(waited).toBeLessThanOrEqual(16_001);
    }
  });
});

describe("settings that do not agree", () => {
  test.each([
    ["4800 to 9600", { baud: 4800 }],
    ["19200 to 9600", { baud: 19_200 }],
    ["9000 to 9600, off by more than half a bit at the tenth", { baud: 9000 }],
  ])("%s is garbage", (_name, wrong) => {
    const bench = new Bench({}, { keepsBad: true });
    const [a, b] = [bench.party({ format: { ...EVEN_9600, ...wrong } }), bench.party()];
    a.sendAt(0, ...FRAME);
    bench.run(1_000_000);
    expect(b.bytes.length).toBeGreaterThan(0);
    expect(b.bytes).not.toEqual(FRAME);
  });

  test("0x55 at half the baud is what a scope shows: each bit is two", () => {
    const bench = new Bench({}, { keepsBad: true });
    const plain = { dataBits: 8, parity: "none", stopBits: 1 } as const;
    const [a, b] = [
      bench.party({ format: { ...plain, baud: 4800 } }),
      bench.party({ format: { ...plain, baud: 9600 } }),
    ];
    a.sendAt(0, 0x55);
    bench.run(100_000);
    // Levels in bits of 9600, start bit first: 00 11 00 11 00 11 00 11 00 11. Of these a receiver takes 0 01100110 0 (its
    // stop bit is low), waits for the next fall at the thirteenth bit, and takes 0 01100111 1 with the idle line behind.
    expect(b.bytes).toEqual([0x66, 0xe6]);
  });

  test("2 % of baud are within what a UART follows", () => {
    const bench = new Bench();
    const [a, b] = [bench.party({ format: { ...EVEN_9600, baud: 9790 } }), bench.party()];
    a.sendAt(0, ...FRAME);
    bench.run(100_000);
    expect(b.bytes).toEqual(FRAME);
  });

  test("with another parity a meter drops every byte, a PC driver keeps them", () => {
    const bench = new Bench();
    const a = bench.party({ format: { ...EVEN_9600, parity: "odd" } });
    const [meter, computer] = [bench.party(), bench.party({ keepsBad: true })];
    a.sendAt(0, ...FRAME);
    bench.run(100_000);
    expect(meter.bytes).toEqual([]);
    expect(computer.bytes).toEqual(FRAME);
  });
});

describe("two talkers", () => {
  test("at the same time are the AND of their bits", () => {
    const bench = new Bench({}, { keepsBad: true });
    const [a, b, c] = [bench.party(), bench.party(), bench.party()];
    a.sendAt(1_000, 0x0f, 0xff);
    b.sendAt(1_000, 0x3c, 0x77);
    bench.run(100_000);
    expect(c.bytes).toEqual([0x0c, 0x77]);
    expect([a.bytes, b.bytes]).toEqual([[], []]);
  });

  test("a part of a frame apart spoil each other", () => {
    const bench = new Bench({}, { keepsBad: true });
    const [a, b, c] = [bench.party(), bench.party(), bench.party()];
    a.sendAt(1_000, ...FRAME);
    b.sendAt(5_300, ...FRAME);
    bench.run(100_000);
    expect(c.bytes.slice(0, 3)).toEqual(FRAME.slice(0, 3));
    expect(c.bytes.slice(0, 8)).not.toEqual(FRAME);
  });
});

describe("faults", () => {
  const sent = Array.from({ length: 400 }, (_, i) => (i * 37) & 0xff);

  function heardWith(faults: ConstructorParameters<typeof Bench>[0], seed = 1, byByte = false): readonly number[] {
    const bench = new Bench(faults, { keepsBad: true }, seed);
    const [a, b] = [bench.party(), bench.party()];
    if (byByte) for (const [i, byte] of sent.entries()) a.sendAt(i * 5_000, byte);
    else a.sendAt(0, ...sent);
    bench.run(5_000_000);
    if (faults && Object.values(faults).some((rate) => rate > 0)) expect(bench.line.harmed).toBeGreaterThan(0);
    return b.bytes;
  }

  test("lost and doubled bytes", () => {
    expect(heardWith({})).toEqual(sent);
    const lost = heardWith({ lost: 1_000 });
    expect(lost.length).toBeGreaterThan(320);
    expect(lost.length).toBeLessThan(380);
    const doubled = heardWith({ doubled: 1_000 });
    expect(doubled.filter((byte, i) => byte !== doubled[i - 1])).toEqual(sent);
    expect(doubled.length).toBeGreaterThan(420);
  });

  test("late bytes stay in order and are late", () => {
    const bench = new Bench({ late: 200 });
    const [a, b] = [bench.party(), bench.party()];
    a.sendAt(0, ...sent);
    bench.run(5_000_000);
    expect(b.bytes).toEqual(sent);
    const delays = b.heard.map(({ at }, i) => at - Math.round((i + 1) * CHARACTER));
    expect(Math.max(...delays)).toBeGreaterThan(10_000);
    // A microsecond of rounding to either side.
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(-1);
  });

  test("flipped bits change some bytes", () => {
    const flipped = heardWith({ flipped: 1_000 }, 1, true);
    const changed = flipped.filter((byte) => !sent.includes(byte)).length + Math.abs(flipped.length - sent.length);
    expect(flipped).not.toEqual(sent);
    expect(changed).toBeLessThan(80);
  });

  test("a driver that is late garbles the first byte, and the next until a receiver finds a start bit again", () => {
    const format = { ...EVEN_9600, parity: "none" } as const;
    const bench = new Bench({ turnaround: 10_000 }, { keepsBad: true, format });
    const [a, b] = [bench.party(), bench.party()];
    for (let i = 0; i < 50; i++) a.sendAt(i * 20_000, 0x00, 0xff, 0xff, 0x12, 0x34);
    bench.run(2_000_000);
    const text = b.bytes.join(" ");
    expect(text.split("255 18 52").length - 1).toBe(50);
    expect(text.split("0 255 255 18 52").length - 1).toBeLessThan(10);
  });

  test("a line without bias shows a 00 or FF before or behind a frame", () => {
    const bench = new Bench({ stray: 10_000 }, { keepsBad: true });
    const [a, b] = [bench.party(), bench.party()];
    for (let i = 0; i < 40; i++) a.sendAt(i * 30_000, 0x12, 0x34);
    bench.run(2_000_000);
    const frames = b.bytes.join(",").replace(/18,52/g, "F");
    expect(new Set(frames.split(",").filter((part) => part !== "F"))).toEqual(new Set(["0", "255"]));
    expect(frames.split("F").length - 1).toBe(40);
  });

  test("the same seed gives the same bytes at the same times, another seed others", () => {
    const all = {
      lost: 100,
      doubled: 100,
      late: 100,
      flipped: 100,
      noise: 5_000,
      turnaround: 5_000,
      stray: 5_000,
      chatty: 5_000,
    };
    const run = (seed: number) => {
      const bench = new Bench(all, {}, seed);
      const [a, b] = [bench.party(), bench.party({ lumps: true })];
      for (let i = 0; i < 20; i++) a.sendAt(i * 50_000, ...FRAME);
      bench.run(2_000_000);
      return b.heard;
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
  });

  test("calm ends them, and mends the wire", () => {
    const bench = new Bench({ lost: 5_000, noise: 10_000, chatty: 10_000 });
    const [a, b] = [bench.party(), bench.party()];
    bench.line.cut(0);
    bench.line.calm();
    a.sendAt(1_000, ...FRAME);
    bench.run(100_000);
    expect(b.bytes).toEqual(FRAME);
  });
});

test("a cut parts those on one side from those on the other until it is repaired", () => {
  const bench = new Bench();
  const [a, b, c] = [bench.party(), bench.party(), bench.party()];
  bench.world.at(1_000, () => bench.line.cut(1));
  bench.world.at(50_000, () => bench.line.repair(1));
  a.sendAt(2_000, 0x11).sendAt(60_000, 0x12);
  c.sendAt(20_000, 0x31);
  bench.run(100_000);
  expect(b.bytes).toEqual([0x11, 0x12]);
  expect(c.bytes).toEqual([0x12]);
  expect(a.bytes).toEqual([]);
});
