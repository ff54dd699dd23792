/**
 * A year's energies, demand and credit, worked out second by second from the load, the tables and the calendar alone. It shares
 * no code with the meter: tables are read as the plain data they are, the calendar is the language's own `Date`.
 */
import type { SecondLoad, SecondOfPhase } from "../../../firmware-sim/metrology/direct-chip.ts";
import type { TariffSettings, TwoSets } from "../../../firmware-sim/tariff/settings.ts";

export const REGISTERS = ["activeImport", "activeExport", "q1", "q2", "q3", "q4"] as const;
export type Register = (typeof REGISTERS)[number];

export interface YearTask {
  readonly load: SecondLoad;
  readonly phases: 1 | 3;
  readonly tariff: TariffSettings;
  /** Minutes; windows are blocks, or slide by `slip`. */
  readonly period: number;
  readonly slip: number;
  /** Seconds since 1970; whole minutes. */
  readonly from: number;
  readonly to: number;
  /** From and to of each outage, whole minutes. */
  readonly outages: readonly (readonly [number, number])[];
}

export interface Maximum {
  readonly milliwatts: number;
  readonly at: number;
}

/** At the end of a month, or of the year. */
export interface Settled {
  readonly at: number;
  /** µJ by register, then rate (0 the total). */
  readonly energy: Readonly<Record<Register, readonly bigint[]>>;
  /** +A by rate, 0 the total; of the time since the settlement before. */
  readonly demand: readonly (Maximum | undefined)[];
  /** What the energy so far has cost, in µJ × millionths of a minor unit per kWh. */
  readonly cost: bigint;
  readonly step: number;
}

const MICRO_PER_MILLIWATT_SECOND = 1_000;
const MICRO_PER_MILLIWATTHOUR = 3_600_000n;

export function calculate(task: YearTask): readonly Settled[] {
  const rates = task.tariff.tables.rates;
  const rows = () => Array<bigint>(rates + 1).fill(0n);
  const energy = { activeImport: rows(), activeExport: rows(), q1: rows(), q2: rows(), q3: rows(), q4: rows() };
  const settled: Settled[] = [];
  const demand = new Demand(task, rates);
  const minute = new Minute(task);
  let cost = 0n;
  let periodStart = 0n;
  for (let at = task.from; at < task.to; at += 60) {
    if (at > task.from) {
      if (startsMonth(at)) {
        settled.push({
          at,
          energy: copy(energy),
          demand: demand.take(),
          cost,
          step: stepOf(task, energy, periodStart, at),
        });
        if (startsYear(at)) periodStart = (energy.activeImport as bigint[])[0] as bigint;
      }
    }
    const off = task.outages.some(([from, to]) => at >= from && at < to);
    const rate = rateAt(task.tariff, at);
    if (off) {
      demand.outage();
      continue;
    }
    minute.run(at);
    const before = energy.activeImport[0] as bigint;
    for (const [i, register] of REGISTERS.entries()) {
      const used = BigInt(minute.micro[i] as number);
      const row = energy[register];
      row[0] = (row[0] as bigint) + used;
      row[rate] = (row[rate] as bigint) + used;
    }
    cost += costOf(task.tariff, rate, at, before - periodStart, (energy.activeImport[0] as bigint) - periodStart);
    demand.minute(at, rate, minute.micro[0] as number);
  }
  settled.push({
    at: task.to,
    energy: copy(energy),
    demand: demand.take(),
    cost,
    step: stepOf(task, energy, periodStart, task.to),
  });
  return settled;
}

function copy(energy: Record<Register, bigint[]>): Record<Register, readonly bigint[]> {
  const { activeImport, activeExport, q1, q2, q3, q4 } = energy;
  return {
    activeImport: [...activeImport],
    activeExport: [...activeExport],
    q1: [...q1],
    q2: [...q2],
    q3: [...q3],
    q4: [...q4],
  };
}

/** The energies of one minute, µJ. */
class Minute {
  readonly micro = new Float64Array(REGISTERS.length);
  readonly #task: YearTask;
  readonly #phases: SecondOfPhase[];

  constructor(task: YearTask) {
    this.#task = task;
    this.#phases = Array.from({ length: task.phases }, () => ({
      voltage: 0,
      current: 0,
      active: 0,
      reactive: 0,
      apparent: 0,
      angle: 0,
    }));
  }

  run(from: number): void {
    this.micro.fill(0);
    for (let second = from; second < from + 60; second++) {
      this.#task.load.fill(second, this.#phases);
      let p = 0;
      let q = 0;
      for (const phase of this.#phases) {
        p += phase.active;
        q += phase.reactive;
      }
      const active = p >= 0 ? 0 : 1;
      const quadrant = q >= 0 ? (p >= 0 ? 2 : 3) : p >= 0 ? 5 : 4;
      this.micro[active] = (this.micro[active] as number) + Math.abs(p) * MICRO_PER_MILLIWATT_SECOND;
      this.micro[quadrant] = (this.micro[quadrant] as number) + Math.abs(q) * MICRO_PER_MILLIWATT_SECOND;
    }
  }
}

/** Maximum demand of +A: every window of `period` minutes that ends at a multiple of `slip`, none that was cut. */
class Demand {
  readonly #period: number;
  readonly #slip: number;
  /** Of the last minutes, newest last: energy and rate; emptied by an outage. */
  #history: { readonly micro: number; readonly rate: number }[] = [];
  #maxima: (Maximum | undefined)[];

  constructor({ period, slip }: YearTask, rates: number) {
    this.#period = period;
    this.#slip = slip;
    this.#maxima = Array(rates + 1).fill(undefined);
  }

  minute(at: number, rate: number, micro: number): void {
    this.#history.push({ micro, rate });
    if (this.#history.length > this.#period) this.#history.shift();
    const end = at + 60;
    if ((end / 60) % this.#slip !== 0 || this.#history.length < this.#period) return;
    const sum = this.#history.reduce((a, m) => a + m.micro, 0);
    const milliwatts = Math.floor(sum / (this.#period * 60 * MICRO_PER_MILLIWATT_SECOND));
    this.#raise(0, { milliwatts, at: end });
    if (this.#history.every((m) => m.rate === rate)) this.#raise(rate, { milliwatts, at: end });
  }

  outage(): void {
    this.#history = [];
  }

  take(): readonly (Maximum | undefined)[] {
    const taken = this.#maxima;
    this.#maxima = taken.map(() => undefined);
    // A window never reaches back into the period before.
    this.#history = [];
    return taken;
  }

  #raise(index: number, found: Maximum): void {
    const before = this.#maxima[index];
    // No demand is no maximum.
    if (found.milliwatts > (before?.milliwatts ?? 0)) this.#maxima[index] = found;
  }
}

function running<T>(two: TwoSets<T>, at: number): T {
  const other = two.switchAt !== undefined && at >= two.switchAt;
  return (two.runs === 1) !== other ? two.first : two.second;
}

/** The rate of a minute, by the rules of the tables' documentation. */
function rateAt({ tables }: TariffSettings, at: number): number {
  const date = new Date(at * 1_000);
  const month = date.getUTCMonth() + 1;
  const day = date.getUTCDate();
  const onDay = tables.holidays.filter((h) => h.month === month && h.day === day);
  const holiday = onDay.find((h) => h.year === date.getUTCFullYear()) ?? onDay.find((h) => h.year === undefined);
  const zones = running(tables.zones, at);
  const begun = zones.filter((z) => z.month < month || (z.month === month && z.day <= day));
  const zone = begun.at(-1) ?? zones.at(-1);
  const works = ((tables.workdays >> date.getUTCDay()) & 1) === 1;
  const number = holiday?.table ?? (works ? zone?.table : tables.weekendTable);
  const slots = running(tables.days, at)[(number as number) - 1] as { hour: number; minute: number; rate: number }[];
  const minuteOfDay = date.getUTCHours() * 60 + date.getUTCMinutes();
  const passed = slots.filter((s) => s.hour * 60 + s.minute <= minuteOfDay);
  return ((passed.at(-1) ?? slots.at(-1)) as { rate: number }).rate;
}

/** The cost of the energy from `before` to `after` µJ of the step period. */
function costOf(tariff: TariffSettings, rate: number, at: number, before: bigint, after: bigint): bigint {
  const base = BigInt(running(tariff.prices, at)[rate - 1] ?? 0);
  const { steps } = running(tariff.steps, at);
  let cost = (after - before) * base;
  for (const [i, step] of steps.entries()) {
    const low = BigInt(step.from) * MICRO_PER_MILLIWATTHOUR;
    const next = steps[i + 1];
    const high = next === undefined ? after : BigInt(next.from) * MICRO_PER_MILLIWATTHOUR;
    const from = before > low ? before : low;
    const to = after < high ? after : high;
    if (to > from) cost += (to - from) * BigInt(step.price);
  }
  return cost;
}

function stepOf(task: YearTask, energy: Record<Register, bigint[]>, periodStart: bigint, at: number): number {
  const used = (energy.activeImport[0] as bigint) - periodStart;
  const { steps } = running(task.tariff.steps, at);
  return steps.filter((step) => used >= BigInt(step.from) * MICRO_PER_MILLIWATTHOUR).length;
}

function startsMonth(at: number): boolean {
  const date = new Date(at * 1_000);
  return date.getUTCDate() === 1 && date.getUTCHours() === 0 && date.getUTCMinutes() === 0;
}

function startsYear(at: number): boolean {
  return startsMonth(at) && new Date(at * 1_000).getUTCMonth() === 0;
}
