/**
 * A multi-drop line by bits: each party sends and listens at a baud, parity and place of its own, and what it hears is what
 * its receiver samples from the wire. So a wrong baud gives garbage and two talkers spoil each other without further rules.
 * What else goes wrong on copper is drawn from the seed.
 */
import type { LinkId } from "../core/actor.ts";
import { bitsPerCharacter, type LineFormat, levelsOf } from "../core/line-format.ts";
import type { Random } from "../core/random.ts";
import { bitTime } from "./copper/character.ts";
import { type ByteFaults, Delivery } from "./copper/delivery.ts";
import { Receiver } from "./copper/receiver.ts";
import { type Ear, Wire } from "./copper/wire.ts";
import type { Listener, SimBus } from "./line.ts";
import type { SimLink, World } from "./world.ts";

/** How often something happens, in 1/10,000: of bytes, or where it says so of frames sent. */
export interface CopperFaults extends ByteFaults {
  /** A glitch of half a bit somewhere in a byte, at each receiver alike. */
  readonly flipped: number;
  /** Of frames: a burst of 1..40 characters of noise about its time. */
  readonly noise: number;
  /** Of frames: the driver is switched on late, and the first byte is garbled. */
  readonly turnaround: number;
  /** Of frames: without bias the free wire drifts, heard as a 00 or FF before or behind the frame. */
  readonly stray: number;
  /** µs: how fast reflections die away after an edge on a line without termination. What still rings in the middle of a bit spoils it. */
  readonly ringing: number;
  /** Of frames: a meter that nobody asked speaks up to 50 ms later. */
  readonly chatty: number;
}

export const SOUND_COPPER: CopperFaults = {
  ...{ lost: 0, doubled: 0, late: 0, flipped: 0 },
  ...{ noise: 0, turnaround: 0, stray: 0, ringing: 0, chatty: 0 },
};

export interface PartyOptions {
  readonly format: LineFormat;
  /** Bytes are handed over in lumps up to 16 ms apart, as by a USB adapter, not each at its time. */
  readonly lumps: boolean;
  /** Hears what it sends. */
  readonly echo: boolean;
  /** Bytes with a wrong parity or stop bit are handed over all the same, as most PC drivers do; a meter drops them. */
  readonly keepsBad: boolean;
  /** Its wires A and B are swapped: it sends and hears each level turned round, the free line's too. */
  readonly swapped?: boolean;
  /** Where along the wire; by default behind those that have joined before. */
  readonly place?: number;
}

interface Member {
  readonly options: PartyOptions;
  /** What the party sends with; its receiver follows when what it sent before has left. */
  format: LineFormat;
  receiver: Receiver;
  readonly delivery: Delivery;
}

const PER = 10_000;
const NOISE_MAX = 40;
const CHATTER_MAX = 20;
const CHATTER_DELAY = 50_000;
/** Start bit only, then high: an FF. Low for the start and all data bits: a 00. */
const STRAY_LEVELS = [0b11_1111_1110, 0b10_0000_0000] as const;

export class CopperLine implements SimBus {
  readonly id: LinkId;
  readonly #world: World;
  readonly #random: Random;
  readonly #defaults: PartyOptions;
  readonly #wire = new Wire();
  readonly #members = new Map<object, Member>();
  /** A party keeps its place when it leaves and comes back. */
  readonly #places = new Map<object, number>();
  readonly #freeAt = new Map<object, number>();
  readonly #cuts = new Set<number>();
  /** µs for which the wire is remembered: no receiver takes longer for a character. */
  #memory = 0;
  #faults: CopperFaults;
  #frames = 0;
  #harmed = 0;

  /** @param defaults how parties are set that do not say otherwise */
  constructor(world: World, id: LinkId, defaults: PartyOptions, faults: CopperFaults, random: Random) {
    this.#world = world;
    this.id = id;
    this.#defaults = defaults;
    this.#faults = faults;
    this.#random = random;
  }

  get frames(): number {
    return this.#frames;
  }

  /** Faults so far, of frames and of bytes. */
  get harmed(): number {
    let harmed = this.#harmed;
    for (const { delivery } of this.#members.values()) harmed += delivery.harmed;
    return harmed;
  }

  join(party: object, listener: Listener, own: Partial<PartyOptions> = {}): SimLink {
    this.leave(party);
    const options = { ...this.#defaults, ...own };
    const place = options.place ?? this.#places.get(party) ?? this.#places.size;
    this.#places.set(party, place);
    const delivery = new Delivery(
      this.#world,
      this.#random.fork(`party ${place}`),
      () => this.#faults,
      options.lumps,
      (bytes) => listener({ kind: "bytes", link: this.id, bytes }),
    );
    const ear = { party, place, echo: options.echo, swapped: options.swapped === true };
    const receiver = this.#receiver(ear, options, options.format, delivery);
    const member: Member = { options, format: options.format, receiver, delivery };
    this.#members.set(party, member);
    this.#world.after(0, () => {
      if (this.#members.get(party) === member) listener({ kind: "opened", link: this.id });
    });
    return {
      id: this.id,
      perform: (effect) => {
        if (this.#members.get(party) !== member) return;
        if (effect.kind === "send") this.#send(party, member, effect.bytes);
        else if (effect.kind === "baud") this.#setFormat(party, member, { ...member.format, baud: effect.rate });
        else if (effect.kind === "format") this.#setFormat(party, member, effect.format);
      },
    };
  }

  leave(party: object): void {
    const member = this.#members.get(party);
    if (member === undefined) return;
    this.#harmed += member.delivery.harmed;
    member.receiver.stop();
    member.delivery.stop();
    this.#members.delete(party);
  }

  calm(): void {
    this.#faults = SOUND_COPPER;
    this.#cuts.clear();
  }

  /** Cuts the wire behind a place: those up to it and those beyond no longer hear each other. */
  cut(place: number): void {
    this.#cuts.add(place);
  }

  repair(place: number): void {
    this.#cuts.delete(place);
  }

  /** A burst of noise on the whole wire from now on: so many characters of random levels in the line's format. */
  burst(characters: number): void {
    this.#noise(this.#world.now().mono, characters);
  }

  #receiver(ear: Ear, { keepsBad }: PartyOptions, format: LineFormat, delivery: Delivery): Receiver {
    this.#memory = Math.max(this.#memory, 2 * bitsPerCharacter(format) * bitTime(format));
    return new Receiver(this.#world, this.#wire, ear, format, (byte, bad) => {
      if (!bad || keepsBad) delivery.take(byte);
    });
  }

  /** As a UART that waits until it is empty: what is sent from now on, which comes later anyway, has the new format. */
  #setFormat(party: object, member: Member, format: LineFormat): void {
    member.format = format;
    const { receiver } = member;
    const empty = Math.max(this.#world.now().mono, Math.ceil(this.#freeAt.get(party) ?? 0));
    this.#world.at(empty, () => {
      if (this.#members.get(party) !== member || member.receiver !== receiver) return;
      receiver.stop();
      member.receiver = this.#receiver(receiver.ear, member.options, format, member.delivery);
    });
  }

  #send(party: object, { format, receiver, options }: Member, bytes: Uint8Array): void {
    this.#frames += 1;
    const { place } = receiver.ear;
    const time = bitTime(format);
    const character = bitsPerCharacter(format) * time;
    let start = Math.max(this.#world.now().mono, this.#freeAt.get(party) ?? 0);
    if (this.#happens(this.#faults.noise)) {
      const characters = this.#random.between(1, NOISE_MAX);
      this.#noise(start + this.#random.unit() * character * bytes.length, characters);
    }
    if (this.#happens(this.#faults.chatty)) this.#chatter(place);
    const stray = this.#happens(this.#faults.stray) ? this.#random.pick(["before", "behind"] as const) : undefined;
    if (stray === "before") start = this.#stray(party, start, place, time);
    let drivenFrom = start;
    if (this.#happens(this.#faults.turnaround)) drivenFrom += this.#random.unit() * character;
    for (const byte of bytes) {
      const upright = levelsOf(byte, format);
      const levels = options.swapped === true ? upright ^ ((1 << bitsPerCharacter(format)) - 1) : upright;
      this.#drive(party, place, start, { bitTime: time, bits: bitsPerCharacter(format), levels, drivenFrom });
      this.#ring(levels, bitsPerCharacter(format), start, time);
      if (this.#happens(this.#faults.flipped)) this.#glitch(start, character, time);
      start += character;
    }
    if (stray === "behind") start = this.#stray(party, start, place, time);
    this.#freeAt.set(party, start);
  }

  /** Puts levels on the wire when their time has come; who hears them is decided by the cuts of that moment. */
  #drive(
    source: object | undefined,
    place: number | undefined,
    start: number,
    what: { readonly bitTime: number; readonly bits: number; readonly levels: number; readonly drivenFrom: number },
  ): void {
    this.#world.at(Math.round(start), () => {
      let [first, last] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      for (const cut of place === undefined ? [] : this.#cuts) {
        if (cut < (place as number)) first = Math.max(first, cut + 1);
        else last = Math.min(last, cut);
      }
      this.#wire.forget(this.#world.now().mono - this.#memory);
      this.#wire.add({ source, start, ...what, first, last });
      for (const { receiver } of this.#members.values()) receiver.notice();
    });
  }

  #noise(from: number, characters: number): void {
    const time = bitTime(this.#defaults.format);
    const bits = bitsPerCharacter(this.#defaults.format);
    for (let i = 0; i < characters; i++) {
      const start = from + i * bits * time;
      const levels = this.#random.below(1 << bits);
      this.#drive(undefined, undefined, start, { bitTime: time, bits, levels, drivenFrom: start });
    }
  }

  /** Turns the level around for half a bit, somewhere in a character: a receiver may sample it or not. */
  #glitch(start: number, character: number, time: number): void {
    const at = start + this.#random.unit() * (character - time);
    this.#drive(undefined, undefined, at, { bitTime: time / 2, bits: 1, levels: 0, drivenFrom: at });
  }

  /** Behind an edge the old level may come back for as long as the line rings. */
  #ring(levels: number, bits: number, start: number, time: number): void {
    const { ringing } = this.#faults;
    if (ringing === 0) return;
    const stillRings = Math.exp(-time / 2 / ringing);
    for (let bit = 0; bit < bits; bit++) {
      const before = bit === 0 ? 1 : (levels >> (bit - 1)) & 1;
      if (((levels >> bit) & 1) === before || this.#random.unit() >= stillRings) continue;
      this.#harmed += 1;
      const at = start + bit * time;
      this.#drive(undefined, undefined, at, { bitTime: 0.6 * time, bits: 1, levels: 0, drivenFrom: at });
    }
  }

  #stray(party: object, start: number, place: number, time: number): number {
    const levels = this.#random.pick(STRAY_LEVELS);
    this.#drive(party, place, start, { bitTime: time, bits: 10, levels, drivenFrom: start });
    return start + 11 * time;
  }

  #chatter(place: number): void {
    const { format } = this.#defaults;
    const time = bitTime(format);
    const bits = bitsPerCharacter(format);
    const from = this.#world.now().mono + this.#random.below(CHATTER_DELAY);
    const chatterer = {};
    for (let i = 0; i < CHATTER_MAX; i++) {
      const start = from + i * bits * time;
      const levels = levelsOf(this.#random.below(256), format);
      this.#drive(chatterer, place, start, { bitTime: time, bits, levels, drivenFrom: start });
    }
  }

  #happens(rate: number): boolean {
    const happens = rate > 0 && this.#random.chance(rate, PER);
    if (happens) this.#harmed += 1;
    return happens;
  }
}
