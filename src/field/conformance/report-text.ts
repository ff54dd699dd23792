/** Results as lines of text: one per check with its clause, and under a failure what was seen, in bytes. */
import { toHex } from "../../core/bytes.ts";
import { type CheckResult, type Exchange, tally } from "./check.ts";

const MARK = { pass: "pass", fail: "FAIL", skip: "skip" } as const;
/** Exchanges shown of one check; the rest is counted. */
const MOST_SHOWN = 12;

/** One line; of a failure some more. */
export function resultLines({ check, verdict, exchanges }: CheckResult): readonly string[] {
  const head = `${MARK[verdict.kind]}  ${check.id}  ${check.title}  [${check.clause}]`;
  if (verdict.kind === "pass") return [head];
  if (verdict.kind === "skip") return [`${head}: ${verdict.reason}`];
  return [
    head,
    `      asked:    ${check.request}`,
    `      expected: ${check.expectation}`,
    `      seen:     ${verdict.seen}`,
    `      wrong:    ${verdict.why}`,
    ...exchangeLines(exchanges).map((line) => `      ${line}`),
  ];
}

/** `>` what was sent, `<` what came back. */
export function exchangeLines(exchanges: readonly Exchange[]): readonly string[] {
  const last = exchanges.slice(-MOST_SHOWN);
  const left = exchanges.length - last.length;
  const several = exchanges.some(({ on }) => on !== 0);
  return [
    ...(left > 0 ? [`(${left} earlier exchanges)`] : []),
    ...last.flatMap(({ sent, received, on, ended }) => {
      const where = several ? `${on}` : "";
      return [
        ...(sent.length === 0 ? [] : [`${where}> ${toHex(sent, " ")}`]),
        `${where}< ${received.length === 0 ? `(${ended === "closed" ? "connection closed" : "silence"})` : toHex(received, " ")}`,
      ];
    }),
  ];
}

/** `83 checks: 60 passed, 1 failed, 22 skipped`. */
export function summaryLine(results: readonly CheckResult[]): string {
  const { passed, failed, skipped } = tally(results);
  return `${results.length} checks: ${passed} passed, ${failed} failed, ${skipped} skipped`;
}
