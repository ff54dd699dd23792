/** Whether a head-end says that it can work: store, broker, lines. */
import { expect, test } from "vitest";
import { Readiness } from "../../src/cli/readiness.ts";
import { civil, mono, type Now } from "../../src/core/time.ts";
import { MemoryBus } from "../../src/platform/memory-bus.ts";

const port = () => new MemoryBus("readiness").port();

/** A store of which the test decides what it says to a commit. */
function readinessOf(commit: () => Promise<void>) {
  let at = 0;
  let commits = 0;
  const line = port();
  const broker = port();
  const store = {
    commit: (batch: readonly unknown[]) => {
      expect(batch).toEqual([]);
      commits += 1;
      return commit();
    },
  };
  const now = (): Now => ({ mono: mono(at), civil: civil(at) });
  const readiness = new Readiness({ store, lines: [line], broker, now, patienceMs: 30 });
  const pass = (seconds: number) => {
    at += seconds * 1_000_000;
  };
  return { readiness, line, broker, pass, commits: () => commits };
}

test("all is well", async () => {
  const { readiness, line, broker } = readinessOf(async () => {});
  expect(await readiness.checks()).toEqual([
    { part: "store", name: "store", ok: true, reason: null },
    { part: "broker", name: broker.id, ok: true, reason: null },
    { part: "line", name: line.id, ok: true, reason: null },
  ]);
});

test("a store that refuses, and one that does not answer", async () => {
  const refusing = readinessOf(() => Promise.reject(new Error("the disk is full")));
  expect((await refusing.readiness.checks())[0]).toMatchObject({ ok: false, reason: "the disk is full" });
  const stuck = readinessOf(() => new Promise(() => {}));
  expect((await stuck.readiness.checks())[0]).toMatchObject({ ok: false, reason: expect.stringMatching(/30 ms/) });
});

test("a store that hangs is not given one empty commit after the other", async () => {
  const { readiness, pass, commits } = readinessOf(() => new Promise(() => {}));
  for (let i = 0; i < 5; i++) {
    expect((await readiness.checks())[0]?.ok).toBe(false);
    pass(2);
  }
  expect(commits()).toBe(1);
});

test("a batch that was refused counts although an empty one comes through, until one is committed", async () => {
  const { readiness, commits } = readinessOf(async () => {});
  readiness.batch("the disk is full");
  expect((await readiness.checks())[0]).toMatchObject({ ok: false, reason: "the disk is full" });
  expect(commits()).toBe(0);
  readiness.batch(null);
  expect((await readiness.checks())[0]).toMatchObject({ ok: true, reason: null });
});

test("whoever asks often does not make the store work", async () => {
  const { readiness, pass, commits } = readinessOf(async () => {});
  await Promise.all(Array.from({ length: 50 }, () => readiness.checks()));
  expect(commits()).toBe(1);
  pass(0.9);
  await readiness.checks();
  expect(commits()).toBe(1);
  pass(0.2);
  await readiness.checks();
  expect(commits()).toBe(2);
});

test("a line or a broker that is not open is named", async () => {
  const { readiness, line, broker } = readinessOf(async () => {});
  await line.end();
  const checks = await readiness.checks();
  expect(checks.map(({ part, ok }) => [part, ok])).toEqual([
    ["store", true],
    ["broker", true],
    ["line", false],
  ]);
  expect(checks[2]).toMatchObject({ name: line.id, reason: expect.stringMatching(/not open/) });
  await broker.end();
  expect((await readiness.checks())[1]?.ok).toBe(false);
});
