import { describe, expect, test } from "vitest";
import { Books } from "../../headend/books.ts";
import { Committer, type Work } from "../../headend/committer.ts";
import { DEFAULT_LIMITS } from "../../headend/config.ts";
import type { CollectorEffect } from "../../headend/ports.ts";
import { civil, mono, type Now } from "../../src/core/time.ts";
import { FakeStore, meterId } from "./fakes.ts";

const at = (micros: number): Now => ({ mono: mono(micros), civil: civil(micros) });
const SECOND = 1_000_000;

/** Work that stores one meter and logs its name afterwards. */
function work(name: string, lasting = false): Work {
  const record = { id: meterId(name), model: "m", ratio: 1, via: "test" };
  const log = (event: string): CollectorEffect => ({ kind: "log", level: "info", event });
  return {
    apply(draft) {
      draft.records.push({ kind: "meter", meter: record });
      draft.after.push(log(`${name} stored`));
    },
    ...(lasting ? {} : { abandoned: () => [log(`${name} abandoned`)] }),
  };
}

function setup(limits = {}) {
  const books = new Books(new FakeStore().snapshot());
  return { books, committer: new Committer(books, { ...DEFAULT_LIMITS, ...limits }) };
}

const names = (effects: readonly CollectorEffect[]) =>
  effects.flatMap((e) =>
    e.kind === "store"
      ? [e.batch.map((r) => (r.kind === "meter" ? r.meter.id : r.kind)).join("+")]
      : e.kind === "log"
        ? [e.event]
        : [],
  );

describe("group commit", () => {
  test("what comes while a batch is under way is the next one; effects leave after their own batch", () => {
    const { committer } = setup();
    committer.add(work("a"));
    expect(names(committer.pump(at(0)))).toEqual(["a"]);
    committer.add(work("b"));
    committer.add(work("c"));
    expect(names(committer.pump(at(1)))).toEqual([]);
    expect(names(committer.stored(1))).toEqual(["a stored"]);
    expect(names(committer.pump(at(2)))).toEqual(["b+c"]);
    expect(names(committer.stored(2))).toEqual(["b stored", "c stored"]);
  });

  test("a batch is no larger than allowed", () => {
    const { committer } = setup({ batch: 2 });
    for (const name of ["a", "b", "c"]) committer.add(work(name));
    expect(names(committer.pump(at(0)))).toEqual(["a+b"]);
  });

  test("answers for a batch that is not under way mean nothing", () => {
    const { committer } = setup();
    expect(committer.stored(1)).toEqual([]);
    committer.add(work("a"));
    committer.pump(at(0));
    expect(committer.stored(7)).toEqual([]);
    expect(committer.failed(7, "x", at(0))).toEqual([]);
    expect(names(committer.stored(1))).toEqual(["a stored"]);
    expect(committer.stored(1)).toEqual([]);
  });
});

describe("a store that refuses", () => {
  test("the books go back, and the work is applied again in order", () => {
    const { books, committer } = setup();
    const id = meterId("x");
    const put: Work = {
      apply(draft) {
        const known = books.meters.get(id);
        const meter = { id, model: "m", ratio: (known?.ratio ?? 0) + 1, via: "test" };
        books.meters.set(id, meter);
        draft.records.push({ kind: "meter", meter });
      },
    };
    committer.add(put);
    committer.add(put);
    committer.pump(at(0));
    committer.failed(1, "no", at(0));
    expect(books.meters.get(id)).toBeUndefined();
    expect(committer.nextWake()).toBe(200_000);
    expect(committer.pump(at(199_999))).toEqual([]);
    for (const [batch, ratio] of [
      [2, 1],
      [3, 2],
    ] as const) {
      committer.pump(at(200_000));
      committer.stored(batch);
      expect(books.meters.get(id)?.ratio).toBe(ratio);
    }
  });

  test("a piece that fails alone three times is given up, those around it are stored", () => {
    const { committer } = setup();
    for (const name of ["a", "b", "bad", "d"]) committer.add(work(name));
    const told: string[] = [];
    let now = 0;
    for (let i = 0; i < 100 && !told.includes("d stored"); i++) {
      now += 10 * SECOND;
      const store = committer.pump(at(now)).find((e) => e.kind === "store");
      if (store?.kind !== "store") continue;
      const refused = names([store])[0]?.includes("bad");
      told.push(...names(refused ? committer.failed(store.id, "constraint", at(now)) : committer.stored(store.id)));
    }
    expect(told.filter((t) => t !== "store-failed")).toEqual(["a stored", "b stored", "bad abandoned", "d stored"]);
  });

  test("what may not be given up goes behind the rest and is tried for ever", () => {
    const { committer } = setup();
    committer.add(work("start", true));
    committer.add(work("b"));
    const told: string[] = [];
    let now = 0;
    for (let i = 0; i < 200 && !told.includes("start stored"); i++) {
      now += 10 * SECOND;
      const store = committer.pump(at(now)).find((e) => e.kind === "store");
      if (store?.kind !== "store") continue;
      const refused = names([store])[0]?.includes("start") && i < 40;
      told.push(...names(refused ? committer.failed(store.id, "no", at(now)) : committer.stored(store.id)));
    }
    expect(told.filter((t) => t !== "store-failed")).toEqual(["b stored", "start stored"]);
  });

  test("the pause between tries doubles up to five seconds and is gone after a success", () => {
    const { committer } = setup();
    committer.add(work("a", true));
    const pauses: number[] = [];
    let now = 0;
    for (let id = 1; id <= 7; id++) {
      committer.pump(at(now));
      committer.failed(id, "no", at(now));
      pauses.push((committer.nextWake() - now) / 1000);
      now = committer.nextWake();
    }
    expect(pauses).toEqual([200, 400, 800, 1600, 3200, 5000, 5000]);
    committer.pump(at(now));
    committer.stored(8);
    committer.add(work("b"));
    committer.pump(at(now));
    committer.failed(9, "no", at(now));
    expect(committer.nextWake() - now).toBe(200_000);
  });
});

test("full and overfull follow the limit", () => {
  const { committer } = setup({ queuedWork: 2 });
  const seen: [boolean, boolean][] = [];
  for (let i = 0; i < 5; i++) {
    seen.push([committer.full, committer.overfull]);
    committer.add(work(`${i}`));
  }
  expect(seen).toEqual([
    [false, false],
    [false, false],
    [true, false],
    [true, false],
    [true, true],
  ]);
});
