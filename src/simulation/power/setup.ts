/** The meter of a power-cut history: model, settings and load, drawn so that edges of every function lie within hours. */
import { localSecond } from "../../../firmware-sim/clock/local-time.ts";
import type { EventSettings } from "../../../firmware-sim/events/settings.ts";
import type { SecondLoad, SecondOfPhase } from "../../../firmware-sim/metrology/direct-chip.ts";
import { type CreditSettings, defaultCredit } from "../../../firmware-sim/prepayment/settings.ts";
import { DEFAULT_PROFILE } from "../../../firmware-sim/profile/settings.ts";
import { factorySettings, type MeterSettings } from "../../../firmware-sim/settings.ts";
import {
  bothSets,
  type DaySlot,
  FOUR_RATES,
  type Step,
  type TariffSettings,
} from "../../../firmware-sim/tariff/settings.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import type { Random } from "../../core/random.ts";
import { assert } from "../../core/result.ts";

export interface PowerSetup {
  readonly model: MeterModel;
  readonly settings: MeterSettings;
  readonly load: SecondLoad;
  /** Second of the first power on, civil; the meter's clock shows UTC. */
  readonly start: number;
  readonly checkpointSeconds: number;
  /** Somebody sets the clock in this history. */
  readonly clockMoves: boolean;
}

/** 2027-01-31T20:00:00Z: settlements are at 00:00, 02:00 and 03:00 of the first of February. */
const EVENING = 1_801_425_600;
/** Hours with a slot: those around that midnight. */
const SLOT_HOURS = [0, 1, 2, 3, 4, 5, 20, 21, 22, 23] as const;
export const SETTLEMENT_HOURS = [0, 2, 3] as const;

export function drawSetup(random: Random): PowerSetup {
  const model = findModel(random.pick(["meterworks-1p", "meterworks-3p"]));
  assert(model !== undefined, "the native models exist");
  const start = EVENING + random.below(6 * 3_600);
  const factory = factorySettings(model);
  const interval = random.pick([5, 10, 15, 30]);
  const classes = DEFAULT_PROFILE.classes.map((c, place) =>
    place === 3 || place === 5 ? { intervalMinutes: interval, captures: c?.captures ?? [] } : null,
  );
  const settings: MeterSettings = {
    ...factory,
    tariff: drawTariff(random, start),
    demand: { ...factory.demand, mode: random.pick(["block", "sliding"] as const), slipMinutes: random.pick([1, 5]) },
    profile: { classes },
    freezes: {
      timed: { month: null, day: null, hour: null, minute: random.below(60) },
      hourly: { start: localSecond(EVENING), intervalMinutes: random.pick([20, 60]) },
      dailyMinute: 0,
    },
    events: drawEvents(random, factory.events),
    relay: {
      ...factory.relay,
      tripDelay: random.pick([0, 0, 30, 300]),
      guardCurrent: random.pick([0, 20_000_000]),
      guardSeconds: 600,
    },
    credit: random.chance(5, 6) ? drawCredit(random) : null,
  };
  return {
    ...{ model, settings, start },
    load: new HashedLoad(random.uint32(), random.chance(1, 4)),
    checkpointSeconds: random.pick([60, 600, 3_600]),
    clockMoves: random.chance(1, 3),
  };
}

function drawTariff(random: Random, start: number): TariffSettings {
  const table = (): DaySlot[] =>
    SLOT_HOURS.map((hour) => ({ hour, minute: 5 * random.below(12), rate: random.between(1, 4) }));
  const days = { first: [table(), table()], second: [table(), table()], runs: 1 as const };
  const switchAt = localSecond(start + random.below(3 * 3_600));
  const steps: Step[] = [
    { from: 0, price: 0 },
    { from: random.between(1, 3_000_000), price: random.between(1, 20_000_000) },
    { from: random.between(3_000_001, 9_000_000), price: random.between(20_000_001, 70_000_000) },
  ];
  return {
    tables: {
      ...FOUR_RATES.tables,
      zones: bothSets([
        { month: 1, day: 1, table: 1 },
        { month: 2, day: 1, table: 2 },
      ]),
      days: random.chance(1, 3) ? { ...days, switchAt } : days,
      ...{ holidays: [], weekendTable: 1 },
    },
    prices: bothSets([0, 1, 2, 3].map(() => random.between(0, 90_000_000))),
    // No period of steps ends within a history: what a step costs follows from the register alone.
    steps: bothSets({ steps: random.chance(1, 2) ? steps : [], yearly: [{ month: 7, day: 1, hour: 0 }] }),
    settlementDays: SETTLEMENT_HOURS.map((hour) => ({ day: 1, hour })),
  };
}

function drawCredit(random: Random): CreditSettings {
  const energy = random.chance(1, 4);
  // A kWh costs about 50 minor units, so that both kinds last about as long.
  const unit = energy ? 20_000 : 1;
  const hours = random.chance(1, 4) ? [{ from: 60, to: 150 }] : [];
  return {
    ...defaultCredit(energy ? "energy" : "money"),
    ...{ opening: random.below(300) * unit, alarm1: 100 * unit, alarm2: random.pick([null, 50 * unit]) },
    ...{ overdraftLimit: random.pick([0, 100]) * unit, hoardingLimit: 1_000 * unit },
    closeAllowed: random.pick([0, 20]) * unit,
    friendly: { hours, weekdays: [], days: [] },
  };
}

/** Short delays, but none of zero: at power on nothing is raised that did not hold before. */
function drawEvents(random: Random, factory: EventSettings): EventSettings {
  const delay = random.pick([1, 10, 60]);
  const { underVoltage, overVoltage, voltageLoss, reversal, overload } = factory;
  return {
    ...factory,
    underVoltage: { ...underVoltage, delay },
    overVoltage: { ...overVoltage, delay },
    voltageLoss: { ...voltageLoss, delay },
    reversal: { ...reversal, delay },
    overload: { ...overload, delay },
    demandImport: { trigger: random.pick([2_000, 6_000]), delay: 0 },
  };
}

/** Blocks of minutes of import or export with sags and swells of the voltage; the same second is always the same. */
class HashedLoad implements SecondLoad {
  readonly #seed: number;
  readonly #exports: boolean;

  constructor(seed: number, exports: boolean) {
    this.#seed = seed;
    this.#exports = exports;
  }

  fill(second: number, phases: readonly SecondOfPhase[]): void {
    for (let p = 0; p < phases.length; p++) {
      const phase = phases[p] as SecondOfPhase;
      const block = hash(Math.floor(second / 420), this.#seed + p);
      const volts = hash(Math.floor(second / 150), this.#seed + 7 + p) & 15;
      phase.voltage = volts === 0 ? 140_000 : volts === 1 ? 285_000 : 230_000 - (block & 4_095);
      const milliwatts = (block & 31) === 0 ? 0 : 200_000 + ((block >>> 5) % 6_000_000);
      phase.active = this.#exports && (block & 3) === 1 ? -milliwatts : milliwatts + (second & 255);
      phase.reactive = ((block >>> 9) % 900_000) - 300_000;
      phase.apparent = Math.max(Math.abs(phase.active), Math.abs(phase.reactive)) + 1;
      phase.current = Math.round((phase.apparent / phase.voltage) * 1e6);
      phase.angle = phase.active < 0 ? 180_000 : 0;
    }
  }
}

/** 32 bits that look random, of a number and a seed. */
function hash(n: number, seed: number): number {
  let h = Math.imul(n ^ Math.imul(seed, 0x9e3779b1), 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
