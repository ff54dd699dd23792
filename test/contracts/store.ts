/**
 * What every store must do, whatever it is made of: one suite, run over each adapter and over the simulated store.
 * Expected values are written out by hand here, never taken from the store's own mapping.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type MeterReading,
  type Order,
  type Posting,
  RECENT_PER_METER,
  type Store,
  type StoreRecord,
} from "../../headend/ports.ts";
import { minor } from "../../src/core/money.ts";
import { type Civil, civil } from "../../src/core/time.ts";
import { account, at, audit, meterId, order, orderNumber, posting, reading } from "./records.ts";
import { documentContract } from "./store-documents.ts";
import { pagingContract } from "./store-paging.ts";
import { profileContract } from "./store-profile.ts";

export interface StoreHarness {
  readonly store: Store;
  /** The same data after a clean stop and a new start. */
  reopen(): Promise<Store>;
  dispose(): Promise<void>;
}

export { account, at, audit, meterId, order, orderNumber, posting, reading } from "./records.ts";

const EVER = civil(Number.MAX_SAFE_INTEGER);
const START = civil(0);

const readings = (...all: MeterReading[]): StoreRecord[] => all.map((r) => ({ kind: "reading", reading: r }));
const orders = (...all: Order[]): StoreRecord[] => all.map((o) => ({ kind: "order", order: o }));
const postings = (...all: Posting[]): StoreRecord[] => all.map((p) => ({ kind: "posting", posting: p }));

export function storeContract(name: string, make: () => Promise<StoreHarness>): void {
  describe(`store contract: ${name}`, () => {
    let harness: StoreHarness;
    let store: Store;
    beforeEach(async () => {
      harness = await make();
      store = harness.store;
    });
    afterEach(() => harness.dispose());
    const stored = (meter: string) => store.query.readings(meterId(meter), START, EVER, 1_000_000);

    test("an empty store answers with nothing", async () => {
      const none = meterId("none");
      expect(await store.query.meters()).toEqual([]);
      expect(await store.query.meter(none)).toBeUndefined();
      expect(await stored("none")).toEqual([]);
      expect(await store.query.latest(none)).toBeUndefined();
      expect(await store.query.order(orderNumber(1))).toBeUndefined();
      expect(await store.query.orders(none, 10)).toEqual([]);
      expect(await store.query.account(none)).toBeUndefined();
      expect(await store.query.accounts()).toEqual([]);
      expect(await store.query.postings(none, 10)).toEqual([]);
      expect(await store.query.audit(10)).toEqual([]);
      expect(await store.query.counts()).toEqual({ modbus: 0, mqtt: 0, profile: 0 });
      expect(await store.snapshot()).toEqual({
        meters: [],
        accounts: [],
        openOrders: [],
        lastOrder: 0,
        latest: [],
        latestGood: [],
        recentOrders: [],
        recentTopups: [],
        documents: [],
      });
    });

    test("an empty batch is committed like any other", async () => {
      await expect(store.commit([])).resolves.toBeUndefined();
    });

    test("every field of a reading comes back, null apart from absent", async () => {
      const full = reading("m", 0, {
        source: "mqtt",
        sequence: 4_294_967_296,
        quality: "clock-doubt",
        values: {
          activePower: -2_760_000,
          frequency: null,
          activeEnergyImport: Number.MAX_SAFE_INTEGER,
          relayState: 0,
        },
      });
      await store.commit(readings(full));
      expect(await stored("m")).toEqual([full]);
      expect(await store.query.latest(meterId("m"))).toEqual(full);
    });

    test.each(["good", "estimated", "late", "clock-doubt", "invalid", "missing"] as const)(
      "a reading of quality %s keeps it",
      async (quality) => {
        await store.commit(readings(reading("m", 0, { quality, values: {} })));
        expect(await stored("m")).toEqual([reading("m", 0, { quality, values: {} })]);
      },
    );

    test("readings are ordered by time, from is included, to is not, and the limit holds", async () => {
      await store.commit(readings(reading("m", 3), reading("m", 1), reading("m", 2), reading("other", 2)));
      const times = async (from: Civil, to: Civil, limit: number) =>
        (await store.query.readings(meterId("m"), from, to, limit)).map((r) => r.time);
      expect(await times(START, EVER, 10)).toEqual([at(1), at(2), at(3)]);
      expect(await times(at(1), at(3), 10)).toEqual([at(1), at(2)]);
      expect(await times(civil(at(1) + 1), civil(at(3) + 1), 10)).toEqual([at(2), at(3)]);
      expect(await times(START, EVER, 2)).toEqual([at(1), at(2)]);
    });

    test("a reading delivered again changes and counts nothing", async () => {
      const first = reading("m", 0, { source: "mqtt", sequence: 7 });
      await store.commit(readings(first));
      await store.commit(readings(first, reading("m", 0, { values: { voltageL1: 1 } }), reading("m", 1)));
      expect(await stored("m")).toEqual([first, reading("m", 1)]);
      expect(await store.query.counts()).toEqual({ modbus: 1, mqtt: 1, profile: 0 });
    });

    test("a reading may come before its meter is registered", async () => {
      await store.commit(readings(reading("early", 0)));
      expect(await store.query.meters()).toEqual([]);
      expect(await store.query.meter(meterId("early"))).toBeUndefined();
      const meter = { id: meterId("early"), model: "meterworks-1p", ratio: 1, via: "mqtt" };
      await store.commit([{ kind: "meter", meter }]);
      expect(await store.query.meters()).toEqual([meter]);
      expect(await stored("early")).toHaveLength(1);
    });

    test("meters are listed by id, and a registration replaces the former one", async () => {
      const b = { id: meterId("b"), model: "eastron-sdm630", ratio: 40.5, via: "line bus-1 unit 3" };
      const a = { id: meterId("a"), model: "eastron-sdm120", ratio: 1, via: "line bus-1 unit 4" };
      await store.commit([
        { kind: "meter", meter: b },
        { kind: "meter", meter: { ...a, via: "line bus-2 unit 4" } },
        { kind: "meter", meter: a },
      ]);
      expect(await store.query.meters()).toEqual([a, b]);
      expect(await store.query.meter(meterId("b"))).toEqual(b);
    });

    test("an order is kept by id through its states", async () => {
      const asked = order(9_007_199_254_740_991, "m", { operation: "clock-set", argument: 4_102_444_800 });
      await store.commit(orders(asked));
      expect(await store.query.order(asked.id)).toEqual(asked);
      const done = { ...asked, state: "done" as const, outcome: "done" as const, finishedAt: at(5) };
      await store.commit(orders({ ...asked, state: "sent" }, done));
      expect(await store.query.order(asked.id)).toEqual(done);
      const opened = order(3, "m", { state: "done", outcome: "done", relayReadBack: 0, finishedAt: at(2) });
      await store.commit(orders(opened));
      expect(await store.query.orders(meterId("m"), 10)).toEqual([done, opened]);
      expect(await store.query.orders(meterId("m"), 1)).toEqual([done]);
    });

    test("a key names one order, and an order never becomes another", async () => {
      await store.commit(orders(order(1, "m")));
      await expect(store.commit(orders(order(2, "m", { key: "key-1" })))).rejects.toThrow(/key-1/);
      await expect(store.commit(orders(order(1, "m", { key: "new" })))).rejects.toThrow(/order 1/);
      await expect(store.commit(orders(order(1, "n")))).rejects.toThrow(/order 1/);
      await expect(store.commit(orders(order(1, "m", { operation: "relay-close" })))).rejects.toThrow(/order 1/);
      expect(await store.query.order(orderNumber(1))).toEqual(order(1, "m"));
      expect(await store.query.order(orderNumber(2))).toBeUndefined();
    });

    test("postings: the same again is ignored, the same key with other content is refused", async () => {
      const first = posting("t1", "m");
      await store.commit(postings(first, first));
      await store.commit(postings(first));
      for (const change of [
        { amount: minor(1001n) },
        { meter: meterId("n") },
        { kind: "charge" as const },
        { energyTo: 1 },
        { at: at(1) },
      ])
        await expect(store.commit(postings({ ...first, ...change }))).rejects.toThrow(/t1/);
      expect(await store.query.postings(meterId("m"), 10)).toEqual([first]);
    });

    test("postings come newest first, by meter", async () => {
      const charge = posting("c1", "m", { kind: "charge", amount: minor(3n), energyTo: 1_000_000 });
      await store.commit(postings(posting("t1", "m"), charge, posting("t2", "other")));
      expect(await store.query.postings(meterId("m"), 10)).toEqual([charge, posting("t1", "m")]);
      expect(await store.query.postings(meterId("m"), 1)).toEqual([charge]);
    });

    test("a posting of nothing or less is refused", async () => {
      await expect(store.commit(postings(posting("zero", "m", { amount: minor(0n) })))).rejects.toThrow();
      await expect(store.commit(postings(posting("less", "m", { amount: minor(-1n) })))).rejects.toThrow();
      expect(await store.query.postings(meterId("m"), 10)).toEqual([]);
    });

    test("money is exact to 63 bits and refused beyond", async () => {
      const largest = minor(2n ** 63n - 1n);
      const rich = account("m", { toppedUp: largest, charged: minor(2n ** 53n + 1n), cutAt: minor(-(2n ** 60n) - 1n) });
      await store.commit([{ kind: "account", account: rich }, ...postings(posting("t1", "m", { amount: largest }))]);
      expect(await store.query.account(meterId("m"))).toEqual(rich);
      expect(await store.query.postings(meterId("m"), 1)).toEqual([posting("t1", "m", { amount: largest })]);
      const beyond = account("m", { toppedUp: minor(2n ** 63n) });
      await expect(store.commit([{ kind: "account", account: beyond }])).rejects.toThrow(/64 bits/);
      expect(await store.query.account(meterId("m"))).toEqual(rich);
    });

    test("an account replaces its former state", async () => {
      const later = account("m", { charged: minor(40n), energyFrom: 5, energyTo: 9_000_000_000_000 });
      await store.commit([
        { kind: "account", account: account("m") },
        { kind: "account", account: later },
        { kind: "account", account: account("a", { currency: "JPY" }) },
      ]);
      expect(await store.query.account(meterId("m"))).toEqual(later);
      expect(await store.query.accounts()).toEqual([account("a", { currency: "JPY" }), later]);
    });

    test("the audit keeps every entry, newest first", async () => {
      const entries = [
        audit("started"),
        audit("order.queued", { meter: meterId("m"), order: orderNumber(7), detail: "relay-open: ü" }),
        audit("started"),
      ];
      for (const entry of entries) await store.commit([{ kind: "audit", entry }]);
      expect(await store.query.audit(10)).toMatchObject([...entries].reverse());
      expect(await store.query.audit(1)).toMatchObject([{ ...entries[2] }]);
    });

    test("a batch is committed whole or not at all", async () => {
      await store.commit(orders(order(1, "m")));
      const bad: StoreRecord[] = [
        ...readings(reading("fresh", 0)),
        { kind: "audit", entry: audit("never") },
        { kind: "account", account: account("fresh") },
        ...orders(order(2, "m", { key: "key-1" })),
      ];
      await expect(store.commit(bad)).rejects.toThrow();
      expect(await stored("fresh")).toEqual([]);
      expect(await store.query.audit(10)).toEqual([]);
      expect(await store.query.accounts()).toEqual([]);
      expect(await store.query.counts()).toEqual({ modbus: 0, mqtt: 0, profile: 0 });
      await store.commit(readings(reading("fresh", 0)));
      expect(await stored("fresh")).toEqual([reading("fresh", 0)]);
    });

    test("of many batches at once a bad one fails alone, and the order of the calls is kept", async () => {
      const calls = Array.from({ length: 60 }, (_, i) =>
        i === 30
          ? store.commit([...readings(reading("bad", 0)), ...postings(posting("x", "m", { amount: minor(-5n) }))])
          : store.commit([...readings(reading("m", i)), { kind: "audit", entry: audit(`entry ${i}`) }]),
      );
      const outcomes = (await Promise.allSettled(calls)).map((o) => o.status);
      expect(outcomes.filter((o) => o === "rejected")).toHaveLength(1);
      expect(outcomes[30]).toBe("rejected");
      expect(await stored("m")).toHaveLength(59);
      expect(await stored("bad")).toEqual([]);
      const expected = Array.from({ length: 60 }, (_, i) => `entry ${i}`).filter((_, i) => i !== 30);
      expect((await store.query.audit(100)).map((e) => e.action).reverse()).toEqual(expected);
    });

    test("a commit that has resolved is seen by the next query", async () => {
      for (let i = 0; i < 20; i++) {
        await store.commit(readings(reading("m", i)));
        expect((await store.query.latest(meterId("m")))?.time).toBe(at(i));
      }
    });

    test("the snapshot holds what a new collector needs, also after a restart", async () => {
      const meter = { id: meterId("m"), model: "meterworks-3p", ratio: 1, via: "mqtt" };
      const open = [
        order(11, "m"),
        order(12, "m", { state: "sent" }),
        order(13, "n", { state: "acknowledged", outcome: "done" }),
      ];
      const ended = [
        order(21, "m", { state: "done", outcome: "done", relayReadBack: 0, finishedAt: at(1) }),
        order(22, "m", { state: "failed", finishedAt: at(1) }),
        order(23, "n", { state: "expired", finishedAt: at(1) }),
        order(24, "n", { state: "refused", outcome: "locked", finishedAt: at(1) }),
      ];
      const invalid = reading("m", 9, { quality: "invalid" });
      await store.commit([
        { kind: "meter", meter },
        { kind: "account", account: account("m") },
        ...orders(...open, ...ended),
        ...readings(reading("m", 5), invalid, reading("m", 1), reading("n", 2, { quality: "late" })),
        ...postings(posting("t1", "m"), posting("c1", "m", { kind: "charge", energyTo: 8 }), posting("t2", "n")),
      ]);
      const expected = {
        meters: [meter],
        accounts: [account("m")],
        openOrders: open,
        lastOrder: 24,
        latest: [invalid, reading("n", 2, { quality: "late" })],
        latestGood: [reading("m", 5)],
        recentOrders: ended,
        recentTopups: [posting("t1", "m"), posting("t2", "n")],
        documents: [],
      };
      expect(await store.snapshot()).toEqual(expected);
      const again = await harness.reopen();
      expect(await again.snapshot()).toEqual(expected);
      expect(await again.query.counts()).toEqual({ modbus: 4, mqtt: 0, profile: 0 });
    });

    test("the snapshot's recent orders and top-ups are the newest of each meter, and bounded", async () => {
      const count = RECENT_PER_METER + 5;
      const all = Array.from({ length: count }, (_, i) => i + 1);
      const done = { state: "done", outcome: "done", finishedAt: at(1) } as const;
      await store.commit([
        ...orders(...all.map((i) => order(i, "m", done)), order(count + 1, "n", done)),
        ...postings(...all.map((i) => posting(`t${i}`, "m")), posting("n1", "n")),
      ]);
      const { recentOrders, recentTopups } = await store.snapshot();
      expect(recentOrders.map((o) => o.id)).toEqual([...all.slice(5), count + 1]);
      expect(recentTopups.map((p) => p.key)).toEqual([...all.slice(5).map((i) => `t${i}`), "n1"]);
    });

    documentContract(() => harness);
    profileContract(() => harness);
    pagingContract(() => store);

    test("close waits for commits under way, and is harmless when repeated", async () => {
      const commits = Array.from({ length: 30 }, (_, i) => store.commit(readings(reading("m", i))));
      await Promise.all([store.close(), ...commits]);
      await store.close();
      await expect(store.commit(readings(reading("m", 99)))).rejects.toThrow(/closed/);
      await expect(store.query.latest(meterId("m"))).rejects.toThrow(/closed/);
      store = await harness.reopen();
      expect(await stored("m")).toHaveLength(30);
    });
  });
}
