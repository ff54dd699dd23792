/** The report as one HTML file without anything outside of it: to be filed, printed and forwarded. */
import type { CheckResult } from "./check.ts";
import { escapeMarkup, type ReportHead } from "./report.ts";
import { exchangeLines, summaryLine } from "./report-text.ts";

const STYLE = `body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1a1a1a}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #ddd}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dd{margin:0}dt{color:#555}
.pass{color:#116329}.fail{color:#a40e26;font-weight:600}.skip{color:#6a6a6a}
pre{font-size:13px;background:#f6f6f6;padding:.5rem;overflow-x:auto;white-space:pre-wrap;word-break:break-word}
@media print{details>*{display:block}}`;

/** One self-contained document: head, summary, a table per group; failures show their bytes at once. */
export function htmlReport(head: ReportHead, results: readonly CheckResult[]): string {
  const groups = [...new Set(results.map(({ check }) => check.group))];
  const failed = results.filter(({ verdict }) => verdict.kind === "fail").length;
  const title = `Conformance of ${head.device}: ${head.protocol}`;
  return [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${escapeMarkup(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escapeMarkup(title)}</h1>`,
    `<p class="${failed === 0 ? "pass" : "fail"}">${escapeMarkup(summaryLine(results))}</p>`,
    "<dl>",
    ...Object.entries({ Line: head.where, Date: head.at, "Judged by": `meterworks ${head.version}` }).map(
      ([term, text]) => `<dt>${term}</dt><dd>${escapeMarkup(text)}</dd>`,
    ),
    "</dl>",
    ...groups.flatMap((group) => [
      `<h2>${escapeMarkup(group)}</h2>`,
      "<table><thead><tr><th>Check</th><th>Clause</th><th>Asked and expected</th><th>Verdict</th></tr></thead><tbody>",
      ...results.filter(({ check }) => check.group === group).map(row),
      "</tbody></table>",
    ]),
    "</body></html>",
    "",
  ].join("\n");
}

function row({ check, verdict, exchanges }: CheckResult): string {
  const open = verdict.kind === "fail" ? " open" : "";
  const bytes = exchanges.length === 0 ? "" : `<pre>${escapeMarkup(exchangeLines(exchanges).join("\n"))}</pre>`;
  const more = bytes === "" ? "" : `<details${open}><summary>bytes</summary>${bytes}</details>`;
  const said =
    verdict.kind === "pass"
      ? "pass"
      : verdict.kind === "skip"
        ? `skip: ${verdict.reason}`
        : `fail: ${verdict.seen}; ${verdict.why}`;
  return [
    `<tr><td><b>${escapeMarkup(check.id)}</b><br>${escapeMarkup(check.title)}</td>`,
    `<td>${escapeMarkup(check.clause)}</td>`,
    `<td>${escapeMarkup(check.request)}<br>→ ${escapeMarkup(check.expectation)}</td>`,
    `<td class="${verdict.kind}">${escapeMarkup(said)}${more}</td></tr>`,
  ].join("");
}
