import { describe, expect, test } from "vitest";
import { type PointResult, runPoint } from "../../../firmware-sim/bench/bench.ts";
import { parseFaults } from "../../../firmware-sim/bench/faults.ts";
import type { AccuracyClass } from "../../../firmware-sim/bench/limits.ts";
import { pulseErrors } from "../../../firmware-sim/bench/measure.ts";
import { testPoints } from "../../../firmware-sim/bench/points.ts";
import type { TestKind, TestPoint } from "../../../firmware-sim/bench/test-point.ts";
import type { MeteringChip } from "../../../firmware-sim/metrology/chip.ts";
import type { ChipOptions } from "../../../firmware-sim/metrology/front-end.ts";
import { SampledChip } from "../../../firmware-sim/metrology/sampled-chip.ts";
import { ACREL_ADW300 } from "../../../protocols/models/acrel-adw300.ts";
import { METERWORKS_1P } from "../../../protocols/models/meterworks-1p.ts";
import { METERWORKS_3P } from "../../../protocols/models/meterworks-3p.ts";

function run(inject: readonly string[], wanted: (p: TestPoint) => boolean, cls: AccuracyClass = "D"): PointResult[] {
  const faults = parseFaults(inject, 3);
  if (!faults.ok) throw new Error(faults.error);
  const device = { model: METERWORKS_3P, faults: faults.value, seed: 3 };
  return testPoints(METERWORKS_3P, cls)
    .filter(wanted)
    .map((p) => runPoint(device, p));
}

const of =
  (...tests: TestKind[]) =>
  (p: TestPoint) =>
    tests.includes(p.test);
const failing = (results: readonly PointResult[]) => results.filter((r) => !r.pass);
/** To 0.01 %, without a negative zero. */
const hundredths = (r: PointResult) => Math.round(r.error * 100) / 100 + 0;
const names = (results: readonly PointResult[]) => results.map((r) => r.name);

describe("test points", () => {
  test("class D of the three-phase meter: Imax, 0.5 Imax, 10 Itr, Itr at three power factors, Imin at one", () => {
    const balanced = testPoints(METERWORKS_3P, "D").filter(of("balanced"));
    expect(balanced.map((p) => [p.current, p.pf])).toEqual([
      ...[100, 50, 5, 0.5].flatMap((i) => ["1", "0.5L", "0.8C"].map((pf) => [i, pf])),
      [0.25, "1"],
    ]);
    expect(testPoints(METERWORKS_3P, "D").filter(of("single-phase"))).toHaveLength(18);
  });

  test("class 1 of a direct meter with Ib 5 A, class 0.5S behind transformers with In 5 A", () => {
    const at = (points: readonly TestPoint[]) =>
      points.filter(of("balanced")).map((p) => `${Number(p.current.toFixed(6))} ${p.pf}`);
    const three = (...currents: number[]) => currents.flatMap((i) => [`${i} 1`, `${i} 0.5L`, `${i} 0.8C`]);
    expect(at(testPoints(METERWORKS_3P, "1"))).toEqual([
      ...three(100, 5, 50),
      "1 0.5L",
      "1 0.8C",
      ...three(0.5),
      "0.25 1",
    ]);
    expect(at(testPoints(ACREL_ADW300, "0.5S"))).toEqual([
      ...three(6, 5),
      "0.5 0.5L",
      "0.5 0.8C",
      "0.25 1",
      "0.1 0.5L",
      "0.1 0.8C",
      "0.05 1",
    ]);
  });

  test("a single-phase meter has no points of other phases", () => {
    const points = testPoints(METERWORKS_1P, "B");
    expect(points.filter((p) => /L[123] |sequence|lost/.test(p.name))).toEqual([]);
    expect(points.filter(of("influence")).length).toBeGreaterThan(10);
  });
});

describe("the class test", () => {
  test("a good meter passes with errors far below the limits", { timeout: 60_000 }, () => {
    const results = run([], of("balanced", "start", "constant", "repeatability", "influence"));
    expect(names(failing(results))).toEqual([]);
    expect(results.filter((r) => Math.abs(r.error) > r.limit / 10)).toEqual([]);
  });

  test("0.2° of lag fails the 0.5L points by the change of the cosine, and no other", { timeout: 30_000 }, () => {
    const results = run(["phase=0.2deg"], of("balanced"));
    expect(names(failing(results))).toEqual(["Imax", "0.5 Imax", "10 Itr", "Itr"].map((i) => `${i} PF 0.5L`));
    const cosine = (degrees: number) => Math.cos((degrees * Math.PI) / 180);
    const expected = { "1": cosine(0.2), "0.5L": cosine(60.2) / 0.5, "0.8C": cosine(36.869898 - 0.2) / 0.8 };
    for (const r of results)
      expect(Math.abs(r.error - (expected[r.pf as keyof typeof expected] - 1) * 100)).toBeLessThan(0.01);
  });

  test("2 % of gain fails every intrinsic point by 2 %, one phase's a third of it", { timeout: 30_000 }, () => {
    const all = run(["gain=0.02"], of("balanced"));
    expect(all.filter((r) => r.pass)).toEqual([]);
    for (const r of all) expect(Math.abs(r.error - 2)).toBeLessThan(0.01);
    const single = run(["gain=0.02@L2"], (p) => / 10 Itr PF 1$/.test(p.name) || p.name === "10 Itr PF 1");
    expect(single.map(hundredths)).toEqual([0.67, 0, 2, 0]);
  });

  test("wiring: a reversed phase takes two thirds, exchanged currents stop the meter", { timeout: 30_000 }, () => {
    const point = (p: TestPoint) => /^(L[12] )?10 Itr PF 1$/.test(p.name);
    const errors = (inject: string) => run([inject], point).map(hundredths);
    expect(errors("reverse=L2")).toEqual([-66.67, 0, -100]);
    expect(errors("open=L1")).toEqual([-33.33, -100, 0]);
    expect(errors("swap=L1-L2")).toEqual([-100, -100, -100]);
  });

  test("each of the other tests has a fault that it alone is for", { timeout: 60_000 }, () => {
    expect(run(["noise=0.02"], of("no-load"), "1")[0]?.pass).toBe(false);
    expect(run([], of("no-load"), "1")).toMatchObject([{ error: 0, unit: "imp", pass: true }]);
    expect(run(["constant=1600"], of("constant"))[0]?.error).toBeCloseTo(-37.5, 1);
    expect(run(["bits=10"], of("start"))[0]?.pass).toBe(false);
    expect(names(failing(run(["noise=0.01"], of("repeatability"))))).toHaveLength(2);
    // The chip takes DC out: it harms where the converter clips, at full load.
    const clipped = names(failing(run(["offset=0.5"], of("balanced"))));
    expect(clipped).toContain("Imax PF 1");
    expect(clipped).not.toContain("10 Itr PF 1");
  });

  test("a chip that loses every tenth window counts 10 % less: the bench's clock is its own", {
    timeout: 30_000,
  }, () => {
    const faults = parseFaults([], 3);
    if (!faults.ok) throw new Error(faults.error);
    const point = testPoints(METERWORKS_3P, "D").find((p) => p.name === "Imin PF 1") as TestPoint;
    const chip = (options: ChipOptions): MeteringChip => {
      const sound = new SampledChip(options);
      let windows = 0;
      return {
        advance: (until, onWindow) =>
          sound.advance(until, (window, span) => {
            windows += 1;
            if (windows % 10 !== 0) onWindow(window, span);
          }),
        readings: () => sound.readings(),
        nextWake: () => sound.nextWake(),
        setRelay: (closed) => sound.setRelay(closed),
      };
    };
    const device = { model: METERWORKS_3P, faults: faults.value, seed: 3, chip };
    const [error] = pulseErrors(device, point.load, 600);
    expect(Math.abs((error as number) + 10)).toBeLessThan(0.3);
  });

  test("a crystal 1 % fast counts 1 % more", { timeout: 30_000 }, () => {
    const [result] = run(["clock=10000ppm"], (p) => p.name === "10 Itr PF 1");
    expect(result?.error).toBeCloseTo(1, 2);
  });
});
