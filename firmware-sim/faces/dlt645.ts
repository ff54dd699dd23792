/** A meter's DL/T 645-2007 face: one server a link (a serial line, each TCP connection), all of them one meter. */

import { Dlt645Server } from "../../protocols/dlt645/server.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../../src/core/actor.ts";
import { NO_EFFECTS } from "../../src/core/actor.ts";
import { type Now, type Wake, wakeAtMono } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";
import type { Dlt645Memory } from "./dlt645-memory.ts";
import { Dlt645Meter, type Dlt645MeterOptions } from "./dlt645-meter.ts";

export interface Dlt645FaceOptions extends Dlt645MeterOptions {
  /** Td, µs, 20 to 500 ms; default 30 ms. */
  readonly replyDelay?: number;
}

/** The address of a meter that has only a unit number: its digits, padded to 12. */
export function addressOfUnit(unit: number): string {
  return String(unit).padStart(12, "0");
}

/** Level 02 trips and clears, 04 writes parameters: the last six digits of the meter's password open both. */
export function passwordsOf(meter: Meter): ReadonlyMap<number, string> {
  const digits = String(meter.password % 1_000_000).padStart(6, "0");
  return new Map([
    [0x02, digits],
    [0x04, digits],
  ]);
}

export class Dlt645Face implements Actor {
  readonly #meter: Meter;
  readonly #memory: Dlt645Memory;
  readonly #model: Dlt645Meter;
  readonly #options: Dlt645FaceOptions;
  readonly #servers = new Map<LinkId, Dlt645Server>();

  /** @param memory one for all faces of the meter: they are one device */
  constructor(meter: Meter, memory: Dlt645Memory, options: Dlt645FaceOptions, now: Now) {
    this.#meter = meter;
    this.#memory = memory;
    this.#options = options;
    this.#model = new Dlt645Meter(meter, memory, options, now);
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    if (event.kind === "closed") this.#servers.delete(event.link);
    if (event.kind !== "bytes") return NO_EFFECTS;
    this.#model.at(now);
    this.#serverOf(event.link).receive(event.bytes, now.mono);
    return this.#meter.takeLog();
  }

  wake(now: Now): readonly LinkEffect[] {
    const effects: LinkEffect[] = [];
    for (const [link, server] of this.#servers) {
      if (now.mono < server.nextWake()) continue;
      this.#model.at(now);
      const bytes = server.wake(now.mono);
      if (bytes !== undefined) effects.push({ kind: "send", link, bytes });
      const rate = this.#model.takeAgreedBaud();
      if (rate !== undefined) effects.push({ kind: "baud", link, rate });
    }
    effects.push(...this.#meter.takeLog());
    return effects;
  }

  nextWake(): Wake {
    let mono = Number.POSITIVE_INFINITY;
    for (const server of this.#servers.values()) mono = Math.min(mono, server.nextWake());
    return wakeAtMono(mono);
  }

  #serverOf(link: LinkId): Dlt645Server {
    const known = this.#servers.get(link);
    if (known !== undefined) return known;
    const { replyDelay } = this.#options;
    const server = new Dlt645Server(this.#memory.station, this.#model, replyDelay === undefined ? {} : { replyDelay });
    this.#servers.set(link, server);
    return server;
  }
}
