/** Instant freezes: the energies of one moment, the last three kept (meter-functions: instant 3). */
import { byteOf, type Identifier, identifier } from "../../protocols/dlt645/identifier.ts";

/** By DI1 the data as it stands on the wire. */
export type Freeze = ReadonlyMap<number, Uint8Array>;

const KEPT = 3;
/** DI1 of a freeze: its time, then the energies in the order of their DI2 in group 00. */
const TIME = 0x00;
const FIRST_ENERGY = 0x01;
const LAST_ENERGY = 0x08;

export class InstantFreezes {
  /** The newest first. */
  #kept: readonly Freeze[];
  readonly #changed: () => void;

  /** @param kept those of before the power was gone @param changed called behind every freeze: it is to be remembered */
  constructor(kept: readonly Freeze[], changed: () => void) {
    this.#kept = kept;
    this.#changed = changed;
  }

  get kept(): readonly Freeze[] {
    return this.#kept;
  }

  /** @param stamp the moment as YYMMDDhhmm on the wire @param read the data of a present energy */
  take(stamp: Uint8Array, read: (id: Identifier) => Uint8Array | undefined): void {
    const freeze = new Map<number, Uint8Array>([[TIME, stamp]]);
    for (let energy = FIRST_ENERGY; energy <= LAST_ENERGY; energy++) {
      const data = read(identifier(energy << 16));
      if (data !== undefined) freeze.set(energy, data);
    }
    this.#kept = [freeze, ...this.#kept].slice(0, KEPT);
    this.#changed();
  }

  /** DI0 counts from 1, the last freeze. */
  read(id: Identifier): Uint8Array | undefined {
    return this.#kept[byteOf(id, 0) - 1]?.get(byteOf(id, 1));
  }
}
