/**
 * What the world outside knows of a meter: what it has shown, what it has acknowledged, and the energy that its chip gave. It
 * calculates in `bigint` from views and shares no code with the meter's functions.
 */
import type { MeterOrder, OrderOutcome } from "../../../protocols/orders.ts";
import { costOf } from "../checkers/functions.ts";
import { Findings, type Verdict } from "../checkers/verdict.ts";
import { type PowerSetup, SETTLEMENT_HOURS } from "./setup.ts";
import type { MeterView, RecordsView } from "./view.ts";

/** What was under way when the power went: it may have been done, or not. */
export interface Pending {
  readonly order?: MeterOrder;
  /** Demand maxima may be gone. */
  readonly clears?: true;
  /** A wire's failures may start again from nothing: the right password, or the first wrong one behind a lock. */
  readonly asks?: true;
  readonly programs?: true;
  /** A trip under way may be called off. */
  readonly relay?: true;
  readonly sequence?: number;
}

const KEPT_SETTLEMENTS = 12;
const KEPT_PURCHASES = 10;
/** µJ. */
const MILLIWATTHOUR = 3_600_000n;

export class Witness {
  readonly findings = new Findings("nothing lost, nothing doubled");
  readonly outcomes = new Map<number, OrderOutcome>();
  readonly #setup: PowerSetup;
  readonly #orders = new Map<number, MeterOrder>();
  /** Orders whose credit was booked, in order. */
  #booked: number[] = [];
  #shown: MeterView | undefined;
  /** When it ran for the first time: before, it was new at every power on. */
  #since: number | undefined;
  /** µJ by counted register: at power on, and what the chip gave since. */
  #base: readonly bigint[] = [];
  #counted: readonly (() => bigint)[] = [];

  constructor(setup: PowerSetup) {
    this.#setup = setup;
  }

  check(good: boolean, violation: () => string): void {
    this.findings.check(good, violation);
  }

  verdict(): Verdict {
    return this.findings.verdict();
  }

  /** The last telemetry number that was seen used. */
  get sequence(): number {
    return this.#shown?.sequence ?? 0;
  }

  orders(order: MeterOrder): void {
    this.#orders.set(order.id, order);
  }

  orderOf(id: number): MeterOrder | undefined {
    return this.#orders.get(id);
  }

  nextOrder(): number {
    return this.#orders.size + 1;
  }

  /** An outcome reached who ordered. */
  acknowledged(outcome: OrderOutcome): void {
    const before = this.outcomes.get(outcome.id);
    this.check(
      before === undefined || (before.status === outcome.status && before.relay === outcome.relay),
      () => `order ${outcome.id} was ${before?.status} and is ${outcome.status} when it is repeated`,
    );
    this.outcomes.set(outcome.id, outcome);
  }

  /** The meter is running again and shows this; `counted` tells what its chip gives from now on, by register. */
  poweredOn(view: MeterView, counted: readonly (() => bigint)[], at: number): void {
    this.#since ??= at;
    this.#base = view.totals;
    this.#counted = counted;
    this.#take(view);
  }

  /** After something was done: the meter shows this, and it is from now on not to be lost. */
  shows(view: MeterView, pending: Pending, at: number): void {
    for (const [i, total] of view.totals.entries()) {
      const truth = (this.#base[i] as bigint) + (this.#counted[i]?.() ?? 0n);
      this.check(total === truth, () => `register ${i} has ${total} µJ, the chip gave ${truth}`);
    }
    this.consistent(view, at);
    if (this.#shown !== undefined) this.#tripStays(view, this.#shown, pending);
    this.#take(view);
    for (const { id, status } of this.outcomes.values()) {
      const order = this.#orders.get(id);
      if (order === undefined || !order.operation.startsWith("credit")) continue;
      this.check(
        this.#booked.includes(id) === (status === "done"),
        () => `credit order ${id} is said to be ${status}, the books say otherwise`,
      );
    }
  }

  /**
   * A meter that came back: it has what was shown and acknowledged, and of what was under way all or nothing.
   * @param starts how often it was switched on since it was last seen to run
   */
  restarted(view: MeterView, pending: Pending, at: number, starts: number): void {
    this.consistent(view, at);
    const shown = this.#shown;
    for (const [i, total] of view.totals.entries()) {
      const most = (this.#base[i] ?? 0n) + (this.#counted[i]?.() ?? 0n);
      this.check(total <= most, () => `register ${i} came back with ${total} µJ of ${most} that the chip ever gave`);
    }
    if (shown !== undefined) this.#notLess(view, shown, pending, starts);
    if (view.credit !== null) this.#books(view, pending);
  }

  /** What holds at any time, whatever was done. */
  consistent(view: MeterView, at: number): void {
    for (const [i, total] of view.totals.entries()) {
      const sum = view.rates.reduce((all, row) => all + (row[i] as bigint), 0n);
      this.check(sum === total, () => `register ${i}: the rates add up to ${sum}, the total is ${total}`);
    }
    if (view.credit !== null) {
      const cost = costOf(view, this.#setup.settings);
      const { spent } = view.credit;
      this.check(spent === cost, () => `credit spent is ${spent}, energy × price is ${cost}`);
    }
    const count = (kind: string) => view.events.find((log) => log.kind === kind)?.count ?? 0;
    this.check(
      1 + count("relayClose") - count("relayTrip") === (view.relayClosed ? 1 : 0),
      () => `the relay is ${view.relayClosed}: ${count("relayTrip")} trips, ${count("relayClose")} closings`,
    );
    for (const { kind, phase, ended } of view.events)
      this.check(!ended.includes(null), () => `a record of ${kind}.${phase} is lost`);
    for (const [name, list] of Object.entries({ ...view.credit, ...view }))
      if (["purchases", "settlements", "programmings"].includes(name) && Array.isArray(list))
        this.check(!list.includes(null), () => `a record of ${name} is lost`);
    for (const records of view.profile) this.#records("profile", records, view, at);
    for (const records of view.freezes) this.#records("freeze", records, view, at);
    if (!this.#setup.clockMoves) this.#settlements(view, at);
  }

  /** In a fork: an order that was cut was repeated and had this outcome. */
  bookedOnce(view: MeterView, { id, status }: OrderOutcome): void {
    const credits = this.#orders.get(id)?.operation.startsWith("credit") === true && status === "done";
    const good = this.#isBooked(view, credits ? [...this.#booked, id] : this.#booked);
    this.check(good, () => `order ${id} came back ${status}, the books of ${this.#booked} say otherwise`);
  }

  #take(view: MeterView): void {
    this.#shown = view;
    if (view.credit === null) return;
    const fresh = view.credit.bookings - this.#booked.length;
    const ids = view.credit.purchases.slice(0, Math.max(0, fresh)).reverse();
    this.#booked.push(...ids.filter((id) => id !== null));
    this.check(this.#isBooked(view, this.#booked), () => `the books are not those of orders ${this.#booked}`);
  }

  #notLess(view: MeterView, shown: MeterView, pending: Pending, starts: number): void {
    const isLess = (a: readonly (bigint | number)[], b: readonly (bigint | number)[]) =>
      a.some((value, i) => value < (b[i] as bigint | number));
    this.check(!isLess(view.totals, shown.totals), () => `totals fell from ${shown.totals} to ${view.totals}`);
    for (const [i, row] of view.rates.entries())
      this.check(!isLess(row, shown.rates[i] as readonly bigint[]), () => `rate ${i + 1} fell`);
    const settled = view.settlements.length !== shown.settlements.length || pending.clears === true;
    this.check(settled || !isLess(view.maxima, shown.maxima), () => `a demand maximum of ${shown.maxima} was lost`);
    for (const { kind, phase, count } of shown.events) {
      const now = view.events.find((log) => log.kind === kind && log.phase === phase)?.count ?? 0;
      this.check(now >= count, () => `${kind}.${phase} fell from ${count} to ${now}`);
    }
    this.#tripStays(view, shown, pending);
    const outages = (v: MeterView) => v.events.find((log) => log.kind === "powerOutage")?.count ?? 0;
    const grown = outages(view) - outages(shown);
    this.check(grown >= 1 && grown <= starts, () => `${grown} outages more after ${starts} starts`);
    for (const name of ["profile", "freezes"] as const)
      for (const [i, { count }] of view[name].entries())
        this.check(count >= (shown[name][i]?.count ?? 0), () => `${name} ${i} fell to ${count}`);
    const kept = shown.settlements.slice(0, KEPT_SETTLEMENTS - (view.settlements.length - shown.settlements.length));
    const older = view.settlements.slice(view.settlements.length - kept.length);
    this.check(String(older) === String(kept), () => `settlements ${kept} became ${view.settlements}`);
    this.check(
      pending.asks === true || !isLess(view.failures, shown.failures),
      () => `failures ${shown.failures} became ${view.failures}`,
    );
    const programmed = view.programmed - shown.programmed;
    this.check(
      programmed === 0 || (programmed === 1 && pending.programs === true),
      () => `${programmed} programming records more`,
    );
    this.check(
      view.sequence === shown.sequence || view.sequence === pending.sequence,
      () => `sequence ${shown.sequence} became ${view.sequence}`,
    );
  }

  /** A trip that was ordered from outside is still to come, or was done; credit does not call it off. */
  #tripStays(view: MeterView, shown: MeterView, pending: Pending): void {
    if (shown.relay.tripReason !== "remote" || pending.relay === true) return;
    const trips = (v: MeterView) => v.events.find((log) => log.kind === "relayTrip")?.count ?? 0;
    this.check(
      view.relay.tripAt !== undefined || trips(view) > trips(shown),
      () => `a trip ordered for ${shown.relay.tripAt} was forgotten`,
    );
  }

  #books(view: MeterView, { order }: Pending): void {
    const without = this.#isBooked(view, this.#booked);
    const id = order?.id;
    const possible = id !== undefined && !this.#booked.includes(id) && !this.outcomes.has(id);
    const good = without || (possible && this.#isBooked(view, [...this.#booked, id]));
    this.check(good, () => `the books are not those of orders ${this.#booked}${possible ? `, perhaps ${id}` : ""}`);
  }

  /** Whether the meter's credit is that of these orders, each once. */
  #isBooked({ credit }: MeterView, ids: readonly number[]): boolean {
    if (credit === null) return true;
    let added = BigInt(this.#setup.settings.credit?.opening ?? 0);
    let refunded = 0n;
    for (const id of ids) {
      const order = this.#orders.get(id);
      if (order?.operation === "credit-add") added += BigInt(order.argument);
      else refunded += BigInt(order?.argument ?? 0);
    }
    const newest = ids.slice(-KEPT_PURCHASES).reverse();
    return (
      new Set(ids).size === ids.length &&
      credit.added === added &&
      credit.refunded === refunded &&
      credit.bookings === ids.length &&
      String(credit.purchases) === String(newest)
    );
  }

  #records(what: string, { newest }: RecordsView, view: MeterView, at: number): void {
    this.check(!newest.includes(null), () => `a record of the ${what} is lost`);
    for (const [age, record] of newest.entries()) {
      if (record === null) continue;
      const older = newest[age + 1];
      if (!this.#setup.clockMoves) {
        this.check(record.at <= at, () => `a ${what} record of ${record.at} exists at ${at}`);
        // Freezes by order may come in the same second.
        const follows = older == null || older.at < record.at || (what === "freeze" && older.at === record.at);
        this.check(follows, () => `a ${what} record of ${record.at} comes after one of ${older?.at}`);
      }
      const [energy, before] = [record.values[0], older?.values[0]];
      if (what !== "freeze" || energy == null) continue;
      const total = Number((view.totals[0] as bigint) / MILLIWATTHOUR);
      this.check(energy <= total && (before ?? 0) <= energy, () => `a freeze has ${energy} of ${total} mWh`);
    }
  }

  /** Each that has fallen due is there once, those that an outage swallowed too. */
  #settlements({ settlements }: MeterView, at: number): void {
    const since = this.#since;
    if (since === undefined) return;
    const due = SETTLEMENT_HOURS.map((hour) => FIRST_OF_FEBRUARY + 3_600 * hour).reverse();
    const expected = due.filter((second) => second > since && second <= at);
    const found = settlements.map((entry) => entry?.[0]);
    this.check(String(found) === String(expected), () => `settlements of ${found}, expected ${expected}`);
  }
}

/** 2027-02-01T00:00:00Z. */
const FIRST_OF_FEBRUARY = 1_801_440_000;
