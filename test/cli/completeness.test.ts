/** The page's example, made by a running head-end over a store that holds what the page says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSqliteStore } from "../../headend/adapters/sqlite/store.ts";
import { INTERVALS_CODEC, INTERVALS_COLLECTION } from "../../headend/completeness/meter-intervals.ts";
import type { IntervalState, Run } from "../../headend/completeness/runs.ts";
import { meterId } from "../contracts/store.ts";
import { type Program, REPOSITORY, runCli, startCli, temporaryDirectory } from "../programs.ts";

const WORKER = new URL(`file://${REPOSITORY}/dist/headend/adapters/sqlite/worker.js`);
const directory = temporaryDirectory();
const database = join(directory.path, "site.db");
let headend: Program | undefined;
let flags: readonly string[] = [];

/** The last whole day that is over, as noon of the day before it: the store must hold what is past for a real clock. */
const DAY = 86_400_000;
const NOON = Math.floor(Date.now() / DAY) * DAY - 1.5 * DAY;
const dayName = (offset: number) => new Date(NOON + offset * DAY).toISOString().slice(0, 10);

function intervals(...lengths: readonly (readonly [IntervalState | "open", number])[]): string {
  const first = NOON / 900_000 + 1;
  const runs: Run[] = [];
  let next = first;
  for (const [state, length] of lengths) {
    if (state !== "open") runs.push({ from: next, to: next + length - 1, state });
    next += length;
  }
  return INTERVALS_CODEC.encode({ minutes: 15, first, until: null, runs, anchor: [null, null, null, null] });
}

beforeAll(async () => {
  const store = await openSqliteStore({ file: database, worker: WORKER });
  const texts = {
    a: intervals(["read", 112]),
    b: intervals(["read", 40], ["late", 8], ["missing", 4], ["open", 12], ["read", 48]),
    c: intervals(["read", 100]),
  };
  await store.commit(
    Object.entries(texts).flatMap(([key, text]) => [
      { kind: "meter", meter: { id: meterId(key), model: "x", ratio: 1, via: "mqtt" } },
      { kind: "document", document: { collection: INTERVALS_COLLECTION, key, live: true, text } },
    ]),
  );
  await store.close();
  headend = await startCli(
    ["headend", "--store", `sqlite:${database}`, "--broker-listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
    {
      env: { METERWORKS_LOG: "silent" },
    },
  );
  const url = /http:\S+(?=,)/.exec(headend.ready)?.[0] ?? "";
  flags = ["--api", url, "--token-file", `${database}.token`];
});

afterAll(async () => {
  await headend?.stop();
  directory.remove();
});

const show = async (...more: string[]) => {
  const { code, stdout, stderr } = await runCli(["completeness", ...flags, ...more]);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
};
const page = readFileSync(new URL("../../docs/completeness.md", import.meta.url), "utf8");

test("the first day as a table is that of the sums", async () => {
  const text = await show("--day", dayName(0));
  const [head, columns, ...rows] = text.trimEnd().split("\n");
  expect(head).toBe(`${dayName(0)}, 144 of 144 intervals are there (100.000 %)`);
  expect(columns).toBe("meter  expected  read  late  missing  open        %");
  expect(rows).toEqual([
    "a            48    48     0        0     0  100.000",
    "b            48    40     8        0     0  100.000",
    "c            48    48     0        0     0  100.000",
    "total       144   136     8        0     0  100.000",
  ]);
});

test("the picture is the page's", async () => {
  const shown = (await show("--meter", "b")).split("\n");
  const example = page.split("\n");
  const first = example.findIndex((line) => line.startsWith("2026-11-27  "));
  const blocks = (line: string | undefined) => line?.slice("2026-11-27".length);
  expect(blocks(shown[0])).toBe(blocks(example[first]));
  expect(shown[0]?.slice(0, 10)).toBe(dayName(0));
  // What is over since is open.
  expect(blocks(shown[1])?.startsWith(blocks(example[first + 1]) as string)).toBe(true);
  expect(shown).toContain(example[first + 2]);
});

test("as JSON, the API's answer", async () => {
  const answer = JSON.parse(await show("--by", "line", "--day", dayName(0), "--json"));
  expect(answer).toMatchObject({ by: "line", rows: [{ key: "mqtt", expected: 144, percent: "100.000" }] });
});

test("a meter that does not exist is one line of error", async () => {
  const { code, stdout, stderr } = await runCli(["completeness", ...flags, "--meter", "nobody"]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/there is no meter "nobody"/);
});

test.each([
  [["--by", "week"], /--by "week" is unknown; one of: meter, line, day/],
  [["--day", "today"], /--day "today" is no day; write it as 2026-11-28/],
  [["--meter", "m", "--day", "2026-11-28"], /--meter is a picture of all days; leave out --day/],
  [["--limit", "0"], /--limit "0" is not a whole number from 1 to 500/],
])("%j is wrong usage", async (args, reason) => {
  const { code, stdout, stderr } = await runCli(["completeness", ...args]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(reason);
});
