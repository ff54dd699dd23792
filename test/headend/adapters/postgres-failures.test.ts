/** What the suite over all stores cannot ask: lost connections, a server that crashes, leases, months, other people's SQL. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { PostgresLeases } from "../../../headend/adapters/postgres/leases.ts";
import { openPostgresStore, type PostgresStore, preparePostgres } from "../../../headend/adapters/postgres/store.ts";
import type { Fence } from "../../../headend/leases.ts";
import type { StoreBatch } from "../../../headend/ports.ts";
import { civil } from "../../../src/core/time.ts";
import { audit, meterId, order, posting, reading } from "../../contracts/store.ts";
import { describeWithPeers, requirePeer } from "../../peers.ts";
import { type PostgresServer, startPostgres } from "../../postgres-server.ts";
import { REPOSITORY } from "../../programs.ts";
import { type CuttingProxy, cuttingProxy } from "./cutting-proxy.ts";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describeWithPeers("PostgreSQL in trouble", ["postgres"], () => {
  let server: PostgresServer;
  const stores: PostgresStore[] = [];
  beforeAll(async () => {
    server = await startPostgres(requirePeer("postgres"), ["fsync = off"]);
  }, 60_000);
  beforeEach(() => server.query("DROP SCHEMA IF EXISTS meterworks CASCADE"));
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });
  afterAll(() => server?.stop());

  const open = async (url = server.url, fences: readonly Fence[] = [], patienceMs = 20_000) => {
    const store = await openPostgresStore({ url, fences, patienceMs });
    stores.push(store);
    return store;
  };
  const batch = (i: number): StoreBatch => [
    { kind: "reading", reading: reading("m", i) },
    { kind: "audit", entry: audit(`entry ${i}`) },
  ];
  const storedOnce = async (count: number) => {
    const expected = Array.from({ length: count }, (_, i) => `entry ${i}`);
    const entries = await server.query("SELECT action FROM meterworks.audit ORDER BY number");
    expect(entries.map(({ action }) => action)).toEqual(expected);
    expect(await server.query("SELECT count(*)::int AS n FROM meterworks.readings")).toEqual([{ n: count }]);
    expect(await server.query("SELECT count::int AS n FROM meterworks.reading_counts")).toEqual([{ n: count }]);
  };

  test.each(["before", "after"] as const)(
    "a connection that breaks %s COMMIT doubles nothing and loses nothing",
    async (cut) => {
      const proxy: CuttingProxy = await cuttingProxy(Number(new URL(server.url).port));
      try {
        const store = await open(server.url.replace(/:\d+\//, `:${proxy.port}/`));
        await store.commit(batch(0));
        for (let i = 1; i <= 3; i++) {
          proxy.cut = cut;
          await store.commit(batch(i));
        }
        expect(proxy.cuts).toBe(3);
        await storedOnce(4);
      } finally {
        proxy.close();
      }
    },
  );

  test.each([
    ["without patience", 0],
    ["with patience", 20_000],
  ])("a server that crashes and comes back, %s: what was sent again stands there once", async (_, patienceMs) => {
    const store = await open(server.url, [], patienceMs);
    const count = 60;
    let rejections = 0;
    const sender = async () => {
      for (let i = 0; i < count; i++) {
        for (;;) {
          const reason = await store.commit(batch(i)).then(
            () => null,
            (error: Error) => error.message,
          );
          if (reason === null) break;
          expect(reason).toMatch(/nothing listens there|starting or stopping|shut down|crashed|terminat|ECONNRESET/);
          rejections += 1;
          await sleep(20);
        }
        await sleep(10);
      }
    };
    const sent = sender();
    for (let kill = 0; kill < 2; kill++) {
      await sleep(150);
      await server.kill();
      await sleep(200);
      await server.restart();
    }
    await sent;
    // Who is patient hears nothing of it.
    if (patienceMs === 0) expect(rejections).toBeGreaterThan(0);
    else expect(rejections).toBe(0);
    await storedOnce(count);
  });

  test("whoever lost the lease commits nothing more, and its successor sees all that it committed", async () => {
    await preparePostgres(server.url);
    const leasesOf = (name: string) =>
      new PostgresLeases({ url: server.url, name, seconds: 60, resources: ["site", "line bus-1"] });
    const [a, b] = [leasesOf("A"), leasesOf("B")];
    try {
      const first = await a.take();
      if (first.kind !== "held") throw new Error("free leases are held");
      const old = await open(server.url, first.fences);
      await old.commit(batch(0));
      expect(await b.take()).toMatchObject({ kind: "busy", holder: "A" });
      await server.query("UPDATE meterworks.leases SET until = now()");
      const second = await b.take();
      if (second.kind !== "held") throw new Error("leases over their time are held");
      expect(second.fences.map(({ fence }) => fence)).toEqual(first.fences.map(({ fence }) => fence + 1));
      await expect(old.commit(batch(1))).rejects.toThrow(/another head-end has taken over .*is held by B/);
      const successor = await open(server.url, second.fences);
      expect((await successor.snapshot()).latest).toEqual([reading("m", 0)]);
      await successor.commit(batch(1));
      await storedOnce(2);
      expect(await a.take()).toMatchObject({ kind: "busy", holder: "B" });
      await b.release();
      expect(await a.take()).toMatchObject({ kind: "held" });
    } finally {
      await a.close();
      await b.close();
    }
  });

  test("a lease that was renewed in time keeps its fence", async () => {
    await preparePostgres(server.url);
    const leases = new PostgresLeases({ url: server.url, name: "A", seconds: 5, resources: ["site"] });
    const first = await leases.take();
    expect(await leases.take()).toEqual(first);
    await leases.close();
  });

  test("each month has a table of its own, made when it is needed; a wild clock makes none", async () => {
    const store = await open();
    const times = ["2020-02-29T23:59:59Z", "2020-03-01T00:00:00Z", "1971-01-01T00:00:00Z", "2199-01-01T00:00:00Z"];
    const readings = times.map((time) => reading("m", 0, { time: civil(Date.parse(time) * 1_000) }));
    await store.commit(readings.map((r) => ({ kind: "reading", reading: r })));
    const rows = await server.query(
      "SELECT tableoid::regclass::text AS place, count(*)::int AS n FROM meterworks.readings GROUP BY 1 ORDER BY 1",
    );
    expect(rows).toEqual([
      { place: "readings_2020_02", n: 1 },
      { place: "readings_2020_03", n: 1 },
      { place: "readings_other", n: 2 },
    ]);
    expect((await store.query.latest(meterId("m")))?.time).toBe(readings[3]?.time);
  });

  test("what waited in the default table moves to its month's own", async () => {
    const store = await open();
    await store.commit([{ kind: "reading", reading: reading("m", 0) }]);
    const may = Date.parse("2021-05-01T00:00:00Z") * 1_000;
    await server.query(`INSERT INTO meterworks.readings (meter, time, source, quality) VALUES (1, ${may}, 1, 1)`);
    await store.commit([{ kind: "reading", reading: reading("m", 0, { time: civil(may + 1) }) }]);
    expect(await server.query("SELECT time::text FROM meterworks.readings_2021_05 ORDER BY time")).toEqual([
      { time: String(may) },
      { time: String(may + 1) },
    ]);
    expect(await server.query("SELECT FROM meterworks.readings_other")).toEqual([]);
  });

  test("the page's statements for TimescaleDB make a table of another kind, which is left as it is", async () => {
    const before = await open();
    await before.commit(batch(0));
    await before.close();
    const page = readFileSync(join(REPOSITORY, "docs/postgres.md"), "utf8");
    const block = /```sql\n-- timescale\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    const ours = block.split("\n").filter((line) => !/CREATE EXTENSION|create_hypertable/.test(line));
    expect(ours.length).toBe(block.split("\n").length - 2);
    await server.query(ours.join("\n"));
    const store = await open();
    await store.commit(batch(1));
    // The same again: the key came along.
    await store.commit([{ kind: "reading", reading: reading("m", 0) }]);
    await storedOnce(2);
    expect(await server.query("SELECT relkind FROM pg_class WHERE oid = 'meterworks.readings'::regclass")).toEqual([
      { relkind: "r" },
    ]);
  });

  test("the page's floor under the order numbers holds", async () => {
    const store = await open();
    await store.commit([{ kind: "order", order: order(7, "m") }]);
    const page = readFileSync(join(REPOSITORY, "docs/postgres.md"), "utf8");
    await server.query(/```sql\n(INSERT INTO meterworks\.order_floor[\s\S]*?)```/.exec(page)?.[1] ?? "");
    expect((await store.snapshot()).lastOrder).toBe(1_000_007);
  });

  test("audit and postings are append-only, for a person at psql too", async () => {
    const store = await open();
    await store.commit([...batch(0), { kind: "posting", posting: posting("t1", "m") }]);
    for (const change of [
      "UPDATE meterworks.audit SET actor = 'x'",
      "DELETE FROM meterworks.postings",
      "TRUNCATE meterworks.audit",
    ])
      await expect(server.query(change)).rejects.toThrow(/is append-only/);
  });

  test("tables of a newer version and servers that are none are refused with a sentence", async () => {
    await preparePostgres(server.url);
    await server.query("UPDATE meterworks.schema_version SET version = 999");
    await expect(open()).rejects.toThrow(/127\.0\.0\.1:\d+\/postgres: a newer meterworks made its tables \(schema 999/);
    const secret = randomUUID();
    const nowhere = open(`postgres://u:${secret}@127.0.0.1:1/x`);
    await expect(nowhere).rejects.toThrow(/127\.0\.0\.1:1\/x: nothing listens there/);
    await expect(nowhere).rejects.not.toThrow(secret);
    await expect(open(server.url.replace(/postgres$/, "nosuch"))).rejects.toThrow(/make it with createdb/);
  });

  test("two that start at once make the tables once", async () => {
    await Promise.all([preparePostgres(server.url), preparePostgres(server.url), preparePostgres(server.url)]);
    const store = await open();
    await store.commit([{ kind: "order", order: order(1, "m") }]);
    expect((await store.snapshot()).lastOrder).toBe(1);
  });
});
