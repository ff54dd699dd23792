import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type PointResult, runPoint } from "../../../firmware-sim/bench/bench.ts";
import { parseFaults } from "../../../firmware-sim/bench/faults.ts";
import {
  type ReactiveClass,
  reactiveLimit,
  reactiveNoLoad,
  type Sine,
} from "../../../firmware-sim/bench/reactive-limits.ts";
import { reactivePoints } from "../../../firmware-sim/bench/reactive-points.ts";
import { referencePower } from "../../../firmware-sim/bench/reference.ts";
import type { TestPoint } from "../../../firmware-sim/bench/test-point.ts";
import { mainsOf, type PhaseMains } from "../../../firmware-sim/metrology/mains.ts";
import { ACREL_ADW300 } from "../../../protocols/models/acrel-adw300.ts";
import { METERWORKS_1P } from "../../../protocols/models/meterworks-1p.ts";
import { METERWORKS_3P } from "../../../protocols/models/meterworks-3p.ts";
import { currentAt, meanOverCycle, voltageAt } from "./waves.ts";

function run(inject: readonly string[], wanted: (p: TestPoint) => boolean, cls: ReactiveClass = "2"): PointResult[] {
  const faults = parseFaults(inject, 3);
  if (!faults.ok) throw new Error(faults.error);
  const device = { model: METERWORKS_3P, faults: faults.value, seed: 3 };
  return reactivePoints(METERWORKS_3P, cls)
    .filter(wanted)
    .map((p) => runPoint(device, p));
}

const balanced = (p: TestPoint) => p.test === "balanced";
const red = (results: readonly PointResult[]) => results.filter((r) => !r.pass);

/** Fundamental reactive power from the waves alone: the first Fourier coefficients of both. */
function fundamentalReactive(p: PhaseMains): number {
  const bin = (wave: (d: number) => number, by: (x: number) => number) =>
    2 * meanOverCycle((d) => wave(d) * by((d * Math.PI) / 180));
  const [v, i] = [(d: number) => voltageAt(p, d), (d: number) => currentAt(p, d)];
  return (bin(v, Math.cos) * bin(i, Math.sin) - bin(v, Math.sin) * bin(i, Math.cos)) / 2;
}

describe("reactive reference", () => {
  test("is the fundamental's Σ U·I·sin φ, whatever the harmonics, positive in the direction that counts", () => {
    const degrees = fc.double({ min: 0, max: 360, noNaN: true });
    const harmonics = [
      { order: 3, ratio: 0.2, angle: 40 },
      { order: 5, ratio: 0.4, angle: 10 },
    ];
    fc.assert(
      fc.property(fc.tuple(degrees, degrees, degrees), (angle) => {
        const mains = mainsOf({
          ...{ phases: 3, voltage: [229, 230, 231], current: [1, 5, 9], angle },
          ...{ voltageHarmonics: harmonics, currentHarmonics: harmonics },
        });
        const expected = mains.phases.reduce((sum, p) => sum + fundamentalReactive(p), 0);
        const of = (direction: "import" | "export") =>
          referencePower({ mains, counted: { quantity: "reactive", direction } });
        expect(of("import")).toBeCloseTo(expected, 6);
        expect(of("export")).toBeCloseTo(-expected, 6);
      }),
      { numRuns: 50 },
    );
  });
});

describe("reactive points", () => {
  test("class 2 of a direct meter, Ib 5 A: the points of the benches, and the same of export", () => {
    const points = reactivePoints(METERWORKS_3P, "2").filter(balanced);
    const at = (sign: string) =>
      points.filter((p) => p.pf.includes("-") === (sign === "-")).map((p) => `${Number(p.current.toFixed(6))} ${p.pf}`);
    const rows = (sign: string) => [
      ...[100, 50, 5].flatMap((i) => ["1", "0.5L", "0.5C"].map((s) => `${i} sin ${sign}${s}`)),
      ...["0.25L", "0.25C"].map((s) => `5 sin ${sign}${s}`),
      ...["0.5L", "0.5C"].map((s) => `1 sin ${sign}${s}`),
      ...["1", "0.5L", "0.5C"].map((s) => `0.5 sin ${sign}${s}`),
      `0.25 sin ${sign}1`,
    ];
    const order = (texts: string[]) => [...texts].sort();
    expect(order(at("+"))).toEqual(order(rows("")));
    expect(order(at("-"))).toEqual(order(rows("-")));
  });

  test("lie in quadrants I and II on import, III and IV on export; nothing has commas", () => {
    for (const p of reactivePoints(METERWORKS_3P, "3").filter((q) => q.current > 0)) {
      const [phase] = p.load.mains.phases.filter((m) => m.current > 0);
      const radians = ((phase?.angle ?? 0) * Math.PI) / 180;
      expect(Math.sign(Math.sin(radians))).toBe(p.pf.includes("-") ? -1 : 1);
      const active = Math.round(Math.cos(radians) * 1e6);
      const inductive = p.pf.includes("-") ? active < 0 : active > 0;
      if (/[LC]$/.test(p.pf)) expect(inductive).toBe(p.pf.endsWith("L"));
      expect(p.name).not.toContain(",");
    }
    expect(reactivePoints(METERWORKS_1P, "2").filter((p) => p.test === "single-phase")).toEqual([]);
  });

  test.each([
    ["2", 0.25, "1", false, 2.5, false],
    ["2", 0.5, "1", false, 2.0, false],
    ["2", 0.5, "0.5", false, 2.5, true],
    ["2", 1, "0.5", false, 2.0, true],
    ["2", 5, "0.25", false, 2.5, true],
    ["3", 0.25, "1", false, 4.0, true],
    ["3", 5, "1", true, 4.0, true],
    ["1", 0.25, "1", false, 1.5, true],
  ] as const)("class %s at %d A, sin φ %s, one phase %s: %d %%", (cls, amperes, sine, single, limit, recalled) => {
    expect(reactiveLimit(cls, METERWORKS_3P.plate, { amperes, sine, single })).toEqual({ percent: limit, recalled });
  });

  test("classes with S begin at 0.01 In behind transformers; no load takes 480e6/(C·m·Un·Imax) minutes at class 2", () => {
    const at = (amperes: number, sine: Sine) =>
      reactiveLimit("0.5S", ACREL_ADW300.plate, { amperes, sine, single: false }).percent;
    expect([at(0.05, "1"), at(0.25, "1"), at(0.25, "0.5"), at(0.5, "0.5")]).toEqual([1, 0.5, 1, 0.5]);
    expect(reactivePoints(ACREL_ADW300, "0.5S").some((p) => p.current === 0.05)).toBe(true);
    expect(reactiveNoLoad("2", METERWORKS_3P.plate, 3)).toBeCloseTo((480e6 / (1000 * 3 * 230 * 100)) * 60, 6);
  });
});

describe("the reactive class test", () => {
  test.each(["0.5S", "1", "2", "3"] as const)("a good meter passes class %s", { timeout: 60_000 }, (cls) => {
    expect(red(run([], (p) => p.test !== "no-load", cls))).toEqual([]);
  });

  test("a lag of 2° shows at sin φ 0.5 and below, by the change of the sine, with the sign of the load", {
    timeout: 30_000,
  }, () => {
    const results = run(["phase=2deg"], balanced);
    const sine = (degrees: number) => Math.sin((degrees * Math.PI) / 180);
    const expected = { "1": sine(92), "0.5L": sine(32) / 0.5, "0.5C": sine(152) / 0.5 };
    for (const r of results) {
      const wanted = expected[r.pf.replace(/sin -?/, "") as keyof typeof expected];
      if (wanted !== undefined) expect(Math.abs(r.error - (wanted - 1) * 100)).toBeLessThan(0.01);
    }
    expect(red(results).map((r) => r.name)).toEqual(results.filter((r) => !/sin -?1$/.test(r.pf)).map((r) => r.name));
  });

  test("4 % of gain fails every balanced point in both directions; one phase alone only its own", {
    timeout: 30_000,
  }, () => {
    const all = run(["gain=0.045"], balanced);
    expect(all.filter((r) => r.pass)).toEqual([]);
    expect(all.every((r) => r.quantity === "reactive")).toBe(true);
    const single = run(["gain=0.045@L2"], (p) => p.test === "single-phase");
    expect(red(single).every((r) => r.name.startsWith("L2 "))).toBe(true);
    expect(red(single)).toHaveLength(4);
  });

  test("the LED's constant is imp/kvarh here, and the register is that of the direction", { timeout: 30_000 }, () => {
    const constant = run(["constant=800"], (p) => p.test === "constant");
    expect(constant.map((r) => Math.round(r.error))).toEqual([25, 25]);
    expect(red(run(["reverse=L1", "reverse=L2", "reverse=L3"], (p) => p.name === "Ib sin 1"))[0]?.error).toBe(-100);
  });
});
