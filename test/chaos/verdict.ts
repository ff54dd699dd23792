/** What the run has to keep, and whether it did. */
import type { JudgeFigures } from "./judge.ts";
import { EXCUSED_SECONDS, LATE_MS } from "./outages.ts";

export interface Goal {
  readonly goal: string;
  readonly reached: string;
  readonly pass: boolean;
}

/** Polled meters: two intervals may pass between rows, since a poll is due when its turn comes. */
const INTERVALS_WITHOUT = 2;

export function verdicts(
  { comparison, polled, latency, recoveries }: JudgeFigures,
  everySeconds: number,
): readonly Goal[] {
  const { acknowledged, missing, twice, different, invented } = comparison;
  const stored = acknowledged === 0 ? 0 : (100 * (acknowledged - missing)) / acknowledged;
  const longest = INTERVALS_WITHOUT * everySeconds;
  return [
    {
      goal: "acknowledged readings stored: 100.000 %",
      reached: `${stored.toFixed(3)} % of ${acknowledged}, ${missing} missing`,
      pass: acknowledged > 0 && missing === 0,
    },
    { goal: "none twice", reached: `${twice} twice, ${invented} that nobody sent`, pass: twice + invented === 0 },
    { goal: "value for value", reached: `${different} rows differ`, pass: different === 0 },
    {
      goal: `publish to commit, p99 < ${LATE_MS / 1_000} s outside outages`,
      reached: `p50 ${latency.p50} ms, p95 ${latency.p95} ms, p99 ${latency.p99} ms, most ${latency.most} ms of ${latency.readings}`,
      pass: latency.p99 < LATE_MS,
    },
    ...recoveries.map(({ process, began, ended, backlogSeconds, late }) => ({
      goal: `backlog gone < ${EXCUSED_SECONDS} s after the ${process} was back`,
      reached: `${backlogSeconds.toFixed(1)} s; away ${((ended - began) / 1_000).toFixed(1)} s, ${late} readings late`,
      pass: backlogSeconds < EXCUSED_SECONDS,
    })),
    ...(polled.meters === 0 ? [] : [polledGoal(polled, longest)]),
  ];
}

function polledGoal({ meters, rows, wrong, twice, longestGap }: JudgeFigures["polled"], longest: number): Goal {
  return {
    goal: `polled meters: each at least every ${longest} s, as served, none twice`,
    reached: `${rows} rows of ${meters}, longest gap ${longestGap.toFixed(1)} s, ${wrong} wrong, ${twice} twice`,
    pass: wrong + twice === 0 && longestGap <= longest,
  };
}
