/** A meter's Modbus TCP face: one session a connection, all of them before the same map. */

import { ModbusTcpServerSession } from "../../protocols/modbus/server.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../../src/core/actor.ts";
import { NO_EFFECTS } from "../../src/core/actor.ts";
import { NEVER, type Now, type Wake } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";
import type { ModbusLineMemory } from "./modbus-line.ts";
import { ModbusMapFace } from "./modbus-map.ts";

/** Units behind one address, as a gateway or a multi-meter board has them. */
export interface UnitMeter {
  readonly unit: number;
  readonly meter: Meter;
  /** Where the unit may be written: what is kept there goes before `unit`. */
  readonly line?: ModbusLineMemory;
}

export class ModbusTcpFace implements Actor {
  readonly #maps = new Map<number, ModbusMapFace>();
  readonly #movable: { readonly line: ModbusLineMemory; readonly map: ModbusMapFace }[] = [];
  readonly #meters: readonly Meter[];
  readonly #sessions = new Map<LinkId, ModbusTcpServerSession>();
  readonly #find: (unit: number) => ModbusMapFace | undefined;
  #now: Now;

  /** With one meter, units 0 and 255 address it too (MODBUS Messaging on TCP/IP 4.4.2.1). */
  constructor(meters: readonly UnitMeter[], now: Now) {
    for (const { unit, meter, line } of meters) {
      const map = new ModbusMapFace(meter, now, line);
      if (line === undefined) this.#maps.set(unit, map);
      else this.#movable.push({ line, map });
    }
    this.#meters = meters.map(({ meter }) => meter);
    this.#now = now;
    const only = meters.length === 1 ? (this.#movable[0]?.map ?? this.#maps.values().next().value) : undefined;
    this.#find = (unit) => {
      const map =
        this.#maps.get(unit) ??
        this.#movable.find(({ line }) => line.settings.unit === unit)?.map ??
        (unit === 0 || unit === 255 ? only : undefined);
      map?.at(this.#now);
      return map;
    };
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    if (event.kind === "bytes") return this.#bytes(event.link, event.bytes, now);
    if (event.kind === "closed") this.#sessions.delete(event.link);
    return NO_EFFECTS;
  }

  wake(): readonly LinkEffect[] {
    return NO_EFFECTS;
  }

  nextWake(): Wake {
    return NEVER;
  }

  #bytes(link: LinkId, bytes: Uint8Array, now: Now): readonly LinkEffect[] {
    this.#now = now;
    let session = this.#sessions.get(link);
    if (session === undefined) {
      session = new ModbusTcpServerSession(this.#find);
      this.#sessions.set(link, session);
    }
    const { reply, close } = session.receive(bytes);
    const effects: LinkEffect[] = [];
    if (reply !== undefined) effects.push({ kind: "send", link, bytes: reply });
    if (close !== undefined) effects.push({ kind: "close", link, reason: close });
    for (const meter of this.#meters) for (const entry of meter.takeLog()) effects.push(entry);
    return effects;
  }
}
