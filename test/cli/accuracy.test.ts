import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const MAIN = join(import.meta.dirname, "../../dist/src/cli/main.js");

function accuracy(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, "accuracy", "--model", "meterworks-1p", ...args], { encoding: "utf8" });
}

test("a meter that passes: exit 0, one JSON document, CSV and curves", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "accuracy-"));
  try {
    const [csv, svg] = [join(folder, "points.csv"), join(folder, "curve.svg")];
    const { status, stdout, stderr } = accuracy("--class", "D", "--json", "--csv", csv, "--svg", svg);
    expect([status, stderr]).toEqual([0, ""]);
    const report = JSON.parse(stdout) as { points: { name: string }[] };
    expect(report).toMatchObject({ pass: true, class: "D", model: "meterworks-1p" });
    expect(report.points[2]).toMatchObject({
      name: "Imax PF 1",
      quantity: "active",
      current: 60,
      pf: "1",
      limit: 0.2,
      pass: true,
    });
    const rows = readFileSync(csv, "utf8").trimEnd().split("\n");
    expect(rows).toHaveLength(report.points.length + 1);
    for (const row of rows) expect(row.split(",")).toHaveLength(10);
    const picture = readFileSync(svg, "utf8");
    expect(picture.match(/font-weight="bold">PF [^<]+/g)).toHaveLength(3);
    expect(picture).not.toContain("NaN");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a meter that fails: exit 1, the rows by how much, and the worst", { timeout: 60_000 }, () => {
  const { status, stdout, stderr } = accuracy("--class", "D", "--inject", "gain=0.02");
  expect(status).toBe(1);
  expect(stdout).toMatch(/^10 Itr PF 1 .*2\.0\d+ % +0\.2 % +FAILS by 1\.[78]\d+ %$/m);
  expect(stderr).toMatch(/^meterworks: class D: \d+ of \d+ points fail; the worst: .* 2\.0\d+ %, allowed ±0\.2 %\n$/);
});

test("reactive energy: the class of its plate, both directions, curves of their own", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "accuracy-"));
  try {
    const svg = join(folder, "curve.svg");
    const { status, stdout, stderr } = accuracy("--quantity", "reactive", "--initial", "--json", "--svg", svg);
    expect([status, stderr]).toEqual([0, ""]);
    const report = JSON.parse(stdout) as { points: { name: string; quantity: string; limit: number }[] };
    expect(report).toMatchObject({ pass: true, class: "2", quantity: "reactive", initial: true });
    expect(report.points.every((p) => p.quantity === "reactive")).toBe(true);
    expect(report.points.find((p) => p.name === "Imax sin -0.5C")?.limit).toBeCloseTo(1.2, 9);
    expect(readFileSync(svg, "utf8").match(/font-weight="bold">sin [^<]+/g)).toHaveLength(10);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("bad flags: exit 2 and one line", { timeout: 30_000 }, () => {
  for (const [args, text] of [
    [["--inject", "gian=0.02"], "no fault is named gian; give one of gain=0.02"],
    [["--inject", "swap=L1-L2"], "two different phases"],
    [["--class", "F"], '--class "F" is unknown'],
    [["--class", "3"], "--class 3 is no class of active energy"],
    [["--class", "D", "--quantity", "reactive"], "give one of reactive energy: 0.5S, 1S, 1, 2, 3"],
    [["--uncalibrated"], "--uncalibrated goes with --parts real"],
  ] as const) {
    const { status, stderr, stdout } = accuracy(...args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).toContain(text);
  }
});
