import { expect, test } from "vitest";
import { type LeaseAnswer, type LeaseEffect, LeaseKeeper, leaseNames } from "../../headend/leases.ts";
import { civil, mono } from "../../src/core/time.ts";

const SECOND = 1_000_000;
const HELD: LeaseAnswer = { kind: "held", fences: [{ resource: "site", fence: 7 }] };
const busy = (freeIn: number, holder = "B"): LeaseAnswer => ({
  ...{ kind: "busy", resource: "site", holder, until: civil(9) },
  freeIn,
});
const now = (seconds: number) => ({ mono: mono(seconds * SECOND), civil: civil(0) });
const kinds = (effects: readonly LeaseEffect[]) => effects.map(({ kind }) => kind);

/** A keeper for 15 s that asked at 0 and was answered a second later. */
function answered(answer: LeaseAnswer) {
  const keeper = new LeaseKeeper(15);
  expect(kinds(keeper.wake(now(0)))).toEqual(["take"]);
  return { keeper, effects: keeper.handle({ kind: "answered", answer }, now(1)) };
}

test("a head-end holds its scheduled work and each line", () => {
  expect(leaseNames(["bus-1", "bus-2"])).toEqual(["site", "line bus-1", "line bus-2"]);
});

test("free leases are taken, renewed at a third, and lost at their end counted from the question", () => {
  const { keeper, effects } = answered(HELD);
  expect(effects).toEqual([{ kind: "leading", fences: HELD.kind === "held" ? HELD.fences : [] }]);
  expect(keeper.nextWake().mono).toBe(5 * SECOND);
  expect(kinds(keeper.wake(now(5)))).toEqual(["take"]);
  expect(keeper.handle({ kind: "answered", answer: HELD }, now(6))).toEqual([]);
  expect(kinds(keeper.wake(now(10)))).toEqual(["take"]);
  // No answer comes: 5 + 15.
  expect(keeper.nextWake().mono).toBe(20 * SECOND);
  expect(keeper.wake(now(19.9))).toEqual([]);
  expect(kinds(keeper.wake(now(20)))).toEqual(["deposed"]);
});

test("a failed renewal is tried again soon, and the leases hold until their end", () => {
  const { keeper } = answered(HELD);
  keeper.wake(now(5));
  expect(keeper.handle({ kind: "failed", reason: "away" }, now(5))).toEqual([]);
  expect(keeper.nextWake().mono).toBe(6 * SECOND);
  keeper.wake(now(6));
  expect(keeper.handle({ kind: "answered", answer: HELD }, now(6))).toEqual([]);
});

test("another's leases are waited for, told once for each holder, and asked for right behind their end", () => {
  const { keeper, effects } = answered(busy(30 * SECOND));
  expect(effects).toEqual([{ kind: "standby", reason: "site is held by B", busy: busy(30 * SECOND) }]);
  expect(keeper.nextWake().mono).toBe(2 * SECOND);
  keeper.wake(now(2));
  expect(keeper.handle({ kind: "answered", answer: busy(SECOND / 2) }, now(2))).toEqual([]);
  expect(keeper.nextWake().mono).toBe(2.52 * SECOND);
  keeper.wake(now(2.52));
  expect(kinds(keeper.handle({ kind: "answered", answer: busy(SECOND, "C") }, now(3)))).toEqual(["standby"]);
  keeper.wake(now(4.1));
  expect(kinds(keeper.handle({ kind: "answered", answer: HELD }, now(4.1)))).toEqual(["leading"]);
});

test("one that leads and hears of another holder, or of another fence of its own, is deposed", () => {
  for (const answer of [busy(SECOND), { kind: "held", fences: [{ resource: "site", fence: 9 }] } as const]) {
    const { keeper } = answered(HELD);
    keeper.wake(now(5));
    expect(kinds(keeper.handle({ kind: "answered", answer }, now(5)))).toEqual(["deposed"]);
    expect(keeper.nextWake().mono).toBe(6 * SECOND);
  }
});

test("an answer that lay about while the process stood still is no lease", () => {
  const { keeper } = answered(HELD);
  expect(kinds(keeper.wake(now(5)))).toEqual(["take"]);
  expect(kinds(keeper.wake(now(40)))).toEqual(["deposed"]);
  expect(kinds(keeper.handle({ kind: "answered", answer: HELD }, now(40)))).toEqual(["take"]);
  expect(kinds(keeper.handle({ kind: "answered", answer: busy(SECOND) }, now(41)))).toEqual(["standby"]);
});

test("an answer that comes after the end of the leases does not make it lead on", () => {
  const { keeper } = answered(HELD);
  keeper.wake(now(5));
  expect(kinds(keeper.wake(now(15)))).toEqual(["deposed"]);
  const late = { kind: "held", fences: [{ resource: "site", fence: 9 }] } as const;
  // A new term with its own fence, in which everything begins from a fresh snapshot.
  expect(keeper.handle({ kind: "answered", answer: late }, now(16))).toEqual([
    { kind: "leading", fences: late.fences },
  ]);
});
