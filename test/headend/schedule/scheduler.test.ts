import { describe, expect, test } from "vitest";
import { CronerCron } from "../../../headend/adapters/croner/cron.ts";
import type { GroupConfig, ScheduleConfig } from "../../../headend/schedule/groups.ts";
import { type Due, Scheduler } from "../../../headend/schedule/scheduler.ts";
import { type Civil, civil, parseIso, toIso } from "../../../src/core/time.ts";
import { meterId } from "../fakes.ts";

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;

function at(text: string): Civil {
  const parsed = parseIso(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

const daily = (pattern = "30 2 * * *", zone = "Europe/Berlin"): ScheduleConfig => ({
  task: "freeze",
  timing: { kind: "cron", pattern, zone },
});
const group = (...schedules: ScheduleConfig[]): GroupConfig => ({ name: "g", meters: "all", schedules });

/** Runs a scheduler from one wake to the next. */
function runFrom(scheduler: Scheduler, until: Civil, each: (due: Due, now: Civil) => void): void {
  for (let wake = scheduler.nextWake(); wake <= until; wake = scheduler.nextWake())
    for (const due of scheduler.due(civil(wake))) each(due, civil(wake));
}

const all = () => true;

describe("a daily read at 02:30 in Berlin", () => {
  test.each([
    ["2026-03-28T00:00:00Z", ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]],
    ["2026-10-24T00:00:00Z", ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]],
  ])("comes once a day when the clocks change, from %s", (from, expected) => {
    const scheduler = new Scheduler([group({ ...daily(), spread: 0 })], [meterId("a")], new CronerCron());
    scheduler.add(meterId("a"), at(from), all, () => undefined);
    const seen: string[] = [];
    runFrom(scheduler, civil(at(from) + 3 * DAY), ({ slot }, now) => {
      expect(slot).toBe(now);
      seen.push(toIso(slot));
    });
    expect(seen).toEqual(expected);
  });
});

describe("1,000 meters with the same time", () => {
  const meters = Array.from({ length: 1_000 }, (_, i) => meterId(`flat-${i}`));

  function starts(config: ScheduleConfig, known: readonly string[]): number[] {
    const scheduler = new Scheduler([group(config)], known.map(meterId), new CronerCron());
    const from = at("2026-11-24T16:00:00Z");
    for (const meter of meters) scheduler.add(meter, from, all, () => undefined);
    const bySecond = new Map<number, number>();
    runFrom(scheduler, civil(from + DAY), (_, now) => {
      const second = Math.floor(now / SECOND);
      bySecond.set(second, (bySecond.get(second) ?? 0) + 1);
    });
    return [...bySecond.values()];
  }

  test("start over five minutes, at most 4 in a second", () => {
    const counts = starts(daily(), meters);
    expect(counts.reduce((a, b) => a + b)).toBe(1_000);
    expect(Math.max(...counts)).toBeLessThanOrEqual(4);
  });

  test("also where nobody knew them before, a little less even", () => {
    expect(Math.max(...starts(daily(), []))).toBeLessThanOrEqual(14);
  });

  test("start over a tenth of a shorter period", () => {
    const every = { task: "clock", timing: { kind: "every", every: 600 * SECOND } } as const;
    expect(Math.max(...starts(every, meters))).toBeLessThanOrEqual(17);
  });

  test("have the same turn after a restart", () => {
    const turns = () => {
      const scheduler = new Scheduler([group(daily())], [...meters].reverse(), new CronerCron());
      for (const meter of meters) scheduler.add(meter, at("2026-11-24T16:00:00Z"), all, () => undefined);
      const seen = new Map<string, number>();
      runFrom(scheduler, at("2026-11-25T16:00:00Z"), ({ meter }, now) => seen.set(meter, now));
      return seen;
    };
    expect(turns()).toEqual(turns());
    expect(new Set(turns().values()).size).toBe(1_000);
  });
});

describe("what was missed", () => {
  const a = meterId("a");
  const monthly: ScheduleConfig = { ...daily("0 0 1 * *"), task: "billing" };

  function first(schedule: ScheduleConfig, last: string | undefined, now: string): readonly [string, string] {
    const scheduler = new Scheduler([group(schedule)], [a], new CronerCron());
    scheduler.add(a, at(now), all, () => (last === undefined ? undefined : at(last)));
    const wake = civil(scheduler.nextWake());
    return [toIso(wake), toIso((scheduler.due(wake)[0] as Due).slot)];
  }

  test("is made up for once, for the newest time", () => {
    expect(first(monthly, "2026-06-30T22:00:00Z", "2026-11-24T16:00:00Z")).toEqual([
      "2026-11-24T16:00:00Z",
      "2026-10-31T23:00:00Z",
    ]);
  });

  test("is nothing when it was done, or when nobody asked for it then", () => {
    const next = ["2026-11-30T23:00:00Z", "2026-11-30T23:00:00Z"];
    expect(first(monthly, "2026-10-31T23:00:00Z", "2026-11-24T16:00:00Z")).toEqual(next);
    expect(first(monthly, undefined, "2026-11-24T16:00:00Z")).toEqual(next);
  });

  test("is left out for what tells how things are now", () => {
    const poll: ScheduleConfig = { task: "instantaneous", timing: { kind: "every", every: 60 * SECOND } };
    expect(first(poll, "2026-11-24T00:00:00Z", "2026-11-24T16:00:30Z")).toEqual([
      "2026-11-24T16:01:00Z",
      "2026-11-24T16:01:00Z",
    ]);
  });

  test("goes on while the head-end runs: tried again until it is done or the next time comes", () => {
    const scheduler = new Scheduler([group(daily())], [a], new CronerCron());
    scheduler.add(a, at("2026-11-24T16:00:00Z"), all, () => undefined);
    const tries: string[] = [];
    runFrom(scheduler, at("2026-11-25T06:00:00Z"), (due, now) => {
      tries.push(toIso(now));
      if (tries.length < 4) scheduler.failed(due, now);
    });
    expect(tries).toEqual(["01:30", "01:31", "01:33", "01:37"].map((time) => `2026-11-25T${time}:00Z`));
  });

  test("an attempt for an older time than the newest is no more", () => {
    const scheduler = new Scheduler([group(daily("0 * * * *", "UTC"))], [a], new CronerCron());
    scheduler.add(a, at("2026-11-24T16:30:00Z"), all, () => undefined);
    const [old] = scheduler.due(at("2026-11-24T17:00:00Z"));
    const [next] = scheduler.due(at("2026-11-24T18:00:00Z"));
    scheduler.failed(old as Due, at("2026-11-24T18:00:01Z"));
    expect(scheduler.due(at("2026-11-24T18:30:00Z"))).toEqual([]);
    scheduler.failed(next as Due, at("2026-11-24T18:30:00Z"));
    expect(scheduler.due(at("2026-11-24T18:31:00Z"))).toEqual([next]);
  });
});

test("a group that names a meter goes before one for all, task by task", () => {
  const poll = (every: number): ScheduleConfig => ({
    task: "instantaneous",
    timing: { kind: "every", every: every * SECOND },
  });
  const groups: GroupConfig[] = [
    { name: "all", meters: "all", schedules: [poll(60), daily()] },
    { name: "shop", meters: [meterId("shop")], schedules: [poll(15)] },
  ];
  const scheduler = new Scheduler(groups, [], new CronerCron());
  scheduler.add(meterId("shop"), at("2026-11-24T16:00:00Z"), all, () => undefined);
  const seen: string[] = [];
  runFrom(scheduler, at("2026-11-24T16:01:00Z"), ({ task }) => seen.push(task));
  expect(seen).toEqual(["instantaneous", "instantaneous", "instantaneous", "instantaneous"].slice(0, seen.length));
  expect(seen.length).toBeGreaterThanOrEqual(3);
});
