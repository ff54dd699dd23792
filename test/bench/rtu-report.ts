/** The paced line's part of the report. */

import { OURS } from "./rows.ts";
import type { LineMaster, LineSample, LineSpeed } from "./rtu-line.ts";
import { legalCycle, silenceAt } from "./rtu-line.ts";
import { median, table } from "./table.ts";

export interface MeasuredLine {
  readonly master: LineMaster;
  readonly speed: LineSpeed;
  readonly samples: readonly LineSample[];
}

export const lineLabel = (master: LineMaster, { baud }: LineSpeed): string => `rtu ${master}, ${baud} baud`;

const HEADINGS = [
  "baud",
  "master",
  "cycle ms",
  "p99",
  "legal",
  "ratio",
  "silence ms: least",
  "median",
  "t3.5",
  "CPU us",
  "errors",
];

export interface LineFigures {
  /** µs. */
  readonly cycle: number;
  readonly p99: number;
  readonly legal: number;
  readonly leastSilence: number;
  readonly silence: number;
  readonly t35: number;
  readonly cpuPerPoll: number;
  readonly errors: number;
}

export function lineFigures({ speed: { baud }, samples }: MeasuredLine): LineFigures {
  const cycles = samples.flatMap((sample) => sample.cycles).sort((a, b) => a - b);
  const silences = samples.flatMap((sample) => sample.silences);
  return {
    cycle: median(cycles),
    p99: cycles[Math.floor(0.99 * (cycles.length - 1))] ?? Number.NaN,
    legal: legalCycle(baud),
    leastSilence: Math.min(...silences),
    silence: median(silences),
    t35: silenceAt(baud),
    cpuPerPoll: median(samples.map((sample) => sample.cpuPerPoll)),
    errors: samples.reduce((sum, sample) => sum + sample.errors, 0),
  };
}

const ms = (micros: number): string => (micros / 1_000).toFixed(2);

export function lineReport(lines: readonly MeasuredLine[]): readonly string[] {
  if (lines.length === 0) return [];
  const rows = lines.map((line) => {
    const f = lineFigures(line);
    return [
      ...[String(line.speed.baud), line.master, ms(f.cycle), ms(f.p99), ms(f.legal), (f.cycle / f.legal).toFixed(3)],
      ...[ms(f.leastSilence), ms(f.silence), ms(f.t35), f.cpuPerPoll.toFixed(0), String(f.errors)],
    ];
  });
  return [
    "Modbus RTU masters on a paced line, 8N1, FC 03 x 60 registers, slave in C that leaves t3.5 (all polls of all rounds)",
    ...table([HEADINGS, ...rows], new Set([1])),
    ...lines.filter(({ master }) => master === OURS).flatMap(verdicts),
    "",
  ];
}

export interface LineVerdict {
  readonly target: string;
  readonly pass: boolean;
}

export function lineVerdicts(line: MeasuredLine): readonly LineVerdict[] {
  const { baud, ratio } = line.speed;
  const { cycle, legal, leastSilence, t35, errors } = lineFigures(line);
  return [
    {
      target: `rtu median cycle <= ${ratio}x the legal one at ${baud} baud: ${(cycle / legal).toFixed(3)}x`,
      pass: cycle <= ratio * legal,
    },
    { target: `rtu silence never below t3.5 at ${baud} baud: ${ms(leastSilence)} ms`, pass: leastSilence >= t35 },
    { target: `rtu without an error at ${baud} baud: ${errors}`, pass: errors === 0 },
  ];
}

const verdicts = (line: MeasuredLine): string[] =>
  lineVerdicts(line).map(({ target, pass }) => `${pass ? "PASS  " : "MISSED"}  ${target}`);
