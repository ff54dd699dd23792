/** What a meter shows of itself, all of it exact, as plain data that can be compared. */
import { EVENT_KINDS, type EventKind, type EventPhase, slotOf } from "../../../firmware-sim/events/kinds.ts";
import type { Meter } from "../../../firmware-sim/meter.ts";
import type { EnergyAmount, EnergyRegister } from "../../../firmware-sim/metrology/energy.ts";
import { COUNTED } from "../../../firmware-sim/metrology/energy.ts";
import { FREEZE_DEPTHS, type FreezeKind } from "../../../firmware-sim/profile/freezes.ts";
import type { StoredRecord } from "../../../firmware-sim/profile/record.ts";
import { PROFILE_CLASSES } from "../../../firmware-sim/profile/settings.ts";
import type { RelayStatus } from "../../../firmware-sim/relay/relay.ts";

export const RATES = [1, 2, 3, 4] as const;
const DEMANDS = ["activeImport", "activeExport", "apparent"] as const;
const FREEZES = Object.keys(FREEZE_DEPTHS) as FreezeKind[];
const WIRES = ["modbus", "dlt645", "iec62056-21"] as const;
/** Records of events, profile and freezes that a view holds: what is cut is at the newest end. */
const NEWEST = 3;
/** Every event of every phase that is kept. */
const LOGS = EVENT_KINDS.flatMap((kind) =>
  ([0, 1, 2, 3] as const).filter((phase) => slotOf(kind, phase) >= 0).map((phase) => ({ kind, phase })),
);

export interface LogView {
  readonly kind: EventKind;
  readonly phase: EventPhase;
  readonly count: number;
  /** Start of the open one. */
  readonly open: number | null;
  /** Start, end and +A at both, newest first; null for a record that can't be read. */
  readonly ended: readonly ((number | bigint)[] | null)[];
}

export interface RecordsView {
  readonly count: number;
  readonly newest: readonly (StoredRecord | null)[];
}

export interface CreditView {
  readonly added: bigint;
  readonly refunded: bigint;
  readonly bookings: number;
  readonly spent: bigint;
  readonly left: bigint;
  /** Order ids, newest first; null for a record that can't be read. */
  readonly purchases: readonly (number | null)[];
}

export interface MeterView {
  /** µJ by counted register, and of each rate. */
  readonly totals: readonly bigint[];
  readonly rates: readonly (readonly bigint[])[];
  readonly maxima: readonly number[];
  readonly events: readonly LogView[];
  readonly profile: readonly RecordsView[];
  readonly freezes: readonly RecordsView[];
  /** Time and +A, newest first; null for one that can't be read. */
  readonly settlements: readonly (readonly [number, bigint] | null)[];
  readonly credit: CreditView | null;
  readonly relayClosed: boolean;
  readonly relay: RelayStatus;
  readonly failures: readonly number[];
  readonly programmings: readonly (number | null)[];
  readonly programmed: number;
  readonly sequence: number;
}

export function viewOf(meter: Meter): MeterView {
  const { functions } = meter;
  const { energy, tariff, demand, profile, freezes, relay, authority } = functions;
  const totals = (register: EnergyRegister) => energy.amount(register);
  return {
    totals: COUNTED.map((register) => microOf(totals(register))),
    rates: RATES.map((rate) => COUNTED.map((register) => microOf(tariff.rates.amount(register, rate, totals)))),
    maxima: DEMANDS.map((register) => demand.maximum(register).power),
    events: eventsOf(meter),
    profile: Array.from({ length: PROFILE_CLASSES }, (_, place) =>
      recordsOf(profile.count(place), (age) => profile.read(place, age)),
    ),
    freezes: FREEZES.map((kind) => recordsOf(freezes.count(kind), (age) => freezes.read(kind, age))),
    settlements: Array.from({ length: tariff.settlements.length }, (_, age) => {
      const past = tariff.settlements.read(age);
      return past === undefined ? null : ([past.note.at, microOf(past.amount("activeImport", 0))] as const);
    }),
    credit: creditOf(meter),
    relayClosed: relay.closed,
    relay: relay.status(),
    failures: WIRES.map((wire) => authority.failures(wire)),
    programmings: newest(Math.min(authority.programmings, NEWEST), (age) => authority.programming(age)?.operator),
    programmed: authority.programmings,
    sequence: meter.sequence,
  };
}

/** Whether two views are the same in every detail. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [names, others] = [Object.keys(a), Object.keys(b)];
  if (names.length !== others.length) return false;
  return names.every((name) => isSame(a[name as keyof typeof a], b[name as keyof typeof b]));
}

export function microOf({ quanta, residual }: EnergyAmount): bigint {
  return BigInt(quanta) * 3_600_000n + BigInt(residual);
}

function eventsOf({ functions: { events } }: Meter): LogView[] {
  const logs: LogView[] = [];
  for (const { kind, phase } of LOGS) {
    const count = events.count(kind, phase);
    if (count === 0) continue;
    const open = events.open(kind, phase);
    const ended = newest(Math.min(NEWEST, count - (open === undefined ? 0 : 1)), (age) => {
      const event = events.ended(kind, phase, age);
      if (event === undefined) return undefined;
      const [from, to] = [event.startEnergies[0], event.endEnergies[0]];
      return [event.start, event.end, from ? microOf(from) : -1n, to ? microOf(to) : -1n];
    });
    logs.push({ kind, phase, count, open: open?.start ?? null, ended });
  }
  return logs;
}

function creditOf({ functions: { credit } }: Meter): CreditView | null {
  if (credit === undefined) return null;
  const { added, refunded, topUps, refunds } = credit.totals;
  return {
    ...{ added, refunded, bookings: topUps + refunds, spent: credit.spentFine, left: credit.balanceFine },
    purchases: newest(credit.purchases, (age) => credit.purchase(age)?.order),
  };
}

function recordsOf(count: number, read: (age: number) => StoredRecord | undefined): RecordsView {
  return { count, newest: newest(Math.min(count, NEWEST), read) };
}

function newest<T>(count: number, read: (age: number) => T | undefined): (T | null)[] {
  return Array.from({ length: count }, (_, age) => read(age) ?? null);
}
