/**
 * What the classes of reactive energy allow, in percent (IEC 62053-24, on the fundamental). Only the limits of class 2 at
 * sin φ 1 come from a bench program; everything else is remembered and no substitute for the standard.
 */
import type { RatingPlate } from "../../protocols/models/model.ts";
import { baseCurrent, isDirect, type Limit, recalled, seen } from "./limits.ts";

export const REACTIVE_CLASSES = ["0.5S", "1S", "1", "2", "3"] as const;
export type ReactiveClass = (typeof REACTIVE_CLASSES)[number];

/** sin φ of a load without its sign. */
export type Sine = "1" | "0.5" | "0.25";

interface Bands {
  /** At sin φ 1 and 0.5: from the lower current on, and from the higher one. */
  readonly low: Readonly<Record<"1" | "0.5", Limit>>;
  readonly high: Readonly<Record<Sine, Limit>>;
  /** One phase loaded: sin φ 1 and 0.5. */
  readonly single: Readonly<Record<"1" | "0.5", Limit>>;
}

function bands(low: number, high: number, quarter: number, single: readonly [number, number], mark = recalled): Bands {
  return {
    low: { "1": mark(low), "0.5": recalled(low) },
    high: { "1": mark(high), "0.5": recalled(high), "0.25": recalled(quarter) },
    single: { "1": recalled(single[0]), "0.5": recalled(single[1]) },
  };
}

const BANDS: Readonly<Record<ReactiveClass, Bands>> = {
  "0.5S": bands(1.0, 0.5, 1.0, [0.7, 1.0]),
  "1S": bands(1.5, 1.0, 2.0, [1.5, 1.5]),
  "1": bands(1.5, 1.0, 2.0, [1.5, 1.5]),
  "2": bands(2.5, 2.0, 2.5, [3.0, 3.0], seen),
  "3": bands(4.0, 3.0, 4.0, [4.0, 4.0]),
};

/** Shares of Ib or In at which the wide and the narrow limits begin, at sin φ 1 and at less. */
export function reactiveShares(
  cls: ReactiveClass,
  direct: boolean,
): { unity: readonly [number, number]; other: readonly [number, number] } {
  if (cls.endsWith("S")) return { unity: [0.01, 0.05], other: [0.05, 0.1] };
  return direct ? { unity: [0.05, 0.1], other: [0.1, 0.2] } : { unity: [0.02, 0.05], other: [0.05, 0.1] };
}

/** The limit of the error at a balanced load of `amperes`, or of one loaded phase. */
export function reactiveLimit(
  cls: ReactiveClass,
  plate: RatingPlate,
  load: { readonly amperes: number; readonly sine: Sine; readonly single: boolean },
): Limit {
  const { low, high, single } = BANDS[cls];
  if (load.sine === "0.25") return high["0.25"];
  if (load.single) return single[load.sine];
  const shares = reactiveShares(cls, isDirect(plate));
  const from = (load.sine === "1" ? shares.unity : shares.other)[1] * baseCurrent(plate);
  // A share of a base current is rarely exact in binary.
  return (load.amperes >= from * (1 - 1e-9) ? high : low)[load.sine];
}

/** The limit at sin φ 1 and full load, which names the class. */
export function reactiveBase(cls: ReactiveClass): Limit {
  return BANDS[cls].high["1"];
}

/** Amperes at which the meter has to start at the latest; never less than its plate says for active energy. */
export function reactiveStart(cls: ReactiveClass, plate: RatingPlate): number {
  const direct = isDirect(plate);
  const shares: Readonly<Record<ReactiveClass, number>> = {
    ...{ "0.5S": 0.001, "1S": 0.001, "1": direct ? 0.004 : 0.002 },
    ...{ "2": direct ? 0.005 : 0.003, "3": direct ? 0.01 : 0.005 },
  };
  return Math.max(plate.ist, shares[cls] * baseCurrent(plate));
}

/** How far the time to a pulse may be off at that current: as of active energy before the classes A–E. */
export const REACTIVE_START: Limit = recalled(20);

/** Seconds that a no-load test at 115 % Un lasts at least. */
export function reactiveNoLoad(cls: ReactiveClass, { un, imax, impPerKvarh }: RatingPlate, phases: number): number {
  const k = cls === "3" ? 300 : cls === "2" ? 480 : 600;
  return ((k * 1e6) / (impPerKvarh * phases * un * imax)) * 60;
}

/** Of the standard deviation of repeated measurements. */
export function reactiveRepeatability(cls: ReactiveClass): Limit {
  const percent: Readonly<Record<ReactiveClass, number>> = { "0.5S": 0.05, "1S": 0.1, "1": 0.1, "2": 0.2, "3": 0.3 };
  return recalled(percent[cls]);
}

export type ReactiveInfluence = "voltage" | "voltage0.5L" | "frequency" | "frequency0.5L";

/** By how much an influence may change the error, of the classes of the old IEC 62053-23; undefined of the others. */
export function reactiveVariation(cls: ReactiveClass, influence: ReactiveInfluence): Limit | undefined {
  if (cls !== "2" && cls !== "3") return undefined;
  const percent: Readonly<Record<ReactiveInfluence, readonly [number, number]>> = {
    ...{ voltage: [1.0, 2.0], "voltage0.5L": [1.5, 3.0], frequency: [2.5, 2.5], "frequency0.5L": [2.5, 2.5] },
  };
  return recalled(percent[influence][cls === "2" ? 0 : 1]);
}
