/**
 * Which place in a spread window a meter has, 0 to below 1. It follows from the meter's name alone among those that are known
 * at the start, so it is the same after every restart; they are ranked by a hash of the name and so lie evenly.
 */
import type { MeterId } from "../ports.ts";

/** FNV-1a over the characters, and a mixing that spreads names that differ in their last digit only. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export class Places {
  readonly #known: ReadonlyMap<MeterId, number>;

  constructor(meters: readonly MeterId[]) {
    const ranked = meters
      .map((meter) => ({ meter, hash: hashOf(meter) }))
      .sort((a, b) => a.hash - b.hash || (a.meter < b.meter ? -1 : 1));
    this.#known = new Map(ranked.map(({ meter }, i) => [meter, i / ranked.length]));
  }

  /** One that came later takes the place of its hash. */
  of(meter: MeterId): number {
    return this.#known.get(meter) ?? hashOf(meter) / 2 ** 32;
  }
}
