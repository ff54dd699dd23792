/** Finds what an identifier stands for, and what a block (FF in DI1 or DI0) is made of. */
import { byteOf, type Identifier, withByte } from "./identifier.ts";
import { type Behind, CLASSES, type Item, itemSize } from "./item.ts";
import { TABLE } from "./table.ts";

interface Entry {
  readonly item: Item;
  /** From DI3 to DI0. */
  readonly ranges: readonly (readonly [number, number])[];
}

function entryOf(item: Item): Entry {
  const ranges = [0, 2, 4, 6].map((at) => {
    const byte = item.pattern.slice(at, at + 2);
    const exact = Number.parseInt(byte, 16);
    return CLASSES[byte] ?? ([exact, exact] as const);
  });
  return { item, ranges };
}

/** By DI3, so that a look-up runs over one group only. */
const GROUPS = new Map<number, Entry[]>();
for (const item of TABLE) {
  const entry = entryOf(item);
  const group = Number.parseInt(item.pattern.slice(0, 2), 16);
  const known = GROUPS.get(group);
  if (known === undefined) GROUPS.set(group, [entry]);
  else known.push(entry);
}

/** The item of one identifier; undefined for a block and for what the table does not have. */
export function findItem(id: Identifier): Item | undefined {
  const entry = GROUPS.get(byteOf(id, 3))?.find(({ ranges }) =>
    ranges.every(([low, high], i) => {
      const byte = byteOf(id, 3 - i);
      return byte >= low && byte <= high;
    }),
  );
  return entry?.item;
}

/** What a meter has behind one identifier: tariffs and settlements of an energy are not the measure itself. */
export function behindOf(item: Item, id: Identifier): Behind {
  const settled = item.pattern.slice(6, 8) === "SS" && byteOf(id, 0) !== 0;
  const tariffs = item.pattern.slice(4, 6) === "TT";
  if (item.behind.kind !== "measure" || !(settled || (tariffs && byteOf(id, 1) !== 0))) return item.behind;
  return tariffs ? { kind: "function", function: "energy" } : { kind: "absent", what: "settlements of phases" };
}

export interface Block {
  /** In the order in which they come. */
  readonly members: readonly Identifier[];
  /** Tariffs or settlements: a meter gives as many as it has. Otherwise a missing member is filled with FF. */
  readonly open: boolean;
}

/** The members of a block, which have all the same length; undefined where `id` is none. */
export function blockOf(id: Identifier): Block | undefined {
  const index = byteOf(id, 0) === 0xff ? 0 : 1;
  if (byteOf(id, index) !== 0xff || findItem(id) !== undefined) return undefined;
  const members: Identifier[] = [];
  let first: Item | undefined;
  for (let byte = 0; byte < 0xff; byte++) {
    const member = withByte(id, index, byte);
    const item = findItem(member);
    if (item === undefined) continue;
    first ??= item;
    if (itemSize(item) !== itemSize(first)) return undefined;
    members.push(member);
  }
  if (first === undefined) return undefined;
  const at = 6 - 2 * index;
  const varying = first.pattern.slice(at, at + 2);
  // Records are read one by one: a block of all that could ever be there makes no sense.
  if (varying === "NN" || varying === "XX") return undefined;
  return { members, open: varying === "TT" || varying === "SS" || varying === "RR" };
}
