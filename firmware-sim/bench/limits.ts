/**
 * What the accuracy classes allow, in percent: A–E of GB/T 17215.321-2021 (OIML R46), 0.5, 1, 2 of IEC 62053-21 and 0.2S,
 * 0.5S of IEC 62053-22. Values come from public test-bench programs; those only remembered are marked recalled and are no
 * substitute for the standards.
 */
import type { RatingPlate } from "../../protocols/models/model.ts";

export const CLASSES = ["A", "B", "C", "D", "E", "0.2S", "0.5S", "0.5", "1", "2"] as const;
export type AccuracyClass = (typeof CLASSES)[number];

export interface Limit {
  /** Of the error, ±. */
  readonly percent: number;
  /** Remembered, without a source at hand. */
  readonly recalled: boolean;
}

export const seen = (percent: number): Limit => ({ percent, recalled: false });
export const recalled = (percent: number): Limit => ({ percent, recalled: true });

/** From a lower current and from a higher one on, for PF 1 and for 0.5L to 0.8C. */
interface Bands {
  readonly unityLow: Limit;
  readonly unityHigh: Limit;
  readonly otherLow: Limit;
  readonly otherHigh: Limit;
  /** One phase loaded: PF 1 and 0.5L; null where the bands of the balanced load hold. */
  readonly single: readonly [Limit, Limit] | null;
}

function bands(mark: (percent: number) => Limit, [a, b, c, d]: readonly [number, number, number, number]): Bands {
  return { unityLow: mark(a), unityHigh: mark(b), otherLow: mark(c), otherHigh: mark(d), single: null };
}

const BANDS: Readonly<Record<AccuracyClass, Bands>> = {
  A: { ...bands(seen, [2.5, 2.0, 2.5, 2.5]), otherLow: recalled(2.5), otherHigh: recalled(2.5) },
  B: { ...bands(seen, [1.5, 1.0, 1.8, 1.5]), otherLow: recalled(1.8), otherHigh: recalled(1.5) },
  C: bands(seen, [1.0, 0.5, 1.0, 0.6]),
  D: bands(seen, [0.4, 0.2, 0.5, 0.3]),
  E: bands(seen, [0.2, 0.1, 0.25, 0.15]),
  "0.2S": { ...bands(seen, [0.4, 0.2, 0.5, 0.3]), single: [seen(0.3), seen(0.4)] },
  "0.5S": { ...bands(seen, [1.0, 0.5, 1.0, 0.6]), single: [seen(0.6), seen(1.0)] },
  "0.5": { ...bands(recalled, [1.0, 0.5, 1.0, 0.6]), single: [recalled(0.6), recalled(1.0)] },
  "1": { ...bands(seen, [1.5, 1.0, 1.5, 1.0]), single: [seen(2.0), seen(2.0)] },
  "2": { ...bands(seen, [2.5, 2.0, 2.5, 2.0]), single: [seen(3.0), seen(3.0)] },
};

/** Classes whose currents are counted in Itr and Imin; the others in the basic or rated current. */
export function isR46(cls: AccuracyClass): boolean {
  return cls >= "A";
}

/** R46 asks of a direct meter at least 50 between Imax and Itr; less is a meter behind current transformers. */
export function isDirect(plate: RatingPlate): boolean {
  return plate.imax >= 50 * plate.itr;
}

/** The basic current Ib = 10 Itr of a direct meter, the rated In = 20 Itr behind transformers; amperes. */
export function baseCurrent(plate: RatingPlate): number {
  return (isDirect(plate) ? 10 : 20) * plate.itr;
}

/** Shares of Ib or In at which the wide and the narrow limits begin: PF 1, and other power factors. */
export function iecShares(cls: AccuracyClass, direct: boolean): { unity: [number, number]; other: [number, number] } {
  if (cls.endsWith("S")) return { unity: [0.01, 0.05], other: [0.02, 0.1] };
  return direct ? { unity: [0.05, 0.1], other: [0.1, 0.2] } : { unity: [0.02, 0.05], other: [0.05, 0.1] };
}

/** The limit of the error at a balanced load of `amperes`, PF 1 or another, or of one loaded phase. */
export function intrinsicLimit(
  cls: AccuracyClass,
  plate: RatingPlate,
  load: { readonly amperes: number; readonly unity: boolean; readonly single: boolean },
): Limit {
  const b = BANDS[cls];
  if (load.single && b.single !== null) return load.unity ? b.single[0] : b.single[1];
  const shares = iecShares(cls, isDirect(plate));
  const share = (load.unity ? shares.unity : shares.other)[1];
  const high = isR46(cls) ? plate.itr : share * baseCurrent(plate);
  // A share of a base current is rarely exact in binary.
  const isHigh = load.amperes >= high * (1 - 1e-9);
  const limit = load.unity ? (isHigh ? b.unityHigh : b.unityLow) : isHigh ? b.otherHigh : b.otherLow;
  // That R46 gives one loaded phase the limits of the balanced load is remembered only.
  return load.single ? recalled(limit.percent) : limit;
}

/** The limit at PF 1 and full load, which names the class: what the constant test takes a tenth of. */
export function baseLimit(cls: AccuracyClass): Limit {
  return BANDS[cls].unityHigh;
}

/** How far the time to a pulse at Ist may be off (JJG596: the 2026 text for A–E, 20 % over before it); E is recalled. */
export function startLimit(cls: AccuracyClass): Limit {
  if (!isR46(cls)) return seen(20);
  return cls === "E" ? recalled(0.2) : BANDS[cls].unityLow;
}

/** Seconds that a no-load test lasts at least, and its voltage as a multiple of Un. */
export function noLoadTest(
  cls: AccuracyClass,
  plate: RatingPlate,
  phases: number,
): { seconds: number; voltage: number } {
  const { un, imin, imax, impPerKwh } = plate;
  if (isR46(cls)) {
    const b = BANDS[cls].unityLow.percent;
    return { seconds: (100e3 / (b * impPerKwh * phases * 1.1 * un * imin)) * 3_600, voltage: 1.1 };
  }
  const k = cls === "2" ? 480 : cls === "0.2S" ? 900 : 600;
  return { seconds: ((k * 1e6) / (impPerKwh * phases * un * imax)) * 60, voltage: 1.15 };
}

/** Of the standard deviation of repeated measurements. */
export function repeatabilityLimit(cls: AccuracyClass): Limit {
  const percent: Readonly<Record<AccuracyClass, number>> = {
    ...{ A: 0.2, B: 0.1, C: 0.05, D: 0.02, E: 0.01 },
    ...{ "0.2S": 0.02, "0.5S": 0.05, "0.5": 0.05, "1": 0.1, "2": 0.2 },
  };
  return recalled(percent[cls]);
}

/** Of the difference between two measurements of one load, one with load going up and one with load going down. */
export function upDownLimit(cls: AccuracyClass): Limit {
  const percent: Readonly<Record<AccuracyClass, number>> = {
    ...{ A: 0.25, B: 0.25, C: 0.12, D: 0.05, E: 0.025 },
    ...{ "0.2S": 0.05, "0.5S": 0.12, "0.5": 0.12, "1": 0.25, "2": 0.25 },
  };
  return isR46(cls) || cls === "0.5" ? recalled(percent[cls]) : seen(percent[cls]);
}

/** Of the difference between a measurement and the same some minutes later: a fifth of the class, at most 0.2 %. */
export function againLimit(cls: AccuracyClass): Limit {
  return recalled(Math.min(0.2, BANDS[cls].unityHigh.percent / 5));
}

/** Of the difference between one loaded phase and the balanced load; undefined where no source names one. */
export function differenceLimit(cls: AccuracyClass): Limit | undefined {
  if (cls === "1") return recalled(1.5);
  return cls === "2" ? recalled(2.5) : undefined;
}

/** Of the register against the pulses: a tenth of the class is recalled from OIML R46. */
export function dialLimit(base: Limit): Limit {
  return recalled(base.percent / 10);
}

/** So many pulses that the one under way decides nothing: a fifth of the limit. */
export function dialPulses(limit: Limit): number {
  return Math.ceil(100 / (limit.percent / 5));
}

/** Seconds a day at reference temperature. */
export const CLOCK_LIMIT: Limit = seen(0.5);

export const INFLUENCES = [
  "voltage",
  "voltage0.5L",
  "voltageWide",
  "frequency",
  "frequency0.5L",
  "sequence",
  "unbalance",
  "harmonic",
  "halfWave",
  "phaseFired",
  "subHarmonic",
] as const;
export type Influence = (typeof INFLUENCES)[number];

/** In the order of {@link INFLUENCES}; null where the class has no such test. */
const VARIATIONS: Readonly<Record<AccuracyClass, readonly (number | null)[]>> = {
  "1": [0.7, 1.0, 2.1, 0.5, 0.7, 1.5, 2.0, 0.8, 3.0, 3.0, 3.0],
  "2": [1.0, 1.5, 3.0, 0.8, 1.0, 1.5, 4.0, 1.0, 6.0, 6.0, 6.0],
  "0.5S": [0.2, 0.4, 0.6, 0.2, 0.2, 0.1, 1.0, 0.5, null, null, 1.5],
  "0.2S": [0.1, 0.2, 0.3, 0.1, 0.1, 0.05, 0.5, 0.4, null, null, 0.6],
  // Remembered as those of 0.5S.
  "0.5": [0.2, 0.4, 0.6, 0.2, 0.2, 0.1, 1.0, 0.5, null, null, 1.5],
  A: [1.0, 1.5, 3.0, 0.8, 1.0, 1.5, 4.0, 1.0, 6.0, 1.0, 3.0],
  B: [0.7, 1.0, 2.1, 0.5, 0.7, 1.5, 2.0, 0.6, 3.0, 0.8, 1.5],
  C: [0.2, 0.4, 0.6, 0.2, 0.2, 0.1, 1.0, 0.3, 1.5, 0.5, 0.75],
  D: [0.1, 0.2, 0.3, 0.1, 0.1, 0.05, 0.5, 0.2, 1.0, 0.4, 0.5],
  // No source at all: half of D, as in the table of the balanced loads.
  E: [0.05, 0.1, 0.15, 0.05, 0.05, 0.025, 0.25, 0.1, 0.5, 0.2, 0.25],
};
const SEEN_CLASSES: readonly AccuracyClass[] = ["1", "0.5S", "0.2S"];

/** By how much an influence may change the error; undefined where the class has no such test. */
export function variationLimit(cls: AccuracyClass, influence: Influence): Limit | undefined {
  const percent = VARIATIONS[cls][INFLUENCES.indexOf(influence)];
  if (percent === undefined || percent === null) return undefined;
  // Bench programs and memory disagree about sub-harmonics at 0.2S (0.4 or 0.6).
  const doubtful = influence === "phaseFired" || (influence === "subHarmonic" && cls === "0.2S");
  return SEEN_CLASSES.includes(cls) && !doubtful ? seen(percent) : recalled(percent);
}

/** Percent per kelvin by which the error may move, at PF 1 and at 0.5L. */
export function temperatureLimit(cls: AccuracyClass, unity: boolean): Limit {
  const [one, other] = TEMPERATURE[cls];
  return recalled(unity ? one : other);
}

const TEMPERATURE: Readonly<Record<AccuracyClass, readonly [number, number]>> = {
  ...{ A: [0.1, 0.15], B: [0.05, 0.07], C: [0.03, 0.05], D: [0.01, 0.02], E: [0.005, 0.01] },
  ...{ "0.2S": [0.01, 0.02], "0.5S": [0.03, 0.05], "0.5": [0.03, 0.05], "1": [0.05, 0.07], "2": [0.1, 0.15] },
};
