/** What a meter has to complain about now, as one word that every protocol shows the same way. */
import { type EventKind, type EventPhase, PHASE_KINDS, SYSTEM_KINDS } from "./events/kinds.ts";
import type { MeterFunctions } from "./functions.ts";

type Sign = (functions: MeterFunctions) => boolean;
const PHASES: readonly EventPhase[] = [1, 2, 3];
const open =
  (kind: EventKind): Sign =>
  ({ events }) =>
    events.open(kind) !== undefined;

/** By bit; the first four are faults of the meter itself. */
const SIGNS: readonly Sign[] = [
  open("memoryFault"),
  open("batteryLow"),
  (functions) => functions.clockDoubt || open("clockFault")(functions),
  open("chipFault"),
  ({ credit }) => credit?.alarm1 === true,
  ({ credit }) => credit?.alarm2 === true,
  ({ credit }) => credit !== undefined && credit.shown.overdraft > 0n,
  ({ relay }) => relay.status().warning,
  open("coverOpen"),
  open("terminalCoverOpen"),
  open("magneticField"),
  open("loadWhileOpen"),
  ({ events }) => PHASE_KINDS.some((kind) => PHASES.some((phase) => events.open(kind, phase) !== undefined)),
  ({ events }) => SYSTEM_KINDS.some((kind) => events.open(kind) !== undefined),
];
/** Faults of the meter itself: memory, battery, clock, measuring chip. */
const FAULTS = 0x0f;

export function alarmWord(functions: MeterFunctions): number {
  let word = 0;
  for (const [bit, sign] of SIGNS.entries()) if (sign(functions)) word |= 1 << bit;
  return word;
}

/** The bits of {@link alarmWord} that are the meter's own: its error register. */
export function errorWord(functions: MeterFunctions): number {
  return alarmWord(functions) & FAULTS;
}

/** How often an event has begun, on all phases; protocols number kinds by their place in `EVENT_KINDS`. */
export function eventCount({ events }: MeterFunctions, kind: EventKind): number {
  if (!(PHASE_KINDS as readonly EventKind[]).includes(kind)) return events.count(kind);
  return PHASES.reduce<number>((sum, phase) => sum + events.count(kind, phase), 0);
}
