import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { describeWithPeers } from "../peers.ts";
import { REPOSITORY, run, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());
const MAIN = join(REPOSITORY, "dist/test/chaos/main.js");

describeWithPeers("a short run", ["mosquitto"], () => {
  test("the head-end is killed, the broker restarted, and nothing is lost", { timeout: 40_000 }, async () => {
    const json = join(directory.path, "report.json");
    const args = ["--meters", "20", "--polled", "10", "--minutes", "0.12", "--every", "1", "--json", json];
    const result = await run(process.execPath, [MAIN, ...args], { timeoutMs: 38_000 });
    expect(`${result.stdout}${result.stderr}`).toContain("PASS");
    const report = JSON.parse(readFileSync(json, "utf8"));
    expect(report.figures.comparison).toMatchObject({ missing: 0, twice: 0, different: 0, invented: 0 });
    expect(report.figures.comparison.acknowledged).toBeGreaterThan(100);
    expect(report.figures.recoveries.map((r: { process: string }) => r.process)).toEqual(["head-end", "broker"]);
    expect(report.figures.polled.rows).toBeGreaterThan(50);
    expect(report.use.map((use: { role: string }) => use.role)).toContain("head-end");
    expect(report.scraped.scrapes).toBeGreaterThan(0);
  });
});

test("wrong usage says what is possible", async () => {
  const result = await run(process.execPath, [MAIN, "--meters", "many"]);
  expect(result.code).toBe(2);
  expect(result.stderr).toContain("--meters takes a number from 1 to 20000");
});
