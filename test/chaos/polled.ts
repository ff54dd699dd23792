/** The polled meters' rows against what their registers held: read from the store with SQLite alone. */
import type BetterSqlite3 from "better-sqlite3";
import type { Outage } from "./outages.ts";

export interface Served {
  /** ms since 1970. */
  readonly at: number;
  /** mWh. */
  readonly energy: number;
}

export interface PolledFigures {
  readonly meters: number;
  readonly rows: number;
  /** Rows whose +A stood in the registers at no poll near that time. */
  readonly wrong: number;
  /** Rows of one meter closer together than half the interval. */
  readonly twice: number;
  /** Seconds, outages taken out: the longest that any meter was without a row. */
  readonly longestGap: number;
}

/** Between a row's time and the moment at which the meter wrote down what it served. */
const NEAR_MS = 5_000;

export function comparePolled(
  db: BetterSqlite3.Database,
  served: ReadonlyMap<string, readonly Served[]>,
  run: { readonly began: number; readonly ended: number; readonly everySeconds: number },
  outages: readonly Outage[],
): PolledFigures {
  const figures = { meters: served.size, rows: 0, wrong: 0, twice: 0, longestGap: 0 };
  const rows = rowsByMeter(db);
  for (const [meter, replies] of served) {
    let before: number | undefined;
    for (const { at, energy } of rows.get(meter) ?? []) {
      figures.rows += 1;
      if (!replies.some((reply) => reply.energy === energy && Math.abs(reply.at - at) <= NEAR_MS)) figures.wrong += 1;
      if (before !== undefined && at - before < run.everySeconds * 500 && !meets(outages, before, at))
        figures.twice += 1;
      figures.longestGap = Math.max(figures.longestGap, gap(before ?? run.began, at, outages));
      before = at;
    }
    figures.longestGap = Math.max(figures.longestGap, gap(before ?? run.began, run.ended, outages));
  }
  return figures;
}

/** The store's code of what was polled; what it filled a gap with from a load profile has another. */
const POLLED = 1;

/** In order of time. */
function rowsByMeter(db: BetterSqlite3.Database): ReadonlyMap<string, readonly Served[]> {
  const rows = db
    .prepare(
      `SELECT m.id, r.time / 1000, r.activeEnergyImport FROM readings r JOIN meters m ON m.number = r.meter
       WHERE r.source = ${POLLED} ORDER BY r.time`,
    )
    .raw();
  const found = new Map<string, Served[]>();
  for (const [meter, at, energy] of rows.iterate() as IterableIterator<[string, number, number]>) {
    const own = found.get(meter);
    if (own === undefined) found.set(meter, [{ at, energy }]);
    else own.push({ at, energy });
  }
  return found;
}

function meets(outages: readonly Outage[], from: number, to: number): boolean {
  return outages.some(({ began, ended }) => began < to && ended > from);
}

/** A head-end that was killed begins its polls anew, so what is left of an interval that an outage cut is no gap. */
function gap(from: number, to: number, outages: readonly Outage[]): number {
  let start = from;
  for (const { process, ended } of outages) if (process === "head-end" && ended > start && ended < to) start = ended;
  return (to - start) / 1_000;
}
