/**
 * The events a meter records, and where each sits in the monitor's words. A row of conditions is one word: one row for each
 * phase, one for the whole meter; what people and other parts report has no condition to watch.
 */

/** Watched on each phase by itself; the order is that of the bits. */
export const PHASE_KINDS = [
  "voltageLoss",
  "underVoltage",
  "overVoltage",
  "phaseFailure",
  "currentLoss",
  "overCurrent",
  "currentBreak",
  "reversal",
  "overload",
] as const;
export type PhaseKind = (typeof PHASE_KINDS)[number];

/** Watched on the meter as a whole; the order is that of the bits. */
export const SYSTEM_KINDS = [
  "allVoltageLoss",
  "lowPowerFactor",
  "voltageUnbalance",
  "currentUnbalance",
  "severeCurrentUnbalance",
  "voltageSequence",
  "currentSequence",
  "neutralAbnormal",
  "demandImport",
  "demandExport",
] as const;
export type SystemKind = (typeof SYSTEM_KINDS)[number];

/** Begin and end when another part says so. */
export const INPUT_KINDS = [
  "coverOpen",
  "terminalCoverOpen",
  "magneticField",
  "auxiliarySupplyLoss",
  "loadWhileOpen",
  "batteryLow",
  "memoryFault",
  "chipFault",
  "clockFault",
] as const;
export type InputKind = (typeof INPUT_KINDS)[number];

/** Have no length: something was done. */
export const INSTANT_KINDS = [
  "programming",
  "meterClear",
  "demandClear",
  "eventClear",
  "clockSet",
  "relayTrip",
  "relayClose",
] as const;
export type InstantKind = (typeof INSTANT_KINDS)[number];

export type MeasuredKind = PhaseKind | SystemKind | "powerOutage";
export type EventKind = MeasuredKind | InputKind | InstantKind;

/** 0 is the meter as a whole, 1..3 are L1..L3. */
export type EventPhase = 0 | 1 | 2 | 3;

/** The row of the whole meter behind those of three phases. */
export const SYSTEM_ROW = 3;
const PHASE_ROW = PHASE_KINDS.length;
const FIRST_SYSTEM = SYSTEM_ROW * PHASE_ROW;
const SYSTEM_AND_REST: readonly EventKind[] = [...SYSTEM_KINDS, ...INPUT_KINDS, "powerOutage", ...INSTANT_KINDS];

export const EVENT_KINDS: readonly EventKind[] = [...PHASE_KINDS, ...SYSTEM_AND_REST];

/** Places of logs: every phase kind three times, then the rest. */
export const SLOTS = FIRST_SYSTEM + SYSTEM_AND_REST.length;
/** Places whose conditions are watched: those in front. */
export const WATCHED_SLOTS = FIRST_SYSTEM + SYSTEM_KINDS.length;

/** The place of an event's log; −1 where the kind is not kept for this phase. */
export function slotOf(kind: EventKind, phase: EventPhase): number {
  const ofPhase = (PHASE_KINDS as readonly string[]).indexOf(kind);
  if (ofPhase >= 0) return phase === 0 ? -1 : rowSlot(phase - 1, ofPhase);
  return phase === 0 ? FIRST_SYSTEM + SYSTEM_AND_REST.indexOf(kind) : -1;
}

/** Whether a kind begins and ends; the others are done at once. */
export function hasLength(kind: EventKind): boolean {
  return !(INSTANT_KINDS as readonly EventKind[]).includes(kind);
}

/** The place of a bit of a row of conditions. */
export function rowSlot(row: number, bit: number): number {
  return row * PHASE_ROW + bit;
}

export function slotName(slot: number): { readonly kind: EventKind; readonly phase: EventPhase } {
  if (slot >= FIRST_SYSTEM) return { kind: SYSTEM_AND_REST[slot - FIRST_SYSTEM] as EventKind, phase: 0 };
  const phase = (Math.floor(slot / PHASE_ROW) + 1) as EventPhase;
  return { kind: PHASE_KINDS[slot % PHASE_ROW] as PhaseKind, phase };
}
