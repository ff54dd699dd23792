import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Checkpoint, encodeRecord } from "../../../firmware-sim/nvram/checkpoint.ts";
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { fromHex, toHex } from "../../../src/core/bytes.ts";
import { crc32 } from "../../../src/core/crc32.ts";
import { CuttingNvram, PowerCut } from "./cutting-nvram.ts";

const TAILS = ["old bytes stay", "cell is cut off"] as const;

function payload(n: number, size = 8): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (n * 37 + i * 11) & 0xff);
}

function recovered(nvram: Nvram): string | undefined {
  const result = new Checkpoint(nvram, "meter").recover();
  if (!result.ok) throw new Error(result.error);
  return result.value === undefined ? undefined : toHex(result.value);
}

describe("crc32", () => {
  it("has the check value of the catalogue", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  });
});

describe("a record", () => {
  it("is magic, sequence, length, payload and the CRC-32 of them, little endian", () => {
    // CRC computed with zlib.crc32 of Python.
    expect(toHex(encodeRecord(0x01020304, Uint8Array.of(0xaa, 0xbb)), " ")).toBe(
      "4d 43 4b 31 04 03 02 01 02 00 00 00 aa bb 30 8b 0d 1e",
    );
  });
});

describe("a checkpoint", () => {
  it("is empty where nothing was written", () => {
    expect(new Checkpoint(new MemoryNvram(), "meter").recover()).toEqual({ ok: true, value: undefined });
  });

  it("gives the newest of many writes, using both cells in turn", () => {
    const nvram = new MemoryNvram();
    const checkpoint = new Checkpoint(nvram, "meter");
    for (let n = 1; n <= 5; n++) {
      checkpoint.write(payload(n, n));
      expect(recovered(nvram)).toBe(toHex(payload(n, n)));
    }
    expect(toHex(nvram.read("meter.a") as Uint8Array)).toContain(toHex(payload(4, 4)));
    expect(toHex(nvram.read("meter.b") as Uint8Array)).toContain(toHex(payload(5, 5)));
  });

  it("keeps apart what has different names", () => {
    const nvram = new MemoryNvram();
    new Checkpoint(nvram, "meter").write(payload(1));
    expect(new Checkpoint(nvram, "relay").recover()).toEqual({ ok: true, value: undefined });
  });

  for (const tail of TAILS) {
    for (const before of [0, 1, 2, 3]) {
      it(`survives a cut at every byte of write ${before + 1} when ${tail}`, () => {
        const size = encodeRecord(1, payload(1)).length;
        const writes = before === 0 ? 2 : 1;
        for (let cut = 0; cut <= size * writes; cut++) {
          const nvram = new CuttingNvram(tail);
          const checkpoint = new Checkpoint(nvram, "meter");
          for (let n = 1; n <= before; n++) checkpoint.write(payload(n));
          nvram.cutAfter(cut);
          expect(() => checkpoint.write(payload(before + 1))).toThrow(PowerCut);
          nvram.powerOn();
          const previous = before === 0 ? undefined : toHex(payload(before));
          expect(recovered(nvram)).toBe(cut >= size ? toHex(payload(before + 1)) : previous);

          const again = new Checkpoint(nvram, "meter");
          again.write(payload(99));
          expect(recovered(nvram)).toBe(toHex(payload(99)));
        }
      });
    }
  }

  it("goes on in the same object after a write that failed", () => {
    const nvram = new CuttingNvram("cell is cut off");
    const checkpoint = new Checkpoint(nvram, "meter");
    checkpoint.write(payload(1));
    nvram.cutAfter(5);
    expect(() => checkpoint.write(payload(2))).toThrow(PowerCut);
    nvram.powerOn();
    checkpoint.write(payload(3));
    expect(recovered(nvram)).toBe(toHex(payload(3)));
  });

  it("falls back to the other slot when any bit of the newest is wrong", () => {
    const nvram = new MemoryNvram();
    const checkpoint = new Checkpoint(nvram, "meter");
    checkpoint.write(payload(1));
    checkpoint.write(payload(2));
    const newest = (nvram.read("meter.a") as Uint8Array).slice();
    for (let bit = 0; bit < newest.length * 8; bit++) {
      const flipped = newest.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      nvram.write("meter.a", flipped);
      expect(recovered(nvram)).toBe(toHex(payload(1)));
    }
  });

  it("says so when both slots are lost", () => {
    const nvram = new MemoryNvram();
    const checkpoint = new Checkpoint(nvram, "meter");
    checkpoint.write(payload(1));
    checkpoint.write(payload(2));
    nvram.write("meter.a", (nvram.read("meter.a") as Uint8Array).slice(0, 14));
    const b = (nvram.read("meter.b") as Uint8Array).slice();
    b[13] = (b[13] as number) ^ 1;
    nvram.write("meter.b", b);
    expect(new Checkpoint(nvram, "meter").recover()).toEqual({
      ok: false,
      error: 'both slots of the checkpoint "meter" are lost: a is torn, b is corrupt',
    });
  });

  it("has both slots from the first write on: a corrupted only record is never taken for an empty memory", () => {
    const nvram = new MemoryNvram();
    new Checkpoint(nvram, "meter").write(payload(1));
    const whole = { a: nvram.read("meter.a") as Uint8Array, b: nvram.read("meter.b") as Uint8Array };
    const corrupt = (slot: "a" | "b") => nvram.write(`meter.${slot}`, whole[slot].with(14, 0x55));
    corrupt("a");
    expect(recovered(nvram)).toBe(toHex(payload(1)));
    corrupt("b");
    expect(new Checkpoint(nvram, "meter").recover().ok).toBe(false);
    nvram.write("meter.a", whole.a);
    expect(recovered(nvram)).toBe(toHex(payload(1)));
  });

  it("carries on when the sequence wraps", () => {
    for (const [slot, other] of [
      ["a", "b"],
      ["b", "a"],
    ]) {
      const nvram = new MemoryNvram();
      nvram.write(`meter.${slot}`, encodeRecord(0xffffffff, payload(1)));
      nvram.write(`meter.${other}`, encodeRecord(0xfffffffe, payload(0)));
      const checkpoint = new Checkpoint(nvram, "meter");
      for (let n = 2; n < 6; n++) {
        checkpoint.write(payload(n));
        expect(recovered(nvram)).toBe(toHex(payload(n)));
      }
    }
  });

  it("does not mind a cell longer than its record", () => {
    const nvram = new MemoryNvram();
    nvram.write("meter.a", Uint8Array.from([...encodeRecord(7, payload(1)), 1, 2, 3, 4, 5]));
    expect(recovered(nvram)).toBe(toHex(payload(1)));
  });

  it("takes any bytes for what they are, without a throw", () => {
    const magic = fromHex("4d434b31");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), fc.boolean(), (a, b, real) => {
        const nvram = new MemoryNvram();
        const head = real && magic.ok ? magic.value : [];
        nvram.write("meter.a", Uint8Array.from([...head, ...a]));
        nvram.write("meter.b", b);
        const result = new Checkpoint(nvram, "meter").recover();
        expect(result.ok && result.value !== undefined).toBe(false);
      }),
    );
  });

  it("in any history of writes and cuts loses at most the write that was cut, and never runs backwards", () => {
    const step = fc.record({
      size: fc.integer({ min: 0, max: 20 }),
      cut: fc.option(fc.integer({ min: 0, max: 36 }), { nil: undefined, freq: 2 }),
    });
    fc.assert(
      fc.property(fc.constantFrom(...TAILS), fc.array(step, { maxLength: 30 }), (tail, steps) => {
        const nvram = new CuttingNvram(tail);
        let checkpoint = new Checkpoint(nvram, "meter");
        // Payloads carry their number, so that an older one can't pass for a newer one.
        const numbered = (n: number, size: number) => Uint8Array.of(n, ...payload(n, size));
        let kept: string | undefined;
        for (const [n, { size, cut }] of steps.entries()) {
          const wanted = toHex(numbered(n, size));
          if (cut !== undefined) nvram.cutAfter(cut);
          try {
            checkpoint.write(numbered(n, size));
            kept = wanted;
            nvram.powerOn();
          } catch (error) {
            if (!(error instanceof PowerCut)) throw error;
            nvram.powerOn();
            checkpoint = new Checkpoint(nvram, "meter");
            const now = recovered(nvram);
            expect([kept, wanted]).toContain(now);
            kept = now;
          }
        }
        expect(recovered(nvram)).toBe(kept);
      }),
      { numRuns: 300 },
    );
  });
});
