/**
 * Another device at the same metering point. The old one's energy is settled up to its closing read, the new one counts
 * from its opening read; what the point has used runs on without a step, so no kWh is billed twice and none is lost.
 */
import type { MeterModel } from "../../protocols/models/model.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { type Civil, toIso } from "../../src/core/time.ts";
import type { Baseline } from "../books.ts";
import { growthSince } from "../ledger/prepaid.ts";
import type { MeterId, MeterReading, PrepaidAccount } from "../ports.ts";
import { DISPLAY_STEP, judge, rolloverAt } from "../validate/plausibility.ts";
import type { RegistryMeter } from "./columns.ts";
import { type Exchange, lastExchange } from "./entry.ts";

/** Far beyond the life of a metering point; a document has room for them. */
const MOST_EXCHANGES = 150;

export interface ExchangeOrder {
  readonly meter: MeterId;
  /** When the new device took over; null is now. */
  readonly at: Civil | null;
  /** The old device's +A register, mWh; null takes the last good reading. */
  readonly closing: number | null;
  /** The new device's +A register when it took over, mWh. */
  readonly opening: number;
  readonly serial: string | null;
  /** The new device's model; null: the same. */
  readonly model: string | null;
  readonly key: string;
  readonly actor: string;
}

export interface Old {
  readonly meter: RegistryMeter;
  readonly model: MeterModel | undefined;
  readonly source: MeterReading["source"];
  readonly baseline: Baseline | undefined;
  readonly account: PrepaidAccount | undefined;
}

export interface Closing {
  readonly at: Civil;
  /** The old device's last register, mWh, as it is settled. */
  readonly register: number;
  /** What leads from the old device's register to the energy of the point. */
  readonly offset: number;
}

/** Whether the old device can have ended so, as a sentence where not. */
export function closingOf(order: ExchangeOrder, old: Old, now: Civil): Result<Closing, string> {
  const { baseline, account, meter } = old;
  const at = order.at ?? now;
  const last = lastExchange(meter.entry);
  const offset = last?.offset ?? 0;
  if (at > now) return failure(`${toIso(at)} is still to come: record the exchange when it is done`);
  if (last !== undefined && at <= last.at)
    return failure(`the device in place came at ${toIso(last.at)}: it can't have gone at ${toIso(at)}`);
  if (meter.entry.exchanges.length >= MOST_EXCHANGES)
    return failure(`${MOST_EXCHANGES} exchanges are the most that one point remembers: give the point a new id`);
  if (baseline !== undefined && at < baseline.time)
    return failure(`there is a good reading of ${toIso(baseline.time)}: the exchange came after it`);
  const known = baseline?.values.activeEnergyImport ?? null;
  const given = order.closing ?? known;
  if (given === null) return failure("no reading of the old device is known: give its closing read");
  // A display cuts off what the register has behind its last digit, and nothing that was counted is lost.
  const register = known !== null && given < known && known - given < DISPLAY_STEP ? known : given;
  const reading: MeterReading = {
    ...{ meter: order.meter, time: at, source: old.source, sequence: null, quality: "good" },
    values: { activeEnergyImport: register },
  };
  const judged = judge(old.model, baseline, undefined, reading, at);
  if (judged.quality === "invalid") return failure(`the closing read can't be right: ${judged.reason}`);
  if (account !== undefined && account.energyTo !== null) {
    const modulus = rolloverAt(old.model, old.source, "activeEnergyImport");
    const growth = growthSince(account.energyTo, register + offset, modulus);
    if (growth <= -DISPLAY_STEP)
      return failure(`the closing read is ${-growth} mWh below what the prepaid account has paid for already`);
  }
  return success({ at, register, offset });
}

/**
 * The exchange as it is kept, once the account is settled up to the closing read.
 * @param settled `energyTo` of the point's prepaid account then, mWh; null where there is none
 */
export function exchangeOf(
  order: ExchangeOrder,
  meter: RegistryMeter,
  { at, register, offset }: Closing,
  settled: number | null,
  now: Civil,
): Exchange {
  return {
    at,
    closing: register,
    opening: order.opening,
    oldSerial: meter.entry.serial,
    newSerial: order.serial,
    oldModel: meter.registration.model,
    newModel: order.model ?? meter.registration.model,
    offset: (settled ?? register + offset) - order.opening,
    key: order.key,
    actor: order.actor,
    recordedAt: now,
  };
}

/** What the new device's readings are judged by: its opening read. */
export function openingBaseline({ at, opening }: Exchange): Baseline {
  return { values: { activeEnergyImport: opening }, time: at, arrived: at };
}

/** Whether a known exchange is the same wish again: its key says so, its content must not say otherwise. */
export function isSameExchange(known: Exchange, order: ExchangeOrder): boolean {
  return (
    known.opening === order.opening &&
    known.newSerial === order.serial &&
    (order.at === null || known.at === order.at) &&
    (order.model === null || known.newModel === order.model)
  );
}
