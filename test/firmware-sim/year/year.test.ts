/** A year of a household behind the chip: the meter has what an independent calculation has, to the µJ and the last fraction. */
import { beforeAll, describe, expect, test } from "vitest";
import type { MeterConfig } from "../../../firmware-sim/boot.ts";
import { localSecond } from "../../../firmware-sim/clock/local-time.ts";
import { DemandMaxima } from "../../../firmware-sim/demand/maxima.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { DirectChip } from "../../../firmware-sim/metrology/direct-chip.ts";
import type { EnergyAmount } from "../../../firmware-sim/metrology/energy.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { defaultCredit } from "../../../firmware-sim/prepayment/settings.ts";
import { factorySettings, type MeterSettings } from "../../../firmware-sim/settings.ts";
import { FOUR_RATES, type TariffSettings } from "../../../firmware-sim/tariff/settings.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { Household } from "../../household.ts";
import { calculate, REGISTERS, type Settled, type YearTask } from "./calculator.ts";

const seconds = (iso: string) => Date.parse(iso) / 1_000;
const now = (second: number): Now => ({ mono: mono(second * 1e6), civil: civil(second * 1e6) });
const micro = ({ quanta, residual }: EnergyAmount) => BigInt(quanta) * 3_600_000n + BigInt(residual);

/** In the middle of the year another set of day tables, prices and steps takes over. */
const TARIFF: TariffSettings = {
  ...FOUR_RATES,
  tables: {
    ...FOUR_RATES.tables,
    days: {
      ...FOUR_RATES.tables.days,
      second: FOUR_RATES.tables.days.second.map((slots) => slots.map((s) => ({ ...s, minute: (s.minute + 15) % 60 }))),
      switchAt: localSecond(seconds("2027-07-03T00:00:00Z")),
    },
  },
  prices: {
    ...FOUR_RATES.prices,
    second: [101_000_000, 79_000_000, 51_234_567, 33_000_001],
    switchAt: localSecond(seconds("2027-05-15T13:00:00Z")),
  },
  steps: {
    ...FOUR_RATES.steps,
    second: {
      ...FOUR_RATES.steps.second,
      steps: [
        { from: 0, price: 0 },
        { from: 900_000_000, price: 4_000_000 },
        { from: 1_300_000_001, price: 31_000_000 },
      ],
    },
    switchAt: localSecond(seconds("2027-09-01T00:00:00Z")),
  },
};

const MODEL = findModel("meterworks-3p") as MeterModel;
const SETTINGS: MeterSettings = {
  ...factorySettings(MODEL),
  tariff: TARIFF,
  credit: { ...defaultCredit("money"), opening: 5_000_000 },
};

const TASK: YearTask = {
  load: new Household({ seed: 4_711, phases: 3, annualKwh: 3_500, solarWatts: 2_500 }),
  phases: 3,
  tariff: TARIFF,
  period: 15,
  slip: 1,
  from: seconds("2027-01-01T00:00:00Z"),
  to: seconds("2028-01-01T00:00:00Z"),
  outages: [
    [seconds("2027-02-11T17:31:00Z"), seconds("2027-02-11T19:02:00Z")],
    [seconds("2027-06-30T23:10:00Z"), seconds("2027-07-01T05:00:00Z")],
    [seconds("2027-10-05T08:00:00Z"), seconds("2027-10-05T08:01:00Z")],
  ],
};

function runMeter(task: YearTask, settings: MeterSettings): Meter {
  const model = findModel(task.phases === 3 ? "meterworks-3p" : "meterworks-1p") as MeterModel;
  const nvram = new MemoryNvram();
  const config: MeterConfig = {
    id: "year",
    model,
    chip: (start) => new DirectChip({ phases: task.phases, load: task.load, start }),
    nvram,
    settings,
    password: 0,
    checkpointEvery: 1e15,
  };
  const on = (at: number) => {
    const meter = Meter.powerOn(config, now(at));
    if (!meter.ok) throw new Error(meter.error);
    return meter.value;
  };
  let meter = on(task.from);
  for (const [from, to] of task.outages) {
    meter.powerFail(now(from));
    meter = on(to);
  }
  meter.refresh(now(task.to));
  return meter;
}

describe("a year of a household with solar panels, four rates, two sets of tables and three outages", () => {
  let meter: Meter;
  let truth: readonly Settled[];

  beforeAll(() => {
    meter = runMeter(TASK, SETTINGS);
    truth = calculate(TASK);
  }, 300_000);

  test("has import and export, and energy in all rates and in four quadrants", () => {
    const end = truth.at(-1) as Settled;
    for (const register of REGISTERS) expect(end.energy[register][0]).toBeGreaterThan(0n);
    for (const rate of [1, 2, 3, 4]) expect(end.energy.activeImport[rate]).toBeGreaterThan(100_000n * 3_600_000n);
    expect(truth).toHaveLength(12);
    expect(end.step).toBe(3);
  });

  test("the energies of every register and rate are the same to the µJ", () => {
    const { energy, tariff } = meter.functions;
    const end = truth.at(-1) as Settled;
    for (const register of REGISTERS)
      for (const rate of [0, 1, 2, 3, 4])
        expect(micro(tariff.rates.amount(register, rate, (r) => energy.amount(r))), `${register} ${rate}`).toBe(
          end.energy[register][rate],
        );
  });

  test("so are those of every past settlement", () => {
    const { settlements } = meter.functions.tariff;
    for (const [month, settled] of truth.entries()) {
      const past = settlements.read(truth.length - 1 - month);
      expect(past?.note.at).toBe(settled.at);
      for (const register of REGISTERS)
        for (const rate of [0, 1, 2, 3, 4])
          expect(past && micro(past.amount(register, rate)), `${register} ${rate} of month ${month + 1}`).toBe(
            settled.energy[register][rate],
          );
    }
  });

  test("so are the maximum demands of every month, in the total and in each rate, and when they were", () => {
    const { settlements } = meter.functions.tariff;
    for (const [month, { demand }] of truth.entries()) {
      const maxima = DemandMaxima.fromBytes(
        settlements.read(truth.length - 1 - month)?.note.demand ?? new Uint8Array(0),
      );
      if (!maxima.ok) throw new Error(maxima.error);
      for (const rate of [0, 1, 2, 3, 4]) {
        const { power, at } = maxima.value.of("activeImport", rate);
        const wanted = demand[rate];
        expect({ power, at }, `month ${month + 1} rate ${rate}`).toEqual({
          power: wanted?.milliwatts ?? 0,
          at: wanted?.at ?? null,
        });
      }
    }
    expect(truth.every(({ demand }) => (demand[0]?.milliwatts ?? 0) > 100_000)).toBe(true);
  });

  test("credit that left is the sum of energy × price, to the last fraction, and top-ups are in it", () => {
    const { credit } = meter.functions;
    const end = truth.at(-1) as Settled;
    expect(credit?.spentFine).toBe(end.cost);
    expect(credit?.totals).toEqual({ added: 5_000_000n, refunded: 0n, topUps: 0, refunds: 0 });
    expect(credit?.balanceFine).toBe(5_000_000n * 3_600_000_000_000n * 1_000_000n - end.cost);
  });

  test("the step of the year is that of the tables", () => {
    expect(meter.functions.tariff.position.step).toBe(1);
    expect(truth.map(({ step }) => step)).toContain(2);
  });
});
