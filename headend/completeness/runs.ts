/**
 * What is known of a meter's intervals, as runs of equal state: a meter that is read every time is one run, so ten thousand
 * meters over weeks are small enough to be kept in memory and to be stored with every change. Intervals go by number; those
 * in no run are open.
 */

/** `missing`: the meter was asked and has none, or what it has cannot be right. */
export const INTERVAL_STATES = ["read", "late", "missing"] as const;
export type IntervalState = (typeof INTERVAL_STATES)[number];

/** From one interval to another, both included. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Run extends Span {
  readonly state: IntervalState;
}

/** Ascending, without overlap; neighbours of one state are one run. */
export type Runs = readonly Run[];

export function stateOf(runs: Runs, interval: number): IntervalState | undefined {
  // What is asked for is nearly always the newest.
  for (let i = runs.length - 1; i >= 0; i--) {
    const run = runs[i] as Run;
    if (interval > run.to) return undefined;
    if (interval >= run.from) return run.state;
  }
  return undefined;
}

/** The runs with one interval set. What was read stays as it was; a missing one may still turn up. */
export function mark(runs: Runs, interval: number, state: IntervalState): Runs {
  const before = stateOf(runs, interval);
  if (before === state || before === "read" || before === "late") return runs;
  const marked: Run[] = [];
  const put = (run: Run): void => {
    // Of a run that was cut one side may be empty.
    if (run.from > run.to) return;
    const last = marked.at(-1);
    if (last?.state === run.state && last.to + 1 === run.from) marked[marked.length - 1] = { ...last, to: run.to };
    else marked.push(run);
  };
  let placed = false;
  const place = (): void => {
    if (!placed) put({ from: interval, to: interval, state });
    placed = true;
  };
  for (const run of runs) {
    if (run.to < interval) {
      put(run);
      continue;
    }
    put({ ...run, to: Math.min(run.to, interval - 1) });
    place();
    put({ ...run, from: Math.max(run.from, interval + 1) });
  }
  place();
  return marked;
}

/** Forgets what lies before an interval. */
export function trim(runs: Runs, from: number): Runs {
  if ((runs[0]?.from ?? from) >= from) return runs;
  return runs.filter((run) => run.to >= from).map((run) => (run.from < from ? { ...run, from } : run));
}

/** Forgets what lies behind an interval. */
export function cutBehind(runs: Runs, to: number): Runs {
  if ((runs.at(-1)?.to ?? to) <= to) return runs;
  return runs.filter((run) => run.from <= to).map((run) => (run.to > to ? { ...run, to } : run));
}

/** The first open intervals of a span, at most `most`; undefined where all are known. */
export function firstHole(runs: Runs, { from, to }: Span, most: number): Span | undefined {
  let open = from;
  for (const run of runs) {
    if (run.from > open) break;
    open = Math.max(open, run.to + 1);
  }
  if (open > to) return undefined;
  const next = runs.find((run) => run.from > open);
  return { from: open, to: Math.min(to, open + most - 1, (next?.from ?? Number.POSITIVE_INFINITY) - 1) };
}

export interface Figures {
  readonly expected: number;
  readonly read: number;
  readonly late: number;
  readonly missing: number;
  /** Not read yet; it may still be. */
  readonly open: number;
}

export function count(runs: Runs, { from, to }: Span): Figures {
  const figures = { read: 0, late: 0, missing: 0 };
  for (const run of runs) {
    const length = Math.min(run.to, to) - Math.max(run.from, from) + 1;
    if (length > 0) figures[run.state] += length;
  }
  const expected = Math.max(0, to - from + 1);
  return { expected, ...figures, open: expected - figures.read - figures.late - figures.missing };
}

/** All of a span as runs, the open ones too. */
export function describe(runs: Runs, { from, to }: Span): readonly (Span & { state: IntervalState | "open" })[] {
  const described: (Span & { state: IntervalState | "open" })[] = [];
  let next = from;
  for (const run of runs) {
    const [first, last] = [Math.max(run.from, from), Math.min(run.to, to)];
    if (first > last) continue;
    if (first > next) described.push({ from: next, to: first - 1, state: "open" });
    described.push({ from: first, to: last, state: run.state });
    next = last + 1;
  }
  if (next <= to) described.push({ from: next, to, state: "open" });
  return described;
}
