/** What `accuracy` hands out: the table, CSV, and the error curves as SVG. */
import type { PointResult } from "../../firmware-sim/bench/bench.ts";
import { table } from "./output.ts";

/** Percent with enough digits for the narrowest limit; never "-0.0000". */
export function percent(value: number): string {
  const text = value.toFixed(4);
  return Number(text) === 0 ? "0.0000" : text;
}

function amount(value: number, unit: PointResult["unit"]): string {
  return unit === "imp" ? `${value} imp` : `${percent(value)} ${unit}`;
}

function limit({ limit: most, unit }: PointResult): string {
  return `${Number(most.toPrecision(12))} ${unit}`;
}

/** One line for a point: what was measured against what is allowed. */
export function measured(r: PointResult): string {
  return `${r.name} ${amount(r.error, r.unit)}, allowed ${r.unit === "imp" ? "" : "±"}${limit(r)}`;
}

export function accuracyTable(results: readonly PointResult[]): string {
  const rows = results.map((r) => [
    r.name,
    `${Number(r.current.toPrecision(4))} A`,
    r.pf,
    amount(r.error, r.unit),
    limit(r),
    r.recalled ? "recalled" : "",
    r.pass ? "good" : `FAILS by ${amount(Math.abs(r.error) - r.limit, r.unit)}`,
  ]);
  return table([["point", "current", "PF", "error", "limit", "", ""], ...rows], [1, 3, 4]);
}

/** A heading and a row per point. */
export function accuracyCsv(results: readonly PointResult[]): string {
  const rows = results.map((r) =>
    [r.name, r.test, r.quantity, r.current, r.pf, r.error, r.limit, r.unit, r.recalled, r.pass].join(","),
  );
  return `${["name,test,quantity,current,pf,error,limit,unit,recalled,pass", ...rows].join("\n")}\n`;
}

const WIDTH = 720;
const PANEL = 220;
const MARGIN = { left: 70, right: 20, top: 36, bottom: 36 };

/** The error of balanced loads over the current (logarithmic), a panel per power factor, with the limits in red. */
export function accuracySvg(results: readonly PointResult[], title: string): string {
  const balanced = results.filter((r) => r.test === "balanced");
  const pfs = [...new Set(balanced.map((r) => r.pf))];
  const panels = pfs.map((pf, n) =>
    panel(
      balanced.filter((r) => r.pf === pf).sort((a, b) => a.current - b.current),
      pf.startsWith("sin") ? pf : `PF ${pf}`,
      30 + n * PANEL,
    ),
  );
  const height = 30 + pfs.length * PANEL;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="${MARGIN.left}" y="20" font-size="15">${escapeXml(title)}</text>`,
    ...panels,
    "</svg>\n",
  ].join("\n");
}

function panel(points: readonly PointResult[], title: string, top: number): string {
  const highest = Math.max(...points.map((r) => Math.max(Math.abs(r.error), r.limit))) * 1.15;
  const logs = points.map((r) => Math.log10(r.current));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const inner = WIDTH - MARGIN.left - MARGIN.right;
  const middle = top + MARGIN.top + (PANEL - MARGIN.top - MARGIN.bottom) / 2;
  const half = (PANEL - MARGIN.top - MARGIN.bottom) / 2;
  const x = (r: PointResult) => round(MARGIN.left + ((Math.log10(r.current) - low) / (high - low || 1)) * inner);
  const y = (value: number) => round(middle - (value / highest) * half);
  const line = (value: (r: PointResult) => number) => points.map((r) => `${x(r)},${y(value(r))}`).join(" ");
  const limits = [1, -1].map(
    (sign) =>
      `<polyline points="${line((r) => sign * r.limit)}" fill="none" stroke="#c00" stroke-dasharray="5 4"/>` +
      `<text x="8" y="${y((sign * highest) / 1.15) + 4}">${sign > 0 ? "+" : "−"}${Number((highest / 1.15).toPrecision(3))} %</text>`,
  );
  const dots = points.map(
    (r) =>
      `<circle cx="${x(r)}" cy="${y(r.error)}" r="4" fill="${r.pass ? "#06c" : "#c00"}"><title>${escapeXml(measured(r))}</title></circle>` +
      `<text x="${x(r)}" y="${top + PANEL - 14}" text-anchor="middle">${Number(r.current.toPrecision(3))} A</text>`,
  );
  return [
    `<text x="${MARGIN.left}" y="${top + 22}" font-weight="bold">${escapeXml(title)}</text>`,
    `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(0)}" y2="${y(0)}" stroke="#999"/><text x="8" y="${y(0) + 4}">0 %</text>`,
    ...limits,
    `<polyline points="${line((r) => r.error)}" fill="none" stroke="#06c"/>`,
    ...dots,
  ].join("\n");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
