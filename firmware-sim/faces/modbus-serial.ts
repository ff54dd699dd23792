/** A meter's Modbus face on one serial line. On a bus each meter has a face of its own and hears every byte of the others. */

import { ModbusSerialServer, type SerialFraming } from "../../protocols/modbus/server.ts";
import { rtuTiming } from "../../protocols/modbus/timing.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../../src/core/actor.ts";
import { NO_EFFECTS } from "../../src/core/actor.ts";
import { type Now, type Wake, wakeAtMono } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";
import type { LineSettings, ModbusLineMemory } from "./modbus-line.ts";
import { ModbusMapFace } from "./modbus-map.ts";

export class ModbusSerialFace implements Actor {
  readonly #meter: Meter;
  readonly #link: LinkId;
  readonly #map: ModbusMapFace;
  readonly #line: ModbusLineMemory | undefined;
  #framing: SerialFraming;
  #server: ModbusSerialServer;
  /** What the server was made for. */
  #served: LineSettings;

  /** @param kept unit and rate where they may be written; what is kept there goes before `unit` and the framing's rate */
  constructor(meter: Meter, unit: number, link: LinkId, framing: SerialFraming, now: Now, kept?: ModbusLineMemory) {
    this.#meter = meter;
    this.#link = link;
    this.#map = new ModbusMapFace(meter, now, kept);
    this.#line = kept;
    this.#framing = framing;
    this.#served = kept?.settings ?? { unit, baud: framing.timing.baud };
    this.#server = new ModbusSerialServer(this.#served.unit, this.#map, framing);
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    if (event.kind !== "bytes" || event.link !== this.#link) return NO_EFFECTS;
    this.#map.at(now);
    const changes = this.#follow();
    this.#server.receive(event.bytes, now.mono);
    return changes;
  }

  wake(now: Now): readonly LinkEffect[] {
    this.#map.at(now);
    const reply = this.#server.wake(now.mono);
    const log = this.#meter.takeLog();
    if (reply === undefined) return log;
    return [{ kind: "send", link: this.#link, bytes: reply }, ...this.#follow(), ...log];
  }

  nextWake(): Wake {
    return wakeAtMono(this.#server.nextWake());
  }

  /** To unit and rate as they were written last, here or at another face; the reply to the write goes out before. */
  #follow(): readonly LinkEffect[] {
    const wanted = this.#line?.settings;
    if (wanted === undefined || wanted === this.#served) return NO_EFFECTS;
    const { unit, baud } = this.#served;
    this.#served = wanted;
    if (wanted.unit === unit && wanted.baud === baud) return NO_EFFECTS;
    this.#framing = atRate(this.#framing, wanted.baud);
    this.#server = new ModbusSerialServer(wanted.unit, this.#map, this.#framing);
    return wanted.baud === baud ? NO_EFFECTS : [{ kind: "baud", link: this.#link, rate: wanted.baud }];
  }
}

function atRate(framing: SerialFraming, baud: number): SerialFraming {
  if (framing.framing === "ascii") return { ...framing, timing: { ...framing.timing, baud } };
  return { ...framing, timing: rtuTiming(baud, framing.timing) };
}
