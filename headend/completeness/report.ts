/** Figures of completeness for people and programs: by meter, line and day, worst first. */
import { type Civil, civil, MICROS_PER_SECOND, SECONDS_PER_DAY } from "../../src/core/time.ts";
import type { MeterId } from "../ports.ts";
import { placeOf } from "../registry/place.ts";
import { DAYS_KEPT, endOf, expected, intervalAt, lastEnded, type MeterIntervals } from "./meter-intervals.ts";
import { count, describe, type Figures, type IntervalState, type Span } from "./runs.ts";

export const GROUPINGS = ["meter", "line", "day"] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** An interval is counted so long after its end at the earliest: until then it is under way. */
export const UNDER_WAY = 300 * MICROS_PER_SECOND;
const DAY = SECONDS_PER_DAY * MICROS_PER_SECOND;

/** One meter with what is known of it. */
export interface FollowedMeter {
  readonly id: MeterId;
  /** Where it is reached, as it is registered. */
  readonly via: string;
  readonly intervals: MeterIntervals;
}

export interface FiguresRow extends Figures {
  /** Id of a meter, name of a line (`nowhere` for meters that nothing reaches any more), or a day `2026-11-29`. */
  readonly key: string;
}

const NOTHING: Figures = { expected: 0, read: 0, late: 0, missing: 0, open: 0 };

/** Days from one to another, as numbers since 1970 in UTC, both included. */
export interface Days {
  readonly from: number;
  readonly to: number;
}

/** The days of which anything is kept. */
export function keptDays(now: Civil): Days {
  const to = Math.floor(now / DAY);
  return { from: to - DAYS_KEPT, to };
}

/** The intervals of a meter that lie in some days and are over. A day has the interval that ends with it. */
export function spanOf({ intervals }: FollowedMeter, days: Days, now: Civil): Span {
  const { minutes } = intervals;
  const kept = expected(intervals, now - UNDER_WAY);
  const from = lastEnded(days.from * DAY, minutes) + 1;
  return { from: Math.max(kept.from, from), to: Math.min(kept.to, lastEnded((days.to + 1) * DAY, minutes)) };
}

/** The sums of some days; by meter and line worst first, by day in order. */
export function figuresBy(
  by: Grouping,
  meters: Iterable<FollowedMeter>,
  days: Days,
  now: Civil,
  dayName: (day: number) => string,
): { readonly total: Figures; readonly rows: readonly FiguresRow[] } {
  const rows = new Map<string, Figures>();
  let total = NOTHING;
  const put = (key: string, figures: Figures): void => {
    if (figures.expected === 0) return;
    rows.set(key, add(rows.get(key) ?? NOTHING, figures));
    total = add(total, figures);
  };
  for (const meter of meters) {
    const { runs } = meter.intervals;
    if (by !== "day") put(by === "meter" ? meter.id : lineOf(meter), count(runs, spanOf(meter, days, now)));
    else
      for (let day = days.from; day <= days.to; day++)
        put(dayName(day), count(runs, spanOf(meter, { from: day, to: day }, now)));
  }
  const listed = [...rows].map(([key, figures]) => ({ key, ...figures }));
  const order = by === "day" ? byKey : worstFirst;
  return { total, rows: listed.sort(order) };
}

function lineOf({ via }: FollowedMeter): string {
  const place = placeOf(via);
  if (place === null) return "nowhere";
  return place.kind === "mqtt" ? "mqtt" : place.line;
}

function add(a: Figures, b: Figures): Figures {
  return {
    expected: a.expected + b.expected,
    read: a.read + b.read,
    late: a.late + b.late,
    missing: a.missing + b.missing,
    open: a.open + b.open,
  };
}

function byKey(a: FiguresRow, b: FiguresRow): number {
  return a.key < b.key ? -1 : 1;
}

/** By the share that is there; of equal shares those with more gone. */
function worstFirst(a: FiguresRow, b: FiguresRow): number {
  const gone = (row: Figures) => row.missing + row.open;
  return gone(b) / b.expected - gone(a) / a.expected || gone(b) - gone(a) || byKey(a, b);
}

/** What is there of what is expected in percent, `"99.987"`; cut, so that 100.000 means all. Null where nothing is expected. */
export function percentOf({ expected: all, read, late }: Figures): string | null {
  if (all === 0) return null;
  const thousandths = Math.floor(((read + late) * 100_000) / all);
  return `${Math.floor(thousandths / 1000)}.${String(thousandths % 1000).padStart(3, "0")}`;
}

export interface TimedRun {
  /** Beginning of the first interval and end of the last. */
  readonly from: Civil;
  readonly to: Civil;
  readonly state: IntervalState | "open";
}

/** The intervals of a meter that end behind `from` and not behind `to`. */
export function timedRuns(
  meter: FollowedMeter,
  from: Civil,
  to: Civil,
  now: Civil,
): { readonly figures: Figures; readonly runs: readonly TimedRun[] } {
  const { minutes, runs } = meter.intervals;
  const kept = expected(meter.intervals, now - UNDER_WAY);
  const span = {
    from: Math.max(kept.from, intervalAt(from + 1, minutes)),
    to: Math.min(kept.to, lastEnded(to, minutes)),
  };
  const shown = describe(runs, span).map((run) => ({
    from: civil(endOf(run.from - 1, minutes)),
    to: endOf(run.to, minutes),
    state: run.state,
  }));
  return { figures: count(runs, span), runs: shown };
}
