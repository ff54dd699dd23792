import { describe, expect, test } from "vitest";
import { steadySpan } from "../../../firmware-sim/metrology/chip.ts";
import { PulseOutput } from "../../../firmware-sim/metrology/pulses.ts";

/** Of so many watts over 0.2 s, µJ. */
const window = (...watts: number[]) => watts.map((w) => ({ active: w * 0.2e6, reactive: 0, apparent: 0 }));

/** 0.2 s from `begin` on, its power steady. */
const span = (begin: number) => steadySpan(begin, begin + 0.2);

describe("the test output", () => {
  test("gives a pulse per Wh at 1000 imp/kWh, at its instant", () => {
    const led = new PulseOutput(1_000, "net");
    const times: number[] = [];
    for (let k = 0; k < 500; k++) times.push(...led.add(window(1_000, 2_000, 3_000), span(k * 0.2)));
    // 6 kW: a Wh every 0.6 s.
    expect(led.count).toBe(166);
    expect(times[0]).toBeCloseTo(0.6, 6);
    for (let k = 1; k < times.length; k++) expect((times[k] as number) - (times[k - 1] as number)).toBeCloseTo(0.6, 6);
  });

  test("windows that nobody watched leave the next pulse where it would have been", () => {
    const watched = new PulseOutput(1_000, "net");
    const dark = new PulseOutput(1_000, "net");
    for (let k = 0; k < 500; k++) {
      watched.add(window(1_000, 2_000, 2_900), span(k * 0.2));
      dark.pass(window(1_000, 2_000, 2_900));
    }
    expect(dark.count).toBe(watched.count);
    const next = (led: PulseOutput) =>
      [0, 1, 2, 3].flatMap((k) => led.add(window(1_000, 2_000, 2_900), span(100 + k * 0.2)));
    const [dated, known] = [next(dark), next(watched)];
    expect(known).toHaveLength(2);
    expect(dated.map((time) => time.toFixed(6))).toEqual(known.map((time) => time.toFixed(6)));
  });

  test("several pulses of one window are spread over it", () => {
    const led = new PulseOutput(36_000, "net");
    // 2 kW × 0.2 s = 400 J, a pulse each 100 J.
    expect(led.add(window(2_000), span(10)).map((t) => Number(t.toFixed(6)))).toEqual([10.05, 10.1, 10.15, 10.2]);
  });

  test("a phase that exports is netted or left out, as the model says", () => {
    const run = (total: "net" | "perPhase") => {
      const led = new PulseOutput(1_000, total);
      for (let k = 0; k < 18_000; k++) led.add(window(1_000, -400, 1_000), span(k * 0.2));
      return led.count;
    };
    expect(run("net")).toBe(1_600);
    expect(run("perPhase")).toBe(2_000);
  });

  test("does not run backwards", () => {
    const led = new PulseOutput(1_000, "net");
    for (let k = 0; k < 1_000; k++) led.add(window(-1_000), span(k * 0.2));
    expect(led.count).toBe(0);
  });
});
