/** The class test on one meter: errors of counted energy in percent, against sums of V · I · cos φ in double precision. */
import type { Bench } from "../../../firmware-sim/factory/calibrate.ts";
import type { Calibration } from "../../../firmware-sim/metrology/calibration.ts";
import type { MeteringChip } from "../../../firmware-sim/metrology/chip.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import type { ChipOptions, FrontEndErrors } from "../../../firmware-sim/metrology/front-end.ts";
import { constantLoad, type Mains, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { civil } from "../../../src/core/time.ts";
import { truth } from "../metrology/oracle.ts";

export const model = (id: string) => findModel(id) as MeterModel;
const HOUR = 3_600;

/** A meter as assembled, on the bench. */
export interface Assembled {
  readonly model: MeterModel;
  readonly parts: FrontEndErrors;
}

type ChipClass = new (options: ChipOptions) => MeteringChip;

export function benchOf({ model: { plate, phases }, parts }: Assembled, Chip: ChipClass = ClosedFormChip): Bench {
  return (options) => new Chip({ plate, phases, errors: parts, seed: 1, ...options });
}

export interface Point {
  readonly name: string;
  readonly mains: Mains;
  /** Allowed error in % by class (GB/T 17215.321-2021, facts of the accuracy tables). */
  readonly limits: { readonly B: number; readonly D: number };
  readonly balanced: boolean;
}

const AT_ONE = { B: 1.0, D: 0.2 };
const BETWEEN = { B: 1.5, D: 0.3 };
const AT_MINIMUM = { B: 1.5, D: 0.4 };
const ANGLES = [
  ["1", 0, AT_ONE],
  ["0.5L", 60, BETWEEN],
  // acos 0.8, leading.
  ["0.8C", -36.86989764584402, BETWEEN],
] as const;

/** Imax, 0.5 Imax, 10 Itr, Itr at PF 1, 0.5L, 0.8C; Imin at 1; each element alone at Imax, 10 Itr, Itr, PF 1 and 0.5L. */
export function pointsOf({ plate, phases }: MeterModel): readonly Point[] {
  const { un, imin, itr, imax, frequency } = plate;
  const points: Point[] = [];
  const put = (name: string, current: number | number[], angle: number, limits: Point["limits"]) => {
    const mains = mainsOf({ phases, voltage: un, current, angle, frequency });
    points.push({ name, mains, limits, balanced: typeof current === "number" });
  };
  for (const current of [imax, 0.5 * imax, 10 * itr, itr])
    for (const [pf, angle, limits] of ANGLES) put(`${current} A at ${pf}`, current, angle, limits);
  put(`${imin} A at 1`, imin, 0, AT_MINIMUM);
  if (phases === 1) return points;
  for (const element of [0, 1, 2])
    for (const current of [imax, 10 * itr, itr])
      for (const [pf, angle, limits] of ANGLES.slice(0, 2))
        put(
          `${current} A at ${pf} in L${element + 1}`,
          [0, 1, 2].map((p) => (p === element ? current : 0)),
          angle,
          limits,
        );
  return points;
}

/** W s of what the load really is, harmonics included. */
function trueEnergy(mains: Mains, seconds: number): number {
  return mains.phases.reduce((sum, phase) => sum + truth(phase).active * seconds, 0);
}

export interface Conditions {
  readonly calibration?: Calibration | undefined;
  readonly temperature?: number;
}

/** Error in % of an hour's active energy. */
export function errorAt(meter: Assembled, mains: Mains, { calibration, temperature = 23 }: Conditions): number {
  const { plate, phases } = meter.model;
  const options = { plate, phases, load: constantLoad(mains), start: civil(0), seed: 1, errors: meter.parts };
  const chip = new ClosedFormChip({ ...options, temperature, ...(calibration && { calibration }) });
  let micro = 0;
  chip.advance(civil(HOUR * 1e6), (window) => {
    for (const p of window) micro += p.active;
  });
  return (micro / 1e6 / trueEnergy(mains, HOUR) - 1) * 100;
}
