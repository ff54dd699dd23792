import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBlock, planReads, type ReadBlock } from "../../../headend/schedule/poll-plan.ts";
import { MODELS } from "../../../protocols/models/index.ts";
import type { Encoding, ModbusMap, RegisterEntry } from "../../../protocols/models/model.ts";
import { MEASURES } from "../../../src/core/measures.ts";

const WIDTH: Record<string, number> = { uint16: 1, uint32: 2, uint64: 4 };

interface Shape {
  readonly registers: readonly { gap: number; encoding: Encoding; wanted: boolean }[];
  readonly readLimit: number;
  readonly holes: "zero" | "refuse";
}

/** Keys do not matter to the plan; addresses and widths do. */
function mapOf(shape: Shape): ModbusMap {
  let address = 0;
  const registers = shape.registers.map(({ gap, encoding }, i): RegisterEntry => {
    address += gap;
    const entry = { measure: MEASURES[i]?.key ?? "clock", table: "input", address, encoding, unit: "V" } as const;
    address += WIDTH[encoding] as number;
    return entry;
  });
  return {
    defaults: { unit: 1, baud: 9600, parity: "none", stopBits: 1 },
    wordOrder: "high-first",
    readLimit: shape.readLimit,
    holes: shape.holes,
    tables: "separate",
    registers,
  };
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  registers: fc.array(
    fc.record({
      gap: fc.constantFrom(0, 0, 0, 1, 3),
      encoding: fc.constantFrom<Encoding>("uint16", "uint32", "uint64"),
      wanted: fc.boolean(),
    }),
    { minLength: 1, maxLength: 9 },
  ),
  readLimit: fc.integer({ min: 4, max: 12 }),
  holes: fc.constantFrom("zero", "refuse"),
});

/** The fewest blocks by trying every way to cut the row of wanted registers; Infinity where a block is not allowed. */
function fewest(map: ModbusMap, wanted: readonly RegisterEntry[]): number {
  const declared = new Set(
    map.registers.flatMap((r) => Array.from({ length: WIDTH[r.encoding] as number }, (_, i) => r.address + i)),
  );
  const allowed = (from: RegisterEntry, to: RegisterEntry): boolean => {
    const end = to.address + (WIDTH[to.encoding] as number);
    if (end - from.address > map.readLimit) return false;
    if (map.holes === "zero") return true;
    for (let address = from.address; address < end; address++) if (!declared.has(address)) return false;
    return true;
  };
  let best = Number.POSITIVE_INFINITY;
  for (let cuts = 0; cuts < 2 ** Math.max(0, wanted.length - 1); cuts++) {
    const groups: RegisterEntry[][] = [];
    for (const [i, entry] of wanted.entries()) {
      if (i === 0 || (cuts >> (i - 1)) & 1) groups.push([]);
      groups.at(-1)?.push(entry);
    }
    const possible = groups.every((g) => allowed(g[0] as RegisterEntry, g.at(-1) as RegisterEntry));
    if (possible) best = Math.min(best, groups.length);
  }
  return best;
}

function covers(plan: readonly ReadBlock[], entry: RegisterEntry): number {
  return plan.filter(
    (block) =>
      entry.address >= block.address &&
      entry.address + (WIDTH[entry.encoding] as number) <= block.address + block.quantity,
  ).length;
}

describe("planReads", () => {
  test("needs no more requests than the best of all ways, and keeps limit and holes", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const map = mapOf(shape);
        const wanted = map.registers.filter((_, i) => shape.registers[i]?.wanted);
        const plan = planReads(
          map,
          wanted.map((entry) => entry.measure),
        );
        expect(plan.length).toBe(wanted.length === 0 ? 0 : fewest(map, wanted));
        for (const entry of wanted) expect(covers(plan, entry)).toBeGreaterThanOrEqual(1);
        for (const block of plan) {
          expect(block.quantity).toBeLessThanOrEqual(map.readLimit);
          expect(block.function).toBe(4);
        }
        expect(plan.flatMap((block) => block.entries.map((e) => e.entry))).toEqual(wanted);
      }),
      { numRuns: 500 },
    );
  });

  test("tables that are separate are never read together, shared ones are", () => {
    const base = mapOf({
      registers: [
        { gap: 0, encoding: "uint16", wanted: true },
        { gap: 0, encoding: "uint16", wanted: true },
      ],
      readLimit: 10,
      holes: "zero",
    });
    const [first, second] = base.registers as [RegisterEntry, RegisterEntry];
    const mixed = { ...base, registers: [first, { ...second, table: "holding" as const }] };
    expect(planReads(mixed).map((b) => [b.function, b.address, b.quantity])).toEqual([
      [3, 1, 1],
      [4, 0, 1],
    ]);
    expect(planReads({ ...mixed, tables: "shared" }).map((b) => [b.function, b.address, b.quantity])).toEqual([
      [3, 0, 2],
    ]);
  });

  test.each(MODELS.map((model) => [model.id, model] as const))("%s: every measure is read once", (_, model) => {
    const all = model.modbus.registers.map((r) => r.measure);
    const keys = (wanted?: typeof all) =>
      planReads(model.modbus, wanted).flatMap((block) => block.entries.map((e) => e.entry.measure));
    expect(keys(all).toSorted()).toEqual(all.toSorted());
    // Single harmonics only where they are asked for.
    expect(keys().toSorted()).toEqual(all.filter((key) => !/Harmonic/.test(key)).toSorted());
  });

  test("a value that is no number is no value, and offsets are bytes of the reply", () => {
    const map = mapOf({
      registers: [
        { gap: 5, encoding: "uint16", wanted: true },
        { gap: 1, encoding: "uint32", wanted: true },
      ],
      readLimit: 10,
      holes: "zero",
    });
    const second = map.registers[1] as RegisterEntry;
    const floats = {
      ...map,
      registers: [map.registers[0] as RegisterEntry, { ...second, encoding: "float32" as const }],
    };
    const [block] = planReads(floats) as [ReadBlock];
    expect([block.address, block.quantity]).toEqual([5, 4]);
    // 0x00e6 = 230; then the gap; then the quiet NaN.
    const data = Uint8Array.from([0x00, 0xe6, 0xff, 0xff, 0x7f, 0xc0, 0x00, 0x00]);
    expect(Object.values(decodeBlock(floats, block, data))).toEqual([230_000, null]);
  });
});
