/**
 * How the head-end's records look outside: ISO times, decimal strings with their unit, money with the decimals of its
 * currency. One place for API, console and command line, so that a value never reads differently in two of them.
 */

import { formatDecimal, formatFixed } from "../src/core/decimal.ts";
import {
  MEASURES,
  type MeasureKey,
  type MeasureValues,
  measure,
  type Quality,
  shownUnit,
  showValue,
} from "../src/core/measures.ts";
import { currencyOf, type Minor } from "../src/core/money.ts";
import { type Civil, civil, MICROS_PER_SECOND, toIso } from "../src/core/time.ts";
import type { Availability } from "./alarms/availability.ts";
import { ADVICE, type Incident } from "./alarms/incident.ts";
import type { ClockJump, ClockState } from "./clock/records.ts";
import { type MassOrder, openOf } from "./commands/mass-order.ts";
import type { MeterEventRecord } from "./events/records.ts";
import type { EventNotice } from "./notice-feed.ts";
import type {
  MeterReading,
  NumberedAuditEntry,
  Order,
  OrderReceipt,
  OrderTerms,
  Posting,
  PrepaidAccount,
  RegisteredMeter,
  TopupReceipt,
} from "./ports.ts";
import { isDirect, primaryValue, showRatio, type Transformers } from "./registry/ratio.ts";
import type { DatedRead } from "./schedule/records.ts";
import type { Settlement } from "./schedule/settlement.ts";

/** One register of a reading, as `meterworks read --json` prints it. */
export interface ValueView {
  readonly measure: MeasureKey;
  readonly obis: string;
  /** A decimal string in `unit`; null where the meter had no value. */
  readonly value: string | null;
  readonly unit: string;
  readonly time: string;
  readonly quality: Quality;
}

/** Rows in the order of the vocabulary. A null in a good reading is `missing`: it is that value that is not there. */
export function valueViews(values: MeasureValues, time: Civil, quality: Quality): readonly ValueView[] {
  const iso = toIso(time);
  return MEASURES.filter((m) => values[m.key] !== undefined).map((m) => {
    const value = values[m.key] ?? null;
    return {
      measure: m.key,
      obis: m.obis,
      value: value === null ? null : showValue(m, value),
      unit: shownUnit(m),
      time: iso,
      quality: value === null && quality === "good" ? "missing" : quality,
    };
  });
}

/** @param transformers those that held at its time: with any but direct ones the primary values are shown too */
export function readingView(reading: MeterReading, transformers?: Transformers) {
  const { time, source, sequence, quality, values } = reading;
  return { time: toIso(time), source, sequence, quality, ...valuesView(values, time, quality, transformers) };
}

function valuesView(values: MeasureValues, time: Civil, quality: Quality, transformers: Transformers | undefined) {
  const views = valueViews(values, time, quality);
  if (transformers === undefined || isDirect(transformers)) return { values: views };
  const ratio = { ct: showRatio(transformers.ct), vt: showRatio(transformers.vt) };
  const withPrimary = views.map((view) => {
    const value = values[view.measure] ?? null;
    const primary = value === null ? undefined : primaryValue(measure(view.measure), value, transformers);
    return primary === undefined ? view : { ...view, primary };
  });
  return { ratio, values: withPrimary };
}

/** The registers for a time; a settlement shows decimal strings like everything else. */
export function datedReadView(dated: DatedRead, transformers?: Transformers) {
  const { task, slot, taken, quality, values, settlement } = dated;
  return {
    task,
    slot: toIso(slot),
    taken: toIso(taken),
    basis: settlement === null ? "reading" : "settlement",
    quality,
    ...valuesView(values, taken, quality, transformers),
    settlement: settlement === null ? null : settlementView(settlement),
  };
}

function settlementView({ time, clockInDoubt, late, registers }: Settlement) {
  return {
    ...{ meterTime: localTime(time), clockInDoubt, late },
    registers: registers.map((register) => {
      const m = measure(register.measure);
      const power = measure(m.unit === "Wh" ? "activePower" : "reactivePower");
      const { maximumDemand, maximumDemandAt } = register;
      return {
        ...{ measure: m.key, unit: shownUnit(m), total: showValue(m, register.total) },
        rates: register.rates.map((value) => showValue(m, value)),
        demandUnit: shownUnit(power),
        maximumDemand: maximumDemand === null ? null : showValue(power, maximumDemand),
        maximumDemandAt: maximumDemandAt === null ? null : localTime(maximumDemandAt),
      };
    }),
  };
}

export function meterEventView({ event, phase, state, start, end, values, source, sequence }: MeterEventRecord) {
  const shown = MEASURES.filter((m) => values[m.key] !== undefined && values[m.key] !== null);
  return {
    ...{ event, phase, state, start: localTime(start), end: end === null ? null : localTime(end), source, sequence },
    values: shown.map((m) => ({ measure: m.key, value: showValue(m, values[m.key] as number), unit: shownUnit(m) })),
  };
}

/** Offsets are meter minus head-end: a slow clock has a negative one. */
export function clockView({ offset, uncertainty, measuredAt, corrected, alarm }: ClockState) {
  return {
    ...{ offset: showSeconds(offset), uncertainty: showSeconds(uncertainty), measuredAt: toIso(measuredAt) },
    corrected: corrected === null ? null : toIso(corrected),
    alarmSince: alarm === null ? null : toIso(alarm),
  };
}

export function jumpView({ from, to, before, after, cause }: ClockJump) {
  return { from: toIso(from), to: toIso(to), before: showSeconds(before), after: showSeconds(after), cause };
}

function showSeconds(micros: number): string {
  return formatDecimal(micros, 6);
}

/** ISO 8601 without an offset, from seconds since 1970 of a clock that tells no zone. */
function localTime(seconds: number): string {
  return toIso(civil(seconds * MICROS_PER_SECOND)).slice(0, "2026-11-24T16:00:00".length);
}

export function meterView({ id, model, ratio, via }: RegisteredMeter) {
  return { id, model, ratio, via };
}

/** The data of a live event. */
export function eventView(notice: EventNotice): object {
  if (notice.kind === "reading") return { meter: notice.reading.meter, ...readingView(notice.reading) };
  if (notice.kind === "order") return orderView(notice.order);
  if (notice.kind === "alarm") return alarmView(notice.incident);
  const { meter, currency, balance, level } = notice;
  return { meter, currency, balance: showMoney(balance, currency), level };
}

export function orderView(order: Order) {
  const { id, key, meter, operation, argument, state, reason, requestedAt, expiresAt, outcome, relayReadBack } = order;
  return {
    ...{ id, key, meter, operation, argument, state, reason },
    requestedAt: toIso(requestedAt),
    expiresAt: toIso(expiresAt),
    ...{ outcome, relayReadBack },
    finishedAt: order.finishedAt === null ? null : toIso(order.finishedAt),
    ...termsView(order.terms),
  };
}

function termsView({ requester, persons, approvedBy, precondition, mass }: OrderTerms) {
  const { relay = null, balanceAtMost: balance } = precondition ?? {};
  const balanceAtMost = balance === undefined ? null : showMoney(balance.amount, balance.currency);
  const currency = balance?.currency ?? null;
  return { requester, persons, approvedBy, precondition: { relay, balanceAtMost, currency }, mass };
}

/** `seconds` of one that lasts is null: count from `since`. */
export function alarmView(incident: Incident) {
  const { id, kind, place, cause, since, until, lasted, count, meters, within, acknowledged } = incident;
  return {
    ...{ id, kind, part: place.part, name: place.name, open: until === null },
    since: toIso(since),
    until: until === null ? null : toIso(until),
    seconds: until === null ? null : Math.round(lasted / MICROS_PER_SECOND),
    ...{ count, meters, within, cause, advice: ADVICE[kind] },
    acknowledged: acknowledged === null ? null : { ...acknowledged, at: toIso(acknowledged.at) },
  };
}

const MICRO_DECIMALS = 6;
/** Of an availability: 0.999999 is half a minute a year. */
const MILLION = 1_000_000n;

/** Rounded down, so that a 1 means never down; null where nobody looked, or where there was no outage to divide by. */
export function availabilityView({ name, meters, watched, down, outages }: Availability) {
  const up = watched - down;
  const seconds = (micros: bigint): string => formatDecimal(micros, MICRO_DECIMALS);
  const each = (micros: bigint): string | null => (outages === 0 ? null : seconds(micros / BigInt(outages)));
  return {
    ...{ name, meters, watchedSeconds: seconds(watched), downSeconds: seconds(down), outages },
    availability: watched === 0n ? null : formatDecimal((up * MILLION) / watched, MICRO_DECIMALS),
    ...{ mtbfSeconds: each(up), mttrSeconds: each(down) },
  };
}

export function auditView({ number, at, actor, action, meter, order, detail }: NumberedAuditEntry) {
  return { number, at: toIso(at), actor, action, meter, order, detail };
}

/** `"10.00"` for 1000 cents, `"1000"` for 1000 yen. */
export function showMoney(amount: Minor, currency: string): string {
  return formatFixed(amount, currencyOf(currency).decimals);
}

/** A price per kWh holds millionths of a minor unit; only the decimals it uses are shown. */
const PRICE_DECIMALS = 6;

export function accountView(account: PrepaidAccount) {
  const { meter, currency, toppedUp, charged } = account;
  const money = (amount: bigint): string => showMoney(amount as Minor, currency);
  return {
    ...{ meter, currency },
    balance: money(toppedUp - charged),
    toppedUp: money(toppedUp),
    charged: money(charged),
    warnAt: money(account.warnAt),
    cutAt: money(account.cutAt),
    pricePerKwh: formatDecimal(account.price, currencyOf(currency).decimals + PRICE_DECIMALS),
    energyFrom: showEnergy(account.energyFrom),
    energyTo: showEnergy(account.energyTo),
    energyUnit: "kWh",
  };
}

/** `currency` is that of the account: a posting is kept in minor units of it. */
export function postingView({ key, meter, at, kind, amount, energyTo }: Posting, currency: string) {
  return {
    ...{ key, meter, kind, currency },
    at: toIso(at),
    amount: showMoney(amount, currency),
    energyTo: showEnergy(energyTo),
    energyUnit: "kWh",
  };
}

export function topupView({ meter, amount, balance, currency, booked }: TopupReceipt) {
  return { meter, amount: showMoney(amount, currency), balance: showMoney(balance, currency), currency, booked };
}

export function massView(mass: MassOrder) {
  const { id, operation, state, why, requester, note, persons, approvedBy, perMinute, stopPercent, stopWindow } = mass;
  return {
    ...{ id, operation, state, why, requester, note, persons, approvedBy, perMinute, stopPercent, stopWindow },
    ...{ total: mass.total, issued: mass.issued, open: openOf(mass), skipped: mass.skipped, ends: mass.ends },
    requestedAt: toIso(mass.requestedAt),
    finishedAt: mass.finishedAt === null ? null : toIso(mass.finishedAt),
  };
}

export function orderReceiptView({ order, created }: OrderReceipt) {
  return { order: orderView(order), created };
}

function showEnergy(milliWattHours: number | null): string | null {
  return milliWattHours === null ? null : showValue(measure("activeEnergyImport"), milliWattHours);
}
