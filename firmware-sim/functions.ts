/**
 * What the CPU does with the energy that the chip counts: registers, rates, steps, settlements. Between two edges there is only
 * the counting; everything else happens at an edge, in the order of the architecture: energy up to it is counted first,
 * windows that end there come before the rate that begins there.
 */
import type { MeterModel } from "../protocols/models/model.ts";
import { failure, type Result, success } from "../src/core/result.ts";
import type { LocalSecond } from "./clock/local-time.ts";
import type { PhaseEnergy } from "./metrology/chip.ts";
import { type EnergyAmount, EnergyRegisters } from "./metrology/energy.ts";
import type { Nvram } from "./nvram/nvram.ts";
import type { StatePart } from "./nvram/state.ts";
import type { MeterSettings } from "./settings.ts";
import { microBetween, type Totals } from "./tariff/amounts.ts";
import type { TariffSettings } from "./tariff/settings.ts";
import { type SettlementParts, Tariff } from "./tariff/tariff.ts";

type Parts = ReadonlyMap<StatePart, Uint8Array>;

export class MeterFunctions {
  readonly energy: EnergyRegisters;
  readonly tariff: Tariff;
  readonly #totals: Totals = (register) => this.energy.amount(register);
  readonly #settlementParts: SettlementParts = { clockDoubt: false, demand: () => new Uint8Array(0) };
  /** µJ of +A up to the next step; beyond it {@link #reachStep} comes. */
  #toStep = Number.MAX_SAFE_INTEGER;

  /** @param at the meter's clock at power on. */
  static powerOn(
    model: MeterModel,
    settings: MeterSettings,
    nvram: Nvram,
    parts: Parts,
    powerWentAt: LocalSecond | undefined,
    at: LocalSecond,
  ): Result<MeterFunctions, string> {
    const energy = new EnergyRegisters(model.phases, model.polyphaseTotal);
    const counted = parts.get("energy");
    const restored = counted === undefined ? success(undefined) : energy.restore(counted);
    if (!restored.ok) return restored;
    const functions = new MeterFunctions(energy, settings, nvram, at);
    const taken = functions.#restore(parts);
    if (!taken.ok) return failure(taken.error);
    functions.#resume(powerWentAt, at);
    return success(functions);
  }

  private constructor(energy: EnergyRegisters, settings: MeterSettings, nvram: Nvram, at: LocalSecond) {
    this.energy = energy;
    this.tariff = new Tariff(settings.tariff, nvram, this.#totals, at);
    this.#lookAhead();
  }

  /** Counts one window of the chip. */
  count(window: readonly PhaseEnergy[], at: LocalSecond): void {
    let imported = this.energy.add(window);
    while (imported > this.#toStep) imported = this.#reachStep(imported, at);
    this.#toStep -= imported;
  }

  /** The next second at which {@link edge} is due. */
  nextEdge(): LocalSecond {
    return this.tariff.nextEdge();
  }

  /** Energy up to `at` is counted. @returns true when something was done that a checkpoint must keep. */
  edge(at: LocalSecond): boolean {
    if (at < this.tariff.nextEdge()) return false;
    this.tariff.edge(at, this.#totals, this.#settlementParts);
    this.#lookAhead();
    return true;
  }

  configureTariff(settings: TariffSettings, at: LocalSecond): void {
    this.tariff.configure(settings, this.#totals, at);
    this.#lookAhead();
  }

  /** The clock has been set from one time to another. */
  clockChanged(_from: LocalSecond, to: LocalSecond): void {
    this.tariff.resume(this.#totals, to);
    this.#lookAhead();
  }

  /** For the checkpoint. */
  parts(): readonly (readonly [StatePart, Uint8Array])[] {
    return [["energy", this.energy.snapshot()], ...this.tariff.parts()];
  }

  /** The checkpoint that holds {@link parts} is on the part. */
  commit(): void {
    this.tariff.settlements.commit();
  }

  #restore(parts: Parts): Result<void, string> {
    return this.tariff.restore(parts);
  }

  #resume(powerWentAt: LocalSecond | undefined, at: LocalSecond): void {
    if (powerWentAt === undefined || powerWentAt > at) this.tariff.resume(this.#totals, at);
    else this.tariff.catchUp(powerWentAt, at, this.#totals, this.#settlementParts);
    this.#lookAhead();
  }

  /** How much +A goes at the present price at most. */
  #lookAhead(): void {
    this.#toStep = this.#microToNextStep(this.energy.amount("activeImport"));
  }

  #microToNextStep(from: EnergyAmount): number {
    const { nextThreshold } = this.tariff;
    return nextThreshold === undefined ? Number.MAX_SAFE_INTEGER : microBetween(from, nextThreshold);
  }

  /** Of `imported` µJ a part reaches the next step. @returns what is beyond it */
  #reachStep(imported: number, at: LocalSecond): number {
    const threshold = this.tariff.nextThreshold;
    if (threshold === undefined) return imported;
    const beyond = imported - this.#toStep;
    this.tariff.stepReached(threshold, at);
    this.#toStep = this.#microToNextStep(threshold);
    return beyond;
  }
}
