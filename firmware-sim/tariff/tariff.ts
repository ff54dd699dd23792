/**
 * The tariff at work: the rate that runs and its registers, the step of the period, the price of the next kWh, settlements.
 * It does something only at its edges: a second (slot, midnight, switch of sets, settlement) or an amount of +A (a step).
 */
import { type PricePerKwh, pricePerKwh } from "../../src/core/money.ts";
import { type Result, success } from "../../src/core/result.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import type { EnergyAmount, Totals } from "../metrology/energy.ts";
import type { Nvram } from "../nvram/nvram.ts";
import type { StatePart } from "../nvram/state.ts";
import { nextSettlement, settlementAt, settlementsBetween, type TariffMoment, tariffAt } from "./calendar.ts";
import { ratePriceAt } from "./prices.ts";
import { RateRegisters } from "./rate-registers.ts";
import type { TariffSettings } from "./settings.ts";
import { SettlementHistory } from "./settlement.ts";
import { type StepPosition, StepTariff } from "./steps.ts";

/** What an edge brought: the meter's other parts act on it. */
export interface TariffChange {
  readonly before: TariffMoment;
  readonly now: TariffMoment;
  readonly stepSetChanged: boolean;
  readonly priceSetChanged: boolean;
}

/** What a settlement needs of the other parts. */
export interface SettlementParts {
  readonly clockDoubt: boolean;
  /** The demand maxima of the time that ends, which then start anew. */
  demand(): Uint8Array;
}

/** Settlements made up for after an outage: as many as one checkpoint may hold back. Each has the same energies anyway. */
const MOST_MISSED = 8;

export class Tariff {
  readonly rates: RateRegisters;
  readonly steps: StepTariff;
  readonly settlements: SettlementHistory;
  #settings: TariffSettings;
  #moment: TariffMoment;
  #position: StepPosition;
  #price: PricePerKwh;
  #settlement: LocalSecond;
  #period: LocalSecond;
  #edge: LocalSecond;

  constructor(settings: TariffSettings, nvram: Nvram, totals: Totals, at: LocalSecond) {
    this.#settings = settings;
    this.#moment = tariffAt(settings.tables, at);
    this.rates = new RateRegisters(this.#moment.rate, at);
    this.steps = new StepTariff(settings, at);
    this.settlements = new SettlementHistory(nvram);
    this.#position = this.steps.position(totals("activeImport"), at);
    this.#settlement = nextSettlement(settings, at);
    this.#period = this.steps.nextPeriod(at);
    this.#price = pricePerKwh(0n);
    this.#edge = at;
    this.#look(totals("activeImport"), at);
  }

  /** What the tables say now. */
  get moment(): TariffMoment {
    return this.#moment;
  }

  get settings(): TariffSettings {
    return this.#settings;
  }

  /** Of the next kWh: the rate's price and the step's. */
  get price(): PricePerKwh {
    return this.#price;
  }

  get position(): StepPosition {
    return this.#position;
  }

  /** The total of +A at which the next step begins, if there is one. */
  get nextThreshold(): EnergyAmount | undefined {
    return this.#position.nextThreshold;
  }

  /** The next second at which {@link edge} is due. */
  nextEdge(): LocalSecond {
    return this.#edge;
  }

  /** Settlements first, with what was counted up to them; then the tables of the new time. Energy up to `at` is counted. */
  edge(at: LocalSecond, totals: Totals, parts: SettlementParts): TariffChange {
    if (at >= this.#settlement) this.#settle(at, totals, parts);
    if (at >= this.#period) this.steps.startPeriod(totals("activeImport"), at);
    const stepSet = this.#position.set;
    const priceSet = ratePriceAt(this.#settings.prices, 1, localSecond(at - 1)).set;
    const before = this.#moment;
    this.#moment = tariffAt(this.#settings.tables, at);
    this.rates.switchTo(this.#moment.rate, totals, at);
    this.#look(totals("activeImport"), at);
    return {
      before,
      now: this.#moment,
      stepSetChanged: stepSet !== this.#position.set,
      priceSetChanged: priceSet !== ratePriceAt(this.#settings.prices, 1, at).set,
    };
  }

  /** The total of +A has reached {@link nextThreshold}: from this amount on the next step runs. */
  stepReached(threshold: EnergyAmount, at: LocalSecond): void {
    this.#look(threshold, at);
  }

  /** Other tables from now on. Energy up to `at` is counted. */
  configure(settings: TariffSettings, totals: Totals, at: LocalSecond): void {
    this.#settings = settings;
    this.steps.configure(settings);
    this.resume(totals, at);
  }

  /** After the clock has moved, or power was away: no settlement that it jumped over is made up by the clock's being set. */
  resume(totals: Totals, at: LocalSecond): void {
    this.#moment = tariffAt(this.#settings.tables, at);
    this.rates.switchTo(this.#moment.rate, totals, at);
    this.#settlement = nextSettlement(this.#settings, at);
    this.#period = this.steps.nextPeriod(at);
    this.#look(totals("activeImport"), at);
  }

  /** Power was away from `from` to `at`: what fell due meanwhile is done late, each settlement once. */
  catchUp(from: LocalSecond, at: LocalSecond, totals: Totals, parts: SettlementParts): void {
    for (const due of settlementsBetween(this.#settings, from, at, MOST_MISSED))
      this.#record(due, due < at, totals, parts);
    if (this.steps.nextPeriod(from) <= at) this.steps.startPeriod(totals("activeImport"), at);
    this.resume(totals, at);
  }

  parts(): readonly (readonly [StatePart, Uint8Array])[] {
    return [
      ["rates", this.rates.snapshot()],
      ["steps", this.steps.snapshot()],
      ["settlements", this.settlements.snapshot()],
    ];
  }

  /** Takes over {@link parts}; {@link catchUp} or {@link resume} comes next. */
  restore(parts: ReadonlyMap<StatePart, Uint8Array>): Result<void, string> {
    for (const [part, of] of [
      ["rates", this.rates],
      ["steps", this.steps],
      ["settlements", this.settlements],
    ] as const) {
      const bytes = parts.get(part);
      const restored = bytes === undefined ? success(undefined) : of.restore(bytes);
      if (!restored.ok) return restored;
    }
    return success(undefined);
  }

  #settle(at: LocalSecond, totals: Totals, parts: SettlementParts): void {
    this.#record(at, false, totals, parts);
    this.#settlement = nextSettlement(this.#settings, at);
  }

  #record(at: LocalSecond, late: boolean, totals: Totals, parts: SettlementParts): void {
    const number = settlementAt(this.#settings, at);
    const demand = parts.demand();
    this.settlements.settle({ at, number, clockDoubt: parts.clockDoubt, late, demand }, this.rates, totals);
  }

  #look(total: EnergyAmount, at: LocalSecond): void {
    this.#position = this.steps.position(total, at);
    const rate = ratePriceAt(this.#settings.prices, this.#moment.rate, at);
    this.#price = pricePerKwh(rate.price + this.#position.price);
    if (at >= this.#period) this.#period = this.steps.nextPeriod(at);
    const next = Math.min(this.#moment.until, this.#settlement, this.#period, rate.until, this.#position.until);
    this.#edge = localSecond(next);
  }
}
