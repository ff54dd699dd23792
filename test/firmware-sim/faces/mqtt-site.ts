/** A meter with its MQTT face and a broker in virtual time, for the tests of that face. */
import { expect } from "vitest";
import { MqttFace } from "../../../firmware-sim/faces/mqtt.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { checkSettings } from "../../../firmware-sim/settings.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { type LinkEffect, type LogEffect, linkId } from "../../../src/core/actor.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { simVerify } from "../../../src/simulation/cipher.ts";

const LINK = linkId("broker");
export const INTERVAL = 60;
export const WINDOW = 16;
export const at = (seconds: number): Now => ({
  mono: mono(seconds * 1e6),
  civil: civil(1_767_225_600e6 + seconds * 1e6),
});
export const iso = (seconds: number): string =>
  new Date(1_767_225_600_000 + seconds * 1000).toISOString().replace(".000Z", "Z");

interface Telemetry {
  readonly sequence: number;
  readonly time: string;
}

interface Options {
  readonly buffer?: number;
  /** Seconds into the interval. */
  readonly offset?: number;
  /** Given only where the meter has `--state`. */
  readonly nvram?: Nvram;
}

export class Site {
  readonly received: Telemetry[] = [];
  readonly logs: LogEffect[] = [];
  inFlight: { readonly token: number; readonly payload: Uint8Array }[] = [];
  seconds: number;
  #options: Options;
  #up = false;
  #face: MqttFace;

  constructor(options: Options = {}, seconds = 0) {
    this.seconds = seconds;
    this.#options = options;
    this.#face = this.#powerOn();
  }

  #powerOn(): MqttFace {
    const { nvram, buffer, offset = 0 } = this.#options;
    const model = findModel("meterworks-1p") as MeterModel;
    const load = constantLoad(mainsOf({ phases: 1, voltage: 230, current: 5 }));
    const settings = checkSettings({ events: { powerOutage: { trigger: 0 } } }, model);
    if (!settings.ok) throw new Error(settings.error);
    const meter = Meter.powerOn(
      {
        // Outages are events of their own (mqtt-events.test.ts); here telemetry is alone.
        settings: settings.value,
        ...{ id: "flat-7", model, nvram: nvram ?? new MemoryNvram(), password: 1, checkpointEvery: 1e7 },
        chip: (start) => new ClosedFormChip({ plate: model.plate, phases: 1, load, start, seed: 1 }),
      },
      at(this.seconds),
    );
    if (!meter.ok) throw new Error(meter.error);
    return new MqttFace(
      meter.value,
      {
        ...{ link: LINK, interval: INTERVAL * 1e6, offset: offset * 1e6, verify: simVerify },
        ...(buffer === undefined ? {} : { buffer }),
        ...(nvram === undefined ? {} : { nvram }),
      },
      at(this.seconds),
    );
  }

  #perform(effects: readonly LinkEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "log") this.logs.push(effect);
      if (effect.kind !== "publish") continue;
      expect(this.#up, "published while the link is down").toBe(true);
      expect(effect).toMatchObject({ topic: "meters/flat-7/telemetry", qos: 1, retain: false });
      this.inFlight.push({ token: effect.token as number, payload: effect.payload });
      this.#arrives(effect.payload);
    }
    expect(new Set(this.inFlight.map(({ token }) => token)).size).toBe(this.inFlight.length);
    expect(this.inFlight.length).toBeLessThanOrEqual(WINDOW);
  }

  #arrives(payload: Uint8Array): void {
    const { sequence, time } = JSON.parse(new TextDecoder().decode(payload));
    this.received.push({ sequence, time });
  }

  /** So many intervals of meter time pass, in steps of `every` seconds. */
  pass(intervals: number, every = INTERVAL): void {
    for (let i = 0; i < intervals * INTERVAL; i += every) {
      this.seconds += every;
      this.#perform(this.#face.wake(at(this.seconds)));
    }
  }

  open(): void {
    this.#up = true;
    for (const { payload } of this.inFlight) this.#arrives(payload);
    this.#perform(this.#face.handle({ kind: "opened", link: LINK }, at(this.seconds)));
  }

  close(): void {
    this.#up = false;
    this.#perform(this.#face.handle({ kind: "closed", link: LINK, reason: "broken" }, at(this.seconds)));
  }

  /** The broker acknowledges the oldest in flight. */
  acknowledge(count: number): void {
    for (let i = 0; i < count; i++) {
      const oldest = this.inFlight.shift();
      if (oldest === undefined) return;
      this.acknowledged(oldest.token);
    }
  }

  acknowledged(token: number): void {
    this.#perform(this.#face.handle({ kind: "published", link: LINK, token }, at(this.seconds)));
  }

  acknowledgeAll(): void {
    while (this.inFlight.length > 0) this.acknowledge(1);
  }

  /** The process dies and comes again, perhaps with other flags. */
  powerLoss(options: Options = this.#options): void {
    this.#options = options;
    this.#up = false;
    this.inFlight = [];
    this.#face = this.#powerOn();
  }

  connected(): LogEffect[] {
    return this.logs.filter(({ event }) => event === "mqtt.connected");
  }

  sequences(): number[] {
    return this.received.map(({ sequence }) => sequence);
  }
}
