/**
 * The last twelve settlements: at each the energies of every register and rate, the demand maxima and what is to be known
 * about the instant. Read back by age, as DL/T 645 does with DI0 = 1..12.
 *
 * A settlement is one record in a ring of records of its size, so that a meter with one rate does not keep room for 63. Rings
 * are made when the first record of their size comes.
 */
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import { NO_ENERGY, readAmounts, writeAmounts } from "../metrology/amounts.ts";
import {
  COUNTED,
  type EnergyAmount,
  type EnergyRegister,
  fromCounted,
  plus,
  type Totals,
} from "../metrology/energy.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import type { Nvram } from "../nvram/nvram.ts";
import { RecordRing } from "../nvram/ring.ts";
import type { RateRegisters } from "./rate-registers.ts";

export const SETTLEMENTS_KEPT = 12;

const LAYOUT = 1;
/** Records of up to 256, 512, … 32768 bytes have a ring each. */
const SMALLEST = 256;
const SIZES = 8;
const CLOCK_DOUBT = 1;
const LATE = 2;

/** What is said about a settlement beside its energies. */
export interface SettlementNote {
  readonly at: LocalSecond;
  /** Which of the settlement days it was, 1..3; 0 for one that was ordered. */
  readonly number: number;
  /** The clock had been lost and not been set again. */
  readonly clockDoubt: boolean;
  /** The meter was without power at `at`: the energies are those of when it came back. */
  readonly late: boolean;
  /** The demand part's maxima, as it wrote them. */
  readonly demand: Uint8Array;
}

/** A settlement read back. */
export class PastSettlement {
  readonly note: SettlementNote;
  /** The rates that had energy, lowest first. */
  readonly rates: readonly number[];
  readonly #energies: readonly (readonly EnergyAmount[])[];

  constructor(note: SettlementNote, rates: readonly number[], energies: readonly (readonly EnergyAmount[])[]) {
    this.note = note;
    this.rates = rates;
    this.#energies = energies;
  }

  /** Rate 0 is the total. */
  amount(register: EnergyRegister, rate: number): EnergyAmount {
    return fromCounted(register, (counted) => {
      const i = COUNTED.indexOf(counted);
      if (rate > 0) return this.#energies[this.rates.indexOf(rate)]?.[i] ?? NO_ENERGY;
      return this.#energies.reduce((sum, row) => plus(sum, row[i] ?? NO_ENERGY), NO_ENERGY);
    });
  }
}

export class SettlementHistory {
  readonly #nvram: Nvram;
  #rings: (RecordRing | undefined)[] = [];
  /** Which ring each of the last settlements is in, newest first. */
  #places: number[] = [];

  constructor(nvram: Nvram) {
    this.#nvram = nvram;
  }

  /** Settlements that can be read. */
  get length(): number {
    return this.#places.length;
  }

  /** Settlements ever made: what readouts number stored values by. */
  get count(): number {
    return this.#rings.reduce((sum, ring) => sum + (ring?.written ?? 0), 0);
  }

  /** True when a checkpoint must come before the next {@link settle}. */
  get full(): boolean {
    return this.#rings.some((ring) => ring?.full);
  }

  /** The checkpoint with {@link snapshot} is on the part. */
  commit(): void {
    for (const ring of this.#rings) ring?.commit();
  }

  /** Keeps what the registers have now. */
  settle(note: SettlementNote, rates: RateRegisters, totals: Totals): void {
    const record = encode(note, rates, totals);
    let place = 0;
    while (record.length > sizeOf(place)) place++;
    assert(place < SIZES, "a settlement with its demand maxima fits the largest record");
    this.#ring(place, 0).append(record);
    this.#places = [place, ...this.#places].slice(0, SETTLEMENTS_KEPT);
  }

  /**
   * A settlement by age: 0 is the newest.
   * @returns undefined where there is none, or where the part has lost it
   */
  read(age: number): PastSettlement | undefined {
    const place = this.#places[age];
    if (place === undefined) return undefined;
    const newerThere = this.#places.slice(0, age).filter((other) => other === place).length;
    const record = this.#rings[place]?.read(newerThere);
    return record && decode(record);
  }

  /** A meter clear: none is left to be read. */
  clear(): void {
    this.#places = [];
  }

  snapshot(): Uint8Array {
    const writer = new ByteWriter().u8(LAYOUT).u8(this.#places.length).raw(Uint8Array.from(this.#places));
    for (let place = 0; place < SIZES; place++) writer.u32(this.#rings[place]?.written ?? 0);
    return writer.bytes();
  }

  /** Takes over a {@link snapshot}; on a failure nothing has changed. */
  restore(bytes: Uint8Array): Result<void, string> {
    const reader = new ByteReader(bytes);
    const layout = reader.u8();
    if (layout !== LAYOUT) return failure(`the settlements have layout ${layout}; this version reads ${LAYOUT}`);
    const places = [...reader.raw(reader.u8())];
    const written = Array.from({ length: SIZES }, () => reader.u32());
    const end = reader.end("the record of settlements");
    if (!end.ok) return end;
    if (places.length > SETTLEMENTS_KEPT || places.some((place) => (written[place] ?? 0) === 0))
      return failure("the list of settlements names records that were never written");
    this.#rings = [];
    for (const [place, count] of written.entries()) if (count > 0) this.#ring(place, count);
    this.#places = places;
    return success(undefined);
  }

  #ring(place: number, written: number): RecordRing {
    const known = this.#rings[place];
    if (known !== undefined) return known;
    const size = sizeOf(place);
    const shape = { name: `settlement-${size}`, depth: SETTLEMENTS_KEPT, recordSize: size };
    const ring = new RecordRing(this.#nvram, shape, written);
    this.#rings[place] = ring;
    return ring;
  }
}

function sizeOf(place: number): number {
  return SMALLEST * 2 ** place;
}

function encode(note: SettlementNote, rates: RateRegisters, totals: Totals): Uint8Array {
  const used = rates.used(totals);
  const writer = new ByteWriter()
    .u8(LAYOUT)
    .f64(note.at)
    .u8(note.number)
    .u8((note.clockDoubt ? CLOCK_DOUBT : 0) | (note.late ? LATE : 0))
    .block(note.demand)
    .u8(used.length);
  for (const rate of used) {
    writer.u8(rate);
    writeAmounts(writer, (counted) => rates.amount(counted, rate, totals));
  }
  return writer.bytes();
}

/** Undefined for a record of another layout. */
function decode(bytes: Uint8Array): PastSettlement | undefined {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== LAYOUT) return undefined;
  const at = localSecond(reader.f64());
  const number = reader.u8();
  const flags = reader.u8();
  const demand = reader.block();
  const note = { at, number, clockDoubt: (flags & CLOCK_DOUBT) > 0, late: (flags & LATE) > 0, demand };
  const rates: number[] = [];
  const energies: (readonly EnergyAmount[])[] = [];
  for (let left = reader.u8(); left > 0; left--) {
    rates.push(reader.u8());
    energies.push(readAmounts(reader) ?? []);
  }
  return reader.end("a settlement").ok ? new PastSettlement(note, rates, energies) : undefined;
}
