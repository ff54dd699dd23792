/** What is counted, and that the text is what a scraper reads: held by a parser of the test's own. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Metrics } from "../../../headend/adapters/prometheus/metrics.ts";
import { linkId } from "../../../src/core/actor.ts";
import { meterId, order, reading } from "../../contracts/store.ts";
import { REPOSITORY } from "../../programs.ts";
import { parseExposition, seriesValue } from "../exposition.ts";

const LINE = linkId("line-1");

function metricsOf(change: { lines?: { id: string; open: boolean }[]; broker?: { open: boolean } } = {}) {
  const lines = change.lines ?? [{ id: LINE, open: true }];
  const openOrders = [order(1, "a"), order(2, "a", { state: "sent" })];
  return new Metrics({
    figures: () => ({ backlog: 7, openOrders }),
    lines,
    broker: change.broker,
    shares: () => ({ answered: 0.5, failed: 0.125 }),
  });
}
const read = async (metrics: Metrics) => parseExposition(await metrics.text());

test("what has not happened yet is 0, not absent", async () => {
  const found = await read(metricsOf());
  expect(seriesValue(found, "meterworks_line_requests_total", { line: LINE, outcome: "bad-reply" })).toBe(0);
  expect(seriesValue(found, "meterworks_line_reply_seconds_count", { line: LINE })).toBe(0);
  expect(seriesValue(found, "meterworks_mqtt_messages_total", { outcome: "duplicate" })).toBe(0);
  expect(seriesValue(found, "meterworks_store_commits_total", { result: "failed" })).toBe(0);
  expect(seriesValue(found, "meterworks_orders_total", { state: "expired" })).toBe(0);
});

test("requests by line and outcome; only what came back is in the histogram of replies", async () => {
  const metrics = metricsOf();
  const request = (outcome: "answer" | "exception" | "timeout", took: number) =>
    metrics.observe({ kind: "request", line: LINE, meter: meterId("a"), outcome, took });
  request("answer", 30_000);
  request("answer", 150_000);
  request("exception", 4_000);
  request("timeout", 1_000_000);
  metrics.observe({ kind: "poll", line: LINE, ok: true });
  metrics.observe({ kind: "poll", line: LINE, ok: false });
  const found = await read(metrics);
  const requests = (outcome: string) => seriesValue(found, "meterworks_line_requests_total", { line: LINE, outcome });
  expect([requests("answer"), requests("exception"), requests("timeout"), requests("link-down")]).toEqual([2, 1, 1, 0]);
  const bucket = (le: string) => seriesValue(found, "meterworks_line_reply_seconds_bucket", { line: LINE, le });
  expect([bucket("0.005"), bucket("0.02"), bucket("0.05"), bucket("0.2"), bucket("+Inf")]).toEqual([1, 1, 2, 3, 3]);
  expect(seriesValue(found, "meterworks_line_reply_seconds_sum", { line: LINE })).toBeCloseTo(0.184, 9);
  const busy = (outcome: string) =>
    seriesValue(found, "meterworks_line_request_seconds_total", { line: LINE, outcome });
  expect([busy("answer"), busy("timeout")]).toEqual([expect.closeTo(0.18, 9), 1]);
  const polls = (result: string) => seriesValue(found, "meterworks_line_polls_total", { line: LINE, result });
  expect([polls("good"), polls("failed")]).toEqual([1, 1]);
});

test("a time that lies before its request does not throw into the collector", async () => {
  const metrics = metricsOf();
  metrics.observe({ kind: "request", line: LINE, meter: meterId("a"), outcome: "answer", took: -5 });
  const labels = { line: LINE, outcome: "answer" };
  expect(seriesValue(await read(metrics), "meterworks_line_request_seconds_total", labels)).toBe(0);
});

test("commits, readings, orders and messages", async () => {
  const metrics = metricsOf();
  metrics.committed([{ kind: "reading", reading: reading("a", 0) }], 3_000);
  metrics.commitFailed();
  metrics.notice({ kind: "reading", reading: reading("a", 0, { quality: "invalid", source: "mqtt" }) });
  metrics.notice({ kind: "order", order: order(1, "a", { state: "done" }) });
  metrics.observe({ kind: "message", outcome: "refused" });
  const found = await read(metrics);
  expect(seriesValue(found, "meterworks_store_commits_total", { result: "good" })).toBe(1);
  expect(seriesValue(found, "meterworks_store_commits_total", { result: "failed" })).toBe(1);
  expect(seriesValue(found, "meterworks_store_records_total")).toBe(1);
  expect(seriesValue(found, "meterworks_store_commit_seconds_bucket", { le: "0.002" })).toBe(0);
  expect(seriesValue(found, "meterworks_store_commit_seconds_bucket", { le: "0.005" })).toBe(1);
  expect(seriesValue(found, "meterworks_readings_total", { source: "mqtt", quality: "invalid" })).toBe(1);
  expect(seriesValue(found, "meterworks_orders_total", { state: "done" })).toBe(1);
  expect(seriesValue(found, "meterworks_mqtt_messages_total", { outcome: "refused" })).toBe(1);
});

test("gauges say how things are when they are asked", async () => {
  const line = { id: "line-1", open: true };
  const broker = { open: true };
  const metrics = metricsOf({ lines: [line], broker });
  const up = async () => {
    const found = await read(metrics);
    return [seriesValue(found, "meterworks_line_up", { line: "line-1" }), seriesValue(found, "meterworks_mqtt_up")];
  };
  expect(await up()).toEqual([1, 1]);
  line.open = false;
  broker.open = false;
  expect(await up()).toEqual([0, 0]);
  const found = await read(metrics);
  expect(seriesValue(found, "meterworks_store_backlog")).toBe(7);
  expect(seriesValue(found, "meterworks_orders_open", { state: "queued" })).toBe(1);
  expect(seriesValue(found, "meterworks_orders_open", { state: "acknowledged" })).toBe(0);
});

test("the page on the head-end lists exactly the metrics there are, and how many series a line has", async () => {
  const found = await read(metricsOf({ lines: [{ id: "line-1", open: true }], broker: { open: true } }));
  const ours = [...found.keys()].filter((name) => name.startsWith("meterworks_"));
  const page = readFileSync(join(REPOSITORY, "docs/head-end.md"), "utf8");
  const table = page.slice(page.indexOf("| metric ("), page.indexOf("Beside them"));
  const listed = table
    .split("\n")
    .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([a-z_]+)`/g)].map((m) => m[1]));
  expect(listed.map((name) => `meterworks_${name}`).sort()).toEqual(ours.sort());
  const ofLine = [...found.values()].flatMap(({ samples }) =>
    samples.filter(({ labels }) => labels["line"] === "line-1"),
  );
  expect(page).toContain(`${ofLine.length} for each`);
});

test("without a broker there is none that could be down", async () => {
  expect((await read(metricsOf())).has("meterworks_mqtt_up")).toBe(false);
});

test("a line may be named by anything", async () => {
  const id = 'hall "B"\\2\nleft,{le="1"}';
  const metrics = metricsOf({ lines: [{ id, open: true }] });
  metrics.observe({ kind: "poll", line: linkId(id), ok: true });
  expect(seriesValue(await read(metrics), "meterworks_line_polls_total", { line: id, result: "good" })).toBe(1);
});

test("two head-ends in one process do not count together", async () => {
  const [first, second] = [metricsOf(), metricsOf()];
  first.commitFailed();
  expect(seriesValue(await read(second), "meterworks_store_commits_total", { result: "failed" })).toBe(0);
});

test.each([
  ["a family in two places", "# HELP a x\n# TYPE a gauge\na 1\n# HELP a x\n# TYPE a gauge\na 2\n"],
  ["a series twice", '# HELP a x\n# TYPE a gauge\na{b="1"} 1\na{b="1"} 2\n'],
  ["no labels", '# HELP a x\n# TYPE a gauge\na{b="1"c="2"} 1\n'],
  ["no sample", "# HELP a x\n# TYPE a gauge\na one\n"],
  ["outside its family", "# HELP a x\n# TYPE a gauge\nb 1\n"],
  [
    "buckets that fall",
    '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
  ],
  ["the last line has no end", "# HELP a x\n# TYPE a gauge\na 1"],
])("the test's parser refuses %s", (problem, text) => {
  expect(() => parseExposition(text)).toThrow(problem);
});
