/** A strange device that was given the address of a meter: it answers what the meter is asked, with a refusal. */
import { ModbusSerialServer } from "../../protocols/modbus/server.ts";
import type { RtuTiming } from "../../protocols/modbus/timing.ts";
import { type Actor, type LinkEffect, type LinkEvent, NO_EFFECTS } from "../core/actor.ts";
import { type Now, type Wake, wakeAtMono } from "../core/time.ts";
import type { SimBus } from "./line.ts";
import { SimHost, type World } from "./world.ts";

/**
 * It has no registers, so that it spoils the meter's replies and answers in its place, but never with values: those of
 * another meter would be a good reading to any head-end, and to no fault of it.
 */
export class AddressTwin implements Actor {
  readonly #line: SimBus;
  readonly #server: ModbusSerialServer;
  readonly #host: SimHost<LinkEvent, LinkEffect>;

  constructor(world: World, line: SimBus, unit: number, timing: RtuTiming) {
    this.#line = line;
    this.#server = new ModbusSerialServer(unit, {}, { framing: "rtu", timing });
    this.#host = new SimHost<LinkEvent, LinkEffect>(world, this, (effect) => {
      if (effect.kind !== "log") end.perform(effect);
    });
    const end = line.join(this, (event) => this.#host.post(event));
  }

  leave(): void {
    this.#host.kill();
    this.#line.leave(this);
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    if (event.kind === "bytes") this.#server.receive(event.bytes, now.mono);
    return NO_EFFECTS;
  }

  wake(now: Now): readonly LinkEffect[] {
    const reply = this.#server.wake(now.mono);
    return reply === undefined ? NO_EFFECTS : [{ kind: "send", link: this.#line.id, bytes: reply }];
  }

  nextWake(): Wake {
    return wakeAtMono(this.#server.nextWake());
  }
}
