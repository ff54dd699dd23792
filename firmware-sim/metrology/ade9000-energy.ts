/**
 * The energy registers of the ADE9000: power codes summed at 8000 samples a second into accumulators, which go over into
 * 45-bit registers each time the energy timer runs out. What is below one LSB stays in the accumulator.
 */

export interface EnergySettings {
  /** Samples at 8 kHz between two transfers, above 0. */
  readonly period: number;
  /** The register takes the accumulator's value instead of adding it. */
  readonly load: boolean;
}

const TWO_45 = 2 ** 45;
const TWO_13 = 2 ** 13;

export class Ade9000Energy {
  readonly #inside: Float64Array;
  readonly #registers: Float64Array;
  #elapsed = 0;

  constructor(channels: number) {
    this.#inside = new Float64Array(channels);
    this.#registers = new Float64Array(channels);
  }

  /** @returns how many transfers the stretch had. `codes` are the powers of all channels over it. */
  add(codes: readonly number[], samples: number, { period, load }: EnergySettings): number {
    let left = samples;
    let transfers = 0;
    // A shorter period than what has run already ends at once.
    while (left > 0) {
      const step = Math.min(left, Math.max(0, period - this.#elapsed));
      for (let c = 0; c < codes.length; c++)
        this.#inside[c] = (this.#inside[c] as number) + (codes[c] as number) * step;
      left -= step;
      this.#elapsed += step;
      if (this.#elapsed < period) break;
      this.#elapsed = 0;
      transfers += 1;
      this.#transfer(load);
    }
    return transfers;
  }

  /** Bits 44..13, two's complement of 32 bits, and bits 12..0. */
  high(channel: number): number {
    const high = Math.floor((this.#registers[channel] as number) / TWO_13);
    return high < 0 ? high + 2 ** 32 : high;
  }

  low(channel: number): number {
    const value = this.#registers[channel] as number;
    return value - Math.floor(value / TWO_13) * TWO_13;
  }

  clear(channel: number): void {
    this.#registers[channel] = 0;
  }

  reset(): void {
    this.#inside.fill(0);
    this.#registers.fill(0);
    this.#elapsed = 0;
  }

  #transfer(load: boolean): void {
    for (let c = 0; c < this.#inside.length; c++) {
      const whole = Math.trunc(this.#inside[c] as number);
      this.#inside[c] = (this.#inside[c] as number) - whole;
      this.#registers[c] = wrap(load ? whole : (this.#registers[c] as number) + whole);
    }
  }
}

function wrap(value: number): number {
  const low = value - Math.floor(value / TWO_45) * TWO_45;
  return low >= TWO_45 / 2 ? low - TWO_45 : low;
}
