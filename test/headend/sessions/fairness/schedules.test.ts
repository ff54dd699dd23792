/** Schedules of every kind on a full line with dead and noisy meters: what they cost the polls of the healthy ones. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { GroupConfig } from "../../../../headend/schedule/groups.ts";
import { eventsMaker, TASK_MAKERS } from "../../../../headend/schedule/makers.ts";
import { Scheduler } from "../../../../headend/schedule/scheduler.ts";
import type { WorkKind } from "../../../../headend/sessions/work-kinds.ts";
import { REPOSITORY } from "../../../programs.ts";
import { meterId } from "../../fakes.ts";
import { type MeterKind, PacedLine, SECOND } from "./paced-line.ts";

const UNITS = 32;
const KINDS = Array.from({ length: UNITS }, (_, i): MeterKind => {
  if (i % 4 === 1) return "dead";
  return i % 8 === 2 ? "noisy" : "healthy";
});

const every = (minutes: number) => ({ kind: "every", every: minutes * 60 * SECOND }) as const;
/** More often than anybody reads for bills, so that an hour shows it. */
const GROUPS: readonly GroupConfig[] = [
  {
    name: "all",
    meters: "all",
    schedules: [
      { task: "billing", timing: every(20) },
      { task: "freeze", timing: every(10) },
      { task: "clock", timing: every(5) },
      { task: "events", timing: every(10) },
    ],
  },
];

describe("an hour of 32 native meters at 9600 bit/s, each polled every 30 s and read for all else", () => {
  const line = new PacedLine({
    ...{ kinds: KINDS, model: "meterworks-3p", pollEvery: 30 * SECOND },
    ...{ noise: 2_000, background: 20, lateAfter: 5 * SECOND, seed: 1 },
  });
  const meters = KINDS.map((_, i) => meterId(`m${i + 1}`));
  const scheduler = new Scheduler(GROUPS, meters, undefined);
  for (const meter of meters)
    scheduler.add(
      meter,
      line.world.now().civil,
      () => true,
      () => undefined,
    );
  for (let second = 0; second < 3_600; second++) {
    for (const due of scheduler.due(line.world.now().civil)) {
      if (due.task === "instantaneous") continue;
      const make = due.task === "events" ? eventsMaker(undefined) : TASK_MAKERS[due.task];
      if (make !== undefined) line.task(Number(due.meter.slice(1)), due.task, make);
    }
    line.run(SECOND);
  }

  test("every healthy meter gets 95 percent of its polls", () => {
    expect(line.worst("healthy")).toBeGreaterThanOrEqual(0.95);
    expect(line.figures("dead").share).toBeLessThan(1 / 8);
  });

  test("docs/schedules.md has the figures", () => {
    const page = readFileSync(join(REPOSITORY, "docs/schedules.md"), "utf8");
    const { scheduled, done } = line.figures("healthy");
    const worst = `${(100 * line.worst("healthy")).toFixed(1)} %`;
    const others = (["billing", "freeze", "clock"] as const).map(
      (purpose) =>
        line.others.filter((other) => other.purpose === purpose && KINDS[other.unit - 1] === "healthy").length,
    );
    expect(page).toContain(`| ${[scheduled, done, worst, ...others].join(" | ")} |`);
  });

  test("and every read of the other kinds", () => {
    const counted = (purpose: WorkKind, unit: number) =>
      line.others.filter((other) => other.purpose === purpose && other.unit === unit).length;
    for (const [i, kind] of KINDS.entries()) {
      if (kind !== "healthy") continue;
      expect(counted("billing", i + 1)).toBeGreaterThanOrEqual(2);
      expect(counted("freeze", i + 1)).toBeGreaterThanOrEqual(5);
      expect(counted("clock", i + 1)).toBeGreaterThanOrEqual(11);
    }
  });
});
