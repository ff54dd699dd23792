/** Energies by tariff and settlement, maximum and present demands, prices and credit behind DL/T 645. */
import { combine, reactiveMeasure } from "../../protocols/dlt645/combination.ts";
import { byteOf } from "../../protocols/dlt645/identifier.ts";
import type { MeterFunction } from "../../protocols/dlt645/item.ts";
import { DemandMaxima, type Maximum } from "../demand/maxima.ts";
import type { EnergyRegister } from "../metrology/energy.ts";
import type { Purchase } from "../prepayment/purchases.ts";
import type { CreditSettings } from "../prepayment/settings.ts";
import { type Ask, type Dlt645Device, energyField, type Producer, pack, stampOf, totalsOf } from "./dlt645-fields.ts";

/** By DI2 of groups 00 and 01; 00, 03 and 04 are combined. */
const REGISTERS: Readonly<Record<number, EnergyRegister>> = {
  1: "activeImport",
  2: "activeExport",
  5: "q1",
  6: "q2",
  7: "q3",
  8: "q4",
};
const DIRECTIONS: readonly EnergyRegister[] = ["activeImport", "activeExport"];
const QUADRANTS: readonly EnergyRegister[] = ["q1", "q2", "q3", "q4"];

/** mW, mvar, mVA in the last digit of a demand. */
const DEMAND_STEP = 100;
/** Millionths of a minor unit in the last digit of a price: 0.0001 of a unit is a hundredth of a minor one. */
const PRICE_STEP = 10_000n;
/** mWh in the last digit of a credit in energy. */
const CREDIT_STEP = 10_000n;

/** Whole mWh of a register at a present or past settlement; undefined for a tariff or settlement that the meter does not have. */
function quantaOf({ meter, id }: Ask, register: EnergyRegister): number | undefined {
  const rate = byteOf(id, 1);
  const age = byteOf(id, 0);
  const { tariff } = meter.functions;
  if (rate > tariff.settings.tables.rates) return undefined;
  if (age === 0) return tariff.rates.amount(register, rate, totalsOf(meter)).quanta;
  return tariff.settlements.read(age - 1)?.amount(register, rate).quanta;
}

const energy: Producer = (ask) => {
  const register = REGISTERS[byteOf(ask.id, 2)];
  const quanta = register === undefined ? undefined : quantaOf(ask, register);
  return quanta === undefined ? undefined : pack(ask.item, [energyField(ask.item, quanta)]);
};

function combined(word: (device: Dlt645Device) => number, registers: readonly EnergyRegister[]): Producer {
  return (ask) => {
    const terms = registers.map((register) => quantaOf(ask, register));
    if (terms.includes(undefined)) return undefined;
    return pack(ask.item, [energyField(ask.item, combine(word(ask.device), terms as number[]))]);
  };
}

/** Of a combined reactive demand only where its word adds up quadrants whose demand the meter keeps. */
function demandRegister(di2: number, { combinations }: Dlt645Device): EnergyRegister | undefined {
  if (di2 !== 3 && di2 !== 4) return REGISTERS[di2];
  const measure = reactiveMeasure(di2 === 3 ? combinations.reactive1 : combinations.reactive2);
  if (measure === "reactiveEnergyImport") return "reactiveImport";
  return measure === "reactiveEnergyExport" ? "reactiveExport" : undefined;
}

const maximumDemand: Producer = (ask) => {
  const { meter, device, item, id } = ask;
  const register = demandRegister(byteOf(id, 2), device);
  const { demand, tariff } = meter.functions;
  const rate = byteOf(id, 1);
  if (register === undefined || rate > tariff.settings.tables.rates || !demand.settings.registers.includes(register))
    return undefined;
  const maximum = byteOf(id, 0) === 0 ? demand.maximum(register, rate) : settledMaximum(ask, register, rate);
  if (maximum === undefined) return undefined;
  const time = maximum.at === null ? null : stampOf(maximum.at, device);
  return pack(item, [Math.trunc(maximum.power / DEMAND_STEP), time]);
};

function settledMaximum({ meter, id }: Ask, register: EnergyRegister, rate: number): Maximum | undefined {
  const settlement = meter.functions.tariff.settlements.read(byteOf(id, 0) - 1);
  const maxima = settlement && DemandMaxima.fromBytes(settlement.note.demand);
  return maxima?.ok ? maxima.value.of(register, rate) : undefined;
}

const PRESENT: Readonly<Record<number, EnergyRegister>> = { 4: "activeImport", 5: "reactiveImport", 6: "apparent" };

const presentDemand: Producer = ({ meter, item, id }) => {
  const register = PRESENT[byteOf(id, 0)];
  const power = register === undefined ? null : meter.functions.demand.present(register, totalsOf(meter));
  return power === null ? undefined : pack(item, [Math.trunc(power / DEMAND_STEP)]);
};

function credit(mode: CreditSettings["mode"], side: "remaining" | "overdraft"): Producer {
  return ({ meter, item }) => {
    const kept = meter.functions.credit;
    if (kept?.settings.mode !== mode) return undefined;
    return pack(item, [creditField(mode, kept.shown[side])]);
  };
}

/** Whole units of credit in 0.01 kWh or 0.01 of money; an overdraft has fields of its own. */
function creditField(mode: CreditSettings["mode"], units: bigint): number {
  return Number(mode === "money" ? units : units / CREDIT_STEP);
}

/** DI2 32 in energy, 33 in money; DI0 1 is the last purchase. */
const purchase: Producer = ({ meter, device, item, id }) => {
  const kept = meter.functions.credit;
  const mode = byteOf(id, 2) === 0x32 ? "energy" : "money";
  if (kept?.settings.mode !== mode) return undefined;
  const made: Purchase[] = [];
  for (let age = 0; age < kept.purchases; age++) {
    const record = kept.purchase(age);
    if (record?.kind === "top-up") made.push(record);
  }
  const age = byteOf(id, 0) - 1;
  const record = made[age];
  const amount = (units: bigint) => creditField(mode, units > 0n ? units : 0n);
  const later = made.slice(0, age).reduce((sum, { amount: units }) => sum + BigInt(units), 0n);
  const field = byteOf(id, 1);
  // Counts and sums are there before anything was bought.
  if (field === 0x02 && (age === 0 || record)) return pack(item, [kept.totals.topUps - age]);
  if (field === 0x06 && (age === 0 || record)) return pack(item, [amount(kept.totals.added - later)]);
  if (record === undefined) return undefined;
  if (field === 0x01) return pack(item, [stampOf(record.at, device)]);
  if (field === 0x03) return pack(item, [amount(BigInt(record.amount))]);
  return pack(item, [amount(field === 0x04 ? record.before : record.after)]);
};

export const REGISTER_PRODUCERS = {
  energy,
  combinedActive: combined(({ combinations }) => combinations.active, DIRECTIONS),
  combinedReactive1: combined(({ combinations }) => combinations.reactive1, QUADRANTS),
  combinedReactive2: combined(({ combinations }) => combinations.reactive2, QUADRANTS),
  maximumDemand,
  presentDemand,
  presentPrice: ({ meter, item }) => pack(item, [Number(meter.functions.tariff.price / PRICE_STEP)]),
  stepPrice: ({ meter, item }) => pack(item, [Number(meter.functions.tariff.position.price / PRICE_STEP)]),
  remainingEnergy: credit("energy", "remaining"),
  overdraftEnergy: credit("energy", "overdraft"),
  remainingAmount: credit("money", "remaining"),
  overdraftAmount: credit("money", "overdraft"),
  purchase,
} satisfies Partial<Record<MeterFunction, Producer>>;
