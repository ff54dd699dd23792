/** The meter's test outputs as a port of its own: nobody reads the meter, somebody watches its LED. */
import type { Actor, LinkEffect } from "../../src/core/actor.ts";
import { NO_EFFECTS } from "../../src/core/actor.ts";
import { MICROS_PER_MS, type Now, type Wake, wakeAtMono } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";
import type { Pulse } from "../metrology/pulses.ts";

/** Between two looks, µs of wall time. Edges are dated by the chip, so that a look late makes no difference to them. */
const LOOK_EVERY = 200 * MICROS_PER_MS;

export class PulseFace implements Actor {
  readonly #meter: Meter;
  #due = 0;

  /** @param onPulse gets each edge, oldest first, up to a second of meter time behind it. */
  constructor(meter: Meter, onPulse: (pulse: Pulse) => void) {
    this.#meter = meter;
    meter.pulses.subscribe(onPulse);
  }

  handle(): readonly LinkEffect[] {
    return NO_EFFECTS;
  }

  wake(now: Now): readonly LinkEffect[] {
    if (now.mono < this.#due) return NO_EFFECTS;
    this.#due = now.mono + LOOK_EVERY;
    this.#meter.refresh(now);
    return NO_EFFECTS;
  }

  nextWake(): Wake {
    return wakeAtMono(this.#due);
  }
}
