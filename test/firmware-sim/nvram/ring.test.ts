import fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { RecordRing } from "../../../firmware-sim/nvram/ring.ts";
import { CuttingNvram, PowerCut } from "./cutting-nvram.ts";

const SHAPE = { name: "events", depth: 10, recordSize: 16 };

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function kept(nvram: Nvram, written: number): (string | undefined)[] {
  const ring = new RecordRing(nvram, SHAPE, written);
  return Array.from({ length: ring.length }, (_, age) => {
    const record = ring.read(age);
    return record && new TextDecoder().decode(record);
  });
}

test("keeps the newest records, newest first, across the end of its places and of a cell", () => {
  const nvram = new MemoryNvram();
  const ring = new RecordRing(nvram, { ...SHAPE, depth: 100 }, 0);
  for (let i = 0; i < 333; i++) {
    ring.append(bytesOf(`r${i}`));
    ring.commit();
  }
  expect(ring.length).toBe(100);
  const again = new RecordRing(nvram, { ...SHAPE, depth: 100 }, ring.written);
  for (let age = 0; age < 100; age++) expect(again.read(age)).toEqual(bytesOf(`r${332 - age}`));
  expect(again.read(100)).toBeUndefined();
  expect(again.read(-1)).toBeUndefined();
});

test("a record that the part has spoilt is missing, its neighbours are not", () => {
  const nvram = new MemoryNvram();
  const ring = new RecordRing(nvram, SHAPE, 0);
  for (const text of ["one", "two", "three"]) ring.append(bytesOf(text));
  const cell = nvram.read("events.0") as Uint8Array;
  cell[cell.indexOf("w".charCodeAt(0))] = 0;
  nvram.write("events.0", cell);
  expect(kept(nvram, 3)).toEqual(["three", undefined, "one"]);
});

test("demands a checkpoint before uncommitted records could overwrite one that counts", () => {
  const ring = new RecordRing(new MemoryNvram(), SHAPE, 0);
  for (let i = 0; i < 8; i++) ring.append(bytesOf("x"));
  expect(ring.full).toBe(true);
  expect(() => ring.append(bytesOf("x"))).toThrow("committed before more come");
  ring.commit();
  ring.append(bytesOf("x"));
});

test("wherever a write is cut, every record of the last checkpoint is there, whole and once", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 0, max: 2_000 }),
      fc.constantFrom("old bytes stay" as const, "cell is cut off" as const),
      (batches, cutAfter, tail) => {
        const nvram = new CuttingNvram(tail);
        let ring = new RecordRing(nvram, SHAPE, 0);
        let truth: string[] = [];
        nvram.cutAfter(cutAfter);
        for (const batch of batches) {
          const added = Array.from({ length: batch }, (_, i) => `${truth.length + i}`);
          try {
            for (const text of added) ring.append(bytesOf(text));
            ring.commit();
            truth = [...truth, ...added];
          } catch (error) {
            if (!(error instanceof PowerCut)) throw error;
            nvram.powerOn();
            ring = new RecordRing(nvram, SHAPE, truth.length);
          }
          expect(kept(nvram, truth.length)).toEqual(truth.slice(-SHAPE.depth).reverse());
        }
      },
    ),
    { numRuns: 300 },
  );
});
