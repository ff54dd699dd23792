/** The meter's own life without any wire: its chip and its checkpoints, hosted by the driver beside the faces. */
import type { Actor, LinkEffect } from "../../src/core/actor.ts";
import { NO_EFFECTS } from "../../src/core/actor.ts";
import type { Now, Wake } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";

export class DeviceFace implements Actor {
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  handle(): readonly LinkEffect[] {
    return NO_EFFECTS;
  }

  wake(now: Now): readonly LinkEffect[] {
    this.#meter.wake(now);
    return this.#meter.takeLog();
  }

  nextWake(): Wake {
    return this.#meter.nextWake();
  }
}
