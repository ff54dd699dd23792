/** The `groups` of a configuration file: meters and what is read of them regularly. */
import { MICROS_PER_SECOND, SECONDS_PER_DAY } from "../src/core/time.ts";
import type { SiteConfig } from "./config.ts";
import type { ConfigProblem, ObjectReader } from "./config-reader.ts";
import type { MeterId } from "./ports.ts";
import type { CronPort } from "./schedule/cron-port.ts";
import { type GroupConfig, SCHEDULE_TASKS, type ScheduleConfig, type Timing } from "./schedule/groups.ts";

const UNITS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: SECONDS_PER_DAY };
const DURATION = /^(\d{1,6}(?:\.\d{1,3})?) ?(s|min|h|d)$/;
const LONGEST_SECONDS = 366 * SECONDS_PER_DAY;

export function readGroup(group: ObjectReader, cron: CronPort | undefined): GroupConfig | undefined {
  const name = group.text("name", "a name for the group");
  const schedules = group.objects("schedules").map((schedule) => readSchedule(schedule, cron));
  const meters = readMeters(group);
  group.close();
  if (name === undefined || meters === undefined) return undefined;
  return { name, meters, schedules: schedules.filter((schedule) => schedule !== undefined) };
}

function readMeters(group: ObjectReader): GroupConfig["meters"] | undefined {
  if (group.textIs("meters", "all")) return "all";
  const meters: MeterId[] = [];
  for (const { value } of group.list("meters")) {
    if (typeof value === "string") meters.push(value as MeterId);
    else group.problem("meters", `the ids of meters are needed, or "all"`);
  }
  if (meters.length > 0) return meters;
  group.problem("meters", 'name the meters of the group: a list of ids, or "all"');
  return undefined;
}

function readSchedule(schedule: ObjectReader, cron: CronPort | undefined): ScheduleConfig | undefined {
  const task = schedule.choice("task", SCHEDULE_TASKS);
  const timing = readTiming(schedule, cron);
  const spread = schedule.has("spread") ? readDuration(schedule, "spread", 0) : undefined;
  schedule.close();
  if (task === undefined || timing === undefined) return undefined;
  if (task === "instantaneous" && timing.kind === "cron") {
    schedule.problem("cron", 'instantaneous values come by "every"; "freeze" is a reading at a time of the day');
    return undefined;
  }
  return { task, timing, ...(spread === undefined ? {} : { spread }) };
}

function readTiming(schedule: ObjectReader, cron: CronPort | undefined): Timing | undefined {
  if (schedule.has("every") === schedule.has("cron")) {
    schedule.problem("every", 'give "every": "15min", or "cron": "30 2 * * *" with a "zone"');
    return undefined;
  }
  if (schedule.has("every")) {
    const every = readDuration(schedule, "every", 0.1);
    return every === undefined ? undefined : { kind: "every", every };
  }
  const pattern = schedule.text("cron", 'a pattern "minute hour day month weekday"');
  const zone = schedule.has("zone") ? schedule.text("zone", "a time zone such as Europe/Berlin") : "UTC";
  if (pattern === undefined || zone === undefined) return undefined;
  const problem = cron === undefined ? "calendar times are not known here" : cron.problem(pattern, zone);
  if (problem === undefined) return { kind: "cron", pattern, zone };
  schedule.problem(problem.includes("zone") ? "zone" : "cron", problem);
  return undefined;
}

/** µs. */
function readDuration(schedule: ObjectReader, name: string, least: number): number | undefined {
  const text = schedule.text(name, 'a time such as "15s", "15min", "1h" or "1d"');
  if (text === undefined) return undefined;
  const [, amount, unit] = DURATION.exec(text) ?? [];
  const seconds = Number(amount) * (UNITS[unit ?? ""] ?? Number.NaN);
  if (seconds >= least && seconds <= LONGEST_SECONDS) return Math.round(seconds * MICROS_PER_SECOND);
  schedule.problem(name, `"${text}" is not a time from ${least}s to 366d, such as "15s", "15min", "1h" or "1d"`);
  return undefined;
}

/** Whether the groups fit the meters, and each meter has at most one schedule of each task. */
export function checkGroups({ groups = [], lines, mqtt }: SiteConfig, problems: ConfigProblem[]): void {
  const known = new Set([...lines.flatMap((line) => line.meters), ...(mqtt?.meters ?? [])].map(({ id }) => id));
  const names = new Set<string>();
  /** By meter (or all) and task: the group that has it. */
  const taken = new Map<string, string>();
  for (const [i, group] of groups.entries()) {
    const place = `groups[${i}]`;
    if (names.has(group.name)) problems.push({ place: `${place}.name`, problem: `"${group.name}" is taken` });
    names.add(group.name);
    for (const meter of group.meters === "all" ? ["all"] : group.meters) {
      // Those that register themselves or are accepted over MQTT are known later.
      if (meter !== "all" && !known.has(meter as MeterId) && (mqtt?.acceptUnknown ?? false) === false)
        problems.push({ place: `${place}.meters`, problem: `there is no meter "${meter}" on a line or under mqtt` });
      for (const [j, { task }] of group.schedules.entries()) {
        const other = taken.get(`${meter} ${task}`);
        if (other !== undefined)
          problems.push({
            place: `${place}.schedules[${j}]`,
            problem: `${meter === "all" ? "all meters have" : `${meter} has`} "${task}" by group ${other} already`,
          });
        taken.set(`${meter} ${task}`, group.name);
      }
    }
  }
}
