/** The class test: every point measured and judged, one after the other. */
import { REFERENCE_TEMPERATURE } from "../metrology/front-end.ts";
import { ACTIVE_IMPORT, type Counted } from "../metrology/pulses.ts";
import {
  changeOfError,
  type Device,
  phaseRegistersError,
  pulseCount,
  pulseErrors,
  pulsePeriod,
  registerError,
} from "./measure.ts";
import { referencePower } from "./reference.ts";
import { dailyClockError } from "./second-pulse.ts";
import type { TestKind, TestPoint } from "./test-point.ts";
import type { TestLoad } from "./waves.ts";

export interface PointResult {
  readonly name: string;
  readonly test: TestKind;
  readonly quantity: Counted["quantity"];
  /** Amperes. */
  readonly current: number;
  readonly pf: string;
  /** In {@link unit}. */
  readonly error: number;
  readonly limit: number;
  readonly unit: "%" | "%/K" | "imp" | "s/d";
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

const UNITS: Partial<Record<TestKind, PointResult["unit"]>> = { "no-load": "imp", temperature: "%/K", clock: "s/d" };

/** Simulated seconds that a point takes: for progress, and the length of its measurement. */
export function expectedSeconds(device: Device, point: TestPoint): number {
  if (point.test === "clock") return 0;
  if (point.test === "no-load") return point.seconds ?? 0;
  const period = pulsePeriod(device.model, point.load);
  if (point.pulses !== undefined) return point.pulses * period;
  const once = (load: TestLoad) => measuringSeconds(device, point, load) + 2 * period;
  if (point.between !== undefined) return 2 * once(point.load) + point.between.seconds;
  if (point.test === "repeatability") return REPEATS * once(point.load);
  return once(point.load) + (point.undisturbed === undefined ? 0 : once(point.undisturbed));
}

/** Measures a point and judges it. */
export function runPoint(device: Device, point: TestPoint): PointResult {
  const { name, test, current, pf, limit, load } = point;
  const error = errorOf(device, point);
  return {
    name,
    test,
    quantity: (load.counted ?? ACTIVE_IMPORT).quantity,
    current,
    pf,
    error,
    limit: limit.percent,
    unit: UNITS[test] ?? "%",
    recalled: limit.recalled,
    pass: Math.abs(error) <= limit.percent,
  };
}

function errorOf(device: Device, point: TestPoint): number {
  const { test, load, undisturbed, between } = point;
  const seconds = measuringSeconds(device, point, load);
  const single = (of: TestLoad) => pulseErrors(device, of, measuringSeconds(device, point, of))[0] as number;
  if (test === "clock") return dailyClockError(device.faults.rtcPpm + (device.parts?.rtcPpm ?? 0));
  if (test === "no-load") return pulseCount(device, load, point.seconds ?? 0);
  if (test === "registers") return phaseRegistersError(device, load, point.pulses ?? 0);
  if (point.pulses !== undefined) return registerError(device, load, point.pulses);
  if (test === "repeatability") return standardDeviation(pulseErrors(device, load, seconds, REPEATS));
  if (between !== undefined) return changeOfError(device, load, seconds, between);
  if (undisturbed === undefined) return single(load);
  const change = single(load) - single(undisturbed);
  if (test !== "temperature") return change;
  return change / ((load.temperature ?? REFERENCE_TEMPERATURE) - REFERENCE_TEMPERATURE);
}

/** So long that the noise of a good chip does not decide. */
function measuringSeconds({ model }: Device, { limit }: TestPoint, load: TestLoad): number {
  if (load.burst !== undefined) return BURST_CYCLES / load.mains.frequency;
  const { un, imax } = model.plate;
  if (limit.percent === 0 || referencePower(load) === 0) return SHORTEST;
  const sigma = (un * imax * NOISE * Math.sqrt(model.phases / SAMPLES)) / referencePower(load);
  const wanted = (sigma / ((limit.percent / 100) * NOISE_SHARE)) ** 2;
  return Math.min(Math.max(SHORTEST, wanted), LONGEST);
}

/** Of the values as a sample: divided by one less than their number. */
function standardDeviation(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1));
}
