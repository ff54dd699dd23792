/** Medians, ranges and targets, as a table for people and as JSON. */
import { firmwareReport, type MeasuredFirmware } from "./firmware-rows.ts";
import { ingestReport, ingestVerdicts, type MeasuredIngest } from "./ingest-rows.ts";
import type { Machine } from "./machine.ts";
import type { Sample } from "./measure.ts";
import { metrologyFigures, metrologyReport, metrologyVerdicts } from "./metrology-report.ts";
import type { MeasuredMetrology } from "./metrology-rows.ts";
import { type MeasuredPostgres, postgresReport, postgresVerdicts } from "./postgres-rows.ts";
import { OURS, type Row, TARGETS, type Target } from "./rows.ts";
import { lineFigures, lineReport, lineVerdicts, type MeasuredLine } from "./rtu-report.ts";
import { type MeasuredStore, storeReport, storeVerdicts } from "./store-rows.ts";
import { median, table } from "./table.ts";

export interface MeasuredRow {
  readonly row: Row;
  readonly samples: readonly Sample[];
}

export interface ReachedTarget extends Target {
  readonly reached: number;
  readonly pass: boolean;
}

export function reachedTargets(rows: readonly MeasuredRow[]): readonly ReachedTarget[] {
  const rate = ({ part, connections }: Target, name: string): number => {
    const found = rows.find((r) => r.row.part === part && r.row.connections === connections && r.row.name === name);
    return median(found?.samples.map((sample) => sample.requestsPerSecond) ?? []);
  };
  return TARGETS.map((target) => {
    const reached = rate(target, OURS) / rate(target, target.against);
    return { ...target, reached, pass: reached >= target.ratio };
  });
}

const HEADINGS = ["conn", "name", "req/s", "all runs", "CPU us client", "server", "p50 us", "p95", "p99"];

const NAMES_AND_RUNS = new Set([1, 3]);

export function textReport(
  machine: Machine,
  rows: readonly MeasuredRow[],
  lines: readonly MeasuredLine[],
  metrology: readonly MeasuredMetrology[] = [],
  firmware: readonly MeasuredFirmware[] = [],
  ingest: readonly MeasuredIngest[] = [],
  store: MeasuredStore = { sides: [], sizes: [] },
  postgres: readonly MeasuredPostgres[] = [],
): string {
  return [
    ...machineLines(machine),
    "",
    ...lineReport(lines),
    ...ingestReport(ingest),
    ...storeReport(store),
    ...postgresReport(postgres),
    ...metrologyReport(metrology),
    ...firmwareReport(firmware),
    ...section(
      "Modbus TCP servers, FC 03 x 60 registers, load generator in C (medians; CPU per request)",
      "server",
      rows,
    ),
    ...section("Modbus TCP clients, the same request, against one libmodbus server", "client", rows),
    "Targets (ratio of medians)",
    ...reachedTargets(rows).map(targetLine),
  ].join("\n");
}

function section(title: string, part: Row["part"], rows: readonly MeasuredRow[]): readonly string[] {
  const own = rows.filter(({ row }) => row.part === part);
  return own.length === 0 ? [] : [title, ...table([HEADINGS, ...own.map(cells)], NAMES_AND_RUNS), ""];
}

export function jsonReport(
  machine: Machine,
  rows: readonly MeasuredRow[],
  lines: readonly MeasuredLine[],
  metrology: readonly MeasuredMetrology[] = [],
  firmware: readonly MeasuredFirmware[] = [],
  ingest: readonly MeasuredIngest[] = [],
  store: MeasuredStore = { sides: [], sizes: [] },
  postgres: readonly MeasuredPostgres[] = [],
): unknown {
  return {
    machine,
    rows: rows.map(({ row: { part, name, connections }, samples }) => ({ part, name, connections, samples })),
    targets: reachedTargets(rows),
    lines: lines.map((line) => ({
      master: line.master,
      baud: line.speed.baud,
      ...lineFigures(line),
      verdicts: lineVerdicts(line),
    })),
    firmware: firmware.map(({ row, samples }) => ({ name: row.name, samples })),
    ingest: { sides: ingest, verdicts: ingestVerdicts(ingest) },
    store: { ...store, verdicts: storeVerdicts(store) },
    postgres: { rows: postgres, verdicts: postgresVerdicts(postgres) },
    metrology: { sides: metrology.map(metrologyFigures), verdicts: metrologyVerdicts(metrology) },
  };
}

function machineLines({ cpu, cores, kernel, loadBefore, pinning, versions }: Machine): readonly string[] {
  return [
    `${cpu}, ${cores} cores, Linux ${kernel}; ${pinning}; load average before ${loadBefore.join(" ")}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(" · "),
  ];
}

function cells({ row, samples }: MeasuredRow): readonly string[] {
  const of = (pick: (sample: Sample) => number): number => median(samples.map(pick));
  return [
    String(row.connections),
    row.name,
    of((sample) => sample.requestsPerSecond).toFixed(0),
    samples.map((sample) => sample.requestsPerSecond.toFixed(0)).join(" "),
    of((sample) => sample.clientCpu).toFixed(1),
    of((sample) => sample.serverCpu).toFixed(1),
    of((sample) => sample.p50).toFixed(0),
    of((sample) => sample.p95).toFixed(0),
    of((sample) => sample.p99).toFixed(0),
  ];
}

function targetLine({ part, connections, against, ratio, reached, pass }: ReachedTarget): string {
  const target = `${part} >= ${ratio}x ${against} at ${connections} connection${connections === 1 ? "" : "s"}`;
  if (Number.isNaN(reached)) return `NOT RUN ${target}`;
  return `${pass ? "PASS  " : "MISSED"}  ${target}: ${reached.toFixed(2)}x`;
}
