/**
 * A meter's MQTT face: telemetry at an interval of meter time, orders and queries from its own command topic.
 * The driver's link subscribes to the command topic and repeats what was not acknowledged.
 */

import { payloadErrorText } from "../../protocols/mqtt/errors.ts";
import { decodeCommand, encodeResponse, encodeTelemetry, type MeterCommand } from "../../protocols/mqtt/message.ts";
import { parseTopic, topicFor } from "../../protocols/mqtt/topics.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../../src/core/actor.ts";
import { NO_EFFECTS } from "../../src/core/actor.ts";
import { MEASURES, type MeasureKey, type MeasureValues } from "../../src/core/measures.ts";
import { type Now, type Wake, wakeAtCivil } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";

export interface MqttFaceOptions {
  readonly link: LinkId;
  /** Telemetry interval in meter time, µs. */
  readonly interval: number;
}

/** What telemetry carries: everything but the clock, which the message's own time states. */
function telemetryKeys(meter: Meter): readonly MeasureKey[] {
  return MEASURES.filter(
    (m) =>
      m.key !== "clock" &&
      (m.phase === undefined || m.phase <= meter.model.phases) &&
      (meter.model.phases === 3 || !/L12|L23|L31|Neutral/.test(m.key)) &&
      (m.key !== "relayState" || meter.hasRelay),
  ).map((m) => m.key);
}

export class MqttFace implements Actor {
  readonly #meter: Meter;
  readonly #link: LinkId;
  readonly #interval: number;
  readonly #keys: readonly MeasureKey[];
  #up = false;
  /** Next telemetry by mains time; aligned to the interval so that meters of a fleet are comparable. */
  #due = Number.POSITIVE_INFINITY;

  constructor(meter: Meter, options: MqttFaceOptions) {
    this.#meter = meter;
    this.#link = options.link;
    this.#interval = options.interval;
    this.#keys = telemetryKeys(meter);
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    switch (event.kind) {
      case "opened":
        this.#up = true;
        // A meter that (re)connects says at once where it stands.
        this.#due = now.civil;
        return this.wake(now);
      case "closed":
        this.#up = false;
        this.#due = Number.POSITIVE_INFINITY;
        return NO_EFFECTS;
      case "message":
        return this.#message(event.topic, event.payload, event.token, now);
      default:
        return NO_EFFECTS;
    }
  }

  wake(now: Now): readonly LinkEffect[] {
    if (now.civil < this.#due || !this.#up) return NO_EFFECTS;
    this.#due = (Math.floor(now.civil / this.#interval) + 1) * this.#interval;
    return [...this.#telemetry(now), ...this.#meter.takeLog()];
  }

  nextWake(): Wake {
    return wakeAtCivil(this.#due);
  }

  #telemetry(now: Now): readonly LinkEffect[] {
    this.#meter.refresh(now);
    const payload = encodeTelemetry({
      meter: this.#meter.id,
      model: this.#meter.model.id,
      sequence: this.#meter.nextSequence(now),
      time: this.#meter.clock(now),
      values: this.#values(),
    });
    return [this.#publish("telemetry", payload)];
  }

  #message(topic: string, payload: Uint8Array, token: number | undefined, now: Now): readonly LinkEffect[] {
    const effects: LinkEffect[] = token === undefined ? [] : [{ kind: "acknowledge", link: this.#link, token }];
    const where = parseTopic(topic);
    if (where?.meter !== this.#meter.id || where.channel !== "cmd") return effects;
    const command = decodeCommand(payload);
    if (!command.ok) {
      const reason = payloadErrorText(command.error);
      return [...effects, { kind: "log", level: "warn", event: "mqtt.command-refused", fields: { topic, reason } }];
    }
    return [...effects, ...this.#command(command.value, now), ...this.#meter.takeLog()];
  }

  #command(command: MeterCommand, now: Now): readonly LinkEffect[] {
    const meter = this.#meter.id;
    const time = this.#meter.clock(now);
    if (command.kind === "query") {
      this.#meter.refresh(now);
      const relay = this.#meter.hasRelay ? (this.#meter.relayClosed ? 1 : 0) : null;
      const state = { kind: "state", meter, query: command.id, relay, time, values: this.#values() } as const;
      return [this.#publish("resp", encodeResponse(state))];
    }
    // By the meter's own clock: an order that waited in the broker while the meter was away must not act late.
    // Clock-set is exempt: a clock far ahead can be put right only by an order that looks expired to it.
    if (time > command.expires && command.order.operation !== "clock-set") {
      const { id, operation } = command.order;
      return [{ kind: "log", level: "warn", event: "mqtt.order-expired", fields: { meter, order: id, operation } }];
    }
    const outcome = this.#meter.execute(command.order, now);
    return [this.#publish("resp", encodeResponse({ kind: "outcome", meter, outcome, time }))];
  }

  #values(): MeasureValues {
    const values: MeasureValues = {};
    for (const key of this.#keys) values[key] = this.#meter.value(key);
    return values;
  }

  #publish(channel: "telemetry" | "resp", payload: Uint8Array): LinkEffect {
    return {
      kind: "publish",
      link: this.#link,
      topic: topicFor(this.#meter.id, channel),
      payload,
      qos: 1,
      retain: false,
    };
  }
}
