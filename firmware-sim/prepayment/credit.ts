/**
 * Credit kept in the meter. It is exact: in money mode a fine unit is a millionth of a minor unit per kWh times a µJ, so that
 * price × energy needs no rounding; in energy mode it is the µJ.
 *
 * Per window {@link Credit.consume} adds and compares with a precomputed limit; everything else happens at edges: of price,
 * of energy (a level is reached) and of time (friendly hours begin or end).
 */
import type { PricePerKwh } from "../../src/core/money.ts";
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import type { Nvram } from "../nvram/nvram.ts";
import { RecordRing } from "../nvram/ring.ts";
import { friendlyAt } from "./friendly.ts";
import { decodePurchase, encodePurchase, PURCHASES, type Purchase } from "./purchases.ts";
import type { CreditSettings } from "./settings.ts";

/** Fine units of a minor unit (µJ per kWh × millionths), and of a mWh. */
const FINE_PER_UNIT = { money: 3_600_000_000_000n * 1_000_000n, energy: 3_600_000n } as const;
const LAYOUT = 1;
/** A booking comes at the latest after so many µJ, so that a further window of below 2^50 stays below 2^53. */
const MOST_UNBOOKED = 2 ** 52;

/** Outcomes of a top-up or refund, in order of precedence. */
export type BookingStatus = "booked" | "bad-amount" | "above-hoarding-limit" | "not-enough-credit";

/** Why the relay is to open: `alarm-2` until the customer has closed again, `overdraft-limit` until a top-up. */
export type TripReason = "alarm-2" | "overdraft-limit";

/** Whether the relay may be closed, as far as credit is concerned. */
export type CloseVerdict = "allowed" | "overdraft-limit" | "below-close-allowed";

/** Whole units: minor units or mWh, truncated. One of the two is 0. */
export interface ShownCredit {
  /** DL/T 645 00900200. */
  readonly remaining: bigint;
  /** DL/T 645 00900201. */
  readonly overdraft: bigint;
}

/** What was ever added and given back, whole units, and how often; `added` includes the opening credit. */
export interface CreditTotals {
  readonly added: bigint;
  readonly refunded: bigint;
  readonly topUps: number;
  readonly refunds: number;
}

interface Money {
  balance: bigint;
  factor: bigint;
  added: bigint;
  refunded: bigint;
  topUps: number;
  refunds: number;
}

export class Credit {
  readonly #nvram: Nvram;
  #settings: CreditSettings;
  #unit: bigint;
  #money: Money;
  /** µJ since the last booking, all at the present price. */
  #unbooked = 0;
  #limit = 0;
  #friendly = false;
  #friendlyUntil = localSecond(Number.POSITIVE_INFINITY);
  /** The trip of alarm 2 was followed by the customer's closing: it is not repeated before credit was above the alarm again. */
  #alarm2Done = false;
  #purchases: RecordRing;

  /** A new meter's credit. `settings` has been through `checkCredit`. The price is 0 until {@link price} says one. */
  constructor(settings: CreditSettings, nvram: Nvram, at: LocalSecond) {
    this.#nvram = nvram;
    this.#settings = settings;
    this.#unit = FINE_PER_UNIT[settings.mode];
    const added = BigInt(settings.opening);
    const factor = settings.mode === "energy" ? 1n : 0n;
    this.#money = { balance: added * this.#unit, factor, added, refunded: 0n, topUps: 0, refunds: 0 };
    this.#purchases = new RecordRing(nvram, PURCHASES, 0);
    this.edge(at);
  }

  get settings(): CreditSettings {
    return this.#settings;
  }

  /**
   * Other settings from now on. Refused where the mode would change over credit that is there: money is no energy.
   */
  configure(settings: CreditSettings, at: LocalSecond): Result<void, string> {
    if (settings.mode !== this.#settings.mode)
      return failure(`credit is kept as ${this.#settings.mode}: the mode is set before a meter's first credit`);
    this.#settings = settings;
    this.edge(at);
    return success(undefined);
  }

  /** Another price from now on: what was used before is booked at the old one. Energy mode has no price. */
  price(price: PricePerKwh): void {
    assert(price >= 0n, "a price is not negative");
    if (this.#settings.mode === "energy" || price === this.#money.factor) return;
    this.#book();
    this.#money.factor = price;
    this.#findLimit();
  }

  /**
   * Takes off what a window used, µJ (below 2^50); what flows back (below zero) is not credited.
   * @returns true when a level may be reached: call {@link edge}
   */
  consume(micro: number): boolean {
    if (micro > 0) this.#unbooked += micro;
    return this.#unbooked >= this.#limit;
  }

  /** µJ that may still be used before {@link consume} says true, at the present price. */
  get nextEnergyEdge(): number {
    return Math.max(this.#limit - this.#unbooked, 0);
  }

  /** When friendly time begins or ends next: call {@link edge} then. */
  get nextEdge(): LocalSecond {
    return this.#friendlyUntil;
  }

  /** Books what was used and looks again at levels and friendly time. To be called after a restart and a clock change too. */
  edge(at: LocalSecond): void {
    const { friendly, until } = friendlyAt(this.#settings.friendly, at);
    this.#friendly = friendly;
    this.#friendlyUntil = until;
    this.#book();
    this.#findLimit();
  }

  /** Adds bought credit: an overdraft is filled first. A checkpoint must follow before the outcome is told. */
  topUp(amount: number, order: number, at: LocalSecond): BookingStatus {
    if (!isAmount(amount)) return "bad-amount";
    this.#book();
    const before = this.#money.balance;
    const after = before + BigInt(amount) * this.#unit;
    if (after > BigInt(this.#settings.hoardingLimit) * this.#unit) {
      this.#findLimit();
      return "above-hoarding-limit";
    }
    this.#record("top-up", amount, order, at, after);
    this.#money.added += BigInt(amount);
    this.#money.topUps += 1;
    this.#findLimit();
    return "booked";
  }

  /** Gives credit back: never more than remains. A checkpoint must follow before the outcome is told. */
  refund(amount: number, order: number, at: LocalSecond): BookingStatus {
    if (!isAmount(amount)) return "bad-amount";
    this.#book();
    const after = this.#money.balance - BigInt(amount) * this.#unit;
    if (after < 0n) {
      this.#findLimit();
      return "not-enough-credit";
    }
    this.#record("refund", amount, order, at, after);
    this.#money.refunded += BigInt(amount);
    this.#money.refunds += 1;
    this.#findLimit();
    return "booked";
  }

  /** The relay was closed by the customer: the trip of alarm 2 has had its effect. */
  closedByCustomer(): void {
    if (this.#isAt(this.#settings.alarm2)) this.#alarm2Done = true;
  }

  /** Credit is at or below alarm 1: the light. As of the last edge, like all that follows from levels. */
  get alarm1(): boolean {
    return this.#isAt(this.#settings.alarm1);
  }

  get alarm2(): boolean {
    return this.#isAt(this.#settings.alarm2);
  }

  /** Friendly time runs: credit opens nothing. */
  get friendly(): boolean {
    return this.#friendly;
  }

  /** Why the relay is to be open; undefined where credit wants nothing, and in friendly time. */
  get wantsTrip(): TripReason | undefined {
    if (this.#friendly) return undefined;
    if (this.#exhausted) return "overdraft-limit";
    return this.alarm2 && !this.#alarm2Done ? "alarm-2" : undefined;
  }

  /** Friendly time does not bring back a relay that is open: credit must be there to close it. */
  get mayClose(): CloseVerdict {
    if (this.#exhausted) return "overdraft-limit";
    return this.#money.balance >= BigInt(this.#settings.closeAllowed) * this.#unit || this.#settings.closeAllowed === 0
      ? "allowed"
      : "below-close-allowed";
  }

  /** What is left after the last window, exact: fine units, below zero in overdraft. */
  get balanceFine(): bigint {
    return this.#money.balance - this.#money.factor * BigInt(this.#unbooked);
  }

  /** Fine units that energy has cost since the meter was new: what was added − given back − left. */
  get spentFine(): bigint {
    return (this.#money.added - this.#money.refunded) * this.#unit - this.balanceFine;
  }

  /** What the display and the protocols show after the last window. */
  get shown(): ShownCredit {
    const whole = this.balanceFine / this.#unit;
    return whole >= 0n ? { remaining: whole, overdraft: 0n } : { remaining: 0n, overdraft: -whole };
  }

  /** The same as one number: below zero in overdraft. */
  get balance(): number {
    return Number(this.balanceFine / this.#unit);
  }

  get totals(): CreditTotals {
    const { added, refunded, topUps, refunds } = this.#money;
    return { added, refunded, topUps, refunds };
  }

  /** A record of top-ups and refunds by age, 0 the newest; undefined where there is none. */
  purchase(age: number): Purchase | undefined {
    const bytes = this.#purchases.read(age);
    return bytes && decodePurchase(bytes);
  }

  /** Records that can be read. */
  get purchases(): number {
    return this.#purchases.length;
  }

  /** The checkpoint with the snapshot is on the part. */
  commit(): void {
    this.#purchases.commit();
  }

  snapshot(): Uint8Array {
    const { balance, factor, added, refunded, topUps, refunds } = this.#money;
    const writer = new ByteWriter()
      .u8(LAYOUT)
      .flag(this.#settings.mode === "energy")
      .flag(this.#alarm2Done);
    writer.big(balance).big(factor).big(added).big(refunded).f64(topUps).f64(refunds);
    return writer.f64(this.#unbooked).f64(this.#purchases.written).bytes();
  }

  /** Takes over a {@link snapshot}; on a failure nothing has changed. */
  restore(bytes: Uint8Array, at: LocalSecond): Result<void, string> {
    const reader = new ByteReader(bytes);
    const layout = reader.u8();
    if (layout !== LAYOUT) return failure(`the credit has layout ${layout}; this version reads ${LAYOUT}`);
    const mode = reader.flag() ? "energy" : "money";
    const alarm2Done = reader.flag();
    const [balance, factor, added, refunded] = [reader.big(), reader.big(), reader.big(), reader.big()];
    const [topUps, refunds, unbooked, written] = [reader.f64(), reader.f64(), reader.f64(), reader.f64()];
    const end = reader.end("the record of the credit");
    if (!end.ok) return end;
    if (mode !== this.#settings.mode)
      return failure(`the stored credit is ${mode}, the meter is set to the other mode`);
    if (![topUps, refunds, unbooked, written].every((n) => Number.isSafeInteger(n) && n >= 0) || factor < 0n)
      return failure("the stored credit holds counts that are none");
    this.#money = { balance, factor, added, refunded, topUps, refunds };
    this.#unbooked = unbooked;
    this.#alarm2Done = alarm2Done;
    this.#purchases = new RecordRing(this.#nvram, PURCHASES, written);
    this.edge(at);
    return success(undefined);
  }

  get #exhausted(): boolean {
    return this.#money.balance <= BigInt(-this.#settings.overdraftLimit) * this.#unit;
  }

  #isAt(level: number | null): boolean {
    return level !== null && this.#money.balance <= BigInt(level) * this.#unit;
  }

  #book(): void {
    if (this.#unbooked === 0) return;
    this.#money.balance -= this.#money.factor * BigInt(this.#unbooked);
    this.#unbooked = 0;
  }

  /** The record goes first; it counts with the checkpoint that holds the new balance. */
  #record(kind: Purchase["kind"], amount: number, order: number, at: LocalSecond, after: bigint): void {
    const before = this.#money.balance;
    const record = { kind, order, at, amount, before: before / this.#unit, after: after / this.#unit };
    this.#purchases.append(encodePurchase(record));
    this.#money.balance = after;
  }

  /** Levels lie in whole units; the next one below the balance says how many µJ are left. */
  #findLimit(): void {
    const { alarm1, alarm2, overdraftLimit } = this.#settings;
    if (!this.alarm2) this.#alarm2Done = false;
    const { balance, factor } = this.#money;
    this.#limit = MOST_UNBOOKED;
    if (factor === 0n) return;
    for (const level of [alarm1, alarm2, -overdraftLimit]) {
      const above = level === null ? 0n : balance - BigInt(level) * this.#unit;
      if (above <= 0n) continue;
      const micro = (above + factor - 1n) / factor;
      if (micro < BigInt(this.#limit)) this.#limit = Number(micro);
    }
  }
}

function isAmount(amount: number): boolean {
  return Number.isSafeInteger(amount) && amount > 0;
}
