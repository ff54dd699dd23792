/** Faults of the cable itself: swapped wires and a missing termination. */
import { describe, expect, test } from "vitest";
import { Bench, CHARACTER, EVEN_9600 } from "./support.ts";

describe("swapped wires", () => {
  test("the free line is a break to the swapped party: a single 00 behind what it sends", () => {
    const bench = new Bench({}, { keepsBad: true });
    const [a, b] = [bench.party({ swapped: true }), bench.party()];
    a.sendAt(1_000, 0x55, 0x01);
    bench.run(100_000);
    expect(a.bytes).toEqual([0x00]);
    expect(a.heard[0]?.at).toBe(Math.round(1_000 + 3 * CHARACTER));
    expect(b.bytes.length).toBeGreaterThan(0);
    expect(b.bytes).not.toContain(0x55);
  });
});

describe("a line without termination", () => {
  /** Share of bytes that are heard wrong, of 2000. */
  function wrongAt(baud: number, ringing: number): number {
    const format = { ...EVEN_9600, baud };
    const bench = new Bench({ ringing }, { keepsBad: true, format });
    const [a, b] = [bench.party(), bench.party()];
    const gap = (20 * 1e6 * 11) / baud;
    const bytes = Array.from({ length: 2_000 }, (_, i) => (i * 37) % 256);
    for (const [i, byte] of bytes.entries()) a.sendAt(Math.round(i * gap), byte);
    bench.run(2_001 * gap);
    return bytes.filter((byte, i) => byte !== b.bytes[i]).length / bytes.length;
  }

  test("does no harm to long bits and more the shorter they are", () => {
    expect(wrongAt(2_400, 5)).toBe(0);
    expect(wrongAt(9_600, 5)).toBeLessThan(0.01);
    const [middle, fast] = [wrongAt(38_400, 5), wrongAt(57_600, 5)];
    expect(middle).toBeGreaterThan(0.05);
    expect(fast).toBeGreaterThan(middle);
    expect(wrongAt(57_600, 0)).toBe(0);
  });

  test("spoils a bit behind an edge and no other", () => {
    const bench = new Bench({ ringing: 20 }, { keepsBad: true });
    const [a, b] = [bench.party(), bench.party()];
    for (let i = 0; i < 500; i++) a.sendAt(i * 50_000, 0x0f);
    bench.run(26e6);
    // The edges of 0F are at its start, before its bits 0 and 4, and at its stop: none of these needs a bit elsewhere.
    const single = new Set(b.bytes.filter((byte) => byte !== 0x0f));
    expect(single.size).toBeGreaterThan(1);
    for (const byte of [0x0d, 0x0b, 0x07, 0x2f, 0x4f]) expect([...single]).not.toContain(byte);
  });
});
