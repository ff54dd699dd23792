/** The class test: every point measured and judged, one after the other. */
import { type AccuracyClass, baseLimit } from "./limits.ts";
import { type Device, pulseCount, pulseErrors, pulsePeriod, registerError } from "./measure.ts";
import type { TestKind, TestPoint } from "./points.ts";
import { referencePower } from "./reference.ts";
import type { TestLoad } from "./waves.ts";

export interface PointResult {
  readonly name: string;
  readonly test: TestKind;
  readonly quantity: "active";
  /** Amperes. */
  readonly current: number;
  readonly pf: string;
  /** Percent; pulses at no load. */
  readonly error: number;
  readonly limit: number;
  readonly unit: "%" | "imp";
  /** The limit is remembered, without a source. */
  readonly recalled: boolean;
  readonly pass: boolean;
}

const REPEATS = 10;
const SHORTEST = 2;
const LONGEST = 300;
/** The noise of the result is at most this share of the limit. */
const NOISE_SHARE = 1 / 30;
/** Current noise of a good converter, as a share of Imax, and how many samples a second average it. */
const NOISE = 5e-6;
const SAMPLES = 4_000;
/** A burst is dated to a cycle at best, so its energy needs many. */
const BURST_CYCLES = 10_000;

/** Simulated seconds that a point takes: for progress, and the length of its measurement. */
export function expectedSeconds(device: Device, point: TestPoint, cls: AccuracyClass): number {
  if (point.test === "no-load") return point.seconds ?? 0;
  const period = pulsePeriod(device.model, point.load);
  if (point.test === "constant") return dialPulses(cls) * period;
  const repeats = point.test === "repeatability" ? REPEATS : 1;
  const loads = point.undisturbed === undefined ? [point.load] : [point.load, point.undisturbed];
  return loads.reduce((sum, load) => sum + (measuringSeconds(device, point, load) + 2 * period) * repeats, 0);
}

/** Measures a point and judges it. */
export function runPoint(device: Device, point: TestPoint, cls: AccuracyClass): PointResult {
  const { name, test, current, pf, limit } = point;
  const error = errorOf(device, point, cls);
  return {
    name,
    test,
    quantity: "active",
    current,
    pf,
    error,
    limit: limit.percent,
    unit: test === "no-load" ? "imp" : "%",
    recalled: limit.recalled,
    pass: Math.abs(error) <= limit.percent,
  };
}

function errorOf(device: Device, point: TestPoint, cls: AccuracyClass): number {
  const { test, load, undisturbed } = point;
  const single = (of: TestLoad) => pulseErrors(device, of, measuringSeconds(device, point, of))[0] as number;
  if (test === "no-load") return pulseCount(device, load, point.seconds ?? 0);
  if (test === "constant") return registerError(device, load, dialPulses(cls));
  if (test === "repeatability")
    return standardDeviation(pulseErrors(device, load, measuringSeconds(device, point, load), REPEATS));
  return undisturbed === undefined ? single(load) : single(load) - single(undisturbed);
}

/** So long that the noise of a good chip does not decide. */
function measuringSeconds({ model }: Device, { limit }: TestPoint, load: TestLoad): number {
  if (load.burst !== undefined) return BURST_CYCLES / load.mains.frequency;
  const { un, imax } = model.plate;
  const sigma = (un * imax * NOISE * Math.sqrt(model.phases / SAMPLES)) / referencePower(load);
  const wanted = (sigma / ((limit.percent / 100) * NOISE_SHARE)) ** 2;
  return Math.min(Math.max(SHORTEST, wanted), LONGEST);
}

/** Enough that the pulse that is under way decides nothing: a fifth of the limit. */
function dialPulses(cls: AccuracyClass): number {
  return Math.ceil(100 / (baseLimit(cls).percent / 10 / 5));
}

/** Of the values as a sample: divided by one less than their number. */
function standardDeviation(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1));
}
