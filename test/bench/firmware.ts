/**
 * The meter's CPU with every function on, on one core: clock, four rates and steps, demand, six load profiles, freezes, events,
 * relay, credit, checkpoints. `node firmware.js seconds|closed|fleet N` prints one JSON object.
 *
 * seconds PHASES  one meter whose load changes every second (it enters behind the chip), meter-seconds per second of CPU
 * closed PHASES   one meter in closed form behind a daily profile
 * fleet N         N meters in this process, each an hour; memory of each
 */
import type { MeterConfig } from "../../firmware-sim/boot.ts";
import { Meter } from "../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../firmware-sim/metrology/closed-form-chip.ts";
import { DirectChip } from "../../firmware-sim/metrology/direct-chip.ts";
import { profileLoad } from "../../firmware-sim/metrology/profile.ts";
import { MemoryNvram } from "../../firmware-sim/nvram/nvram.ts";
import { defaultCredit } from "../../firmware-sim/prepayment/settings.ts";
import { factorySettings } from "../../firmware-sim/settings.ts";
import { FOUR_RATES } from "../../firmware-sim/tariff/settings.ts";
import { findModel } from "../../protocols/models/index.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import { civil, mono, type Now } from "../../src/core/time.ts";
import { Household } from "../household.ts";

/** 2027-01-01. */
const START = 1_798_761_600;
const DAY = 86_400;
const HOUR = 3_600;
const WARM_DAYS = 5;
const DAYS = { seconds: 40, closed: 365 } as const;

const now = (second: number): Now => ({ mono: mono(second * 1e6), civil: civil(second * 1e6) });

const used = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

function modelOf(phases: 1 | 3): MeterModel {
  return findModel(phases === 3 ? "meterworks-3p" : "meterworks-1p") as MeterModel;
}

function powerOn(phases: 1 | 3, chip: MeterConfig["chip"], settings = everything(phases)): Meter {
  const model = modelOf(phases);
  const config = { id: "bench", model, chip, nvram: new MemoryNvram(), settings, password: 0, checkpointEvery: 1e15 };
  const meter = Meter.powerOn(config, now(START));
  if (!meter.ok) throw new Error(meter.error);
  return meter.value;
}

function everything(phases: 1 | 3) {
  const credit = { ...defaultCredit("money"), opening: 50_000_000 };
  return { ...factorySettings(modelOf(phases)), tariff: FOUR_RATES, credit };
}

function closedForm(phases: 1 | 3, seed: number): MeterConfig["chip"] {
  const values = Array.from({ length: 96 }, (_, quarter) => 1.2 + Math.sin(quarter / 15));
  const load = profileLoad({ phases, voltage: 230, values, annualKwh: 3_500, jitter: { ratio: 0.1, seed } });
  if (!load.ok) throw new Error(load.error);
  const { plate } = modelOf(phases);
  return (start) => new ClosedFormChip({ plate, phases, load: load.value, start, seed });
}

function speed(kind: "seconds" | "closed", phases: 1 | 3): object {
  const load = new Household({ seed: 1, phases, annualKwh: 3_500, solarWatts: 2_500 });
  const meter = powerOn(
    phases,
    kind === "closed" ? closedForm(phases, 1) : (start) => new DirectChip({ phases, load, start }),
  );
  meter.refresh(now(START + WARM_DAYS * DAY));
  const began = used();
  meter.refresh(now(START + (WARM_DAYS + DAYS[kind]) * DAY));
  const speed = Math.round((DAYS[kind] * DAY) / (used() - began));
  return { speed, energy: meter.value("activeEnergyImport") };
}

function fleet(count: number): object {
  const before = process.memoryUsage().rss;
  const settings = everything(1);
  const meters = Array.from({ length: count }, (_, i) => powerOn(1, closedForm(1, i), settings));
  const began = used();
  for (const meter of meters) meter.refresh(now(START + HOUR));
  const speed = Math.round((count * HOUR) / (used() - began));
  const energy = meters.reduce((sum, meter) => sum + (meter.value("activeEnergyImport") ?? 0), 0);
  return { speed, energy, bytes: Math.round((process.memoryUsage().rss - before) / count) };
}

const [kind, argument] = process.argv.slice(2);
const result =
  kind === "fleet" ? fleet(Number(argument)) : speed(kind as "seconds" | "closed", Number(argument) as 1 | 3);
process.stdout.write(`${JSON.stringify(result)}\n`);
