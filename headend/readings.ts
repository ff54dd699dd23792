/** What happens to a reading, whichever way it came: duplicate? plausible? stored, and charged where an account waits for it. */
import type { Now } from "../src/core/time.ts";
import type { Books, Draft } from "./books.ts";
import type { Limits } from "./config.ts";
import { type KnownMeter, keepsProfile } from "./directory.ts";
import { chargeReading } from "./ledger/accounts.ts";
import type { MeterReading } from "./ports.ts";
import { type Exchange, isActive, lastExchange } from "./registry/entry.ts";
import { isRepeat, type Judgement, judge, rolloverAt, withPlate } from "./validate/plausibility.ts";

/**
 * Takes a reading into the books. Reading, charge and the orders that follow are in one draft, so they are stored together.
 * @param reading its quality is decided here; `clock-doubt` stays where nothing worse is found
 * @returns false for a repeat of the newest one, of which nothing is left to do
 */
export function takeReading(
  books: Books,
  limits: Limits,
  meter: KnownMeter,
  reading: MeterReading,
  draft: Draft,
  now: Now,
): boolean {
  const newest = books.latest.get(reading.meter);
  if (isRepeat(newest, reading)) return false;
  const entry = books.registry.get(reading.meter);
  const exchange = lastExchange(entry);
  const model = withPlate(meter.model, entry?.plate);
  const judged =
    exchange !== undefined && reading.time < exchange.at
      ? BEFORE_EXCHANGE
      : judge(model, books.baselines.get(reading.meter), newest, reading, now.civil);
  const doubted = judged.quality === "good" && reading.quality === "clock-doubt";
  const stored: MeterReading = { ...reading, quality: doubted ? "clock-doubt" : judged.quality };
  draft.records.push({ kind: "reading", reading: stored });
  draft.after.push({ kind: "notify", notice: { kind: "reading", reading: stored } });
  const lost = (reading.sequence ?? 0) - (newest?.sequence ?? Number.POSITIVE_INFINITY) - 1;
  if (lost > 0)
    draft.after.push({ kind: "log", level: "warn", event: "readings-lost", fields: { meter: reading.meter, lost } });
  if (judged.quality === "invalid" && newest?.quality !== "invalid") auditInvalid(stored, judged.reason, draft, now);
  // A read that was asked for has no number: what the meter sends by itself is still counted from the one before.
  const sequence = stored.sequence ?? newest?.sequence ?? null;
  if (judged.quality !== "late") books.latest.set(reading.meter, { ...stored, sequence });
  if (judged.quality === "good" || judged.quality === "clock-doubt")
    books.baselines.set(reading.meter, { values: reading.values, time: reading.time, arrived: now.civil });
  books.intervals?.note(stored, keepsProfile(meter), draft, now);
  if (judged.trusted && isActive(entry)) {
    const modulus = rolloverAt(model, reading.source, "activeEnergyImport");
    chargeReading(books, limits, ofPoint(stored, exchange), modulus, draft, now);
  }
  return true;
}

/** Of a device that is gone, come late: what it used is settled by its closing read. */
const BEFORE_EXCHANGE: Judgement = {
  quality: "late",
  reason: "from before the exchange of the device",
  trusted: false,
};

/** The energy of the point, which runs on when its device is exchanged. */
function ofPoint(reading: MeterReading, exchange: Exchange | undefined): MeterReading {
  const register = reading.values.activeEnergyImport;
  if (exchange === undefined || register === undefined || register === null) return reading;
  return { ...reading, values: { ...reading.values, activeEnergyImport: register + exchange.offset } };
}

/** One row when a meter turns implausible, not one for each reading of a bad week. */
function auditInvalid(reading: MeterReading, reason: string, draft: Draft, now: Now): void {
  draft.records.push({
    kind: "audit",
    entry: {
      at: now.civil,
      actor: "validation",
      action: "reading invalid",
      meter: reading.meter,
      order: null,
      detail: reason,
    },
  });
  draft.after.push({ kind: "log", level: "warn", event: "reading-invalid", fields: { meter: reading.meter, reason } });
}
