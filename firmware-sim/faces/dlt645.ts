/** A meter's DL/T 645-2007 face: one server a link (a serial line, each TCP connection), all of them one meter. */

import type { BaudCoding } from "../../protocols/dlt645/functions.ts";
import { Dlt645Server } from "../../protocols/dlt645/server.ts";
import { Dlt645Station } from "../../protocols/dlt645/station.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../../src/core/actor.ts";
import { NO_EFFECTS } from "../../src/core/actor.ts";
import { type Now, type Wake, wakeAtMono } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";
import { Dlt645Meter, type Dlt645MeterOptions } from "./dlt645-meter.ts";

export interface Dlt645FaceOptions extends Dlt645MeterOptions {
  /** 12 digits, see {@link addressOfUnit}. */
  readonly address: string;
  /** Six digits by level; default: the last six digits of the meter's password, at 02 and 04. */
  readonly passwords?: ReadonlyMap<number, string>;
  /** Default false: an address can't be written. */
  readonly programmingKey?: boolean;
  readonly controlError?: "err" | "serr";
  readonly baudCoding?: BaudCoding;
  /** Td, µs, 20 to 500 ms; default 30 ms. */
  readonly replyDelay?: number;
}

/** The address of a meter that has only a unit number: its digits, padded to 12. */
export function addressOfUnit(unit: number): string {
  return String(unit).padStart(12, "0");
}

/**
 * Address and passwords that were written, alarm, kept power and freezes last until the meter loses power: the meter's
 * memory has no place for them.
 */
export class Dlt645Face implements Actor {
  readonly #meter: Meter;
  readonly #station: Dlt645Station;
  readonly #model: Dlt645Meter;
  readonly #options: Dlt645FaceOptions;
  readonly #servers = new Map<LinkId, Dlt645Server>();

  constructor(meter: Meter, options: Dlt645FaceOptions, now: Now) {
    this.#meter = meter;
    this.#options = options;
    this.#station = new Dlt645Station({ ...options, passwords: options.passwords ?? passwordsOf(meter) });
    this.#model = new Dlt645Meter(meter, this.#station, options, now);
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
    const server = new Dlt645Server(this.#station, this.#model, replyDelay === undefined ? {} : { replyDelay });
    this.#servers.set(link, server);
    return server;
  }
}

/** Level 02 trips and clears, 04 writes parameters. */
function passwordsOf(meter: Meter): ReadonlyMap<number, string> {
  const digits = String(meter.password % 1_000_000).padStart(6, "0");
  return new Map([
    [0x02, digits],
    [0x04, digits],
  ]);
}
