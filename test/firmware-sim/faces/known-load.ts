/** A load that is known to the second, and its energies and maximum by plain sums of big integers. */

export const active = (second: number) => (second % 7_200 < 600 ? -1 : 1) * (150_000 + ((second * 7_919) % 2_900_000));
export const reactive = (second: number) => (second % 3_600 < 300 ? -1 : 1) * (10_000 + ((second * 104_729) % 400_000));
export const RATE_BY_HOUR = Array.from({ length: 24 }, (_, h) =>
  h < 6 ? 4 : h < 8 ? 3 : h < 12 ? 2 : h < 18 ? 1 : h < 22 ? 2 : 4,
);
/** µJ in a mWh. */
export const MILLI = 3_600_000n;

/** By quantity +A, −A, Q1 .. Q4 and rate (0 the total), µJ; and the highest 15 minutes of +A, mW, with its end. */
export interface Period {
  readonly energies: readonly bigint[][];
  maximum: bigint;
  maximumAt: number;
}

export function period(from: number, to: number): Period {
  const energies = Array.from({ length: 6 }, () => Array<bigint>(5).fill(0n));
  const result: Period = { energies, maximum: 0n, maximumAt: 0 };
  let window = 0n;
  for (let s = from; s < to; s++) {
    const [p, q] = [active(s), reactive(s)];
    const quadrant = p >= 0 ? (q >= 0 ? 2 : 5) : q >= 0 ? 3 : 4;
    const rate = RATE_BY_HOUR[Math.floor(s / 3_600) % 24] as number;
    for (const [place, value] of [
      [p >= 0 ? 0 : 1, p],
      [quadrant, q],
    ] as const)
      for (const r of [0, rate])
        (energies[place] as bigint[])[r] = (energies[place]?.[r] as bigint) + BigInt(Math.abs(value)) * 1_000n;
    window += BigInt(Math.max(0, p)) * 1_000n;
    if ((s + 1) % 900 !== 0) continue;
    const demand = window / 900_000n;
    if (demand > result.maximum) Object.assign(result, { maximum: demand, maximumAt: s + 1 });
    window = 0n;
  }
  return result;
}
