/**
 * The energies of each rate, for every register in both directions and all quadrants, by difference: what a rate had when it
 * last ended, and for the rate that runs what the total has grown by since it began. So nothing is done while energy is
 * counted, and the sum of the rates is the total to the last µJ. Rates without energy take no memory.
 */
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import { isLess, minus, NO_ENERGY, readAmounts, writeAmounts } from "../metrology/amounts.ts";
import {
  COUNTED,
  type Counted,
  type EnergyAmount,
  type EnergyRegister,
  fromCounted,
  plus,
  type Totals,
} from "../metrology/energy.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import { MOST_RATES } from "./settings.ts";

const LAYOUT = 1;
const REGISTERS = COUNTED.length;
/** Quanta and residual of each counted register. */
const ROW = 2 * REGISTERS;

/** Shared by all meters whose rates have nothing booked. */
const NO_RATES = new Uint8Array(0);
const NO_ROWS = new Float64Array(0);

const INDEX = Object.fromEntries(COUNTED.map((name, i) => [name, i])) as Readonly<Record<Counted, number>>;

export class RateRegisters {
  #rate: number;
  #since: LocalSecond;
  /** The totals when the running rate began; they are what all booked rates add up to. */
  #mark = new Float64Array(ROW);
  /** Rates that have energy booked, in the order of their rows. */
  #rates = NO_RATES;
  #booked = NO_ROWS;

  /** In a new meter, and in one whose energy was counted before it had rates, all energy so far is of this rate. */
  constructor(rate: number, at: LocalSecond) {
    assertRate(rate);
    this.#rate = rate;
    this.#since = at;
  }

  /** The rate that runs. */
  get rate(): number {
    return this.#rate;
  }

  /** When it began to run. */
  get since(): LocalSecond {
    return this.#since;
  }

  /** From `at` on, at which the registers have these totals, energy is of another rate. */
  switchTo(rate: number, totals: Totals, at: LocalSecond): void {
    assertRate(rate);
    if (rate === this.#rate) return;
    this.#book(totals);
    this.#rate = rate;
    this.#since = at;
  }

  /** The energy of a rate when the registers have these totals; rate 0 is the total itself. */
  amount(register: EnergyRegister, rate: number, totals: Totals): EnergyAmount {
    if (rate === 0) return totals(register);
    return fromCounted(register, (counted) => {
      const booked = this.#at(this.#booked, this.#rates.indexOf(rate), counted);
      if (rate !== this.#rate) return booked;
      return plus(booked, minus(totals(counted), this.#at(this.#mark, 0, counted)));
    });
  }

  /** The rates that have had energy when the registers have these totals, lowest first. */
  used(totals: Totals): readonly number[] {
    const used = [...this.#rates];
    if (!used.includes(this.#rate) && this.#grown(totals)) used.push(this.#rate);
    return used.sort((a, b) => a - b);
  }

  /** A meter clear: every register starts at zero again, in the rate that runs. */
  clear(at: LocalSecond): void {
    this.#mark = new Float64Array(ROW);
    this.#rates = NO_RATES;
    this.#booked = NO_ROWS;
    this.#since = at;
  }

  snapshot(): Uint8Array {
    const writer = new ByteWriter().u8(LAYOUT).u8(this.#rate).f64(this.#since).u8(this.#rates.length);
    for (const [row, rate] of this.#rates.entries()) {
      writer.u8(rate);
      writeAmounts(writer, (counted) => this.#at(this.#booked, row, counted));
    }
    return writer.bytes();
  }

  /** Takes over a {@link snapshot}; on a failure nothing has changed. */
  restore(bytes: Uint8Array): Result<void, string> {
    const reader = new ByteReader(bytes);
    const layout = reader.u8();
    if (layout !== LAYOUT) return failure(`the rate registers have layout ${layout}; this version reads ${LAYOUT}`);
    const rate = reader.u8();
    const since = reader.f64();
    const rates = new Uint8Array(reader.u8());
    const booked = new Float64Array(ROW * rates.length);
    const mark = new Float64Array(ROW);
    for (let row = 0; row < rates.length; row++) {
      const of = reader.u8();
      const amounts = readAmounts(reader);
      if (!isRate(of) || rates.includes(of) || amounts === undefined)
        return failure(`entry ${row} of the rate registers is no energy of a rate`);
      rates[row] = of;
      for (let i = 0; i < REGISTERS; i++) {
        put(booked, row, i, amounts[i] as EnergyAmount);
        put(mark, 0, i, plus(get(mark, 0, i), amounts[i] as EnergyAmount));
      }
    }
    const end = reader.end("the record of rate registers");
    if (!end.ok) return end;
    if (!isRate(rate) || !Number.isSafeInteger(since)) return failure("the running rate of the rate registers is none");
    this.#rate = rate;
    this.#since = localSecond(since);
    this.#rates = rates;
    this.#booked = booked;
    this.#mark = mark;
    return success(undefined);
  }

  #book(totals: Totals): void {
    if (!this.#grown(totals)) return;
    const row = this.#row(this.#rate);
    for (const counted of COUNTED) {
      const i = INDEX[counted];
      const total = totals(counted);
      put(this.#booked, row, i, plus(get(this.#booked, row, i), minus(total, get(this.#mark, 0, i))));
      put(this.#mark, 0, i, total);
    }
  }

  #grown(totals: Totals): boolean {
    return COUNTED.some((counted) => isLess(this.#at(this.#mark, 0, counted), totals(counted)));
  }

  /** The row of a rate, made where there is none yet. */
  #row(rate: number): number {
    const known = this.#rates.indexOf(rate);
    if (known >= 0) return known;
    const row = this.#rates.length;
    this.#rates = Uint8Array.of(...this.#rates, rate);
    const booked = new Float64Array(ROW * (row + 1));
    booked.set(this.#booked);
    this.#booked = booked;
    return row;
  }

  #at(rows: Float64Array, row: number, counted: Counted): EnergyAmount {
    return row < 0 ? NO_ENERGY : get(rows, row, INDEX[counted]);
  }
}

function get(rows: Float64Array, row: number, i: number): EnergyAmount {
  const at = row * ROW + 2 * i;
  return { quanta: rows[at] as number, residual: rows[at + 1] as number };
}

function put(rows: Float64Array, row: number, i: number, { quanta, residual }: EnergyAmount): void {
  const at = row * ROW + 2 * i;
  rows[at] = quanta;
  rows[at + 1] = residual;
}

function isRate(rate: number): boolean {
  return Number.isInteger(rate) && rate >= 1 && rate <= MOST_RATES;
}

function assertRate(rate: number): void {
  assert(isRate(rate), "a rate is 1..63");
}
