/** A bare metering chip on a wire: every connection is a bus of its own to the one chip. */
import { type Actor, type LinkEffect, type LinkEvent, type LinkId, NO_EFFECTS } from "../../src/core/actor.ts";
import type { Now, Wake } from "../../src/core/time.ts";
import type { BareChip } from "../metrology/bare-chip.ts";

/** The chip's side of its serial bus. */
export interface ChipBus {
  /** @param now monotonic µs. @returns what the chip sends back. */
  receive(bytes: Uint8Array, now: number): Uint8Array;
}

export class BareChipFace implements Actor {
  readonly #core: BareChip;
  readonly #newBus: () => ChipBus;
  readonly #buses = new Map<LinkId, ChipBus>();

  constructor(core: BareChip, newBus: () => ChipBus) {
    this.#core = core;
    this.#newBus = newBus;
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    this.#core.advance(now.civil);
    if (event.kind === "opened") this.#buses.set(event.link, this.#newBus());
    if (event.kind === "closed") this.#buses.delete(event.link);
    if (event.kind !== "bytes") return NO_EFFECTS;
    const answer = this.#buses.get(event.link)?.receive(event.bytes, now.mono);
    if (answer === undefined || answer.length === 0) return NO_EFFECTS;
    return [{ kind: "send", link: event.link, bytes: answer }];
  }

  wake(now: Now): readonly LinkEffect[] {
    this.#core.advance(now.civil);
    return NO_EFFECTS;
  }

  nextWake(): Wake {
    return this.#core.nextWake();
  }
}
