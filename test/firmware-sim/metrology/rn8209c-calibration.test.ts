/** The factory calibration of the RN8209C by the maker's formulas, through the registers alone, on a board with errors. */
import { expect, test } from "vitest";
import { BareChip } from "../../../firmware-sim/metrology/bare-chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { RN8209C_FULL_SCALE, Rn8209c } from "../../../firmware-sim/metrology/rn8209c.ts";
import { civil } from "../../../src/core/time.ts";

const START = civil(1_800_000_000_000_000);
const HFCONST = 5369;
/** W per LSB with 3200 imp/kWh. */
const KP = 3.22155e12 / 2 ** 32 / (3200 * HFCONST);
const ERRORS = { voltage: { gain: 0.01 }, current: { gain: -0.035, delay: 20 } };

/** The board's registers after a second at 220 V and this current. */
function measure(
  chip: Rn8209c,
  current: number,
  angle: number,
): { readonly active: number; readonly reactive: number } {
  const load = constantLoad(mainsOf({ phases: 1, voltage: 220, current, angle }));
  const options = { fullScale: RN8209C_FULL_SCALE, phases: 1, load, start: START, seed: 9, errors: ERRORS } as const;
  new BareChip(options, (window) => chip.update(window)).advance(civil(START + 1_000_000));
  const watts = (register: number) => ((chip.read(register) as number) | 0) * KP;
  return { active: watts(0x26), reactive: watts(0x28) };
}

function twos(value: number, bits: number): number {
  const whole = Math.round(value);
  return whole < 0 ? whole + 2 ** bits : whole;
}

const LOADS = [0, 60, 36.87, 323.13].map((angle) => [angle, 1100 * Math.cos((angle * Math.PI) / 180)] as const);

test("uncalibrated the board is percents off, calibrated within 0.05 % at every power factor", () => {
  const chip = new Rn8209c();
  chip.write(0xea, 0xe5);
  chip.write(0x00, 0x000f);
  chip.write(0x02, HFCONST);
  for (const [angle, truth] of LOADS)
    expect(Math.abs(measure(chip, 5, angle).active / truth - 1)).toBeGreaterThan(0.01);

  const gainError = measure(chip, 5, 0).active / 1100 - 1;
  expect(gainError).toBeCloseTo(1.01 * 0.965 - 1, 3);
  chip.write(0x05, twos((-gainError / (1 + gainError)) * 2 ** 15, 16));

  const phaseError = measure(chip, 5, 60).active / 550 - 1;
  const degrees = (Math.asin(-phaseError / Math.sqrt(3)) * 180) / Math.PI;
  expect(degrees).toBeCloseTo(0.36, 2); // 20 µs of 20 ms
  chip.write(0x07, twos(degrees / 0.02, 8));

  const reactiveError = measure(chip, 5, 30).reactive / 550 - 1;
  chip.write(0x09, twos((reactiveError / Math.sqrt(3)) * 2 ** 15, 16));

  for (const [angle, truth] of LOADS) expect(Math.abs(measure(chip, 5, angle).active / truth - 1)).toBeLessThan(5e-4);
  expect(Math.abs(measure(chip, 5, 30).reactive / 550 - 1)).toBeLessThan(5e-4);
});
