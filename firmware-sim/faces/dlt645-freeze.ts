/**
 * Instant freezes: the energies of one moment, the last three kept (meter-functions: instant 3). They are not in the
 * meter's non-volatile memory: a power cut loses them.
 */
import { byteOf, type Identifier, identifier } from "../../protocols/dlt645/identifier.ts";

const KEPT = 3;
/** DI1 of a freeze: its time, then the energies in the order of their DI2 in group 00. */
const TIME = 0x00;
const FIRST_ENERGY = 0x01;
const LAST_ENERGY = 0x08;

export class InstantFreezes {
  /** The newest first; by DI1 the data as it stands on the wire. */
  readonly #kept: ReadonlyMap<number, Uint8Array>[] = [];

  /** @param stamp the moment as YYMMDDhhmm on the wire @param read the data of a present energy */
  take(stamp: Uint8Array, read: (id: Identifier) => Uint8Array | undefined): void {
    const set = new Map<number, Uint8Array>([[TIME, stamp]]);
    for (let energy = FIRST_ENERGY; energy <= LAST_ENERGY; energy++) {
      const data = read(identifier(energy << 16));
      if (data !== undefined) set.set(energy, data);
    }
    this.#kept.unshift(set);
    this.#kept.length = Math.min(this.#kept.length, KEPT);
  }

  /** DI0 counts from 1, the last freeze. */
  read(id: Identifier): Uint8Array | undefined {
    return this.#kept[byteOf(id, 0) - 1]?.get(byteOf(id, 1));
  }
}
