import { describe, expect, it } from "vitest";
import type { PhaseEnergy } from "../../../firmware-sim/metrology/chip.ts";
import type { ChipOptions, FrontEndErrors } from "../../../firmware-sim/metrology/front-end.ts";
import { constantLoad, type Mains, mainsOf, stepLoad } from "../../../firmware-sim/metrology/mains.ts";
import { SampledChip } from "../../../firmware-sim/metrology/sampled-chip.ts";
import { civil } from "../../../src/core/time.ts";
import { PLATE, ppm, SECOND } from "./oracle.ts";

const NOISELESS: FrontEndErrors = { noise: 0 };
const ignore = () => {};

function chipOf(mains: Mains, errors: FrontEndErrors = NOISELESS, more: Partial<ChipOptions> = {}): SampledChip {
  const phases = mains.phases.length === 1 ? 1 : 3;
  return new SampledChip({
    plate: PLATE,
    phases,
    load: constantLoad(mains),
    start: civil(0),
    seed: 1,
    errors,
    ...more,
  });
}

/** Readings after the second window. */
function settled(mains: Mains, errors: FrontEndErrors = NOISELESS, seconds = 1) {
  const chip = chipOf(mains, errors);
  chip.advance(civil(seconds * SECOND), ignore);
  return chip.readings();
}

/** Windows of a stretch of time, as copies. */
function windows(chip: SampledChip, until: number): PhaseEnergy[][] {
  const all: PhaseEnergy[][] = [];
  chip.advance(civil(until), (w) => all.push(w.map((e) => ({ ...e }))));
  return all;
}

const load = (current: number, angle = 36.8698976) => mainsOf({ phases: 3, voltage: 230, current, angle });

it("is not disturbed by a chip that measures in between: they share their working arrays", () => {
  const alone = chipOf(load(5), {});
  const shared = chipOf(load(5), {});
  const other = chipOf(load(40, 90), {}, { seed: 2 });
  for (let time = 13_000; time <= SECOND; time += 13_000) {
    shared.advance(civil(time), ignore);
    other.advance(civil(time), ignore);
  }
  shared.advance(civil(SECOND), ignore);
  alone.advance(civil(SECOND), ignore);
  expect(shared.readings()).toEqual(alone.readings());
});

describe("what a noiseless sampled chip shows", () => {
  it("is 2760 W, 2070 var and power factor 0.8 for 3 × 230 V, 5 A, 36.87°", () => {
    const r = settled(load(5), {});
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / 1e3;
    expect(sum(r.active)).toBeCloseTo(2760, 1);
    expect(sum(r.reactive)).toBeCloseTo(2070, 1);
    expect(sum(r.active) / sum(r.apparent)).toBeCloseTo(0.8, 5);
    for (const p of [0, 1, 2]) {
      expect(ppm(r.voltage[p] as number, 230_000)).toBeCloseTo(0, -2);
      expect(ppm(r.current[p] as number, 5_000_000)).toBeCloseTo(0, -3);
      expect(Math.abs((r.angle[p] as number) - 36_870)).toBeLessThan(3);
      expect(Math.abs((r.lineVoltage[p] as number) - 230_000 * Math.sqrt(3))).toBeLessThan(5);
    }
    expect(r.neutralCurrent).toBe(0);
    expect(r.frequency).toBe(50_000);
  });

  it.each([
    [30, 1, 1],
    [150, -1, 1],
    [210, -1, -1],
    [330, 1, -1],
  ])("has the signs of its quadrant at %i°", (angle, p, q) => {
    const r = settled(load(5, angle), {});
    for (const phase of [0, 1, 2]) {
      expect(Math.sign(r.active[phase] as number)).toBe(p);
      expect(Math.sign(r.reactive[phase] as number)).toBe(q);
      expect(Math.abs((r.angle[phase] as number) - angle * 1e3)).toBeLessThan(3);
    }
  });

  it("is the vector sum in the neutral, and the triangle between the lines", () => {
    const r = settled(mainsOf({ phases: 3, voltage: [230, 200, 250], current: [10, 10, 4], angle: 0 }));
    // |10 + 10∠−120 + 4∠120| = |10 − 5 − 2 + j(−8.66 + 3.464)|
    expect(Math.abs(r.neutralCurrent - 6e6)).toBeLessThan(100);
    const between = (a: number, b: number) => 1e3 * Math.sqrt(a * a + b * b + a * b);
    const expected = [between(230, 200), between(200, 250), between(250, 230)];
    for (const [l, v] of expected.entries()) expect(Math.abs((r.lineVoltage[l] as number) - v)).toBeLessThan(5);
  });

  it("takes third harmonics of balanced loads to the neutral", () => {
    const r = settled(
      mainsOf({ phases: 3, voltage: 230, current: 10, currentHarmonics: [{ order: 3, ratio: 0.2, angle: 0 }] }),
    );
    expect(Math.abs(r.neutralCurrent - 6e6)).toBeLessThan(100);
  });

  it.each([40, 70])("holds at the ends of the frequency range: %i Hz", (frequency) => {
    const r = settled(mainsOf({ phases: 3, voltage: 230, current: 10, angle: 60, frequency }));
    expect(r.frequency).toBe(frequency * 1e3);
    expect(Math.abs(ppm(r.active[0] as number, 1_150_000))).toBeLessThan(20);
    expect(Math.abs(ppm(r.reactive[0] as number, 1_150_000 * Math.sqrt(3)))).toBeLessThan(20);
  });

  it("runs in 12-cycle windows at 60 Hz, on one phase too", () => {
    const mains = mainsOf({ phases: 1, voltage: 120, current: 15, angle: 60, frequency: 60 });
    const chip = chipOf(mains, {}, { plate: { ...PLATE, un: 120, frequency: 60, wiring: "1P2W" } });
    const count = windows(chip, 7 * SECOND).length;
    expect(count).toBeGreaterThanOrEqual(34);
    expect(count).toBeLessThanOrEqual(35);
    const r = chip.readings();
    expect(r.active[0] as number).toBeCloseTo(900_000, -2);
    expect(r.frequency).toBe(60_000);
    expect(r.lineVoltage).toEqual([0, 0, 0]);
    expect(r.neutralCurrent).toBe(r.current[0]);
  });
});

describe("windows", () => {
  it("each hold the power of whole cycles within 3 ppm for a pure sine, wherever its crossings lie", () => {
    const frequency = 49.37;
    const chip = chipOf(mainsOf({ phases: 3, voltage: 230, current: 20, angle: 70, frequency }));
    chip.advance(civil(8 * SECOND), ignore);
    for (const window of windows(chip, 14 * SECOND))
      for (const e of window) {
        const micros = (10 / frequency) * 1e6;
        expect(Math.abs(ppm(e.active, 4600 * Math.cos((70 * Math.PI) / 180) * micros, 4600 * micros))).toBeLessThan(3);
        expect(Math.abs(ppm(e.reactive, 4600 * Math.sin((70 * Math.PI) / 180) * micros, 4600 * micros))).toBeLessThan(
          3,
        );
      }
  });

  it("tile a minute: their sum is power × time within 3 ppm", () => {
    const frequency = 50.73;
    const chip = chipOf(mainsOf({ phases: 1, voltage: 230, current: 20, angle: 45, frequency }), {});
    chip.advance(civil(8 * SECOND), ignore);
    const all = windows(chip, 68 * SECOND);
    const micros = ((10 * all.length) / frequency) * 1e6;
    const energy = all.reduce((sum, w) => sum + (w[0] as PhaseEnergy).active, 0);
    expect(Math.abs(ppm(energy, 4600 * Math.SQRT1_2 * micros, 4600 * micros))).toBeLessThan(3);
    expect(Math.abs(micros - 60 * SECOND)).toBeLessThan(0.4 * SECOND);
  });

  it("lose nothing of a load that steps inside one, nor of one that ends", () => {
    // Steps at zero crossings of the voltage, where no sample straddles a jump of power; none of them ends a window.
    const chip = new SampledChip({
      plate: PLATE,
      phases: 1,
      start: civil(0),
      seed: 1,
      errors: NOISELESS,
      load: stepLoad(
        civil(0),
        [
          [1.13, 0],
          [1.27, 5],
          [2.31, 40],
          [1, 0],
        ].map(([seconds, current]) => ({
          seconds: seconds as number,
          mains: mainsOf({ phases: 1, voltage: 230, current: current as number, angle: 0 }),
        })),
      ),
    });
    const all = windows(chip, 6 * SECOND);
    const energy = all.reduce((sum, w) => sum + (w[0] as PhaseEnergy).active, 0);
    expect(Math.abs(ppm(energy, 230 * (5 * 1.27 + 40 * 2.31) * 1e6))).toBeLessThan(20);
  });

  it("are integers that carry their fraction: power too small for a µJ per window still adds up", () => {
    const plate = { ...PLATE, ist: 1e-9, imax: 1e-6 };
    const chip = chipOf(mainsOf({ phases: 1, voltage: 230, current: 1e-8, angle: 0 }), NOISELESS, { plate });
    chip.advance(civil(8 * SECOND), ignore);
    const all = windows(chip, 68 * SECOND);
    // 2.3 µW × 0.2 s = 0.46 µJ a window.
    const seen = new Set(all.map((w) => (w[0] as PhaseEnergy).active));
    expect([...seen].sort()).toEqual([0, 1]);
    const sum = all.reduce((s, w) => s + (w[0] as PhaseEnergy).active, 0);
    expect(Math.abs(sum - all.length * 0.46)).toBeLessThanOrEqual(1);
  });
});

describe("errors of the front end", () => {
  const of = (errors: FrontEndErrors) => settled(load(20, 60), { noise: 0, ...errors });
  const active = 4600 * 0.5 * 1e3;

  it("gain moves power and rms by just as much", () => {
    const r = of({ current: [{ gain: 0.02 }, {}, { gain: -0.01 }], voltage: { gain: 0.005 } });
    expect(Math.abs(ppm(r.active[0] as number, active * 1.02 * 1.005))).toBeLessThan(20);
    expect(Math.abs(ppm(r.active[1] as number, active * 1.005))).toBeLessThan(20);
    expect(Math.abs(ppm(r.active[2] as number, active * 0.99 * 1.005))).toBeLessThan(20);
    expect(Math.abs(ppm(r.voltage[0] as number, 230_000 * 1.005))).toBeLessThan(15);
  });

  it("delay of a current channel adds lag: 100 µs are 1.8° at 50 Hz", () => {
    const r = of({ current: { delay: 100 } });
    expect(Math.abs(ppm(r.active[0] as number, 4600e3 * Math.cos((61.8 * Math.PI) / 180)))).toBeLessThan(20);
    expect(r.angle[1]).toBe(61_800);
  });

  it("offset is DC: it is taken out", () => {
    const r = settled(load(20, 60), { noise: 0, current: { offset: 0.05 }, voltage: { offset: -0.02 } });
    expect(Math.abs(ppm(r.active[0] as number, active))).toBeLessThan(20);
    expect(Math.abs(ppm(r.current[0] as number, 20e6))).toBeLessThan(20);
  });

  it("a clock 200 ppm fast counts 200 ppm too much energy and sees the mains slow", () => {
    const seconds = 400;
    const chip = chipOf(mainsOf({ phases: 1, voltage: 230, current: 20, angle: 0 }), { noise: 0, clockPpm: 200 });
    chip.advance(civil(7 * SECOND), ignore);
    const all = windows(chip, (7 + seconds) * SECOND);
    const energy = all.reduce((sum, w) => sum + (w[0] as PhaseEnergy).active, 0);
    const real = all.length * 0.2 * 1e6;
    expect(Math.abs(ppm(energy, 4600 * real) - 200)).toBeLessThan(5);
    expect(chip.readings().frequency).toBe(49_990);
  });

  it("few bits are coarse, and full scale clips", () => {
    const coarse = settled(load(1, 0), { noise: 0, bits: 6 });
    expect(Math.abs(ppm(coarse.active[0] as number, 230e3))).toBeGreaterThan(1000);
    const clipped = settled(load(300, 0), NOISELESS);
    expect(clipped.current[0] as number).toBeLessThan(200e6);
    expect(clipped.current[0] as number).toBeGreaterThan(150e6);
  });

  it("noise scatters by seed and repeats with it", () => {
    const run = (seed: number) => {
      const chip = chipOf(load(5), { noise: 1e-4 }, { seed });
      return windows(chip, 2 * SECOND).map((w) => (w[0] as PhaseEnergy).active);
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
  });
});

describe("lost voltages, small loads, the relay", () => {
  it("takes the cycles from the next live phase when L1 is dead", () => {
    const r = settled(mainsOf({ phases: 3, voltage: [0, 230, 230], current: [0, 5, 5], angle: 30 }), {});
    expect(r.frequency).toBe(50_000);
    expect(r.voltage[0] as number).toBeLessThan(10);
    expect(r.reactive[1] as number).toBeCloseTo(575_000, -3);
  });

  it("goes on in windows of 250 ms without any voltage, and finds it again", () => {
    const dark = mainsOf({ phases: 3, voltage: 0, current: 0 });
    const chip = new SampledChip({
      plate: PLATE,
      phases: 3,
      start: civil(0),
      seed: 1,
      load: stepLoad(civil(0), [
        { seconds: 2, mains: load(5) },
        { seconds: 5, mains: dark },
        { seconds: 1, mains: load(5) },
      ]),
    });
    chip.advance(civil(2.5 * SECOND), ignore);
    expect(windows(chip, 6.5 * SECOND).length).toBeCloseTo(16, -0.7);
    expect(chip.readings()).toMatchObject({ frequency: 0, current: [0, 0, 0], active: [0, 0, 0], angle: [0, 0, 0] });
    chip.advance(civil(12 * SECOND), ignore);
    expect(chip.readings().frequency).toBe(50_000);
    expect(chip.readings().reactive[0] as number).toBeCloseTo(690_000, -3);
  });

  it("counts nothing below half the starting current, and counts at the starting current", () => {
    for (const [current, counts] of [
      [0, false],
      [0.01, false],
      [0.04, true],
    ] as const) {
      const chip = chipOf(mainsOf({ phases: 3, voltage: 230, current, angle: 0 }), {});
      const energy = windows(chip, 5 * SECOND).reduce((sum, w) => sum + (w[2] as PhaseEnergy).active, 0);
      expect(energy > 0).toBe(counts);
      expect(chip.readings().current.every((i) => i > 0)).toBe(counts);
      expect(chip.readings().voltage[0] as number).toBeCloseTo(230_000, -2);
    }
  });

  it("carries no current through an open relay from the next instant on", () => {
    const chip = chipOf(load(20), {});
    chip.advance(civil(3 * SECOND), ignore);
    chip.setRelay(false);
    const after = windows(chip, 10 * SECOND).map((w) => w.reduce((s, e) => s + e.active, 0));
    // What was sampled before is in the window that was open; at 11 kW for 0.2 s at most.
    expect(after[0] as number).toBeLessThan(11_040 * 0.2 * 1e6);
    expect(after.length).toBeGreaterThan(30);
    expect(after.slice(1).every((e) => e === 0)).toBe(true);
    expect(chip.readings()).toMatchObject({ current: [0, 0, 0], active: [0, 0, 0], frequency: 50_000 });
    chip.setRelay(true);
    chip.advance(civil(13 * SECOND), ignore);
    expect(chip.readings().active[0] as number).toBeCloseTo(3_680_000, -3);
  });

  it("ignores a time before the one it has reached", () => {
    const chip = chipOf(load(5), {});
    chip.advance(civil(SECOND), ignore);
    const before = chip.readings();
    expect(windows(chip, 0)).toEqual([]);
    expect(chip.readings()).toBe(before);
    expect(chip.nextWake().civil).toBe(1.2 * SECOND);
  });
});
