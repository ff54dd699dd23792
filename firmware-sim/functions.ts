/**
 * What the CPU does with the energy that the chip counts, and with what the chip shows: registers, rates, steps, settlements,
 * demand, profile, freezes, events, relay, credit. Between two edges there is only counting and comparing; everything else happens at an edge, in one
 * order: energy up to it is counted first, windows that end there come before the rate that begins there, the relay last.
 */
import type { MeterModel } from "../protocols/models/model.ts";
import { failure, type Result, success } from "../src/core/result.ts";
import type { Monotonic } from "../src/core/time.ts";
import { captureOf, FREEZE_VALUES, frozenEnergies, PROFILE_DEPTHS } from "./captures.ts";
import type { LocalSecond } from "./clock/local-time.ts";
import { Authority } from "./control/authority.ts";
import { DemandUnit } from "./demand/demand-unit.ts";
import { anglesAhead } from "./events/conditions.ts";
import type { InputKind } from "./events/kinds.ts";
import { EventMonitor } from "./events/monitor.ts";
import { eventPlanOf } from "./events/plan.ts";
import type { BookedValues } from "./measures.ts";
import { microBetween } from "./metrology/amounts.ts";
import type { ChipReadings, PhaseEnergy } from "./metrology/chip.ts";
import { type EnergyAmount, type EnergyRegister, EnergyRegisters, type Totals } from "./metrology/energy.ts";
import type { Nvram } from "./nvram/nvram.ts";
import type { StatePart } from "./nvram/state.ts";
import { type BookingStatus, Credit } from "./prepayment/credit.ts";
import { followCredit, microsToLevel } from "./prepayment/credit-relay.ts";
import type { CreditSettings } from "./prepayment/settings.ts";
import { Freezes } from "./profile/freezes.ts";
import { LoadProfile } from "./profile/load-profile.ts";
import { RelayControl, type RelayOrder, type RelayReason, type RelayVerdict } from "./relay/relay.ts";
import type { MeterSettings } from "./settings.ts";
import type { TariffSettings } from "./tariff/settings.ts";
import { type SettlementParts, Tariff } from "./tariff/tariff.ts";

type Parts = ReadonlyMap<StatePart, Uint8Array>;

export interface FunctionsOptions {
  readonly model: MeterModel;
  readonly settings: MeterSettings;
  readonly nvram: Nvram;
  /** From the last checkpoint; empty in a new meter. */
  readonly parts: Parts;
  /** When the power went, by the meter's clock; undefined in a new meter. */
  readonly powerWentAt: LocalSecond | undefined;
  /** The meter's clock at power on. */
  readonly at: LocalSecond;
  readonly mono: Monotonic;
}

/** Nothing reaches as far: a bound that is none. */
const UNBOUNDED = Number.MAX_SAFE_INTEGER;

export class MeterFunctions implements BookedValues {
  readonly energy: EnergyRegisters;
  readonly tariff: Tariff;
  readonly demand: DemandUnit;
  readonly profile: LoadProfile;
  readonly freezes: Freezes;
  readonly events: EventMonitor;
  readonly relay: RelayControl;
  readonly credit: Credit | undefined;
  readonly authority: Authority;
  readonly #model: MeterModel;
  readonly #totals: Totals = (register) => this.energy.amount(register);
  readonly #frozen = { energies: () => frozenEnergies(this.tariff.rates, this.#totals), clockDoubt: false };
  /** µJ of +A up to the next step; beyond it {@link #reachStep} comes. */
  #toStep = UNBOUNDED;
  #creditDue = false;
  #recorded = false;
  #at: LocalSecond;

  static powerOn(options: FunctionsOptions): Result<MeterFunctions, string> {
    const energy = new EnergyRegisters(options.model.phases, options.model.polyphaseTotal);
    const counted = options.parts.get("energy");
    const restored = counted === undefined ? success(undefined) : energy.restore(counted);
    if (!restored.ok) return restored;
    const functions = new MeterFunctions(energy, options);
    const taken = functions.#restore(options);
    if (!taken.ok) return taken;
    functions.#resume(options);
    return success(functions);
  }

  private constructor(energy: EnergyRegisters, { model, settings, nvram, at }: FunctionsOptions) {
    this.energy = energy;
    this.#model = model;
    this.#at = at;
    this.tariff = new Tariff(settings.tariff, nvram, this.#totals, at);
    this.demand = new DemandUnit(settings.demand);
    this.profile = new LoadProfile(nvram, PROFILE_DEPTHS, settings.profile);
    this.freezes = new Freezes(nvram, FREEZE_VALUES, settings.freezes);
    const plan = eventPlanOf(settings.events, model.plate, model.phases);
    this.events = new EventMonitor({ plan, nvram, energies: () => EVENT_REGISTERS.map(this.#totals) });
    this.relay = new RelayControl(settings.relay);
    this.authority = new Authority(settings.authority, nvram);
    this.credit = settings.credit === null ? undefined : new Credit(settings.credit, nvram, at);
  }

  /** The meter's local time as it was last looked at. */
  get at(): LocalSecond {
    return this.#at;
  }

  /** Counts one window of the chip. */
  count(window: readonly PhaseEnergy[]): void {
    let imported = this.energy.add(window);
    while (imported > this.#toStep) imported = this.#reachStep(imported);
    this.#toStep -= imported;
    if (this.credit?.consume(imported)) this.#creditDue = true;
  }

  /** The next second at which something is due though nothing changes: call {@link step} then. */
  nextEdge(): number {
    const credit = this.credit === undefined ? Number.POSITIVE_INFINITY : this.credit.nextEdge;
    const windows = Math.min(this.demand.nextEdge(), this.profile.nextEdge(), this.freezes.nextEdge());
    return Math.min(windows, this.tariff.nextEdge(), this.events.nextEdge(), this.relay.nextEdge(), credit);
  }

  /** µs for which the load may go on as it is before credit reaches a level. */
  microsToLevel(readings: ChipReadings): number {
    const net = this.#model.polyphaseTotal === "net";
    return this.credit === undefined ? Number.POSITIVE_INFINITY : microsToLevel(this.credit, readings.active, net);
  }

  /**
   * Energy up to `at` is counted, and the chip shows `readings` from `at` on: does what is due.
   * @returns true when a checkpoint must come before anything else: records were written, or the relay is to move
   */
  step(readings: ChipReadings, at: LocalSecond): boolean {
    this.#at = at;
    const windowEnds = at >= this.demand.nextEdge();
    // Once in a demand window is often enough for what only an electrician changes, and what takes the chip some work.
    if (windowEnds && this.#model.phases === 3) this.events.angles(anglesAhead(readings.harmonics));
    this.events.observe(readings, at);
    if (windowEnds) this.#demandEdge(at);
    if (at >= this.profile.nextEdge() || at >= this.freezes.nextEdge()) this.#captureEdge(readings, at);
    if (at >= this.tariff.nextEdge()) this.#tariffEdge(at);
    if (this.#creditDue || (this.credit !== undefined && at >= this.credit.nextEdge)) this.#creditEdge(at);
    this.relay.observe(readings.current, at);
    this.#takeRelayNotes();
    const recorded = this.#recorded || this.events.due;
    this.#recorded = false;
    return recorded;
  }

  /** An order to the relay, by whoever has the right to. A close that credit forbids is refused as a trip is while power is kept. */
  orderRelay(order: RelayOrder, reason: RelayReason, at: LocalSecond, delay?: number): RelayVerdict {
    const closes = order === "close" || order === "allowClose";
    if (closes && this.credit !== undefined && this.credit.mayClose !== "allowed") return "kept";
    const verdict = this.relay.order(order, reason, at, delay);
    this.#takeRelayNotes();
    return verdict;
  }

  /** The customer presses the button. @returns whether that closed the relay */
  button(at: LocalSecond): boolean {
    const closed = this.relay.button(at);
    if (closed) this.credit?.closedByCustomer();
    this.#takeRelayNotes();
    return closed;
  }

  /** Credit arrives by an order; undefined in a meter that has no credit of its own. */
  topUp(amount: number, order: number, at: LocalSecond): BookingStatus | undefined {
    const status = this.credit?.topUp(amount, order, at);
    if (status === "booked") this.#creditToRelay(at);
    return status;
  }

  refund(amount: number, order: number, at: LocalSecond): BookingStatus | undefined {
    const status = this.credit?.refund(amount, order, at);
    if (status === "booked") this.#creditToRelay(at);
    return status;
  }

  /** A cover, a magnet, a fault: begins or ends its event. */
  input(kind: InputKind, on: boolean, at: LocalSecond): void {
    this.events.input(kind, on, at);
  }

  /** The clock shows `to` where it would have shown `from`; `doubt` while it has been lost and not been set. */
  clockChanged(from: LocalSecond, to: LocalSecond, doubt: boolean): void {
    this.events.clockMoved(to - from);
    this.relay.clockMoved(to - from);
    this.demand.interrupt(to, this.#totals);
    this.profile.clockSet(to);
    this.freezes.clockSet(to);
    this.tariff.resume(this.#totals, to);
    this.demand.switchRate(this.tariff.moment.rate, to);
    this.credit?.edge(to);
    this.#newPrice();
    this.setDoubt(doubt, to);
  }

  /** The clock has been lost and not been set since: records say so. */
  setDoubt(doubt: boolean, at: LocalSecond): void {
    this.#frozen.clockDoubt = doubt;
    this.events.input("clockFault", doubt, at);
  }

  /** Demand maxima and running windows begin anew, by order. @param by what the record of it adds */
  clearDemand(at: LocalSecond, by?: Uint8Array): void {
    this.demand.clear(at, this.#totals);
    this.events.note("demandClear", at, by);
  }

  configureTariff(settings: TariffSettings, at: LocalSecond): void {
    this.tariff.configure(settings, this.#totals, at);
    this.demand.switchRate(this.tariff.moment.rate, at);
    this.#newPrice();
  }

  configureCredit(settings: CreditSettings, at: LocalSecond): Result<void, string> {
    const done = this.credit?.configure(settings, at) ?? failure("a meter keeps credit from the factory on, or never");
    if (done.ok) this.#creditToRelay(at);
    return done;
  }

  /** An instant freeze. */
  freeze(at: LocalSecond): void {
    this.freezes.freeze("instant", at, this.#frozen);
    this.#recorded = true;
  }

  rateEnergy(register: EnergyRegister, rate: number): number {
    return this.tariff.rates.amount(register, rate, this.#totals).quanta;
  }

  maximumDemand(register: EnergyRegister, rate = 0): number {
    return this.demand.maximum(register, rate).power;
  }

  /** Of the running window, mW, mvar or mVA. */
  presentDemand(register: EnergyRegister): number | null {
    return this.demand.present(register, this.#totals);
  }

  creditBalance(): number | null {
    return this.credit?.balance ?? null;
  }

  /** The rates that have had energy, lowest first. */
  get usedRates(): readonly number[] {
    return this.tariff.rates.used(this.#totals);
  }

  /** The clock was lost and not set since. */
  get clockDoubt(): boolean {
    return this.#frozen.clockDoubt;
  }

  /** For the checkpoint. */
  parts(): readonly (readonly [StatePart, Uint8Array])[] {
    const parts: (readonly [StatePart, Uint8Array])[] = [
      ["energy", this.energy.snapshot()],
      ...this.tariff.parts(),
      ["demand", this.demand.snapshot()],
      ["profile", this.profile.snapshot()],
      ["freezes", this.freezes.snapshot()],
      ["events", this.events.snapshot()],
      ["relay", this.relay.snapshot()],
      ["authority", this.authority.snapshot()],
    ];
    if (this.credit !== undefined) parts.push(["credit", this.credit.snapshot()]);
    return parts;
  }

  /** The checkpoint that holds {@link parts} is on the part. */
  commit(): void {
    this.tariff.settlements.commit();
    this.profile.commit();
    this.freezes.commit();
    this.events.commit();
    this.authority.commit();
    this.credit?.commit();
  }

  #restore({ parts, at, mono }: FunctionsOptions): Result<void, string> {
    const tariff = this.tariff.restore(parts);
    if (!tariff.ok) return tariff;
    for (const [part, of] of [
      ["demand", this.demand],
      ["profile", this.profile],
      ["freezes", this.freezes],
      ["events", this.events],
      ["relay", this.relay],
    ] as const) {
      const bytes = parts.get(part);
      const restored = bytes === undefined ? success(undefined) : of.restore(bytes);
      if (!restored.ok) return restored;
    }
    const authority = parts.get("authority");
    const asked = authority === undefined ? success(undefined) : this.authority.restore(authority, mono);
    if (!asked.ok) return asked;
    const credit = parts.get("credit");
    return credit === undefined || this.credit === undefined ? success(undefined) : this.credit.restore(credit, at);
  }

  #resume({ parts, powerWentAt, at }: FunctionsOptions): void {
    if (powerWentAt === undefined || powerWentAt > at) this.tariff.resume(this.#totals, at);
    else {
      this.events.powerRestored(powerWentAt, at);
      this.tariff.catchUp(powerWentAt, at, this.#totals, this.#settlementParts(at));
    }
    this.demand.interrupt(at, this.#totals);
    this.demand.switchRate(this.tariff.moment.rate, at);
    this.profile.powerOn(at, !parts.has("profile"));
    this.freezes.powerOn(at, !parts.has("freezes"));
    this.#newPrice();
  }

  #settlementParts(at: LocalSecond): SettlementParts {
    return { clockDoubt: this.#frozen.clockDoubt, demand: () => this.demand.settle(at, this.#totals) };
  }

  #demandEdge(at: LocalSecond): void {
    this.demand.slip(at, this.#totals);
    const { events, demand } = this;
    const last = (register: "activeImport" | "activeExport") => {
      const window = demand.last(register);
      return window?.at === at ? window.power : undefined;
    };
    const imported = last("activeImport");
    const exported = last("activeExport");
    if (imported !== undefined) events.demand("import", imported, at);
    if (exported !== undefined) events.demand("export", exported, at);
  }

  #captureEdge(readings: ChipReadings, at: LocalSecond): void {
    const { model, energy } = { model: this.#model, energy: this.energy };
    const source = { model, chip: readings, energy, relayClosed: this.relay.closed, clockSeconds: at, booked: this };
    if (at >= this.profile.nextEdge())
      this.profile.edge(at, captureOf(source, this.demand, this.#totals, this.#frozen.clockDoubt));
    if (at >= this.freezes.nextEdge()) this.freezes.edge(at, this.#frozen);
    this.#recorded = true;
  }

  #tariffEdge(at: LocalSecond): void {
    const change = this.tariff.edge(at, this.#totals, this.#settlementParts(at));
    const { before, now } = change;
    if (before.zoneSet !== now.zoneSet) this.freezes.freeze("zone", at, this.#frozen);
    if (before.daySet !== now.daySet) this.freezes.freeze("dayTable", at, this.#frozen);
    if (change.priceSetChanged) this.freezes.freeze("rate", at, this.#frozen);
    if (change.stepSetChanged) this.freezes.freeze("step", at, this.#frozen);
    this.demand.switchRate(now.rate, at);
    this.#recorded = true;
    this.#newPrice();
  }

  #creditEdge(at: LocalSecond): void {
    this.#creditDue = false;
    this.credit?.edge(at);
    this.#creditToRelay(at);
  }

  /** Opens the relay where credit is gone, and lets the customer close it again where it is back. */
  #creditToRelay(at: LocalSecond): void {
    if (this.credit !== undefined) followCredit(this.credit, this.relay, at);
    this.#takeRelayNotes();
  }

  #takeRelayNotes(): void {
    for (const note of this.relay.takeNotes()) {
      this.#recorded = true;
      if (note.kind === "loadWhileOpen") this.events.input("loadWhileOpen", note.on, note.at);
      else this.events.note(note.kind === "trip" ? "relayTrip" : "relayClose", note.at);
    }
  }

  /** The rate or the step has changed. */
  #newPrice(): void {
    this.#toStep = this.#microToNextStep(this.energy.amount("activeImport"));
    this.credit?.price(this.tariff.price);
  }

  #microToNextStep(from: EnergyAmount): number {
    const { nextThreshold } = this.tariff;
    return nextThreshold === undefined ? UNBOUNDED : microBetween(from, nextThreshold);
  }

  /** Of `imported` µJ a part reaches the next step. @returns what is beyond it */
  #reachStep(imported: number): number {
    const threshold = this.tariff.nextThreshold;
    if (threshold === undefined) {
      // So much that the bound itself was used up: it is taken anew.
      this.#toStep = UNBOUNDED;
      return imported;
    }
    const before = this.#toStep;
    if (this.credit?.consume(before)) this.#creditDue = true;
    this.tariff.stepReached(threshold, this.#at);
    this.#toStep = this.#microToNextStep(threshold);
    this.credit?.price(this.tariff.price);
    return imported - before;
  }
}

/** Totals that go into the record of an event: +A, −A, combined reactive import and export. */
const EVENT_REGISTERS = ["activeImport", "activeExport", "reactiveImport", "reactiveExport"] as const;
