/**
 * The meters' own functions: rates, credit, registers and records, as their views show them. What a kWh costs and which credit
 * orders were done is known here without the meter.
 */
import type { MeterSettings } from "../../../firmware-sim/settings.ts";
import type { MeterView } from "../power/view.ts";
import { Findings, type Verdict } from "./verdict.ts";

/** µJ. */
const MILLIWATTHOUR = 3_600_000n;

/** One meter's life, looked at now and then. */
export interface FunctionsWitness {
  readonly meter: string;
  readonly settings: MeterSettings;
  /** What the meter had, oldest first. `kept`: it was on the memory then, so that nothing of it may be lost later. */
  readonly views: readonly { readonly view: MeterView; readonly kept: boolean }[];
  /** Credit orders by id: whole units, and how often the meter did each. */
  readonly credited: ReadonlyMap<number, { readonly amount: number; readonly times: number }>;
}

export function checkFunctions(witnesses: readonly FunctionsWitness[]): Verdict {
  const findings = new Findings("rates, credit and records of the meters");
  for (const { meter, settings, views, credited } of witnesses) {
    let kept: MeterView | undefined;
    for (const { view, kept: isKept } of views) {
      for (const [i, total] of view.totals.entries()) {
        const sum = view.rates.reduce((all, row) => all + (row[i] as bigint), 0n);
        findings.check(sum === total, () => `${meter}: rates of register ${i} add up to ${sum}, the total is ${total}`);
        const before = kept?.totals[i] ?? 0n;
        findings.check(total >= before, () => `${meter}: register ${i} fell from ${before} to ${total} µJ`);
      }
      for (const { kind, phase, count } of kept?.events ?? []) {
        const now = view.events.find((log) => log.kind === kind && log.phase === phase)?.count ?? 0;
        findings.check(now >= count, () => `${meter}: ${kind}.${phase} fell from ${count} to ${now}`);
      }
      for (const { kind, ended } of view.events)
        findings.check(!ended.includes(null), () => `${meter}: a record of ${kind} is lost`);
      if (view.credit !== null) {
        const { spent } = view.credit;
        const cost = costOf(view, settings);
        findings.check(spent === cost, () => `${meter}: credit spent is ${spent}, energy × price is ${cost}`);
      }
      if (isKept) kept = view;
    }
    for (const [id, { times }] of credited)
      findings.check(times <= 1, () => `${meter}: credit order ${id} was done ${times} times`);
    const credit = views.at(-1)?.view.credit;
    if (credit === null || credit === undefined) continue;
    const opening = BigInt(settings.credit?.opening ?? 0);
    const added = [...credited.values()].reduce((all, c) => (c.times > 0 ? all + BigInt(c.amount) : all), opening);
    findings.check(credit.added === added, () => `${meter}: ${credit.added} was added, orders for ${added} were done`);
  }
  return findings.verdict();
}

/**
 * Fine units that the registers' energy costs: the price of each rate, and of each step what it costs more than the one before.
 * It holds in the first period of steps, and while the first set of prices runs.
 */
export function costOf({ totals, rates }: MeterView, settings: MeterSettings): bigint {
  if (settings.credit?.mode === "energy") return totals[0] as bigint;
  let cost = 0n;
  for (const [i, row] of rates.entries()) cost += (row[0] as bigint) * BigInt(settings.tariff.prices.first[i] ?? 0);
  let before = 0;
  for (const { from, price } of settings.tariff.steps.first.steps) {
    const above = (totals[0] as bigint) - BigInt(from) * MILLIWATTHOUR;
    if (above > 0n) cost += above * BigInt(price - before);
    before = price;
  }
  return cost;
}
