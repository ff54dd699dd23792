/** Results as JUnit XML, the form that CI systems read: a suite per group, a case per check, skips with their reason. */
import { type CheckResult, tally } from "./check.ts";
import { escapeMarkup, type ReportHead } from "./report.ts";
import { exchangeLines } from "./report-text.ts";

/** One XML document. */
export function junitReport(head: ReportHead, results: readonly CheckResult[]): string {
  const groups = [...new Set(results.map(({ check }) => check.group))];
  const suites = groups.map((group) =>
    suite(
      head,
      group,
      results.filter(({ check }) => check.group === group),
    ),
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="conformance ${head.protocol}" ${counts(results)}>`,
    ...suites,
    "</testsuites>",
    "",
  ].join("\n");
}

function suite(head: ReportHead, group: string, results: readonly CheckResult[]): string {
  return [
    `  <testsuite name="${attribute(`${head.protocol} ${group}`)}" timestamp="${attribute(head.at)}" ${counts(results)}>`,
    ...results.map((result) => testCase(head, result)),
    "  </testsuite>",
  ].join("\n");
}

function counts(results: readonly CheckResult[]): string {
  const { failed, skipped } = tally(results);
  return `tests="${results.length}" failures="${failed}" errors="0" skipped="${skipped}"`;
}

function testCase(head: ReportHead, { check, verdict, exchanges }: CheckResult): string {
  const name = attribute(`${check.id} ${check.title} [${check.clause}]`);
  const open = `    <testcase classname="${attribute(`conformance.${head.protocol}.${check.group}`)}" name="${name}"`;
  if (verdict.kind === "pass") return `${open}/>`;
  if (verdict.kind === "skip") return `${open}><skipped message="${attribute(verdict.reason)}"/></testcase>`;
  const text = [
    `clause: ${check.clause}`,
    `asked: ${check.request}`,
    `expected: ${check.expectation}`,
    `seen: ${verdict.seen}`,
    `wrong: ${verdict.why}`,
    ...exchangeLines(exchanges),
  ].join("\n");
  return `${open}><failure message="${attribute(`${verdict.seen}: ${verdict.why}`)}">${escapeMarkup(text)}</failure></testcase>`;
}

function attribute(text: string): string {
  return escapeMarkup(text).replace(/\n/g, "&#10;");
}
