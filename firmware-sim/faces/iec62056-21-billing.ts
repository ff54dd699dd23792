/**
 * What is billed, as data sets by OBIS code (IEC 62056-61): value group C is the quantity, D 8 its energy, 6 its maximum demand
 * since the last settlement, 4 and 5 the demand of the running and of the last window, E the rate. Behind `*` stands the
 * number of the settlement that stored a value, by the counter 0.1.0, of which two digits are shown.
 */
import { formatClock } from "../../protocols/iec62056-21/clock.ts";
import type { DataSet } from "../../protocols/iec62056-21/dataset.ts";
import { findMeasureByObis, type Measure, measure } from "../../src/core/measures.ts";
import { civil, MICROS_PER_SECOND } from "../../src/core/time.ts";
import type { LocalSecond } from "../clock/local-time.ts";
import { DemandMaxima, type Maximum } from "../demand/maxima.ts";
import { cutToDigits, type Digits } from "../display/digits.ts";
import type { MeterFunctions } from "../functions.ts";
import type { EnergyRegister } from "../metrology/energy.ts";
import { type PastSettlement, SETTLEMENTS_KEPT } from "../tariff/settlement.ts";

/** By value group C from 1 on. */
const REGISTERS: readonly EnergyRegister[] = [
  ...(["activeImport", "activeExport", "reactiveImport", "reactiveExport"] as const),
  ...(["q1", "q2", "q3", "q4", "apparent"] as const),
];
/** Of these a readout has present demands and stored values; R1 reads those of all. */
const READ_OUT_IN_FULL = 2;
/** Rates that are always shown; more where the meter has had energy in them. */
const USUAL_RATES = 4;
/** The counter of settlements is shown with two digits. */
const COUNTED = 100;
const NO_TIME = "0000000000";

/** Value groups C, D and E of `1-0:C.D.E`, and the number behind `*`. */
export interface BillingCode {
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly stored?: number;
}

/**
 * The codes of a readout, in order; the totals of energy are measures and not among them. What the meter has no use for is left to
 * R1: an optical head is slow. A meter of one rate shows no rates, a register without a maximum demand none.
 */
export function billingCodes(functions: MeterFunctions): readonly BillingCode[] {
  const rates = ratesReadOut(functions);
  const codes: BillingCode[] = [];
  for (let c = 1; c <= REGISTERS.length; c++) {
    for (let e = 1; e <= rates; e++) codes.push({ c, d: 8, e });
    if (c <= READ_OUT_IN_FULL) codes.push({ c, d: 4, e: 0 }, { c, d: 5, e: 0 });
    for (let e = 0; e <= rates; e++)
      if (maximumNow(functions, registerOf(c) as EnergyRegister, e).at !== null) codes.push({ c, d: 6, e });
  }
  const { settlements } = functions.tariff;
  for (let age = 0; age < settlements.length; age++) {
    const stored = (settlements.count - age) % COUNTED;
    codes.push({ c: 0, d: 1, e: 2, stored });
    for (let c = 1; c <= READ_OUT_IN_FULL; c++)
      for (const e of [0, ...(settlements.read(age)?.rates ?? [])]) codes.push({ c, d: 8, e, stored });
    codes.push({ c: 1, d: 6, e: 0, stored });
  }
  return codes;
}

function ratesReadOut({ tariff, usedRates }: MeterFunctions): number {
  const { rates } = tariff.settings.tables;
  const highest = Math.max(1, Math.min(rates, USUAL_RATES), ...usedRates);
  return highest === 1 ? 0 : highest;
}

/** The data set of a code; undefined for what the meter has not. */
export function billed(functions: MeterFunctions, code: BillingCode): DataSet | undefined {
  const { c, d, e, stored } = code;
  const address = `${c}.${d}.${e}${stored === undefined ? "" : `*${String(stored).padStart(2, "0")}`}`;
  const groups = stored === undefined ? present(functions, code) : past(functions, code, stored);
  return groups && { address, groups };
}

type Groups = DataSet["groups"];

function present(functions: MeterFunctions, { c, d, e }: BillingCode): Groups | undefined {
  if (c === 0 && d === 1 && e === 0) return [plain(twoDigits(functions.tariff.settlements.count))];
  const register = registerOf(c);
  if (register === undefined) return undefined;
  const { demand } = functions;
  if (d === 8 && isRateShown(functions, e)) return energy(c, functions.rateEnergy(register, e));
  if (d === 6 && isRateShown(functions, e)) return maximum(c, maximumNow(functions, register, e));
  if (e !== 0) return undefined;
  if (d === 4) return power(c, functions.presentDemand(register));
  return d === 5 ? power(c, demand.last(register)?.power ?? null) : undefined;
}

function past(functions: MeterFunctions, { c, d, e }: BillingCode, stored: number): Groups | undefined {
  const settlement = storedUnder(functions, stored);
  if (settlement === undefined) return undefined;
  if (c === 0 && d === 1 && e === 2) return [plain(timeStamp(settlement.note.at))];
  const register = registerOf(c);
  if (register === undefined || (e > USUAL_RATES && !settlement.rates.includes(e))) return undefined;
  if (d === 8) return energy(c, settlement.amount(register, e).quanta);
  if (d !== 6) return undefined;
  const maxima = DemandMaxima.fromBytes(settlement.note.demand);
  return maxima.ok ? maximum(c, maxima.value.of(register, e)) : undefined;
}

/** The settlement under a number of two digits: the newest of that number. */
function storedUnder({ tariff }: MeterFunctions, stored: number): PastSettlement | undefined {
  const { settlements } = tariff;
  const age = (((settlements.count - stored) % COUNTED) + COUNTED) % COUNTED;
  return age < SETTLEMENTS_KEPT ? settlements.read(age) : undefined;
}

function registerOf(c: number): EnergyRegister | undefined {
  return REGISTERS[c - 1];
}

function isRateShown(functions: MeterFunctions, rate: number): boolean {
  return rate <= Math.max(USUAL_RATES, ...functions.usedRates);
}

function maximumNow({ demand }: MeterFunctions, register: EnergyRegister, rate: number): Maximum {
  return demand.maximum(register, rate);
}

/** Energies as on the display: six digits and three decimals of kWh, kvarh, kVAh. */
function energy(c: number, quanta: number): Groups {
  const total = findMeasureByObis(`1-0:${c}.8.0`) as Measure;
  const digits: Digits = { unit: unitOf(c, "h"), whole: 6, decimals: 3 };
  return [{ value: cutToDigits(total, quanta, digits), unit: digits.unit }];
}

function power(c: number, milli: number | null): Groups {
  const digits: Digits = { unit: unitOf(c, ""), whole: 3, decimals: 3 };
  const value = milli === null ? "" : cutToDigits(measure(POWER[digits.unit as keyof typeof POWER]), milli, digits);
  return [{ value, unit: milli === null ? undefined : digits.unit }];
}

const POWER = { kW: "activePower", kvar: "reactivePower", kVA: "apparentPower" } as const;

function unitOf<H extends "" | "h">(c: number, h: H): `${keyof typeof POWER}${H}` {
  return `${c <= 2 ? "kW" : c === REGISTERS.length ? "kVA" : "kvar"}${h}`;
}

function maximum(c: number, { power: milli, at }: Maximum): Groups {
  return [...power(c, milli), plain(at === null ? NO_TIME : timeStamp(at))];
}

function twoDigits(count: number): string {
  return String(count % COUNTED).padStart(2, "0");
}

/** YYMMDDhhmm of the meter's local clock. */
export function timeStamp(at: LocalSecond): string {
  const { date, time } = formatClock(civil(at * MICROS_PER_SECOND));
  return date + time.slice(0, 4);
}

function plain(value: string): Groups[number] {
  return { value, unit: undefined };
}
