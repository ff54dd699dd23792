/** From the UART to the party: byte by byte at the time of each, or in lumps as a USB adapter hands them over. */
import type { Random } from "../../core/random.ts";
import type { World } from "../world.ts";

/** What happens to received bytes, in 1/10,000 of them. */
export interface ByteFaults {
  /** An overrun of the receiver. */
  readonly lost: number;
  readonly doubled: number;
  /** The driver comes to it up to 50 ms later; what follows waits behind it. */
  readonly late: number;
}

const PER = 10_000;
const LATE_MAX = 50_000;
/** FTDI's latency timer, and the bytes that fit one USB packet beside its two of status. */
const LUMP_EVERY = 16_000;
const LUMP_BYTES = 62;

export class Delivery {
  readonly #world: World;
  readonly #random: Random;
  readonly #faults: () => ByteFaults;
  readonly #lumps: boolean;
  readonly #give: (bytes: Uint8Array) => void;
  readonly #phase: number;
  #lump: number[] = [];
  #handover = 0;
  #earliest = 0;
  #stopped = false;
  /** Bytes that something happened to. */
  harmed = 0;

  constructor(
    world: World,
    random: Random,
    faults: () => ByteFaults,
    lumps: boolean,
    give: (bytes: Uint8Array) => void,
  ) {
    this.#world = world;
    this.#random = random;
    this.#faults = faults;
    this.#lumps = lumps;
    this.#give = give;
    this.#phase = random.below(LUMP_EVERY);
  }

  /** A byte whose character has just ended. */
  take(byte: number): void {
    const { lost, doubled, late } = this.#faults();
    if (this.#happens(lost)) return;
    if (this.#happens(late))
      this.#earliest = Math.max(this.#earliest, this.#world.now().mono + this.#random.between(1, LATE_MAX));
    const copies = this.#happens(doubled) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (this.#lumps) this.#collect(byte);
      else this.#pass(Uint8Array.of(byte));
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  #collect(byte: number): void {
    this.#lump.push(byte);
    if (this.#lump.length >= LUMP_BYTES) this.#flush();
    else if (this.#lump.length === 1) {
      const handover = ++this.#handover;
      const now = this.#world.now().mono;
      const next = this.#phase + Math.ceil((now - this.#phase + 1) / LUMP_EVERY) * LUMP_EVERY;
      this.#world.at(next, () => {
        if (handover === this.#handover) this.#flush();
      });
    }
  }

  #flush(): void {
    this.#handover += 1;
    this.#pass(Uint8Array.from(this.#lump));
    this.#lump = [];
  }

  #pass(bytes: Uint8Array): void {
    // At the very time that others wait for, it goes behind them.
    if (this.#earliest < this.#world.now().mono) this.#hand(bytes);
    else this.#world.at(this.#earliest, () => this.#hand(bytes));
  }

  #hand(bytes: Uint8Array): void {
    if (!this.#stopped) this.#give(bytes);
  }

  #happens(rate: number): boolean {
    const happens = rate > 0 && this.#random.chance(rate, PER);
    if (happens) this.harmed += 1;
    return happens;
  }
}
