/** The fast pulse counter of the RN8209C: power runs into it, and at half of HFConst an energy pulse comes out. */

/** Of the accumulator: 3.22155e12 / 3.6e6 steps of power / 2^32 make a pulse with HFConst 1, so half of it per count. */
export const COUNTS_PER_LSB_SECOND = 3.22155e12 / 3.6e6 / 2 ** 33;
/** EMUCON's modes of accumulation; 0 is the algebraic sum. */
const POSITIVE_ONLY = 1;
const ABSOLUTE = 2;

export class PulseCounter {
  /** The power is below the starting power. */
  idle = false;
  /** The last pulse came from negative power. */
  reverse = false;
  #count = 0;

  /** The counter as its register shows it: 16 bits, two's complement. */
  get shown(): number {
    return Math.trunc(this.#count) & 0xffff;
  }

  /** The CPU puts back what it saved before the power went. */
  preset(count: number): void {
    this.#count = count;
  }

  reset(): void {
    this.#count = 0;
    this.idle = false;
    this.reverse = false;
  }

  /** @returns the pulses of `seconds` at `power` LSB, whichever their direction; {@link reverse} says the last one's. */
  add(power: number, seconds: number, hfConst: number, mode: number): number {
    if (hfConst === 0 || (mode === POSITIVE_ONLY && power < 0)) return 0;
    this.#count += (mode === ABSOLUTE ? Math.abs(power) : power) * seconds * COUNTS_PER_LSB_SECOND;
    const pulses = Math.floor((2 * Math.abs(this.#count)) / hfConst);
    if (pulses === 0) return 0;
    this.reverse = power < 0;
    this.#count -= (Math.sign(this.#count) * pulses * hfConst) / 2;
    return pulses;
  }
}
