/** CF1..CF4: rates by the maker's formula power × 4.096e6 / (threshold × 512 × denominator), worked out from the load. */
import { describe, expect, test } from "vitest";
import { type Ade9000Pulse, Ade9000Pulses } from "../../../firmware-sim/metrology/ade9000-pulses.ts";
import { CODE_PER_WATT, loaded } from "./ade9000-support.ts";

const LOAD = { voltage: 230, current: [5, 4, 3], angle: [0, 60, 60] };
const WTHR = 0x420;
const THRESHOLD = 0x10_0000;
const ALL = [0x420, 0x421, 0x422].map((register) => [register, THRESHOLD] as const);

function rateOf(watts: number, denominator: number): number {
  return (watts * CODE_PER_WATT * 4.096e6) / (THRESHOLD * 512 * denominator);
}

/** Pulses of ten seconds, less the first. */
function pulses(registers: readonly (readonly [number, number])[], mains: Parameters<typeof loaded>[0] = LOAD) {
  const seen: Ade9000Pulse[] = [];
  const run = loaded(mains, [...ALL, ...registers], { onPulse: (pulse) => seen.push(pulse) });
  run.until(11);
  return { chip: run.chip, of: (output: number) => seen.filter((p) => p.output === output && p.at > 1) };
}

/** Hz between the first and the last. */
function rate(of: readonly Ade9000Pulse[]): number {
  return (of.length - 1) / ((of.at(-1)?.at ?? 0) - (of[0]?.at ?? 0));
}

describe("pulse outputs", () => {
  test("each counts its quantity of its phases", () => {
    // CF1 active of A, B, C; CF2 reactive of B; CF3 apparent of A; CF4 fundamental active of C.
    const { chip, of } = pulses([
      [0x490, 0 | (1 << 3) | (2 << 6) | (3 << 9)],
      [0x491, 7 | (2 << 3) | (1 << 6) | (4 << 9)],
      [0x494, 100],
      [0x495, 50],
      [0x496, 60],
      [0x497, 20],
    ]);
    const sine = Math.sin(Math.PI / 3);
    const expected = [rateOf(1150 + 460 + 345, 100), rateOf(920 * sine, 50), rateOf(1150, 60), rateOf(345, 20)];
    for (const [k, hertz] of expected.entries()) expect(rate(of(k + 1)) / hertz, `CF${k + 1}`).toBeCloseTo(1, 4);
    expect(((chip.read(0x402) as number) >> 11) & 15).toBe(15);
  });

  test("the distance between pulses is that of the rate, across windows too", () => {
    const period = 1 / rateOf(1955, 100);
    const times = pulses([
      [0x491, 7],
      [0x494, 100],
    ])
      .of(1)
      .map(({ at }) => at);
    for (let k = 1; k < times.length; k++)
      expect(Math.abs(((times[k] as number) - (times[k - 1] as number)) / period - 1)).toBeLessThan(2e-4);
  });

  test("low for 80 ms, for half of a shorter period, for longer with an odd denominator, or by the timer", () => {
    const width = (denominator: number, ...more: readonly (readonly [number, number])[]) =>
      pulses([[0x491, 1], [0x494, denominator], ...more]).of(1)[0]?.width ?? 0;
    expect(width(2000)).toBe(0.08);
    expect(width(100) * rateOf(1150, 100)).toBeCloseTo(0.5, 4);
    expect(width(5) * rateOf(1150, 5)).toBeCloseTo(0.6, 4);
    expect(width(100, [0x425, 0x8_0000 | 4096])).toBeCloseTo(0.001, 9); // 4096 × 6 / 24.576 MHz
  });

  test("an output that is off, without phases, or on another duty gives none", () => {
    expect(
      pulses([
        [0x491, 0xfff],
        [0x490, 0x1000],
      ]).of(1),
    ).toEqual([]);
    expect(pulses([]).of(1)).toEqual([]);
    const onZeroCrossings = pulses([
      [0x491, 0xfff],
      [0x496, 100],
      [0x481, 0x2],
    ]);
    expect(onZeroCrossings.of(3)).toEqual([]);
  });

  test("export counts as well and SUM1SIGN says so; only positive counts none", () => {
    const out = { voltage: 230, current: 5, angle: 180 };
    const settings = [
      [0x491, 7],
      [0x494, 100],
    ] as const;
    const { chip, of } = pulses(settings, out);
    expect(rate(of(1)) / rateOf(3450, 100)).toBeCloseTo(1, 4);
    expect(((chip.read(0x49d) as number) >> 6) & 1).toBe(1);
    expect(((chip.read(0x402) as number) >> 7) & 1).toBe(1);
    expect(pulses([...settings, [0x492, 2]], out).of(1)).toEqual([]);
  });

  test("the data sheet's rates of its sister: 38.8 Hz out of reset and 79.4 kHz at most, for 20 823 646", () => {
    const count = (threshold: number, denominator: number, seconds: number) => {
      let n = 0;
      new Ade9000Pulses().add(1, { code: 20_823_646, threshold, denominator }, 0, seconds, () => {
        n += 1;
      });
      return n / seconds;
    };
    expect(count(0xffff, 0xffff, 1000)).toBeCloseTo(38.8, 1);
    expect(count(THRESHOLD, 2, 10) / 1e3).toBeCloseTo(79.4, 1);
    expect(count(0, 0, 1)).toBe(80_000);
  });

  test("what came is taken back before it counts the other way; clearing forgets it", () => {
    let n = 0;
    const seen = () => {
      n += 1;
    };
    const unit = { threshold: 4000, denominator: 2 }; // 4.096e6 / (4000 × 512 × 2): one pulse a second for each of code
    const cf = new Ade9000Pulses();
    cf.add(1, { ...unit, code: 1 }, 0, 0.9, seen);
    cf.add(1, { ...unit, code: -1 }, 1, 1.8, seen);
    expect(n).toBe(0);
    cf.add(1, { ...unit, code: -1 }, 3, 0.2, seen);
    expect(n).toBe(1);
    cf.add(1, { ...unit, code: -1 }, 4, 0.8, seen);
    cf.clear();
    cf.add(1, { ...unit, code: -1 }, 5, 0.9, seen);
    expect(n).toBe(1);
  });

  test("thresholds are registers of their quantity", () => {
    const half = pulses([
      [0x491, 7],
      [0x494, 100],
      [WTHR, THRESHOLD / 2],
    ]);
    expect(rate(half.of(1)) / (2 * rateOf(1955, 100))).toBeCloseTo(1, 4);
  });
});
