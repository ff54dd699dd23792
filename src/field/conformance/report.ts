/** What all forms of the report share: what was judged, and results as plain data. */
import { toHex } from "../../core/bytes.ts";
import { type CheckResult, tally } from "./check.ts";

export interface ReportHead {
  readonly protocol: string;
  /** The device as its map calls it, or where it was reached. */
  readonly device: string;
  /** Line, address and format, as people write them. */
  readonly where: string;
  /** ISO 8601. */
  readonly at: string;
  /** Of the program that judged. */
  readonly version: string;
}

/** For `--json`: counts, and each check with its verdict and its bytes in hex. */
export function reportData(head: ReportHead, results: readonly CheckResult[]) {
  return {
    ...head,
    ...tally(results),
    pass: tally(results).failed === 0,
    checks: results.map(({ check, verdict, exchanges }) => ({
      id: check.id,
      group: check.group,
      clause: check.clause,
      title: check.title,
      request: check.request,
      expectation: check.expectation,
      verdict: verdict.kind,
      ...(verdict.kind === "fail" ? { seen: verdict.seen, why: verdict.why } : {}),
      ...(verdict.kind === "skip" ? { reason: verdict.reason } : {}),
      exchanges: exchanges.map(({ sent, received, on, ended }) => ({
        on,
        sent: toHex(sent),
        received: toHex(received),
        ended,
      })),
    })),
  };
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text as content of HTML and XML; characters that XML 1.0 does not have become U+FFFD. */
export function escapeMarkup(text: string): string {
  return text
    .replace(/[&<>"]/g, (character) => ENTITIES[character] as string)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
}
