/**
 * A running head-end as a scraper and a supervisor see it, over its real HTTP server: counts against the rows of the store,
 * readiness against what is done to meter, broker's peers and store.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import mqtt from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Family, parseExposition, seriesValue } from "../headend/exposition.ts";
import { freePort, type Program, startCli, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
const store = join(directory.path, "site.db");
let meter: Program | undefined;
let headend: Program | undefined;
let url = "";
let broker = "";

beforeAll(async () => {
  const port = await freePort();
  meter = await startCli(["meter", "--tcp", `127.0.0.1:${port}`, "--model", "meterworks-1p"]);
  const line = {
    name: "cellar",
    where: { tcp: `127.0.0.1:${port}` },
    ...{ pollSeconds: 0.2, timeoutSeconds: 0.3 },
    meters: [
      { id: "flat-7", model: "meterworks-1p", unit: 1 },
      { id: "gone", model: "meterworks-1p", unit: 9 },
    ],
  };
  const config = { lines: [line], mqtt: { meters: [{ id: "flat-8", model: "meterworks-1p" }] } };
  writeFileSync(join(directory.path, "site.json"), JSON.stringify(config));
  headend = await startCli(
    [
      ...["headend", "--config", join(directory.path, "site.json"), "--store", `sqlite:${store}`],
      ...["--broker-listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
    ],
    { env: { METERWORKS_LOG: "silent" } },
  );
  url = /http:\S+(?=,)/.exec(headend.ready)?.[0] ?? "";
  broker = /mqtt (\S+)/.exec(headend.ready)?.[1] ?? "";
});

afterAll(async () => {
  await headend?.stop();
  await meter?.stop();
  directory.remove();
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function scrape(): Promise<Map<string, Family>> {
  const answer = await fetch(`${url}/metrics`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return parseExposition(await answer.text());
}

async function ready(): Promise<{ status: number; bad: string[] }> {
  const answer = await fetch(`${url}/ready`);
  const body = (await answer.json()) as { ready: boolean; checks: { part: string; ok: boolean }[] };
  expect(body.ready).toBe(answer.status === 200);
  return { status: answer.status, bad: body.checks.filter(({ ok }) => !ok).map(({ part }) => part) };
}

async function readyIs(status: number, ...bad: string[]): Promise<void> {
  let last = await ready();
  for (let i = 0; i < 60 && (last.status !== status || last.bad.join() !== bad.join()); i++) {
    await sleep(100);
    last = await ready();
  }
  expect(last).toEqual({ status, bad });
}

function storedReadings(): number {
  const db = new BetterSqlite3(store, { readonly: true });
  const count = db.prepare("SELECT count(*) FROM readings").pluck().get() as number;
  db.close();
  return count;
}

test("polls, answers and timeouts of a line, and as many readings as the store has rows", async () => {
  await readyIs(200);
  let found = await scrape();
  const requests = (outcome: string) =>
    seriesValue(found, "meterworks_line_requests_total", { line: "cellar", outcome });
  for (let i = 0; i < 100 && (requests("timeout") < 3 || requests("answer") < 20); i++) {
    await sleep(100);
    found = await scrape();
  }
  expect(requests("timeout")).toBeGreaterThanOrEqual(3);
  expect(requests("answer")).toBeGreaterThanOrEqual(20);
  expect(seriesValue(found, "meterworks_line_reply_seconds_count", { line: "cellar" })).toBe(requests("answer"));
  const lost = seriesValue(found, "meterworks_line_request_seconds_total", { line: "cellar", outcome: "timeout" });
  expect(lost / requests("timeout")).toBeGreaterThan(0.29);
  expect(seriesValue(found, "meterworks_line_polls_total", { line: "cellar", result: "failed" })).toBeGreaterThan(0);
  // Readings go on between the two looks: the store is looked at in the middle.
  const counted = (found: Map<string, Family>) =>
    seriesValue(found, "meterworks_readings_total", { source: "modbus", quality: "good" });
  const before = counted(await scrape());
  const stored = storedReadings();
  const after = counted(await scrape());
  expect(before).toBeGreaterThan(3);
  expect(stored).toBeGreaterThanOrEqual(before);
  expect(stored).toBeLessThanOrEqual(after + 1);
  expect(seriesValue(found, "meterworks_store_commits_total", { result: "good" })).toBeGreaterThan(3);
  expect(seriesValue(found, "meterworks_store_commits_total", { result: "failed" })).toBe(0);
});

test("messages: taken, the same once more, and one that is none", async () => {
  const client = await mqtt.connectAsync(`mqtt://${broker}`, { clientId: "flat-8" });
  const message = JSON.stringify({
    ...{ version: 1, meter: "flat-8", model: "meterworks-1p", sequence: 1, time: "2026-01-01T00:00:00Z" },
    values: { "1-0:1.8.0": "1.000" },
  });
  for (const payload of [message, message, "{"])
    await client.publishAsync("meters/flat-8/telemetry", payload, { qos: 1 });
  await client.endAsync();
  const found = await scrape();
  const messages = (outcome: string) => seriesValue(found, "meterworks_mqtt_messages_total", { outcome });
  expect([messages("taken"), messages("duplicate"), messages("refused")]).toEqual([1, 1, 1]);
  expect(seriesValue(found, "meterworks_mqtt_up")).toBe(1);
});

test("a store that another program holds: not ready, and ready again when it lets go", async () => {
  const other = new BetterSqlite3(store);
  other.exec("BEGIN IMMEDIATE");
  await readyIs(503, "store");
  expect((await fetch(`${url}/health`)).status).toBe(200);
  other.exec("ROLLBACK");
  other.close();
  await readyIs(200);
});

test("a line that is lost: not ready, alive all the same, and the line's gauge says which", async () => {
  await meter?.stop("SIGKILL");
  await readyIs(503, "line");
  expect(seriesValue(await scrape(), "meterworks_line_up", { line: "cellar" })).toBe(0);
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: "ok" });
});
