/**
 * What the readings say of each watched event, as words of bits: compare and continue, since this runs after every window.
 * A word holds the events that begin by their trigger, and those active ones that still hold by their recovery.
 */
import type { ChipReadings } from "../metrology/chip.ts";
import { PHASE_KINDS, type PhaseKind, SYSTEM_KINDS, type SystemKind } from "./kinds.ts";
import type { EventPlan } from "./plan.ts";

/** Of the chip's readings, what events are judged by. */
export type EventReadings = Omit<ChipReadings, "harmonics" | "fundamentalActive">;
/** Of each voltage ahead of that of L1, millidegrees 0..359999; undefined where they are not known. */
export type VoltageAngles = readonly number[] | undefined;

/** As the chip has them, behind L1, or not at all: undefined where one voltage is dead. */
export function anglesAhead(harmonics: ChipReadings["harmonics"]): VoltageAngles {
  const behind = harmonics?.voltageAngle;
  if (behind === undefined || behind.includes(null)) return undefined;
  return behind.map((angle) => (TURN - (angle as number)) % TURN);
}

const phaseBit = (kind: PhaseKind) => 1 << PHASE_KINDS.indexOf(kind);
const systemBit = (kind: SystemKind) => 1 << SYSTEM_KINDS.indexOf(kind);

const VOLTAGE_LOSS = phaseBit("voltageLoss");
const UNDER_VOLTAGE = phaseBit("underVoltage");
const OVER_VOLTAGE = phaseBit("overVoltage");
const PHASE_FAILURE = phaseBit("phaseFailure");
const CURRENT_LOSS = phaseBit("currentLoss");
const OVER_CURRENT = phaseBit("overCurrent");
const CURRENT_BREAK = phaseBit("currentBreak");
const REVERSAL = phaseBit("reversal");
const OVERLOAD = phaseBit("overload");
/** No record of a phase begins by its voltage while all voltages are lost. */
const SUPPRESSED = VOLTAGE_LOSS | UNDER_VOLTAGE | PHASE_FAILURE | CURRENT_LOSS | CURRENT_BREAK;

export const ALL_VOLTAGE_LOSS = systemBit("allVoltageLoss");
const LOW_POWER_FACTOR = systemBit("lowPowerFactor");
const VOLTAGE_UNBALANCE = systemBit("voltageUnbalance");
const CURRENT_UNBALANCE = systemBit("currentUnbalance");
const SEVERE_UNBALANCE = systemBit("severeCurrentUnbalance");
const VOLTAGE_SEQUENCE = systemBit("voltageSequence");
const CURRENT_SEQUENCE = systemBit("currentSequence");
const NEUTRAL_ABNORMAL = systemBit("neutralAbnormal");
export const DEMAND_IMPORT = systemBit("demandImport");
export const DEMAND_EXPORT = systemBit("demandExport");
/** Not in the readings: the demand part says it. */
export const DEMAND = DEMAND_IMPORT | DEMAND_EXPORT;

/** Events of a phase that may begin now: all that are on, but for those that the loss of all voltages suppresses. */
export function mayBegin(plan: EventPlan, highestVoltage: number): number {
  const allLost = (plan.systemMask & ALL_VOLTAGE_LOSS) !== 0 && highestVoltage < plan.allVoltageLoss.raise;
  return allLost ? plan.phaseMask & ~SUPPRESSED : plan.phaseMask;
}

/**
 * The word of one phase.
 * @param active events that have begun and not ended
 * @param begin what {@link mayBegin} said
 * @param load the largest current of any phase, µA
 */
export function phaseWord(
  plan: EventPlan,
  r: EventReadings,
  p: number,
  active: number,
  begin: number,
  load: number,
): number {
  const u = r.voltage[p] as number;
  const i = r.current[p] as number;
  const power = r.active[p] as number;
  let word = 0;
  if (u < plan.voltageLoss.raise && i > plan.voltageLossCurrent) word |= VOLTAGE_LOSS;
  if (u < plan.underVoltage.raise) word |= UNDER_VOLTAGE;
  if (u > plan.overVoltage.raise) word |= OVER_VOLTAGE;
  if (u < plan.phaseFailure.raise && i < plan.phaseFailureCurrent) word |= PHASE_FAILURE;
  // A phase below the trigger is never the one with the load: the load is many times the trigger.
  if (i < plan.currentLoss.raise && u > plan.currentLossVoltage && load > plan.currentLossLoad) word |= CURRENT_LOSS;
  if (i > plan.overCurrent.raise) word |= OVER_CURRENT;
  if (i < plan.currentBreak.raise && u > plan.currentBreakVoltage) word |= CURRENT_BREAK;
  if (power < -plan.reversal.raise) word |= REVERSAL;
  if (power > plan.overload.raise) word |= OVERLOAD;
  word &= begin;
  return active === 0 ? word : word | (active & phaseKept(plan, r, p, load) & plan.phaseMask);
}

/** What still holds once it has begun. */
function phaseKept(plan: EventPlan, r: EventReadings, p: number, load: number): number {
  const u = r.voltage[p] as number;
  const i = r.current[p] as number;
  const power = r.active[p] as number;
  let word = 0;
  // A load that goes away does not give the voltage back.
  if (u < plan.voltageLoss.keep) word |= VOLTAGE_LOSS;
  if (u < plan.underVoltage.keep) word |= UNDER_VOLTAGE;
  if (u > plan.overVoltage.keep) word |= OVER_VOLTAGE;
  if (u < plan.phaseFailure.keep && i < plan.phaseFailureCurrent) word |= PHASE_FAILURE;
  if (i < plan.currentLoss.keep && u > plan.currentLossVoltage && load > plan.currentLossLoad) word |= CURRENT_LOSS;
  if (i > plan.overCurrent.keep) word |= OVER_CURRENT;
  if (i < plan.currentBreak.keep && u > plan.currentBreakVoltage) word |= CURRENT_BREAK;
  if (power < -plan.reversal.keep) word |= REVERSAL;
  if (power > plan.overload.keep) word |= OVERLOAD;
  return word;
}

/** The word of the meter as a whole, without the demand limits. */
export function systemWord(
  plan: EventPlan,
  r: EventReadings,
  angles: VoltageAngles,
  active: number,
  high: number,
  load: number,
): number {
  const lowest =
    plan.phases === 1 ? high : Math.min(r.voltage[0] as number, r.voltage[1] as number, r.voltage[2] as number);
  let word = 0;
  if (high < limit(plan.allVoltageLoss, active, ALL_VOLTAGE_LOSS)) {
    // As with one phase: a load that goes away does not give the voltages back.
    if (load > plan.allVoltageLossCurrent || (active & ALL_VOLTAGE_LOSS) !== 0) word |= ALL_VOLTAGE_LOSS;
  }
  if (high > plan.unbalanceVoltage) {
    const unbalance = limit(plan.voltageUnbalance, active, VOLTAGE_UNBALANCE);
    if ((high - lowest) * 1000 > unbalance * high) word |= VOLTAGE_UNBALANCE;
  }
  if (lowPowerFactor(plan, r, limit(plan.powerFactor, active, LOW_POWER_FACTOR))) word |= LOW_POWER_FACTOR;
  if (plan.phases === 3) word |= currentWord(plan, r, active, load);
  if (neutralAbnormal(plan, r, limit(plan.neutralCurrent, active, NEUTRAL_ABNORMAL), load)) word |= NEUTRAL_ABNORMAL;
  // Without angles nothing is known: what has begun goes on.
  word |= angles === undefined ? active & (VOLTAGE_SEQUENCE | CURRENT_SEQUENCE) : sequences(plan, r, angles, lowest);
  return word & plan.systemMask;
}

function limit(threshold: { readonly raise: number; readonly keep: number }, active: number, bit: number): number {
  return (active & bit) === 0 ? threshold.raise : threshold.keep;
}

function currentWord(plan: EventPlan, r: EventReadings, active: number, load: number): number {
  const least = Math.min(r.current[0] as number, r.current[1] as number, r.current[2] as number);
  const difference = (load - least) * 1000;
  let word = 0;
  if (load > plan.currentUnbalanceLoad && difference > limit(plan.currentUnbalance, active, CURRENT_UNBALANCE) * load)
    word |= CURRENT_UNBALANCE;
  if (load > plan.severeUnbalanceLoad && difference > limit(plan.severeUnbalance, active, SEVERE_UNBALANCE) * load)
    word |= SEVERE_UNBALANCE;
  return word;
}

function lowPowerFactor(plan: EventPlan, r: EventReadings, thousandths: number): boolean {
  let active = 0;
  let apparent = 0;
  for (let p = 0; p < plan.phases; p++) {
    active += r.active[p] as number;
    apparent += r.apparent[p] as number;
  }
  return apparent > plan.powerFactorLoad && Math.abs(active) * 1000 < thousandths * apparent;
}

/** A load that returns by another way: with one phase the neutral carries what the line does, with three the sum. */
function neutralAbnormal(plan: EventPlan, r: EventReadings, limitCurrent: number, load: number): boolean {
  const astray = plan.phases === 3 ? r.neutralCurrent : Math.abs(r.neutralCurrent - load);
  const largest = plan.phases === 3 ? load : Math.max(r.neutralCurrent, load);
  return astray > limitCurrent && astray * 1000 > plan.neutralRatio * largest;
}

const HALF_TURN = 180_000;
const TURN = 360_000;

function sequences(plan: EventPlan, r: EventReadings, v: readonly number[], lowestVoltage: number): number {
  const [v1 = 0, v2 = 0, v3 = 0] = v;
  let word = 0;
  if (lowestVoltage > plan.sequenceVoltage && reversed(v1, v2, v3)) word |= VOLTAGE_SEQUENCE;
  const least = Math.min(r.current[0] as number, r.current[1] as number, r.current[2] as number);
  const [a1 = 0, a2 = 0, a3 = 0] = r.angle;
  if (least > plan.sequenceCurrent && reversed(v1 - a1, v2 - a2, v3 - a3)) word |= CURRENT_SEQUENCE;
  return word;
}

/** L2 ahead of L1 and L3 behind it, where L1-L2-L3 has them the other way round. */
function reversed(l1: number, l2: number, l3: number): boolean {
  const second = turned(l2 - l1);
  const third = turned(l3 - l1);
  return second > 0 && second < HALF_TURN && third > HALF_TURN;
}

function turned(angle: number): number {
  return ((angle % TURN) + TURN) % TURN;
}
