import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MeteringChip, PhaseEnergy } from "../../../firmware-sim/metrology/chip.ts";
import { CycleChip } from "../../../firmware-sim/metrology/cycle-chip.ts";
import type { ChipOptions } from "../../../firmware-sim/metrology/front-end.ts";
import { constantLoad, type LoadSource, mainsOf, stepLoad } from "../../../firmware-sim/metrology/mains.ts";
import { SampledChip } from "../../../firmware-sim/metrology/sampled-chip.ts";
import { civil } from "../../../src/core/time.ts";
import { anyMains, PLATE, ppm, SECOND, shown, truth, uniform } from "./oracle.ts";

const optionsOf = (load: LoadSource, more: Partial<ChipOptions> = {}): ChipOptions => ({
  ...{ plate: PLATE, phases: 3, load, start: civil(0), seed: 1, errors: { noise: 0 } },
  ...more,
});

interface Window {
  /** µs: the end of the step in which it was handed on. */
  readonly at: number;
  readonly phases: readonly PhaseEnergy[];
}

/** Advances in steps of a sample, as no meter does, so that a window's place is known to the sample. */
function run(chip: MeteringChip, until: number, switches: readonly number[] = []): Window[] {
  const all: Window[] = [];
  let closed = true;
  for (let at = 250; at <= until; at += 250) {
    chip.advance(civil(at), (w) => all.push({ at, phases: w.map((e) => ({ ...e })) }));
    if (switches.includes(at)) {
      closed = !closed;
      chip.setRelay(closed);
    }
  }
  return all;
}

const both = (options: ChipOptions, until: number, switches?: readonly number[]) => ({
  samples: run(new SampledChip(options), until, switches),
  cycles: run(new CycleChip(options), until, switches),
});

const load = (current: number, angle = 36.87) => mainsOf({ phases: 3, voltage: 230, current, angle });

describe("the chip by cycles", () => {
  it("is the truth on any mains, to the rounding of its registers and the noise of its converter", () => {
    fc.assert(
      fc.property(anyMains, (mains) => {
        const chip = new CycleChip(optionsOf(constantLoad(mains)));
        chip.advance(civil(SECOND), () => {});
        for (const [p, phase] of mains.phases.entries()) {
          const expected = truth(phase);
          const seen = shown(chip.readings(), p);
          // Half a mW of 150 VA is 3.3 ppm; rounding to counts leaves a σ of 0.3 ppm at 1 A.
          for (const power of ["active", "reactive", "apparent"] as const)
            expect(Math.abs(ppm(seen[power], expected[power], expected.apparent))).toBeLessThan(6);
        }
        expect(Math.abs(chip.readings().frequency - mains.frequency * 1e3)).toBeLessThan(1);
      }),
    );
  });

  it("ends its windows at the sample at which the sampled chip ends them, with the same energy", () => {
    fc.assert(
      fc.property(anyMains, uniform(-0.01, 0.01), (mains, offset) => {
        const { samples, cycles } = both(
          optionsOf(constantLoad(mains), { errors: { noise: 0, voltage: { offset } } }),
          1.5 * SECOND,
        );
        expect(cycles.length).toBe(samples.length);
        for (const [k, window] of cycles.entries()) {
          const other = samples[k] as Window;
          // A crossing next to a sample may fall to either side of it.
          expect(Math.abs(window.at - other.at)).toBeLessThanOrEqual(250);
          if (k === 0) continue;
          for (const [p, e] of window.phases.entries()) {
            const o = other.phases[p] as PhaseEnergy;
            for (const kind of ["active", "reactive", "apparent"] as const)
              expect(Math.abs(ppm(e[kind], o[kind], o.apparent))).toBeLessThan(20);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it("shares a window among the loads in it, fundamental too, as samples do when the steps are at zero crossings", () => {
    const steps = stepLoad(civil(0), [
      { seconds: 0.67, mains: load(5) },
      { seconds: 0.3, mains: load(40, 120) },
      { seconds: 9, mains: load(10, 300) },
    ]);
    const { samples, cycles } = both(optionsOf(steps), 2 * SECOND);
    expect(cycles.map(({ at }) => at)).toEqual(samples.map(({ at }) => at));
    for (const [k, window] of cycles.entries()) {
      if (k === 0) continue;
      // L1 steps at its crossing; where a cycle of its bin mixes two loads it does so by share, which costs a part in 100.
      const [mine, theirs] = [window.phases[0] as PhaseEnergy, samples[k]?.phases[0] as PhaseEnergy];
      expect(Math.abs(mine.active - theirs.active)).toBeLessThan(0.02 * theirs.apparent);
      expect(Math.abs(mine.apparent - theirs.apparent)).toBeLessThan(0.02 * theirs.apparent);
      expect(Math.abs(mine.reactive - theirs.reactive)).toBeLessThan(0.03 * theirs.apparent);
    }
    // The first window, which begins inside a cycle, aside.
    const sum = (all: readonly Window[], kind: keyof PhaseEnergy) =>
      all.slice(1).reduce((total, w) => total + (w.phases[0] as PhaseEnergy)[kind], 0);
    const off = Math.abs(sum(cycles, "active") - sum(samples, "active"));
    expect(off / sum(samples, "apparent")).toBeLessThan(0.002);
  });

  it("counts power × time of a load that steps every fifth of a second, within a part in a thousand", () => {
    const steps = Array.from({ length: 300 }, (_, i) => ({
      seconds: 0.2137,
      mains: load(5 + ((i * 7) % 30), (i * 50) % 360),
    }));
    const chip = new CycleChip(
      optionsOf(stepLoad(civil(0), [{ seconds: 2, mains: load(0) }, ...steps, { seconds: 9, mains: load(0) }])),
    );
    let active = 0;
    let windows = 0;
    chip.advance(civil(70 * SECOND), (w) => {
      windows += 1;
      active += w.reduce((s, e) => s + e.active, 0);
    });
    const expected = steps.reduce((sum, { seconds, mains }) => {
      const [p] = mains.phases;
      return sum + 3 * 230 * (p?.current as number) * Math.cos(((p?.angle as number) * Math.PI) / 180) * seconds * 1e6;
    }, 0);
    const moved = steps.reduce(
      (sum, { seconds, mains }) => sum + 690 * (mains.phases[0]?.current as number) * seconds * 1e6,
      0,
    );
    // Every step lies up to a sample late: 300 of them, each to one side or the other.
    expect(Math.abs(active - expected) / moved).toBeLessThan(1e-3);
    expect(windows).toBeGreaterThan(345);
  });

  it("carries no current from the sample behind the switching on, as the sampled chip", () => {
    const { samples, cycles } = both(optionsOf(constantLoad(load(20))), 3 * SECOND, [1.02 * SECOND, 2 * SECOND]);
    expect(cycles.map(({ at }) => at)).toEqual(samples.map(({ at }) => at));
    const dark = cycles.filter(({ at }) => at > 1.3 * SECOND && at < 2 * SECOND);
    expect(dark.length).toBeGreaterThan(2);
    for (const { phases } of dark) for (const e of phases) expect(e).toEqual({ active: 0, reactive: 0, apparent: 0 });
    const energy = (all: readonly Window[]) => all.reduce((s, w) => s + w.phases.reduce((t, e) => t + e.active, 0), 0);
    expect(Math.abs(energy(cycles) / energy(samples) - 1)).toBeLessThan(0.01);
  });

  it("takes the cycles from the next live phase, and goes on in windows of 275 ms without any", () => {
    const steps = stepLoad(civil(0), [
      { seconds: 1, mains: load(5) },
      { seconds: 1, mains: mainsOf({ phases: 3, voltage: [0, 230, 230], current: 5 }) },
      { seconds: 2, mains: mainsOf({ phases: 3, voltage: 0, current: 0 }) },
      { seconds: 2, mains: load(5) },
    ]);
    const chip = new CycleChip(optionsOf(steps));
    run(chip, 1.9 * SECOND);
    expect(chip.readings().frequency).toBe(50_000);
    expect(chip.readings().voltage).toEqual([0, 230_000, 230_000]);
    const dark: number[] = [];
    chip.advance(civil(2.6 * SECOND), () => {});
    for (let at = 2.6 * SECOND; at < 3.9 * SECOND; at += 250) chip.advance(civil(at), () => dark.push(at));
    expect(dark.length).toBeGreaterThanOrEqual(3);
    expect((dark[1] as number) - (dark[0] as number)).toBe(275_000);
    expect(chip.readings()).toMatchObject({ frequency: 0, voltage: [0, 0, 0], angle: [0, 0, 0] });
    run(chip, 5.5 * SECOND);
    expect(chip.readings().frequency).toBe(50_000);
  });

  it("scatters by its seed and repeats with it", () => {
    const energies = (seed: number) =>
      run(new CycleChip(optionsOf(constantLoad(load(5)), { seed, errors: { noise: 1e-4 } })), 2 * SECOND);
    expect(energies(7)).toEqual(energies(7));
    expect(energies(7)).not.toEqual(energies(8));
  });

  it("gives the same windows however the time is cut", () => {
    const options = optionsOf(constantLoad(load(5)), { errors: { noise: 1e-4 } });
    const whole: PhaseEnergy[][] = [];
    new CycleChip(options).advance(civil(3 * SECOND), (w) => whole.push(w.map((e) => ({ ...e }))));
    expect(run(new CycleChip(options), 3 * SECOND).map(({ phases }) => phases)).toEqual(whole);
  });
});
