/** A good meter's views pass; each way of being wrong is found. */
import { expect, test } from "vitest";
import { Meter } from "../../../firmware-sim/meter.ts";
import { DirectChip } from "../../../firmware-sim/metrology/direct-chip.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { defaultCredit } from "../../../firmware-sim/prepayment/settings.ts";
import { factorySettings } from "../../../firmware-sim/settings.ts";
import { bothSets, FOUR_RATES } from "../../../firmware-sim/tariff/settings.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import type { OrderNumber } from "../../../protocols/orders.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { checkFunctions, type FunctionsWitness } from "../../../src/simulation/checkers/functions.ts";
import { type MeterView, viewOf } from "../../../src/simulation/power/view.ts";

const START = 1_767_225_600;
const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil((START + seconds) * 1e6) });
const model = findModel("meterworks-1p") as MeterModel;
const settings = {
  ...factorySettings(model),
  tariff: { ...FOUR_RATES, steps: bothSets({ steps: [{ from: 0, price: 1_000 }], yearly: [] }) },
  credit: { ...defaultCredit("money"), opening: 10_000 },
};

function witness(): FunctionsWitness & { views: { view: MeterView; kept: boolean }[] } {
  const load = {
    fill: (_: number, [phase]: readonly object[]) =>
      void Object.assign(phase ?? {}, { voltage: 230_000, current: 8_695_652, active: 2_000_000, apparent: 2_000_000 }),
  };
  const config = { id: "m", model, settings, nvram: new MemoryNvram(), password: 0, checkpointEvery: 1e12 };
  const meter = Meter.powerOn({ ...config, chip: (start) => new DirectChip({ phases: 1, load, start }) }, at(0));
  if (!meter.ok) throw new Error(meter.error);
  meter.value.execute({ id: 5 as OrderNumber, operation: "credit-add", argument: 500 }, at(60));
  const views = [10, 11].map((hour) => {
    meter.value.refresh(at(hour * 3_600));
    return { view: viewOf(meter.value), kept: true };
  });
  return { meter: "m", settings, views, credited: new Map([[5, { amount: 500, times: 1 }]]) };
}

function found(change: (view: MeterView) => Partial<MeterView>): readonly string[] {
  const good = witness();
  const views = good.views.map(({ view, kept }, i) => ({ view: i === 0 ? view : { ...view, ...change(view) }, kept }));
  return checkFunctions([{ ...good, views }]).violations;
}

test("a meter with four rates and credit passes, and has spent something in two rates", () => {
  const good = witness();
  const last = good.views[1]?.view;
  expect(checkFunctions([good])).toMatchObject({ violations: [] });
  expect(last?.credit?.spent).toBeGreaterThan(0n);
  expect(last?.rates.filter((row) => (row[0] ?? 0n) > 0n).length).toBeGreaterThan(1);
});

test("rates that miss a µJ, a register that falls, credit that is a fraction off, a lost event are found", () => {
  expect(
    found(({ rates }) => ({ rates: rates.map((row, i) => (i === 2 ? row.map((e) => e + 1n) : row)) })),
  ).not.toEqual([]);
  expect(
    found(({ totals, rates }) => ({ totals: totals.map(() => 0n), rates: rates.map((r) => r.map(() => 0n)) }))[0],
  ).toMatch(/fell/);
  expect(found(({ credit }) => ({ credit: credit && { ...credit, spent: credit.spent + 1n } }))[0]).toMatch(/price/);
  expect(
    found(({ events }) => ({
      events: [{ kind: "relayTrip", phase: 0, count: 1, open: null, ended: [null] }, ...events],
    }))[0],
  ).toMatch(/lost/);
});

test("a credit order that was done twice, or not at all, is found", () => {
  const good = witness();
  for (const times of [0, 2])
    expect(checkFunctions([{ ...good, credited: new Map([[5, { amount: 500, times }]]) }]).violations).toHaveLength(1);
});
