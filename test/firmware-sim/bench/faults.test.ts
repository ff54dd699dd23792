import { describe, expect, test } from "vitest";
import { type Faults, frontEndErrorsOf, parseFaults } from "../../../firmware-sim/bench/faults.ts";
import { wired } from "../../../firmware-sim/bench/wiring.ts";
import { type Mains, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { currentAt, voltageAt } from "./waves.ts";

function read(...texts: string[]): Faults {
  const faults = parseFaults(texts, 3);
  if (!faults.ok) throw new Error(faults.error);
  return faults.value;
}

const MAINS = mainsOf({
  phases: 3,
  voltage: [229, 230, 231],
  current: [3, 5, 7],
  angle: [10, 35, 300],
  currentHarmonics: [
    { order: 2, ratio: 0.2, angle: 20 },
    { order: 3, ratio: 0.3, angle: 50 },
  ],
});

/** Volts and amperes of a phase of the mains at an instant. */
const at = (mains: Mains, phase: number, degrees: number) => {
  const p = mains.phases[phase];
  if (p === undefined) throw new Error("no phase");
  return [voltageAt(p, degrees), currentAt(p, degrees)] as const;
};

describe("faults that are injected", () => {
  test("a lag of 0.2° at 50 Hz is 11.11 µs, on the phase that is named", () => {
    const current = frontEndErrorsOf(read("phase=0.2deg@L2, gain=2%", "offset=0.1@L3"), 50).current as readonly {
      delay: number;
      gain: number;
      offset: number;
    }[];
    expect(current.map((c) => Number(c.delay.toFixed(2)))).toEqual([0, 11.11, 0]);
    expect(current.map((c) => c.gain)).toEqual([0.02, 0.02, 0.02]);
    expect(current.map((c) => c.offset)).toEqual([0, 0, 0.1]);
  });

  test("wiring moves whole waves", () => {
    for (let degrees = 0; degrees < 360; degrees += 7) {
      const before = [0, 1, 2].map((p) => at(MAINS, p, degrees));
      const swapped = wired(MAINS, read("swap=L1-L3").wiring);
      const reversed = wired(MAINS, read("reverse=L2").wiring);
      const open = wired(MAINS, read("open=L1,lost=L3").wiring);
      expect(at(swapped, 0, degrees)[0]).toBeCloseTo(before[0]?.[0] as number, 9);
      expect(at(swapped, 0, degrees)[1]).toBeCloseTo(before[2]?.[1] as number, 9);
      expect(at(swapped, 2, degrees)[1]).toBeCloseTo(before[0]?.[1] as number, 9);
      expect(at(reversed, 1, degrees)[1]).toBeCloseTo(-(before[1]?.[1] as number), 9);
      expect(at(reversed, 0, degrees)[1]).toBeCloseTo(before[0]?.[1] as number, 9);
      expect(at(open, 0, degrees)[1]).toBeCloseTo(0, 9);
      expect(at(open, 2, degrees)[0]).toBeCloseTo(0, 9);
    }
  });

  test("a lost neutral shows each phase against the mean of those that live, harmonics too", () => {
    const distorted = {
      ...MAINS,
      phases: MAINS.phases.map((p, i) => ({
        ...p,
        voltage: i === 1 ? 200 : p.voltage,
        voltageHarmonics: [
          { order: 3, ratio: 0.1, angle: 30 },
          { order: 5, ratio: 0.05 * (i + 1), angle: 70 },
        ],
      })),
    };
    const without = { ...distorted, phases: distorted.phases.map((p, i) => (i === 2 ? { ...p, voltage: 0 } : p)) };
    for (const mains of [distorted, without]) {
      const floating = wired(mains, read("lost-neutral").wiring);
      for (let degrees = 0; degrees < 360; degrees += 7) {
        const before = [0, 1, 2].map((p) => at(mains, p, degrees));
        const live = mains.phases.flatMap((p, i) =>
          p.voltage > 0 ? [(before[i] as readonly [number, number])[0]] : [],
        );
        const star = live.reduce((a, b) => a + b, 0) / live.length;
        for (const [p, { voltage }] of mains.phases.entries()) {
          const [volts, amperes] = at(floating, p, degrees);
          expect(volts).toBeCloseTo(voltage > 0 ? (before[p]?.[0] as number) - star : 0, 6);
          expect(amperes).toBeCloseTo(before[p]?.[1] as number, 6);
        }
      }
    }
    expect(
      wired(mainsOf({ phases: 1, voltage: 230, current: 5 }), read("lost-neutral").wiring).phases[0]?.voltage,
    ).toBe(0);
  });

  test.each([
    ["gain", "is no fault; give one of gain=0.02"],
    ["gain=x", "gain is a number, such as gain=0.02"],
    ["gain=0.9", "from -0.5 to 0.5"],
    ["phase=2rad", "phase is a number of deg"],
    ["bits=3.5", "a whole number from 4 to 24"],
    ["constructor=1", "no fault is named constructor"],
    ["gain=0.1@L7", "no such phase"],
    ["noise=0.01@L1", "of the whole meter"],
    ["swap=L1-L1", "two different phases"],
    ["reverse=L4", "needs a phase of L1, L2, L3"],
    ["reverse=L1@L2", "names its phases itself"],
    ["deadbit=1.5", "a whole number from 0 to 22"],
    ["lost-neutral=L1", "is no fault"],
  ])("%s is refused with a reason", (text, reason) => {
    const faults = parseFaults([text], 3);
    expect(faults.ok ? "" : faults.error).toContain(reason);
  });

  test("a single-phase meter has nothing to swap", () => {
    expect(parseFaults(["swap=L1-L2"], 1).ok).toBe(false);
    expect(parseFaults(["reverse=L1"], 1).ok).toBe(true);
  });
});
