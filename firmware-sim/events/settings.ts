/**
 * Thresholds and delays of the watched events. Voltages are percent of Un; currents percent of Ib, over-current of Imax; powers
 * percent of Un × Ib of a phase, overload of Un × Imax; power factor, unbalance and ratios percent; demand in watts; delays
 * whole seconds. A trigger of 0 turns an event off.
 *
 * Triggers, delays and ranges are those of a State Grid value file; of the recoveries only that of voltage loss is. The others
 * are ours: a little on the good side, so that a value on the threshold does not chatter.
 */
import type { RatingPlate } from "../../protocols/models/model.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { type MeasuredKind, PHASE_KINDS, SYSTEM_KINDS } from "./kinds.ts";

/** Default, lowest, highest. */
type Range = readonly [number, number, number];

const DELAY: Range = [60, 0, 5_999];
const AT_ONCE: Range = [0, 0, 5_999];
const ON: Range = [1, 1, 1];
/** % of Ib (or of Un × Ib) that count as a load. */
const LOAD: Range = [5, 3, 10];
const SCANT: Range = [0.5, 0.1, 5];
/** DL/T 645 gives the demand limit six digits of 0.1 W, from 0.05 kW on. */
const DEMAND: Range = [99_990, 50, 99_990];

const RANGES = {
  /** U below the trigger while I is above `current`. */
  voltageLoss: { trigger: [78, 70, 90], recover: [85, 70, 99], current: SCANT, delay: DELAY },
  underVoltage: { trigger: [78, 70, 90], recover: [80, 70, 99], delay: DELAY },
  overVoltage: { trigger: [120, 110, 130], recover: [118, 101, 130], delay: DELAY },
  /** U below the trigger and I below `current`. */
  phaseFailure: { trigger: [60, 40, 90], recover: [65, 40, 99], current: SCANT, delay: DELAY },
  /** I below the trigger with U above `voltage` while another phase carries more than `load`. */
  currentLoss: { trigger: [0.5, 0.5, 2], recover: [0.6, 0.5, 2.9], voltage: [70, 40, 90], load: LOAD, delay: DELAY },
  overCurrent: { trigger: [120, 50, 150], recover: [115, 40, 150], delay: DELAY },
  /** I below the trigger with U above `voltage`. */
  currentBreak: { trigger: [0.5, 0.5, 5], recover: [0.6, 0.5, 6], voltage: [60, 60, 85], delay: DELAY },
  /** Power to the grid above the trigger. */
  reversal: { trigger: [0.5, 0.5, 5], recover: [0.4, 0.1, 5], delay: DELAY },
  overload: { trigger: [120, 50, 150], recover: [115, 40, 150], delay: DELAY },
  /** Every U below the trigger while some I is above `load`. */
  allVoltageLoss: { trigger: [60, 40, 90], recover: [65, 40, 99], load: LOAD, delay: DELAY },
  /** Of the sums, with more apparent power than `load`. */
  lowPowerFactor: { trigger: [30, 20, 60], recover: [32, 20, 65], load: LOAD, delay: DELAY },
  /** (highest − lowest) / highest, with the highest above `voltage`, or above `load`. */
  voltageUnbalance: { trigger: [30, 10, 99], recover: [28, 5, 99], voltage: [60, 40, 90], delay: DELAY },
  currentUnbalance: { trigger: [30, 10, 90], recover: [28, 5, 90], load: LOAD, delay: DELAY },
  severeCurrentUnbalance: { trigger: [90, 20, 99], recover: [88, 15, 99], load: LOAD, delay: DELAY },
  /** L2 ahead of L3, with every U above `voltage`, or every I above `load`. */
  voltageSequence: { trigger: ON, voltage: [60, 40, 90], delay: DELAY },
  currentSequence: { trigger: ON, load: LOAD, delay: DELAY },
  /** Three phases: neutral current; one phase: line against neutral. Above the trigger and above `ratio` of the largest current. */
  neutralAbnormal: { trigger: [20, 5, 100], recover: [18, 1, 100], ratio: [50, 10, 100], delay: DELAY },
  demandImport: { trigger: DEMAND, delay: AT_ONCE },
  demandExport: { trigger: DEMAND, delay: AT_ONCE },
  /** Outages of at least the delay. */
  powerOutage: { trigger: ON, delay: AT_ONCE },
} as const satisfies Record<MeasuredKind, Readonly<Record<string, Range>>>;

export type EventSettings = {
  readonly [K in MeasuredKind]: { readonly [F in keyof (typeof RANGES)[K]]: number };
};

/** Recover above their trigger; the others below. */
const LOW_KINDS: ReadonlySet<MeasuredKind> = new Set<MeasuredKind>([
  "voltageLoss",
  "underVoltage",
  "phaseFailure",
  "currentLoss",
  "currentBreak",
  "allVoltageLoss",
  "lowPowerFactor",
]);

const MEASURED_KINDS: readonly MeasuredKind[] = [...PHASE_KINDS, ...SYSTEM_KINDS, "powerOutage"];

/** What the facts name, with the demand limits of the plate: 1.2 × Un × Imax of all phases. */
export function defaultEventSettings(plate: Pick<RatingPlate, "un" | "imax">, phases: 1 | 3): EventSettings {
  const settings: Record<string, Record<string, number>> = {};
  for (const kind of MEASURED_KINDS) {
    const fields: Record<string, number> = {};
    for (const [field, range] of Object.entries<Range>(RANGES[kind])) fields[field] = range[0];
    settings[kind] = fields;
  }
  const trigger = Math.min(DEMAND[2], Math.max(DEMAND[1], Math.round(1.2 * plate.un * plate.imax * phases)));
  return { ...(settings as EventSettings), demandImport: { trigger, delay: 0 }, demandExport: { trigger, delay: 0 } };
}

/**
 * Settings from a file or a protocol: every kind with every field, in range.
 * @returns a reason for people, such as `voltageLoss.trigger is 95: 0 (off) or 70..90`
 */
export function checkEventSettings(value: unknown): Result<EventSettings, string> {
  if (!isRecord(value)) return failure("event settings are an object of events");
  const unknown = Object.keys(value).find((kind) => !Object.hasOwn(RANGES, kind));
  if (unknown !== undefined) return failure(`"${unknown.slice(0, 40)}" is not an event with settings`);
  for (const kind of MEASURED_KINDS) {
    const problem = kindProblem(kind, value[kind]);
    if (problem !== undefined) return failure(problem);
  }
  return success(value as EventSettings);
}

function kindProblem(kind: MeasuredKind, given: unknown): string | undefined {
  if (!isRecord(given)) return `${kind} has no settings`;
  const ranges: Readonly<Record<string, Range>> = RANGES[kind];
  const unknown = Object.keys(given).find((field) => !Object.hasOwn(ranges, field));
  if (unknown !== undefined) return `${kind} has no setting "${unknown.slice(0, 40)}"`;
  for (const [field, [, low, high]] of Object.entries(ranges)) {
    const number = given[field];
    const off = field === "trigger" && number === 0;
    if (off) continue;
    if (typeof number !== "number" || !(number >= low && number <= high))
      return `${kind}.${field} is ${String(number).slice(0, 40)}: ${field === "trigger" ? "0 (off) or " : ""}${low}..${high}`;
    if (field === "delay" && !Number.isInteger(number)) return `${kind}.delay is ${number}: whole seconds`;
  }
  const { trigger, recover } = given as { readonly trigger: number; readonly recover?: number };
  if (trigger === 0 || recover === undefined) return undefined;
  if (LOW_KINDS.has(kind) ? recover >= trigger : recover <= trigger) return undefined;
  return `${kind} recovers at ${recover}, on the bad side of its trigger of ${trigger}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
