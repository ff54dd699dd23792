/** Event settings as the integers that the monitor compares with: one plan serves every meter with the same plate and settings. */
import type { RatingPlate } from "../../protocols/models/model.ts";
import { baseCurrent } from "../bench/limits.ts";
import { PHASE_KINDS, rowSlot, SYSTEM_KINDS, SYSTEM_ROW, WATCHED_SLOTS } from "./kinds.ts";
import type { EventSettings } from "./settings.ts";

/** Where a condition begins, and up to where it still holds once it has. */
interface Threshold {
  readonly raise: number;
  readonly keep: number;
}

export interface EventPlan {
  readonly phases: 1 | 3;
  /** Bits of the events that are on, in the rows of phases and of the meter. */
  readonly phaseMask: number;
  readonly systemMask: number;
  /** Seconds for each watched place. */
  readonly delays: Float64Array;
  /** Of an outage; below 0 where outages are not recorded. */
  readonly outageDelay: number;
  /** mV. */
  readonly voltageLoss: Threshold;
  readonly underVoltage: Threshold;
  readonly overVoltage: Threshold;
  readonly phaseFailure: Threshold;
  readonly allVoltageLoss: Threshold;
  readonly currentLossVoltage: number;
  readonly currentBreakVoltage: number;
  readonly unbalanceVoltage: number;
  readonly sequenceVoltage: number;
  /** µA. */
  readonly currentLoss: Threshold;
  readonly overCurrent: Threshold;
  readonly currentBreak: Threshold;
  readonly neutralCurrent: Threshold;
  readonly voltageLossCurrent: number;
  readonly phaseFailureCurrent: number;
  readonly currentLossLoad: number;
  readonly allVoltageLossCurrent: number;
  readonly currentUnbalanceLoad: number;
  readonly severeUnbalanceLoad: number;
  readonly sequenceCurrent: number;
  /** mW, mVA; the demand limits too. */
  readonly reversal: Threshold;
  readonly overload: Threshold;
  readonly powerFactorLoad: number;
  readonly demandImport: number;
  readonly demandExport: number;
  /** Thousandths. */
  readonly powerFactor: Threshold;
  readonly voltageUnbalance: Threshold;
  readonly currentUnbalance: Threshold;
  readonly severeUnbalance: Threshold;
  readonly neutralRatio: number;
}

/** Events that need a second phase, or three: a meter of one phase has them not. */
const THREE_PHASE_ONLY: ReadonlySet<string> = new Set([
  "voltageLoss",
  "phaseFailure",
  "currentLoss",
  "currentBreak",
  "allVoltageLoss",
  "voltageUnbalance",
  "currentUnbalance",
  "severeCurrentUnbalance",
  "voltageSequence",
  "currentSequence",
]);

/** @param s checked settings */
export function eventPlanOf(s: EventSettings, plate: RatingPlate, phases: 1 | 3): EventPlan {
  const base = baseCurrent(plate);
  const of = (unit: number) => (percent: number) => Math.round((percent / 100) * unit);
  const both = (scale: (percent: number) => number, { trigger, recover }: { trigger: number; recover: number }) => ({
    raise: scale(trigger),
    keep: scale(recover),
  });
  const volts = of(plate.un * 1e3);
  const amps = of(base * 1e6);
  const watts = of(plate.un * base * 1e3);
  const most = of(plate.un * plate.imax * 1e3);
  const share = of(1000);
  const maskOf = (kinds: readonly (keyof EventSettings)[]) =>
    kinds.reduce((mask, kind, bit) => (isOn(s, kind, phases) ? mask | (1 << bit) : mask), 0);
  return {
    phases,
    phaseMask: maskOf(PHASE_KINDS),
    systemMask: maskOf(SYSTEM_KINDS),
    delays: delaysOf(s),
    outageDelay: s.powerOutage.trigger === 0 ? -1 : s.powerOutage.delay,
    voltageLoss: both(volts, s.voltageLoss),
    underVoltage: both(volts, s.underVoltage),
    overVoltage: both(volts, s.overVoltage),
    phaseFailure: both(volts, s.phaseFailure),
    allVoltageLoss: both(volts, s.allVoltageLoss),
    currentLossVoltage: volts(s.currentLoss.voltage),
    currentBreakVoltage: volts(s.currentBreak.voltage),
    unbalanceVoltage: volts(s.voltageUnbalance.voltage),
    sequenceVoltage: volts(s.voltageSequence.voltage),
    currentLoss: both(amps, s.currentLoss),
    overCurrent: both(of(plate.imax * 1e6), s.overCurrent),
    currentBreak: both(amps, s.currentBreak),
    neutralCurrent: both(amps, s.neutralAbnormal),
    voltageLossCurrent: amps(s.voltageLoss.current),
    phaseFailureCurrent: amps(s.phaseFailure.current),
    currentLossLoad: amps(s.currentLoss.load),
    allVoltageLossCurrent: amps(s.allVoltageLoss.load),
    currentUnbalanceLoad: amps(s.currentUnbalance.load),
    severeUnbalanceLoad: amps(s.severeCurrentUnbalance.load),
    sequenceCurrent: amps(s.currentSequence.load),
    reversal: both(watts, s.reversal),
    overload: both(most, s.overload),
    powerFactorLoad: watts(s.lowPowerFactor.load) * phases,
    demandImport: s.demandImport.trigger * 1_000,
    demandExport: s.demandExport.trigger * 1_000,
    powerFactor: both(share, s.lowPowerFactor),
    voltageUnbalance: both(share, s.voltageUnbalance),
    currentUnbalance: both(share, s.currentUnbalance),
    severeUnbalance: both(share, s.severeCurrentUnbalance),
    neutralRatio: share(s.neutralAbnormal.ratio),
  };
}

function isOn(settings: EventSettings, kind: keyof EventSettings, phases: 1 | 3): boolean {
  return settings[kind].trigger !== 0 && (phases === 3 || !THREE_PHASE_ONLY.has(kind));
}

function delaysOf(settings: EventSettings): Float64Array {
  const delays = new Float64Array(WATCHED_SLOTS);
  for (const [bit, kind] of PHASE_KINDS.entries())
    for (let row = 0; row < SYSTEM_ROW; row++) delays[rowSlot(row, bit)] = settings[kind].delay;
  for (const [bit, kind] of SYSTEM_KINDS.entries()) delays[rowSlot(SYSTEM_ROW, bit)] = settings[kind].delay;
  return delays;
}
