/** The values behind the ADE9000's registers, each of its own width. */
import { A, ADE9000_RESET, ade9000Width } from "./ade9000-registers.ts";

export class Ade9000Values {
  readonly #values = new Map<number, number>();

  constructor() {
    this.reset();
  }

  reset(): void {
    this.#values.clear();
    for (const [address, value] of Object.entries(ADE9000_RESET)) this.#values.set(Number(address), value);
  }

  /** Unsigned; 0 where nothing was ever kept. */
  get(address: number): number {
    return this.#values.get(address) ?? 0;
  }

  /** As a number with a sign, of 32 bits. */
  signed(address: number): number {
    return this.get(address) | 0;
  }

  /** The value as it is. */
  keep(address: number, value: number): void {
    this.#values.set(address, value);
  }

  /** Two's complement of the register's width, at its ends where it does not fit. */
  show(address: number, value: number): void {
    const size = 2 ** (8 * ade9000Width(address));
    const whole = Math.min(Math.max(Math.round(value), -size / 2), size / 2 - 1);
    this.#values.set(address, whole < 0 ? whole + size : whole + 0);
  }

  /** Sets bits of STATUS0 and STATUS1. */
  raise(bits: number, bits1 = 0): void {
    this.keep(A.STATUS0, (this.get(A.STATUS0) | bits) >>> 0);
    this.keep(A.STATUS1, (this.get(A.STATUS1) | bits1) >>> 0);
  }
}
