/** A meter's IEC 62056-21 face: one session for each link, all of them before the same meter. */

import {
  Iec62056Server,
  type Iec62056ServerEffect,
  type Iec62056ServerOptions,
} from "../../protocols/iec62056-21/server.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../../src/core/actor.ts";
import { NO_EFFECTS } from "../../src/core/actor.ts";
import { type Now, type Wake, wakeAtMono } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";
import { Iec62056Data } from "./iec62056-21-data.ts";

/** What an installation may choose; identification and rates have defaults. */
export type Iec62056FaceOptions = Partial<Iec62056ServerOptions>;

/** Our letters: not registered with the FLAG association, as no product of ours is. */
const MANUFACTURER = "MWK";
const DEFAULT_BAUD = 9600;
const IDENT_LIMIT = 16;
const ADDRESS_LIMIT = 32;

export class Iec62056Face implements Actor {
  readonly #meter: Meter;
  readonly #data: Iec62056Data;
  readonly #options: Iec62056ServerOptions;
  readonly #servers = new Map<LinkId, Iec62056Server>();

  /** The device address is the meter's id where `options` names no other. */
  constructor(meter: Meter, now: Now, options: Iec62056FaceOptions = {}) {
    this.#meter = meter;
    this.#data = new Iec62056Data(meter, now);
    this.#options = {
      mode: "C",
      baud: DEFAULT_BAUD,
      manufacturer: MANUFACTURER,
      ident: meter.model.id.slice(0, IDENT_LIMIT),
      address: meter.id.slice(0, ADDRESS_LIMIT),
      ...options,
    };
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    if (event.kind === "closed") this.#servers.delete(event.link);
    if (event.kind !== "bytes") return NO_EFFECTS;
    let server = this.#servers.get(event.link);
    if (server === undefined) {
      server = new Iec62056Server(this.#options, this.#data);
      this.#servers.set(event.link, server);
    }
    this.#data.at(now);
    return this.#onLink(event.link, server.receive(event.bytes, now.mono), []);
  }

  wake(now: Now): readonly LinkEffect[] {
    const effects: LinkEffect[] = [];
    this.#data.at(now);
    for (const [link, server] of this.#servers)
      if (now.mono >= server.nextWake()) this.#onLink(link, server.wake(now.mono), effects);
    return effects;
  }

  nextWake(): Wake {
    let first = Number.POSITIVE_INFINITY;
    for (const server of this.#servers.values()) first = Math.min(first, server.nextWake());
    return wakeAtMono(first);
  }

  #onLink(link: LinkId, effects: readonly Iec62056ServerEffect[], out: LinkEffect[]): readonly LinkEffect[] {
    for (const effect of effects) out.push({ ...effect, link });
    out.push(...this.#meter.takeLog());
    return out;
  }
}
