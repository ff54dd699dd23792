/**
 * Whether a reading can be true, judged by the energy registers against the last good reading. One that cannot is stored as
 * `invalid` and moves nothing: no baseline, no money, no relay.
 *
 * What was refused does not wedge the meter. A register that jumped up is believed again once the elapsed time allows that
 * much energy; one that went back is believed again once it has passed the old value. For a meter that was replaced
 * neither is right: its exchange is recorded (registry/exchange.ts), which moves the baseline to the new device's opening read.
 */
import type { MeterModel } from "../../protocols/models/model.ts";
import { rolloverOf } from "../../protocols/models/registers.ts";
import { MEASURES, type Measure, type MeasureKey, type Quality } from "../../src/core/measures.ts";
import { MICROS_PER_SECOND } from "../../src/core/time.ts";
import type { Baseline } from "../books.ts";
import type { MeterReading } from "../ports.ts";
import type { PlateOverride } from "../registry/entry.ts";

export interface Judgement {
  readonly quality: Quality;
  /** Why it is not good; empty when it is. */
  readonly reason: string;
  /** Its energy registers fit the baseline: money may follow them. */
  readonly trusted: boolean;
}

const ENERGIES = MEASURES.filter((m) => m.kind === "energy");
const SECONDS_PER_HOUR = 3600;
/** A meter carries up to 1.2 Imax at up to 1.2 Un for long (IEC 62052-31 tests both); beyond that a register cannot grow. */
const OVERLOAD = 1.2 * 1.2;
/** A display step of the coarsest registers in use, 0.1 kWh: a register read just before and just after a step. */
export const DISPLAY_STEP = 100_000;
/** Registers are read some time before the reply is stamped, and the two clocks differ. */
const CLOCK_SLACK = 2 * MICROS_PER_SECOND;

/** A model with what the plate of one meter says otherwise. */
export function withPlate(model: MeterModel | undefined, plate: PlateOverride | undefined): MeterModel | undefined {
  if (model === undefined || plate === undefined) return model;
  const { un, imax, constant } = plate;
  if (un === null && imax === null && constant === null) return model;
  const own = {
    un: un ?? model.plate.un,
    imax: imax ?? model.plate.imax,
    impPerKwh: constant ?? model.plate.impPerKwh,
  };
  return { ...model, plate: { ...model.plate, ...own } };
}

/** The most that may be added to an energy register in a time, milli-units of energy. */
function mostEnergy(model: MeterModel, m: Measure, micros: number): number {
  const phases = m.phase === undefined ? model.phases : 1;
  const watts = OVERLOAD * model.plate.imax * model.plate.un * phases;
  return (watts * 1000 * (micros + CLOCK_SLACK)) / MICROS_PER_SECOND / SECONDS_PER_HOUR + DISPLAY_STEP;
}

/** Where a register of a polled meter starts again from zero. Over MQTT the meter's own totals are sent, which do not. */
export function rolloverAt(model: MeterModel | undefined, source: MeterReading["source"], key: MeasureKey) {
  if (source !== "modbus") return undefined;
  const entry = model?.modbus.registers.find((register) => register.measure === key);
  return entry === undefined ? undefined : rolloverOf(entry);
}

function refuse(reason: string): Judgement {
  return { quality: "invalid", reason, trusted: false };
}

/** What is wrong with how far a register has come, as a sentence; undefined when it is possible. */
function implausible(m: Measure, growth: number, modulus: number | undefined, most: number): string | undefined {
  // A register that went back has rolled over if that explains it with a possible consumption.
  const step = growth < 0 && modulus !== undefined ? growth + modulus : growth;
  if (step >= 0 && step <= most) return undefined;
  if (growth < 0) return `${m.key} went back by ${-growth} m${m.unit}`;
  return `${m.key} grew by ${step} m${m.unit} where ${Math.floor(most)} are possible`;
}

/**
 * Judges a reading taken in at `arrived` (the head-end's civil clock).
 * @param newest the newest reading that was stored, whatever its quality: it tells order; `baseline` is the last good one.
 */
export function judge(
  model: MeterModel | undefined,
  baseline: Baseline | undefined,
  newest: MeterReading | undefined,
  reading: MeterReading,
  arrived: number,
): Judgement {
  if (newest !== undefined && isLate(newest, reading))
    return { quality: "late", reason: "older than what is stored already", trusted: false };
  let missing: string | undefined;
  for (const m of ENERGIES) {
    const value = reading.values[m.key];
    if (value === undefined) continue;
    if (value === null) {
      missing ??= `${m.key} has no value`;
      continue;
    }
    if (value < 0) return refuse(`${m.key} is negative`);
    const before = baseline?.values[m.key];
    if (baseline === undefined || before === undefined || before === null) continue;
    // By the larger of both clocks: a backlog arrives at once, and a meter's clock may have been set back.
    const elapsed = Math.max(reading.time - baseline.time, arrived - baseline.arrived, 0);
    const most = model === undefined ? Number.POSITIVE_INFINITY : mostEnergy(model, m, elapsed);
    const growth = value - before;
    const wrong = implausible(m, growth, growth < 0 ? rolloverAt(model, reading.source, m.key) : undefined, most);
    if (wrong !== undefined) return refuse(wrong);
  }
  if (missing !== undefined) return { quality: "missing", reason: missing, trusted: true };
  if (newest !== undefined && reading.time <= newest.time)
    return { quality: "clock-doubt", reason: "its time is not after that of the reading before", trusted: true };
  return { quality: "good", reason: "", trusted: true };
}

/** Sent again or delayed: the meter's own counter says it comes before what is stored. */
function isLate(newest: MeterReading, reading: MeterReading): boolean {
  return (
    reading.sequence !== null &&
    newest.sequence !== null &&
    reading.sequence <= newest.sequence &&
    reading.time <= newest.time
  );
}

/** The same reading once more: a publish repeated because its acknowledgement was lost. */
export function isRepeat(newest: MeterReading | undefined, reading: MeterReading): boolean {
  return newest !== undefined && newest.time === reading.time && newest.sequence === reading.sequence;
}
