/** A meter's Modbus face on one serial line. On a bus each meter has a face of its own and hears every byte of the others. */

import { ModbusSerialServer, type SerialFraming } from "../../protocols/modbus/server.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../../src/core/actor.ts";
import { NO_EFFECTS } from "../../src/core/actor.ts";
import { type Now, type Wake, wakeAtMono } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";
import { ModbusMapFace } from "./modbus-map.ts";

export class ModbusSerialFace implements Actor {
  readonly #meter: Meter;
  readonly #link: LinkId;
  readonly #map: ModbusMapFace;
  readonly #server: ModbusSerialServer;

  constructor(meter: Meter, unit: number, link: LinkId, line: SerialFraming, now: Now) {
    this.#meter = meter;
    this.#link = link;
    this.#map = new ModbusMapFace(meter, now);
    this.#server = new ModbusSerialServer(unit, this.#map, line);
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    if (event.kind !== "bytes" || event.link !== this.#link) return NO_EFFECTS;
    this.#map.at(now);
    this.#server.receive(event.bytes, now.mono);
    return NO_EFFECTS;
  }

  wake(now: Now): readonly LinkEffect[] {
    this.#map.at(now);
    const reply = this.#server.wake(now.mono);
    const log = this.#meter.takeLog();
    return reply === undefined ? log : [{ kind: "send", link: this.#link, bytes: reply }, ...log];
  }

  nextWake(): Wake {
    return wakeAtMono(this.#server.nextWake());
  }
}
