/** Medians, ranges and targets, as a table for people and as JSON. */
import type { Machine } from "./machine.ts";
import type { Sample } from "./measure.ts";
import { OURS, type Row, TARGETS, type Target } from "./rows.ts";

export interface MeasuredRow {
  readonly row: Row;
  readonly samples: readonly Sample[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
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

export function textReport(machine: Machine, rows: readonly MeasuredRow[]): string {
  return [
    ...machineLines(machine),
    "",
    "Modbus TCP servers, FC 03 x 60 registers, load generator in C (medians; CPU per request)",
    ...table([HEADINGS, ...rows.filter(({ row }) => row.part === "server").map(cells)]),
    "",
    "Modbus TCP clients, the same request, against one libmodbus server",
    ...table([HEADINGS, ...rows.filter(({ row }) => row.part === "client").map(cells)]),
    "",
    "Targets (ratio of medians)",
    ...reachedTargets(rows).map(targetLine),
  ].join("\n");
}

export function jsonReport(machine: Machine, rows: readonly MeasuredRow[]): unknown {
  return {
    machine,
    rows: rows.map(({ row: { part, name, connections }, samples }) => ({ part, name, connections, samples })),
    targets: reachedTargets(rows),
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

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const LEFT_ALIGNED = new Set([1, 3]);
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return LEFT_ALIGNED.has(column) ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
}

function targetLine({ part, connections, against, ratio, reached, pass }: ReachedTarget): string {
  const target = `${part} >= ${ratio}x ${against} at ${connections} connection${connections === 1 ? "" : "s"}`;
  if (Number.isNaN(reached)) return `NOT RUN ${target}`;
  return `${pass ? "PASS  " : "MISSED"}  ${target}: ${reached.toFixed(2)}x`;
}
