/**
 * Which requests read a meter: neighbouring registers are merged into as few as the model allows.
 * Both the number of requests and, on a serial line, their silences cost more than the registers read in vain.
 */
import { type ModbusMap, type RegisterEntry, registerCount } from "../../protocols/models/model.ts";
import { decodeValue } from "../../protocols/models/registers.ts";
import { type MeasureKey, type MeasureValues, USUAL_MEASURES } from "../../src/core/measures.ts";
import { assert } from "../../src/core/result.ts";

export interface ReadBlock {
  readonly function: 3 | 4;
  readonly address: number;
  readonly quantity: number;
  /** What is wanted from the reply, with its byte offset in the data. */
  readonly entries: readonly { readonly entry: RegisterEntry; readonly offset: number }[];
}

function endOf(entry: RegisterEntry): number {
  return entry.address + registerCount(entry.encoding);
}

/** Where the declared registers that follow each other without a gap end, by their start addresses. */
function gaplessEnds(entries: readonly RegisterEntry[]): ReadonlyMap<number, number> {
  const ends = new Map<number, number>();
  for (const entry of [...entries].reverse()) ends.set(entry.address, ends.get(endOf(entry)) ?? endOf(entry));
  return ends;
}

function planTable(map: ModbusMap, declared: readonly RegisterEntry[], wanted: ReadonlySet<MeasureKey>) {
  const ordered = [...declared].sort((a, b) => a.address - b.address);
  const gapless = gaplessEnds(ordered);
  const blocks: RegisterEntry[][] = [];
  let current: RegisterEntry[] = [];
  // Taking as much as fits from the left is optimal: no block that covers the first wanted value reaches further.
  let furthest = Number.NEGATIVE_INFINITY;
  for (const entry of ordered) {
    if (!wanted.has(entry.measure)) continue;
    if (endOf(entry) > furthest) {
      current = [];
      blocks.push(current);
      const within = map.holes === "zero" ? Number.POSITIVE_INFINITY : (gapless.get(entry.address) as number);
      furthest = Math.min(entry.address + map.readLimit, within);
      assert(endOf(entry) <= furthest, `a read may not split ${entry.measure}`);
    }
    current.push(entry);
  }
  return blocks;
}

/**
 * The fewest reads that give all wanted measures (default: every one of the map but the details). A value is never split; where the model
 * refuses holes, a block crosses declared registers only.
 */
export function planReads(map: ModbusMap, wanted?: readonly MeasureKey[]): readonly ReadBlock[] {
  const keys = new Set(wanted ?? USUAL_MEASURES.map((m) => m.key));
  const shared = map.tables === "shared";
  const plan: ReadBlock[] = [];
  for (const table of shared ? (["holding"] as const) : (["holding", "input"] as const)) {
    const declared = shared ? map.registers : map.registers.filter((entry) => entry.table === table);
    for (const entries of planTable(map, declared, keys)) {
      const address = (entries[0] as RegisterEntry).address;
      plan.push({
        function: table === "holding" ? 3 : 4,
        address,
        quantity: endOf(entries.at(-1) as RegisterEntry) - address,
        entries: entries.map((entry) => ({ entry, offset: 2 * (entry.address - address) })),
      });
    }
  }
  return plan;
}

/** The values of one reply. What is no number (NaN, infinity) is "no value" here: a reading never carries a made-up 0. */
export function decodeBlock(map: ModbusMap, block: ReadBlock, data: Uint8Array): MeasureValues {
  assert(data.length === 2 * block.quantity, "the client checks the length of a reply");
  const values: MeasureValues = {};
  for (const { entry, offset } of block.entries)
    values[entry.measure] = decodeValue(entry, map.wordOrder, data, offset) ?? null;
  return values;
}
