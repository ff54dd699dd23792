/** The run as tables for people and as JSON. */
import { table } from "../bench/table.ts";
import type { RoleUse } from "./children.ts";
import type { JudgeFigures } from "./judge.ts";
import type { ChaosOptions } from "./options.ts";
import type { Scraped } from "./scraper.ts";
import { type Goal, verdicts } from "./verdict.ts";

export interface RunReport {
  readonly options: ChaosOptions;
  readonly machine: string;
  readonly figures: JudgeFigures;
  readonly use: readonly RoleUse[];
  readonly scraped: Scraped;
}

export function goalsOf({ figures, options }: RunReport): readonly Goal[] {
  return verdicts(figures, options.everySeconds);
}

export function textReport(report: RunReport): string {
  const { options, machine, figures, use, scraped } = report;
  const { meters, polled, seconds, everySeconds } = options;
  const goals = goalsOf(report).map(({ goal, reached, pass }) => [pass ? "PASS" : "MISSED", goal, reached]);
  const rows = use.map(({ role, cpuSeconds, cores, peakMiB, lastMiB }) => [
    ...[role, cpuSeconds.toFixed(1), `${(cores * 100).toFixed(0)} %`, peakMiB.toFixed(0), lastMiB.toFixed(0)],
  ]);
  return [
    `${meters} meters by MQTT and ${polled} by Modbus TCP, each every ${everySeconds} s, for ${seconds} s; ${machine}`,
    "",
    ...table([["", "goal", "reached"], ...goals], new Set([0, 1, 2])),
    ...figures.comparison.examples.map((example) => `  ${example}`),
    "",
    ...table([["process", "CPU s", "of a core", "peak MiB", "at the end"], ...rows], new Set([0])),
    "",
    scrapedLine(scraped),
  ].join("\n");
}

function scrapedLine({ scrapes, slowest, loopDelay, backlog }: Scraped): string {
  const answer = `the slowest answer took ${slowest.toFixed(0)} ms`;
  const inside = `its event loop was held up for ${loopDelay.toFixed(0)} ms at most, ${backlog} pieces of work waited`;
  return `the head-end's /metrics, asked ${scrapes} times: ${answer}, ${inside}`;
}

export function jsonReport(report: RunReport): unknown {
  return { ...report, goals: goalsOf(report) };
}
