/** Every fault that can be injected: the rows that it turns red, and that no other one does. */
import { describe, expect, test } from "vitest";
import { type PointResult, runPoint } from "../../../firmware-sim/bench/bench.ts";
import { parseFaults } from "../../../firmware-sim/bench/faults.ts";
import type { AccuracyClass } from "../../../firmware-sim/bench/limits.ts";
import type { Device } from "../../../firmware-sim/bench/measure.ts";
import { testPoints } from "../../../firmware-sim/bench/points.ts";
import { initialVerification, type TestPoint } from "../../../firmware-sim/bench/test-point.ts";
import { buildMeter } from "../../../firmware-sim/factory/built.ts";
import type { MeteringChip } from "../../../firmware-sim/metrology/chip.ts";
import type { ChipOptions } from "../../../firmware-sim/metrology/front-end.ts";
import { SampledChip } from "../../../firmware-sim/metrology/sampled-chip.ts";
import { METERWORKS_3P } from "../../../protocols/models/meterworks-3p.ts";

function device(inject: readonly string[], more: Partial<Device> = {}): Device {
  const faults = parseFaults(inject, 3);
  if (!faults.ok) throw new Error(faults.error);
  return { model: METERWORKS_3P, faults: faults.value, seed: 3, ...more };
}

/** All rows but the slow ones, which have no part in it. */
const D = testPoints(METERWORKS_3P, "D").filter((p) => !/^no load|^sub-harmonics|^again/.test(p.name));
const run = (inject: string, points: readonly TestPoint[] = D) => points.map((p) => runPoint(device([inject]), p));
const red = (results: readonly PointResult[]) => results.filter((r) => !r.pass).map((r) => r.name);
const intrinsic = (wanted: RegExp) =>
  D.filter((p) => ["start", "balanced", "single-phase"].includes(p.test) && wanted.test(p.name)).map((p) => p.name);

describe("faults and the rows of class D that they turn red", () => {
  test("none: none", { timeout: 60_000 }, () => {
    expect(red(D.map((p) => runPoint(device([]), p)))).toEqual([]);
  });

  test("a stuck bit of L2's converter: small currents with L2, never large ones or another phase", {
    timeout: 60_000,
  }, () => {
    const results = run("deadbit=12@L2");
    // 2^12 counts of 2^23 at 212 A: 0.10 A.
    expect(red(results)).toEqual(intrinsic(/^(start at Ist|Itr .*|Imin .*|L2 Itr .*)$/));
  });

  test("a lost neutral: only where the voltages are not balanced", { timeout: 60_000 }, () => {
    const bad = run("lost-neutral").filter((r) => !r.pass);
    // Two phases in series: |U2 − U3|² / 2 of U2² + U3² is 3/4. One phase alone has nothing to be measured against.
    expect(bad.map((r) => [r.name, Number(r.error.toFixed(3))])).toEqual([
      ["voltage of L1 lost", -25],
      ["voltages of L1 and L2 lost", -100],
    ]);
  });

  test("a gain that drifts: the rows of temperature, by its amount", { timeout: 60_000 }, () => {
    const bad = run("drift=300ppm").filter((r) => !r.pass);
    expect(bad.map((r) => r.test)).toEqual(Array(4).fill("temperature"));
    for (const r of bad) {
      expect(r.unit).toBe("%/K");
      expect(r.error).toBeCloseTo(0.03, 3);
    }
  });

  test("the crystal of the clock: the daily error, 0.0864 s per ppm; that of the converter leaves it alone", {
    timeout: 60_000,
  }, () => {
    const [clock] = run("rtc=20ppm").filter((r) => !r.pass);
    expect(clock).toMatchObject({ name: "daily clock error", unit: "s/d", limit: 0.5, recalled: false });
    expect(clock?.error).toBeCloseTo(1.728, 3);
    expect(red(run("rtc=5ppm"))).toEqual([]);
    const other = run(
      "clock=10000ppm",
      D.filter((p) => p.test === "clock"),
    );
    expect(red(other)).toEqual([]);
  });

  test("a gain of one phase: all balanced loads and that phase", { timeout: 60_000 }, () => {
    // Without L1 and L2 the error is L3's, which has none: a change by what it was.
    expect(red(run("gain=0.02@L2"))).toEqual([...intrinsic(/^(?!L[13])/), "voltages of L1 and L2 lost"]);
  });

  test("a lag: inductive loads; with one voltage lost nothing more", { timeout: 60_000 }, () => {
    expect(red(run("phase=0.2deg"))).toEqual(intrinsic(/0\.5L$/));
  });

  test("a reversed current: the phases' registers don't make the total", { timeout: 60_000 }, () => {
    const results = run("reverse=L2");
    expect(red(results)).toEqual([
      ...intrinsic(/^(?!L[13])/),
      "registers of phases against total",
      "voltage of L1 lost",
      "voltages of L1 and L2 lost",
    ]);
    // +2 kWh of the phases, +1 of the meter.
    expect(results.find((r) => r.test === "registers")?.error).toBeCloseTo(100, 2);
  });

  test("DC beyond the converter's end: full load alone", { timeout: 60_000 }, () => {
    expect(red(run("offset=0.5"))).toEqual(intrinsic(/Imax/).filter((n) => !n.includes("0.5 Imax")));
  });
});

/** A chip whose current gain changes with what it has seen so far: the window's active energy times a factor. */
function changing(factor: (seconds: number, watts: number) => number) {
  return (options: ChipOptions): MeteringChip => {
    const sound = new SampledChip(options);
    let seconds = 0;
    return {
      advance: (until, onWindow) =>
        sound.advance(until, (window, span) => {
          seconds += 0.2;
          const watts = window.reduce((sum, { active }) => sum + active, 0) / 0.2e6;
          const by = factor(seconds, watts);
          onWindow(
            window.map((e) => ({ ...e, active: Math.round(e.active * by) })),
            span,
          );
        }),
      readings: () => sound.readings(),
      nextWake: () => sound.nextWake(),
      setRelay: (closed) => sound.setRelay(closed),
    };
  };
}

describe("what a fault of the front end can't show", () => {
  const points = (cls: AccuracyClass, ...tests: string[]) =>
    testPoints(METERWORKS_3P, cls).filter((p) => tests.includes(p.test));

  test("a meter that remembers full load: up and down differ, the same load again does not", {
    timeout: 30_000,
  }, () => {
    const results = points("D", "up-down", "variation").map((p) => {
      let hot = false;
      const chip = changing((_, watts) => {
        hot ||= watts > 60_000;
        return hot ? 1.001 : 1;
      });
      return runPoint(device([], { chip }), p);
    });
    expect(red(results)).toEqual(["up and down at 0.5 A", "up and down at 5 A", "up and down at 50 A"]);
    for (const r of results.filter((p) => !p.pass)) expect(r.error).toBeCloseTo(0.1, 2);
  });

  test("a meter that drifts with time is found by the same load again", { timeout: 30_000 }, () => {
    const chip = changing((seconds) => (seconds > 100 ? 1.001 : 1));
    const results = points("D", "variation", "repeatability").map((p) => runPoint(device([], { chip }), p));
    expect(red(results)).toEqual(["again after 5 min PF 1", "again after 5 min PF 0.5L"]);
  });

  test("class 1: one phase against the balanced load", { timeout: 30_000 }, () => {
    const results = points("1", "difference").map((p) => runPoint(device(["gain=0.04@L2"]), p));
    expect(results.map((r) => [r.name, Number(r.error.toFixed(2)), r.limit, r.pass])).toEqual([
      ["L1 alone against balanced", -1.33, 1.5, true],
      ["L2 alone against balanced", 2.67, 1.5, false],
      ["L3 alone against balanced", -1.33, 1.5, true],
    ]);
  });

  test("initial verification allows 60 % of intrinsic limits: 0.15 % passes class D, and fails it then", {
    timeout: 30_000,
  }, () => {
    const some = D.filter((p) => p.name === "10 Itr PF 1" || p.name.startsWith("repeatability"));
    expect(red(run("gain=0.0015", some))).toEqual([]);
    const strict = initialVerification(some);
    expect(strict.map((p) => Number(p.limit.percent.toFixed(3)))).toEqual([0.12, 0.02, 0.02]);
    expect(red(run("gain=0.0015", strict))).toEqual(["10 Itr PF 1"]);
  });

  test("real parts pass calibrated and fail as they were assembled; faults come on top", { timeout: 60_000 }, () => {
    const some = D.filter((p) => ["balanced", "temperature", "clock"].includes(p.test));
    const errors = (calibrated: boolean, ...inject: string[]) => {
      const parts = buildMeter(METERWORKS_3P, 7, calibrated);
      if (!parts.ok) throw new Error(parts.error);
      return initialVerification(some).map((p) => runPoint(device(inject, { parts: parts.value }), p));
    };
    const good = errors(true);
    expect(red(good)).toEqual([]);
    // Ideal parts would show nothing of the two.
    for (const kind of ["temperature", "clock"]) expect(good.some((r) => r.test === kind && r.error !== 0)).toBe(true);
    expect(good.filter((r) => r.test === "temperature").some((r) => Math.abs(r.error) > 1e-4)).toBe(true);
    expect(red(errors(false)).length).toBeGreaterThan(8);
    expect(red(errors(true, "gain=0.02")).length).toBe(some.filter((p) => p.test === "balanced").length);
  });
});
