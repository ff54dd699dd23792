import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CronerCron } from "../../headend/adapters/croner/cron.ts";
import { parseConfig } from "../../headend/parse-config.ts";
import { failure, success } from "../../src/core/result.ts";
import { REPOSITORY } from "../programs.ts";
import { TEST_MODEL } from "./fakes.ts";

const SECOND = 1_000_000;
const findModel = (reference: string) => (reference === "test-1p" ? success(TEST_MODEL) : failure("no such model"));

function parse(...groups: readonly object[]) {
  const meters = [{ id: "m1", model: "test-1p", unit: 1 }];
  const lines = [{ where: { tcp: "127.0.0.1:1502" }, meters }];
  return parseConfig({ lines, mqtt: { acceptUnknown: false }, groups }, findModel, new CronerCron());
}

const group = (schedule: object, more: object = {}) => ({ name: "g", meters: "all", schedules: [schedule], ...more });

function problem(...groups: readonly object[]): string {
  const parsed = parse(...groups);
  if (parsed.ok) return "";
  return parsed.error.map(({ place, problem }) => `${place}: ${problem}`).join("\n");
}

test("a group of the documentation", () => {
  const parsed = parse({
    name: "flats",
    meters: ["m1"],
    schedules: [
      { task: "instantaneous", every: "15s" },
      { task: "billing", cron: "0 0 1 * *", zone: "Europe/Berlin" },
      { task: "clock", cron: "0 3 * * *", spread: "10min" },
    ],
  });
  expect(parsed.ok && parsed.value.collector.groups).toEqual([
    {
      name: "flats",
      meters: ["m1"],
      schedules: [
        { task: "instantaneous", timing: { kind: "every", every: 15 * SECOND } },
        { task: "billing", timing: { kind: "cron", pattern: "0 0 1 * *", zone: "Europe/Berlin" } },
        { task: "clock", timing: { kind: "cron", pattern: "0 3 * * *", zone: "UTC" }, spread: 600 * SECOND },
      ],
    },
  ]);
});

test("what is done about clocks", () => {
  const clock = (value: object) => parseConfig({ lines: [], clock: value }, findModel);
  const parsed = clock({ correct: false, alarmBeyondSeconds: 60 });
  expect(parsed.ok && parsed.value.collector.clock).toEqual({
    ...{ correct: false, correctBeyond: 5 * SECOND, alarmBeyond: 60 * SECOND },
  });
  const wrong = clock({ correctBeyondSeconds: 100, alarmBeyondSeconds: 50 });
  expect(!wrong.ok && wrong.error).toEqual([
    { place: "clock.alarmBeyondSeconds", problem: "is at least correctBeyondSeconds" },
  ]);
});

test("the configurations in docs/schedules.md are good", () => {
  const page = readFileSync(join(REPOSITORY, "docs/schedules.md"), "utf8");
  const texts = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => JSON.parse(text as string));
  expect(texts).toHaveLength(2);
  for (const document of texts)
    expect(parseConfig(document, () => success(TEST_MODEL), new CronerCron()).ok).toBe(true);
});

describe("a mistake is named with its place and the fix", () => {
  const ok = { task: "freeze", cron: "0 0 * * *" };
  test.each([
    ["an unknown task", [group({ task: "daily", every: "1d" })], /groups\[0\].schedules\[0\].task: one of instant/],
    ["no time", [group({ task: "freeze" })], /schedules\[0\].every: give "every": "15min", or "cron"/],
    ["two times", [group({ ...ok, every: "1d" })], /give "every"/],
    ["a time without a unit", [group({ task: "freeze", every: "15" })], /every: "15" is not a time from 0.1s to 366d/],
    ["a pattern that is none", [group({ task: "freeze", cron: "daily" })], /cron: "daily" is no cron pattern/],
    ["a zone that is none", [group({ ...ok, zone: "Mars/Base" })], /zone: "Mars\/Base" is no time zone/],
    [
      "instantaneous values by calendar",
      [group({ task: "instantaneous", cron: "* * * * *" })],
      /cron: instantaneous values come by "every"/,
    ],
    ["no meters", [{ name: "g", schedules: [ok] }], /groups\[0\].meters: name the meters/],
    ["an unknown meter", [group(ok, { meters: ["m2"] })], /groups\[0\].meters: there is no meter "m2"/],
    ["two groups of one name", [group(ok), group({ ...ok, task: "billing" })], /groups\[1\].name: "g" is taken/],
    [
      "a task twice",
      [group(ok), group(ok, { name: "h" })],
      /groups\[1\].schedules\[0\]: all meters have "freeze" by group g/,
    ],
    ["a typing mistake", [group({ ...ok, timezone: "UTC" })], /timezone: there is no such setting here/],
  ])("%s", (_, groups, expected) => {
    expect(problem(...groups)).toMatch(expected);
  });
});
