/**
 * What meters that are dead or noisy cost those that are not: an hour of a line from its first contact, and the table of it
 * in docs/head-end.md.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { REPOSITORY } from "../../../programs.ts";
import { type MeterKind, PacedLine, SECOND } from "./paced-line.ts";

const KINDS: readonly MeterKind[] = ["healthy", "noisy", "dead"];
const UNITS = 32;
const PAGE = readFileSync(join(REPOSITORY, "docs/head-end.md"), "utf8");
const HOUR = 3_600 * SECOND;

/** 8 dead and 4 noisy ones, spread among the units. */
const ILL = Array.from({ length: UNITS }, (_, i): MeterKind => {
  if (i % 4 === 1) return "dead";
  return i % 8 === 2 ? "noisy" : "healthy";
});
const WELL = ILL.map((): MeterKind => "healthy");

function pacedLine(kinds: readonly MeterKind[], seed: number): PacedLine {
  return new PacedLine({
    kinds,
    model: "eastron-sdm630",
    pollEvery: 15 * SECOND,
    ...{ noise: 2_000, background: 20 },
    lateAfter: 5 * SECOND,
    seed,
  });
}

function hour(kinds: readonly MeterKind[], seed: number): PacedLine {
  const line = pacedLine(kinds, seed);
  line.run(HOUR);
  return line;
}

describe("an hour of 32 meters at 9600 bit/s, each read every 15 s", () => {
  const ill = hour(ILL, 1);

  test("the line could carry the schedule if all were well, and has little to spare", () => {
    const well = hour(WELL, 1);
    const { scheduled, done, share } = well.figures("healthy");
    expect(share).toBeGreaterThan(0.7);
    expect(done / scheduled).toBeGreaterThan(0.999);
    expect(PAGE).toContain(`${Math.round(100 * share)} % of the line when all are well`);
  });

  test("there are 8 dead and 4 noisy ones among them", () => {
    expect(KINDS.map((kind) => ILL.filter((own) => own === kind).length)).toEqual([20, 4, 8]);
    expect(ill.figures("dead").done).toBe(0);
  });

  test.each([1, 2, 3, 4, 5])("every healthy meter gets 95 percent of its reads, seed %i", (seed) => {
    const line = seed === 1 ? ill : hour(ILL, seed);
    expect(line.worst("healthy")).toBeGreaterThanOrEqual(0.95);
    expect(line.figures("dead").share).toBeLessThan(1 / 8);
    // They are read out of what is left, not given up.
    expect(line.worst("noisy")).toBeGreaterThan(0.3);
  });

  test("what they miss they miss in the first minute", () => {
    const line = pacedLine(ILL, 1);
    line.run(60 * SECOND);
    line.reset();
    line.run(HOUR);
    expect(line.worst("healthy")).toBe(1);
  });

  test("docs/head-end.md has the figures", () => {
    const percent = (part: number) => `${(100 * part).toFixed(1)} %`;
    const expected = KINDS.map((kind) => {
      const { scheduled, done, late, share } = ill.figures(kind);
      const meters = ILL.filter((own) => own === kind).length;
      const worst = percent(ill.worst(kind));
      return [kind, meters, scheduled, done, worst, late, percent(share)].map(String);
    });
    const rows = PAGE.split("\n").filter((row) => /^\| (healthy|noisy|dead) /.test(row));
    const cells = rows.map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    expect(cells).toEqual(expected);
  });
});

test("slow meters that would fill the line by themselves leave the others 95 percent too", () => {
  const kinds = WELL.map((_, i): MeterKind => (i % 5 === 1 ? "slow" : "healthy"));
  const line = hour(kinds, 1);
  expect(line.worst("healthy")).toBeGreaterThanOrEqual(0.95);
  // What is left of the line is theirs.
  expect(line.figures("slow").share).toBeGreaterThan(0.2);
  expect(line.worst("slow")).toBeGreaterThan(0.1);
});
