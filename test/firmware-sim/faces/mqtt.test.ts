/**
 * The meter's MQTT face in virtual time. The link here does what the platform's does: it repeats after a reconnect what it was
 * given and the broker has not acknowledged. Payloads are read with JSON.parse, not with our codec.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { ForkedNvram, type NvramWrite, WatchedNvram, writeCut } from "../../../src/simulation/power/memory.ts";
import { CuttingNvram, PowerCut } from "../nvram/cutting-nvram.ts";
import { INTERVAL, iso, Site, WINDOW } from "./mqtt-site.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const firsts = (sequences: readonly number[]): number[] => [...new Set(sequences)];

describe("telemetry while the broker is away", () => {
  test("goes out oldest first, with the times at which it was measured", () => {
    const site = new Site();
    site.pass(5);
    expect(site.received).toEqual([]);
    site.seconds += 17;
    site.open();
    expect(site.received).toEqual(range(1, 5).map((n) => ({ sequence: n, time: iso(n * INTERVAL) })));
    expect(site.connected()).toMatchObject([{ level: "info", fields: { meter: "flat-7", waiting: 5, lost: 0 } }]);
  });

  test("is bounded: the oldest go, and their number is told once", () => {
    const site = new Site({ buffer: 5 });
    site.pass(8);
    site.open();
    expect(site.received).toEqual(range(4, 8).map((n) => ({ sequence: n, time: iso(n * INTERVAL) })));
    site.acknowledgeAll();
    site.close();
    site.pass(1);
    site.open();
    site.close();
    expect(site.connected()).toMatchObject([
      { level: "warn", fields: { waiting: 5, lost: 3 } },
      { level: "info", fields: { waiting: 1, lost: 0 } },
    ]);
    expect(site.sequences()).toEqual(range(4, 9));
  });

  test("is sent at once after a connection before which nothing waited", () => {
    const site = new Site();
    site.seconds = 30;
    site.open();
    expect(site.received).toEqual([{ sequence: 1, time: iso(30) }]);
  });
});

test("telemetry keeps its offset from the round interval, so that a fleet does not speak at once", () => {
  const site = new Site({ offset: 13 });
  site.open();
  site.acknowledgeAll();
  site.pass(3, 1);
  expect(site.received.map(({ time }) => time)).toEqual([0, 13, 73, 133].map(iso));
});

describe("messages on their way", () => {
  test("are sixteen at most; each acknowledgement lets the next one go", () => {
    const site = new Site();
    site.pass(40);
    site.open();
    expect(site.sequences()).toEqual(range(1, 16));
    site.acknowledge(1);
    expect(site.sequences()).toEqual(range(1, 17));
    site.acknowledge(10);
    expect(site.sequences()).toEqual(range(1, 27));
    site.acknowledgeAll();
    expect(site.sequences()).toEqual(range(1, 40));
  });

  test("are left to the link, which repeats them: the face gives no message twice", () => {
    const site = new Site();
    site.pass(20);
    site.open();
    site.acknowledge(2);
    site.close();
    site.pass(2);
    site.open();
    // 3..18 again by the link, and nothing new as long as sixteen are out.
    expect(site.sequences()).toEqual([...range(1, 18), ...range(3, 18)]);
    site.acknowledgeAll();
    expect(site.sequences()).toEqual([...range(1, 18), ...range(3, 18), ...range(19, 22)]);
  });

  test("an acknowledgement that comes twice, or of nothing, changes nothing", () => {
    const site = new Site();
    site.pass(20);
    site.open();
    const { token } = site.inFlight[0] as { token: number };
    site.acknowledge(1);
    for (const stale of [token, 4711]) site.acknowledged(stale);
    expect(site.sequences()).toEqual(range(1, 17));
  });
});

/** What a meter sends that finds this memory: the numbers of its messages. */
function afterCut(nvram: Nvram, seconds: number): number[] {
  const site = new Site({ nvram, buffer: 4 }, seconds);
  site.pass(1);
  site.open();
  site.acknowledgeAll();
  return site.sequences();
}

/** Bytes after which to cut: every one of the face's cells, some of the meter's own, which have tests of their own. */
function cutsOf({ cell, bytes }: NvramWrite): number[] {
  const step = cell.startsWith("mqtt-") ? 1 : Math.ceil(bytes.length / 12);
  const some = range(0, Math.floor((bytes.length - 1) / step)).map((n) => n * step);
  return [...some, bytes.length];
}

describe("with a memory", () => {
  test("what was not acknowledged comes again after a power loss, as it was", () => {
    const site = new Site({ nvram: new MemoryNvram() });
    site.pass(25);
    site.open();
    site.acknowledge(3);
    const before = new Map(site.received.map(({ sequence, time }) => [sequence, time]));
    site.powerLoss();
    site.seconds += 7;
    site.received.length = 0;
    site.open();
    site.acknowledgeAll();
    // Whatever was acknowledged since the newest message was written may come again; it is the same message.
    // A meter measures when it is switched on: 26.
    expect(site.sequences().slice(-23)).toEqual(range(4, 26));
    for (const { sequence, time } of site.received)
      expect(time).toBe(before.get(sequence) ?? iso(sequence === 26 ? 25 * INTERVAL + 7 : sequence * INTERVAL));
  });

  test("what was acknowledged before the newest message was written does not come again", () => {
    const site = new Site({ nvram: new MemoryNvram() });
    site.pass(5);
    site.open();
    site.acknowledgeAll();
    site.pass(1);
    site.powerLoss();
    site.received.length = 0;
    site.open();
    expect(site.sequences()).toEqual([6, 7]);
  });

  test.each(["old bytes stay", "cell is cut off"] as const)(
    "a write cut at any byte costs that message only (%s)",
    (tail) => {
      const memory = new MemoryNvram();
      const written: string[] = [];
      let watching = false;
      const nvram = new WatchedNvram(memory, (write) => {
        if (!watching) return;
        written.push(write.cell);
        for (const length of cutsOf(write)) {
          const torn = new ForkedNvram(memory);
          writeCut(torn, write, length, tail);
          const heard = afterCut(torn, site.seconds);
          expect(heard).toEqual(heard.toSorted((a, b) => a - b));
          expect(firsts(heard)).toEqual(heard);
          expect(heard).toEqual(expect.arrayContaining([3, 4]));
          // The cut message is there whole, or its number went to the next one: no number is missing.
          expect(heard).toEqual(range(3, heard.at(-1) ?? 0));
          expect(heard.at(-1)).toBeGreaterThanOrEqual(5);
          expect(heard.at(-1)).toBeLessThanOrEqual(6);
        }
      });
      const site = new Site({ nvram, buffer: 4 });
      // Cells are in use and in use again.
      site.pass(3);
      site.open();
      site.acknowledge(2);
      site.close();
      site.pass(1);
      watching = true;
      site.pass(1);
      expect(new Set(written.map((cell) => cell.startsWith("mqtt-")))).toEqual(new Set([true, false]));
      expect(afterCut(new ForkedNvram(memory), site.seconds)).toEqual([3, 4, 5, 6]);
    },
  );

  test("keeps the newest when the buffer was made smaller, tells what it gave up, and stays whole when it grows again", () => {
    const nvram = new MemoryNvram();
    const site = new Site({ nvram, buffer: 60 });
    site.pass(50);
    site.powerLoss({ nvram, buffer: 5 });
    site.open();
    site.acknowledgeAll();
    expect(site.sequences()).toEqual(range(46, 51));
    expect(site.connected()).toMatchObject([{ level: "warn", fields: { waiting: 5, lost: 45 } }]);
    site.pass(30);
    site.acknowledgeAll();
    site.close();
    site.pass(3);
    site.powerLoss({ nvram, buffer: 60 });
    site.received.length = 0;
    site.open();
    site.acknowledgeAll();
    expect(site.sequences()).toEqual(range(82, 85));
  });

  test("writes no more cells than it may keep messages, for ever", () => {
    const cells = new Set<string>();
    const memory = new MemoryNvram();
    const nvram: Nvram = {
      read: (cell) => memory.read(cell),
      write: (cell, bytes) => {
        if (cell.startsWith("mqtt-")) cells.add(cell);
        memory.write(cell, bytes);
      },
      readAt: (cell, offset, length) => memory.readAt(cell, offset, length),
      writeAt: (cell, offset, bytes) => memory.writeAt(cell, offset, bytes),
    };
    const site = new Site({ nvram, buffer: 7 });
    for (let round = 0; round < 20; round++) {
      site.pass(30);
      site.open();
      site.acknowledge(round);
      site.close();
      if (round % 5 === 0) site.powerLoss();
    }
    expect(cells.size).toBeLessThanOrEqual(7 + WINDOW);
  });
});

test("a random life: no number is missing but what the buffer could not hold, wherever a write is cut, and all of it is in order", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("pass" as const), n: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ kind: fc.constant("acknowledge" as const), n: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ kind: fc.constantFrom("open" as const, "close" as const, "powerLoss" as const) }),
    fc.record({ kind: fc.constant("cut" as const), n: fc.integer({ min: 1, max: 2500 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(3, 20, 1000), (steps, buffer) => {
      const nvram = new CuttingNvram("old bytes stay");
      const site = new Site({ nvram, buffer });
      let up = false;
      for (const s of steps) {
        if (s.kind === "pass") site.pass(s.n);
        else if (s.kind === "acknowledge") site.acknowledge(up ? s.n : 0);
        else if (s.kind === "open" && !up) {
          site.open();
          up = true;
        } else if (s.kind === "close" && up) {
          site.close();
          up = false;
        } else if (s.kind === "powerLoss") {
          site.powerLoss();
          up = false;
        } else if (s.kind === "cut") {
          nvram.cutAfter(s.n);
          expect(() => site.pass(20)).toThrow(PowerCut);
          nvram.powerOn();
          site.powerLoss();
          up = false;
        }
      }
      if (up) site.close();
      site.open();
      site.acknowledgeAll();
      const heard = site.sequences();
      const first = firsts(heard);
      expect(first).toEqual(first.toSorted((a, b) => a - b));
      const newest = Math.max(0, ...heard);
      if (buffer === 1000) expect(first).toEqual(range(1, newest));
      // One message, one time.
      const times = new Map<number, string>();
      for (const { sequence, time } of site.received) {
        expect(times.get(sequence) ?? time).toBe(time);
        times.set(sequence, time);
      }
    }),
    { numRuns: 60 },
  );
});
