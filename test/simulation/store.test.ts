/** The simulated store keeps the contract of the real ones, whatever faults are drawn and wherever the head-end dies. */
import { describe, expect, test } from "vitest";
import { Random } from "../../src/core/random.ts";
import { mono } from "../../src/core/time.ts";
import { SimStore, type StoreFaults } from "../../src/simulation/store.ts";
import { World } from "../../src/simulation/world.ts";
import { at, audit, order, posting, reading, storeContract } from "../contracts/store.ts";
import { VirtualStore } from "./virtual-store.ts";

const NONE: StoreFaults = { failed: 0, slowest: 1 };
/** Every third commit fails, and each takes up to half a second. */
const MANY: StoreFaults = { failed: 3_333, slowest: 500_000 };

for (const [name, faults] of [
  ["simulated", NONE],
  ["simulated, with faults", MANY],
] as const)
  storeContract(name, async () => {
    const world = new World(at(0));
    const kept = new SimStore(world, faults, new Random(7));
    let current = new VirtualStore(world, kept);
    return {
      store: current,
      async reopen() {
        await current.close();
        kept.crash();
        current = new VirtualStore(world, kept);
        return current;
      },
      dispose: () => current.close(),
    };
  });

describe("faults of the simulated store", () => {
  test("are drawn: of many commits about as many fail as asked for, and those leave nothing", () => {
    const world = new World(at(0));
    const store = new SimStore(world, MANY, new Random(7));
    const stored = new Set<number>();
    for (let i = 0; i < 300; i++)
      store.commit(i, [{ kind: "reading", reading: reading("m", i) }], (event) => {
        if (event.kind === "stored") stored.add(i);
      });
    world.run(mono(1_000_000_000));
    expect(store.failures).toBeGreaterThan(60);
    expect(store.failures).toBeLessThan(140);
    expect(stored.size).toBe(300 - store.failures);
    expect(store.readings().map(({ time }) => time)).toEqual([...stored].map(at));
  });

  test("a head-end that dies in a commit finds it whole or not at all, and what it gives again is stored once", () => {
    const found = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const world = new World(at(0));
      const store = new SimStore(world, { failed: 0, slowest: 1_000 }, new Random(seed));
      const batch = [
        { kind: "reading", reading: reading("m", 1) },
        { kind: "order", order: order(1, "m") },
        { kind: "posting", posting: posting("t1", "m") },
      ] as const;
      const heard: string[] = [];
      store.commit(1, batch, ({ kind }) => heard.push(kind));
      store.crash();
      world.run(mono(10_000));
      expect(heard).toEqual([]);
      const counts = () => [store.readings().length, store.orders().length, store.postings().length];
      const [readings = -1] = counts();
      expect(counts()).toEqual([readings, readings, readings]);
      found.add(readings);
      store.commit(2, batch, ({ kind }) => heard.push(kind));
      world.run(mono(20_000));
      expect(heard).toEqual(["stored"]);
      expect(counts()).toEqual([1, 1, 1]);
    }
    expect(found).toEqual(new Set([0, 1]));
  });

  test("a batch under way that the rules refuse is not on disk after a crash either", () => {
    for (let seed = 0; seed < 20; seed++) {
      const world = new World(at(0));
      const store = new SimStore(world, NONE, new Random(seed));
      store.apply([{ kind: "order", order: order(1, "m") }]);
      const other = { kind: "order", order: order(2, "m", { key: "key-1" }) } as const;
      store.commit(1, [{ kind: "audit", entry: audit("never") }, other], () => {});
      store.crash();
      world.run(mono(10_000));
      expect([store.audit, store.orders().map(({ id }) => id)]).toEqual([[], [1]]);
    }
  });
});
