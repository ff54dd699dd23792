/** Runs against a plain list of states, one for each interval. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { INTERVALS_CODEC } from "../../../headend/completeness/meter-intervals.ts";
import {
  count,
  describe as describeRuns,
  firstHole,
  INTERVAL_STATES,
  type IntervalState,
  mark,
  type Runs,
  stateOf,
  trim,
} from "../../../headend/completeness/runs.ts";

const SIZE = 40;
type Step = readonly [interval: number, state: IntervalState];
const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: SIZE - 1 }), fc.constantFrom(...INTERVAL_STATES)), {
  maxLength: 80,
  size: "max",
});

function both(all: readonly Step[]): { readonly runs: Runs; readonly plain: readonly (IntervalState | undefined)[] } {
  let runs: Runs = [];
  const plain: (IntervalState | undefined)[] = Array(SIZE).fill(undefined);
  for (const [interval, state] of all) {
    runs = mark(runs, interval, state);
    if (plain[interval] === undefined || plain[interval] === "missing") plain[interval] = state;
  }
  return { runs, plain };
}

describe("whatever is marked in whatever order", () => {
  test("the runs say what a list says, and are as few as can be", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { runs, plain } = both(all);
        expect(plain.map((_, i) => stateOf(runs, i))).toEqual(plain);
        for (const [i, run] of runs.entries()) {
          const before = runs[i - 1];
          expect(run.from).toBeLessThanOrEqual(run.to);
          if (before !== undefined && before.to + 1 === run.from) expect(before.state).not.toBe(run.state);
          if (before !== undefined) expect(before.to).toBeLessThan(run.from);
        }
      }),
    );
  });

  test("counts, holes and descriptions of any span are those of the list", () => {
    const span = fc.tuple(fc.integer({ min: 0, max: SIZE - 1 }), fc.integer({ min: 0, max: SIZE - 1 }));
    fc.assert(
      fc.property(steps, span, fc.integer({ min: 1, max: 7 }), (all, [a, b], most) => {
        const { runs, plain } = both(all);
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const part = plain.slice(from, to + 1);
        const of = (state: IntervalState | undefined) => part.filter((s) => s === state).length;
        expect(count(runs, { from, to })).toEqual({
          ...{ expected: part.length, read: of("read"), late: of("late"), missing: of("missing"), open: of(undefined) },
        });
        const open = part.indexOf(undefined);
        const hole = firstHole(runs, { from, to }, most);
        expect(hole?.from).toBe(open < 0 ? undefined : from + open);
        if (hole !== undefined) {
          const next = plain.findIndex((s, i) => i > hole.from && s !== undefined);
          const end = Math.min(to, hole.from + most - 1, next < 0 ? SIZE : next - 1);
          expect(hole.to).toBe(end);
        }
        const spelt = describeRuns(runs, { from, to }).flatMap((run) =>
          Array.from({ length: run.to - run.from + 1 }, () => (run.state === "open" ? undefined : run.state)),
        );
        expect(spelt).toEqual(part);
      }),
    );
  });

  test("what is kept comes back, and what is cut off is gone", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: SIZE }), (all, from) => {
        const { runs, plain } = both(all);
        const state = { minutes: 15, first: 0, until: null, runs, anchor: [1, null, 0, 3] };
        expect(INTERVALS_CODEC.decode(INTERVALS_CODEC.encode(state))).toEqual(state);
        const rest = trim(runs, from);
        expect(plain.map((_, i) => stateOf(rest, i))).toEqual(plain.map((s, i) => (i < from ? undefined : s)));
      }),
    );
  });
});

test("an interval between two neighbours of its state joins them, one beside another's leaves it", () => {
  const marked = both([
    [4, "late"],
    [6, "late"],
    [9, "missing"],
    [8, "late"],
    [5, "late"],
    [9, "late"],
  ]);
  expect(marked.runs).toEqual([
    { from: 4, to: 6, state: "late" },
    { from: 8, to: 9, state: "late" },
  ]);
});

test("five weeks of five minutes with a change at each fit a document", () => {
  let runs: Runs = [];
  for (let i = 0; i < 35 * 288; i += 2) runs = mark(runs, i, i % 4 === 0 ? "late" : "missing");
  const text = INTERVALS_CODEC.encode({
    minutes: 5,
    first: 0,
    until: null,
    runs,
    anchor: Array(4).fill(Number.MAX_SAFE_INTEGER),
  });
  expect(text.length).toBeLessThan(65_536);
});
