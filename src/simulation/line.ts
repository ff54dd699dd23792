/**
 * A lossy bus in virtual time. What one party sends reaches all others when its last byte would have left the wire at the
 * line's baud, as one lump, as an operating system's port hands it over. Faults are drawn from the seed frame by frame.
 */
import type { LinkEvent, LinkId } from "../core/actor.ts";
import type { Random } from "../core/random.ts";
import type { PartyOptions } from "./copper.ts";
import type { SimLink, World } from "./world.ts";

/** How often something happens to a frame, in 1/10,000. */
export interface LineFaults {
  readonly lost: number;
  /** One bit of one byte flipped. */
  readonly flipped: number;
  /** The tail cut off. */
  readonly cut: number;
  /** Garbage of 1..40 bytes before it. */
  readonly noise: number;
  /** Handed over up to 50 ms late. */
  readonly late: number;
}

const NO_LINE_FAULTS: LineFaults = { lost: 0, flipped: 0, cut: 0, noise: 0, late: 0 };

const PER = 10_000;
const LATE_MAX = 50_000;

export type Listener = (event: LinkEvent) => void;

/**
 * A bus of the simulation. There are two, because one cannot be both: CopperLine (copper.ts) moves bits, with every fault of
 * a wire, and takes some 70 events for a byte on a bus of eight; VirtualLine moves frames, one event each, so that a run of
 * many meters over months stays possible. Measured: a full bus is simulated seven times faster (docs/simulation.md).
 */
export interface SimBus {
  readonly id: LinkId;
  readonly frames: number;
  readonly harmed: number;
  /**
   * Joins a party; it hears `opened` and from then on what the others send. The result is its end of the line.
   * @param own how the party's adapter differs from the line's default; where frames are moved there is but one kind
   */
  join(party: object, listener: Listener, own?: Partial<PartyOptions>): SimLink;
  leave(party: object): void;
  /** From now on nothing goes wrong. */
  calm(): void;
}

export class VirtualLine implements SimBus {
  readonly id: LinkId;
  readonly #world: World;
  readonly #random: Random;
  #faults: LineFaults;
  readonly #byteTime: number;
  readonly #parties = new Map<object, Listener>();
  /** When the wire is free again: talkers queue up, they do not collide on this line. */
  #busyUntil = 0;
  #frames = 0;
  #harmed = 0;

  /** @param bitsPerChar 10 for 8N1, 11 with parity or two stop bits. */
  constructor(world: World, id: LinkId, baud: number, bitsPerChar: number, faults: LineFaults, random: Random) {
    this.#world = world;
    this.id = id;
    this.#byteTime = (bitsPerChar * 1_000_000) / baud;
    this.#faults = faults;
    this.#random = random;
  }

  get frames(): number {
    return this.#frames;
  }

  get harmed(): number {
    return this.#harmed;
  }

  join(party: object, listener: Listener): SimLink {
    this.#parties.set(party, listener);
    this.#world.after(0, () => this.#parties.get(party)?.({ kind: "opened", link: this.id }));
    return {
      id: this.id,
      perform: (effect) => {
        if (effect.kind === "send") this.#send(party, effect.bytes);
      },
    };
  }

  calm(): void {
    this.#faults = NO_LINE_FAULTS;
  }

  leave(party: object): void {
    this.#parties.delete(party);
  }

  #send(from: object, bytes: Uint8Array): void {
    const start = Math.max(this.#world.now().mono, this.#busyUntil);
    const end = Math.ceil(start + bytes.length * this.#byteTime);
    this.#busyUntil = end;
    this.#frames += 1;
    const heard = this.#harm(bytes);
    if (heard === undefined) return;
    const late = this.#draw(this.#faults.late) ? this.#random.below(LATE_MAX) : 0;
    this.#world.at(end + late, () => {
      for (const [party, listener] of this.#parties)
        if (party !== from) listener({ kind: "bytes", link: this.id, bytes: heard });
    });
  }

  #harm(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#draw(this.#faults.lost)) {
      this.#harmed += 1;
      return undefined;
    }
    let heard = bytes.slice();
    if (this.#draw(this.#faults.flipped)) {
      const at = this.#random.below(heard.length);
      heard[at] = (heard[at] as number) ^ (1 << this.#random.below(8));
      this.#harmed += 1;
    }
    if (this.#draw(this.#faults.cut)) {
      heard = heard.slice(0, this.#random.below(heard.length));
      this.#harmed += 1;
    }
    if (this.#draw(this.#faults.noise)) {
      const noise = Uint8Array.from({ length: this.#random.between(1, 40) }, () => this.#random.below(256));
      const all = new Uint8Array(noise.length + heard.length);
      all.set(noise);
      all.set(heard, noise.length);
      heard = all;
      this.#harmed += 1;
    }
    return heard;
  }

  #draw(rate: number): boolean {
    return rate > 0 && this.#random.chance(rate, PER);
  }
}
