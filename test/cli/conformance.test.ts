/** `meterworks conformance` as people and CI jobs use it: against our own meter, with and without a map. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort, type Program, REPOSITORY, runCli, startCli, temporaryDirectory } from "../programs.ts";

const MAP = join(REPOSITORY, "fixtures/conformance/meterworks-3p.modbus.json");
const directory = temporaryDirectory();
let meter: Program;
let where: readonly string[];

beforeAll(async () => {
  const port = await freePort();
  meter = await startCli(["meter", "--model", "meterworks-3p", "--tcp", `127.0.0.1:${port}`]);
  where = ["modbus", "--tcp", `127.0.0.1:${port}`, "--timeout", "500"];
});
afterAll(async () => {
  await meter.stop();
  directory.remove();
});

interface Report {
  readonly pass: boolean;
  readonly device: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly checks: readonly {
    readonly id: string;
    readonly verdict: string;
    readonly reason?: string;
    readonly exchanges: readonly { readonly sent: string }[];
  }[];
}

/** Function codes of requests that write, in a frame of Modbus TCP as hex. */
const WRITES = /^.{12}..(05|06|0f|10|15|16|17)/;

describe("conformance against our own meter", () => {
  test("with its map nothing fails, and each skip says why in text, JUnit and HTML", async () => {
    const [junit, html] = [join(directory.path, "r.xml"), join(directory.path, "r.html")];
    const result = await runCli(["conformance", ...where, "--map", MAP, "--junit", junit, "--html", html], {
      timeoutMs: 60_000,
    });
    expect(result.code, result.stdout + result.stderr).toBe(0);
    const [, total, passed, failed, skipped] =
      /^(\d+) checks: (\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(result.stdout) ?? [];
    expect([Number(passed) > 55, failed]).toEqual([true, "0"]);
    const xml = readFileSync(junit, "utf8");
    expect(xml).toContain(`tests="${total}" failures="0" errors="0" skipped="${skipped}"`);
    expect(xml.match(/<testcase /g)).toHaveLength(Number(total));
    expect(xml).toContain('<skipped message="not supported by design: a meter keeps no files"/>');
    const page = readFileSync(html, "utf8");
    expect(page).toContain("<title>Conformance of meterworks-3p: modbus</title>");
    expect(page).not.toMatch(/src=|href=/);
  }, 60_000);

  test("without a map it only reads, and what no map declares is a skip with its reason", async () => {
    const result = await runCli(["conformance", ...where, "--json"], { timeoutMs: 60_000 });
    expect(result.code, result.stderr).toBe(0);
    const report = JSON.parse(result.stdout) as Report;
    expect([report.pass, report.failed, report.passed > 40]).toEqual([true, 0, true]);
    const sent = report.checks.flatMap(({ exchanges }) => exchanges.map((exchange) => exchange.sent));
    expect(sent.filter((frame) => WRITES.test(frame))).toEqual([]);
    const skipped = report.checks.filter(({ verdict }) => verdict === "skip");
    expect(skipped).toHaveLength(report.skipped);
    expect(skipped.find(({ id }) => id === "fc10.done")?.reason).toBe("needs a map file that declares 10");
  }, 60_000);

  test("--group and --check choose, --list asks nobody", async () => {
    const one = await runCli(["conformance", ...where, "--check", "fc03.quantity-0"]);
    expect(one.stdout.split("\n")[0]).toMatch(
      /^pass {2}fc03\.quantity-0 .*\[MODBUS Application Protocol V1\.1b3, 6\.3\]$/,
    );
    expect(one.stdout.split("\n")).toHaveLength(3);
    const group = await runCli(["conformance", ...where, "--group", "identification"]);
    expect(group.stdout).toContain("6 checks: 6 passed");
    const list = await runCli(["conformance", "modbus", "--list"]);
    expect(list.stdout.trimEnd().split("\n").length).toBeGreaterThan(90);
  }, 60_000);

  test("where nobody answers it says so once and what to look at", async () => {
    const dead = await runCli(["conformance", ...where, "--unit", "99", "--timeout", "50"], { timeoutMs: 30_000 });
    expect([dead.code, dead.stdout]).toEqual([1, ""]);
    expect(dead.stderr).toMatch(/nothing answers as unit 99 on 127\.0\.0\.1:\d+; check the address/);
  }, 40_000);
});
