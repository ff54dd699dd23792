/**
 * The receiving half of a UART: it waits for the level to fall, samples in the middle of each bit at its own baud, and gives
 * the byte when its character is over. Whoever sends at another baud or parity is garbage to it, by the same rule.
 */
import { bitsPerCharacter, firstStopBit, type LineFormat } from "../../core/line-format.ts";
import type { World } from "../world.ts";
import { bitTime, byteOf } from "./character.ts";
import type { Ear, Wire } from "./wire.ts";

export class Receiver {
  readonly ear: Ear;
  readonly #world: World;
  readonly #wire: Wire;
  readonly #format: LineFormat;
  readonly #bitTime: number;
  readonly #take: (byte: number, bad: boolean) => void;
  /** Where the search for the next start bit begins. */
  #from: number;
  /** The start bit that was found; Infinity while there is none. */
  #fall = Number.POSITIVE_INFINITY;
  #search = 0;

  /** @param take gets each byte when its character has ended, and whether parity or stop bit were wrong */
  constructor(world: World, wire: Wire, ear: Ear, format: LineFormat, take: (byte: number, bad: boolean) => void) {
    this.#world = world;
    this.#wire = wire;
    this.ear = ear;
    this.#format = format;
    this.#bitTime = bitTime(format);
    this.#take = take;
    this.#from = world.now().mono;
  }

  /** Something new is on the wire: outside of a character it may hold, or shift, the next start bit. */
  notice(): void {
    if (this.#fall > this.#world.now().mono) this.#look();
  }

  stop(): void {
    this.#search += 1;
  }

  #look(): void {
    const fall = this.#wire.nextFall(this.#from, this.ear);
    if (fall === this.#fall) return;
    this.#fall = fall;
    this.#search += 1;
    if (fall === Number.POSITIVE_INFINITY) return;
    const search = this.#search;
    const end = Math.round(fall + bitsPerCharacter(this.#format) * this.#bitTime);
    this.#world.at(end, () => {
      if (search === this.#search) this.#finish();
    });
  }

  #finish(): void {
    const stop = firstStopBit(this.#format);
    let levels = 0;
    for (let bit = 0; bit <= stop; bit++)
      levels |= this.#wire.levelAt(this.#fall + (bit + 0.5) * this.#bitTime, this.ear) << bit;
    const falseStart = (levels & 1) === 1;
    // From the middle of the stop bit on the next start bit may come, from a sender that is a little faster.
    this.#from = this.#fall + (falseStart ? 0.5 : stop + 0.5) * this.#bitTime;
    this.#fall = Number.POSITIVE_INFINITY;
    if (!falseStart) {
      const { byte, bad } = byteOf(levels, this.#format);
      this.#take(byte, bad);
    }
    this.#look();
  }
}
