/** The runner: checks are isolated from each other, every run ends, and the reports say what was seen. */
import { describe, expect, test } from "vitest";
import { mono } from "../../../src/core/time.ts";
import {
  type Check,
  type CheckResult,
  type Declarations,
  fail,
  PASS,
  type Verdict,
} from "../../../src/field/conformance/check.ts";
import { reportData } from "../../../src/field/conformance/report.ts";
import { htmlReport } from "../../../src/field/conformance/report-html.ts";
import { junitReport } from "../../../src/field/conformance/report-junit.ts";
import { resultLines, summaryLine } from "../../../src/field/conformance/report-text.ts";
import { type RunOptions, runChecks } from "../../../src/field/conformance/runner.ts";
import type { Ended, Heard, Probe, ProbeStep } from "../../../src/field/probe.ts";

const LISTEN = { first: 1_000, quiet: 10 };
const DECLARED: Declarations = {
  given: true,
  declares: (feature) => feature === "reads",
  notSupported: new Map([["files", "it has no disk"]]),
};

function check(id: string, parts: Partial<Check<undefined>>): Check<undefined> {
  const texts = { clause: "A, 1", title: `title of ${id}`, request: "asked", expectation: "wanted" };
  return { id, group: "g", ...texts, run: ask, ...parts };
}

function* ask(): Probe<Verdict> {
  const heard = yield { kind: "exchange", send: Uint8Array.of(1, 2), listen: LISTEN };
  return heard.bytes[0] === 7 ? PASS : fail("not 7", "7 <belongs> & here");
}

function run(checks: readonly Check<undefined>[], reply: readonly number[], options: Partial<RunOptions> = {}) {
  const steps: ProbeStep[] = [];
  const ended: Ended = reply.length === 0 ? "closed" : "quiet";
  const probe = runChecks(checks, undefined, { declarations: DECLARED, drain: 5, ...options });
  let next = probe.next();
  while (!next.done) {
    steps.push(next.value);
    const bytes =
      next.value.kind === "exchange" && next.value.send.length > 0 ? Uint8Array.from(reply) : new Uint8Array(0);
    const at = mono(0);
    const heard: Heard = { bytes, chunks: [], sentAt: at, leftAt: at, endedAt: at, ended };
    next = probe.next(heard);
  }
  return { results: next.value, steps };
}

const kinds = (results: readonly CheckResult[]) => results.map(({ verdict }) => verdict.kind);

describe("a run of checks", () => {
  test("listens before each check until the line is free, and keeps what was said in it", () => {
    const { results, steps } = run([check("a", {}), check("b", {})], [7]);
    expect(kinds(results)).toEqual(["pass", "pass"]);
    expect(steps.map((step) => (step.kind === "exchange" ? step.send.length : step.kind))).toEqual([0, 2, 0, 2]);
    expect(results[1]?.exchanges).toEqual([
      { sent: Uint8Array.of(1, 2), received: Uint8Array.of(7), on: 0, ended: "quiet" },
    ]);
  });

  test("after a failure goes to a new connection and brings the device back", () => {
    const recover = function* (): Probe<boolean> {
      yield { kind: "exchange", send: Uint8Array.of(9), listen: LISTEN };
      return true;
    };
    const { steps } = run([check("a", {}), check("b", {})], [8], { recover });
    const shown = steps.map((step) => (step.kind === "exchange" ? step.send.length : step.kind));
    expect(shown).toEqual([0, 2, "reconnect", 1, 0, 2, "reconnect", 1]);
  });

  test("skips what is not declared, what is left out by design, and writes without a map, each with its reason", () => {
    const checks = [
      check("a", { needs: ["reads"] }),
      check("b", { needs: ["reads", "writes"] }),
      check("c", { needs: ["files"] }),
    ];
    const reasons = run(checks, [7]).results.map(({ verdict }) =>
      verdict.kind === "skip" ? verdict.reason : verdict.kind,
    );
    expect(reasons).toEqual(["pass", "the map does not declare writes", "not supported by design: it has no disk"]);
    const none = { declarations: { ...DECLARED, given: false, declares: () => true } };
    expect(run([check("d", { writes: true })], [7], none).results[0]?.verdict).toEqual({
      kind: "skip",
      reason: "it changes the device, which needs a map file",
    });
  });

  test("ends where nobody is there any more, and where a check never would", () => {
    const lost = run(
      [1, 2, 3, 4, 5].map((n) => check(`${n}`, {})),
      [],
    ).results;
    expect(kinds(lost)).toEqual(["fail", "fail", "fail", "skip", "skip"]);
    const never = function* (): Probe<boolean> {
      const heard = yield { kind: "exchange", send: new Uint8Array(0), listen: LISTEN };
      return heard.bytes.length > 0;
    };
    const gone = run(
      [1, 2, 3, 4].map((n) => check(`${n}`, {})),
      [8],
      { recover: never },
    ).results;
    expect(gone.at(-1)?.verdict).toEqual({ kind: "skip", reason: "not run: nobody answers any more" });
    const endless = function* (): Probe<Verdict> {
      for (;;) yield { kind: "exchange", send: Uint8Array.of(1), listen: LISTEN };
    };
    const [result] = run([check("e", { run: endless })], [7]).results;
    expect(result?.verdict).toMatchObject({ kind: "fail", seen: "600 exchanges" });
  });
});

describe("the reports", () => {
  const head = {
    protocol: "modbus",
    device: 'a "device" <1>',
    where: "line",
    at: "2026-01-02T03:04:05Z",
    version: "1",
  };
  const { results } = run([check("a", {}), check("b", { needs: ["files"] }), check("c", { group: "h" })], [8]);

  test("as text have the clause in each line and the bytes under a failure", () => {
    const lines = results.flatMap(resultLines);
    expect(lines[0]).toBe("FAIL  a  title of a  [A, 1]");
    expect(lines).toContain("      > 01 02");
    expect(lines).toContain("      < 08");
    expect(lines).toContain("skip  b  title of b  [A, 1]: not supported by design: it has no disk");
    expect(summaryLine(results)).toBe("3 checks: 0 passed, 2 failed, 1 skipped");
  });

  test("as JUnit count per group and escape what XML can't hold", () => {
    const xml = junitReport(head, results);
    expect(xml).toContain('<testsuites name="conformance modbus" tests="3" failures="2" errors="0" skipped="1">');
    expect(xml).toContain('name="modbus h" timestamp="2026-01-02T03:04:05Z" tests="1" failures="1"');
    expect(xml).toContain("7 &lt;belongs&gt; &amp; here");
    expect(xml).not.toContain("<belongs>");
  });

  test("as HTML and JSON say the same", () => {
    const html = htmlReport(head, results);
    expect(html).toContain("a &quot;device&quot; &lt;1&gt;");
    expect(html.match(/class="fail"/g)).toHaveLength(3);
    const data = reportData(head, results);
    expect([data.pass, data.failed, data.skipped]).toEqual([false, 2, 1]);
    expect(data.checks[0]).toMatchObject({ verdict: "fail", exchanges: [{ sent: "0102", received: "08" }] });
  });
});
