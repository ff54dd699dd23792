/** Maximum demands with their times, by register for the total and for each rate: the meter's present ones, and handed over at a settlement. */
import { failure, type Result, success } from "../../src/core/result.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import type { EnergyRegister } from "../metrology/energy.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import { DEMAND_REGISTERS } from "./settings.ts";

export interface Maximum {
  /** mW, mvar or mVA; 0 where there was no demand. */
  readonly power: number;
  /** The end of the window; null where there was no demand. */
  readonly at: LocalSecond | null;
}

const NONE: Maximum = { power: 0, at: null };
const LAYOUT = 1;
const RATES = 63;
/** A row: power and time of each register. */
const ROW = 2 * DEMAND_REGISTERS.length;

export class DemandMaxima {
  /** By rate, 0 is the total; rows are made when the first maximum comes. */
  readonly #rows: (Float64Array | undefined)[] = [];

  /** Takes a demand of register number `register` if it is higher than what there was: the first of equal ones stays. */
  offer(register: number, rate: number, power: number, at: LocalSecond): void {
    if (power <= 0) return;
    let row = this.#rows[rate];
    if (row === undefined) {
      while (this.#rows.length <= rate) this.#rows.push(undefined);
      row = new Float64Array(ROW);
      this.#rows[rate] = row;
    }
    if (power <= (row[2 * register] as number)) return;
    row[2 * register] = power;
    row[2 * register + 1] = at;
  }

  /** @param rate 0 is the total */
  of(register: EnergyRegister, rate = 0): Maximum {
    const at = 2 * DEMAND_REGISTERS.indexOf(register);
    const row = this.#rows[rate];
    if (row === undefined || row[at] === 0) return NONE;
    return { power: row[at] as number, at: localSecond(row[at + 1] as number) };
  }

  clear(): void {
    this.#rows.length = 0;
  }

  toBytes(): Uint8Array {
    const writer = new ByteWriter().u8(LAYOUT).u8(this.#rows.filter((row) => row !== undefined).length);
    for (const [rate, row] of this.#rows.entries()) {
      if (row === undefined) continue;
      writer.u8(rate);
      for (const value of row) writer.f64(value);
    }
    return writer.bytes();
  }

  /** Reads {@link toBytes}; the error is for people. */
  static fromBytes(bytes: Uint8Array): Result<DemandMaxima, string> {
    const reader = new ByteReader(bytes);
    const layout = reader.u8();
    if (layout !== LAYOUT) return failure(`maximum demands have layout ${layout}; this version reads layout ${LAYOUT}`);
    const maxima = new DemandMaxima();
    for (let left = reader.u8(); left > 0; left--) {
      const rate = reader.u8();
      if (rate > RATES) return failure(`maximum demands name rate ${rate}`);
      for (let register = 0; register < DEMAND_REGISTERS.length; register++) {
        const power = reader.f64();
        const at = reader.f64();
        if (!Number.isSafeInteger(power) || power < 0 || !Number.isSafeInteger(at))
          return failure("a maximum demand is no whole number");
        maxima.offer(register, rate, power, localSecond(at));
      }
    }
    const end = reader.end("maximum demands");
    return end.ok ? success(maxima) : end;
  }
}
