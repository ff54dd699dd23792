/**
 * A meter's MQTT face: telemetry at an interval of meter time, orders and queries from its own command topic. Telemetry made
 * while the broker is away waits in a bounded buffer and goes out oldest first, as it was measured. The driver's link
 * subscribes to the command topic and repeats what it has been given and the broker has not acknowledged.
 */

import { payloadErrorText } from "../../protocols/mqtt/errors.ts";
import {
  decodeCommand,
  decodeTelemetry,
  encodeEvent,
  encodeResponse,
  encodeTelemetry,
  type MeterCommand,
  type Rejection,
} from "../../protocols/mqtt/message.ts";
import { parseTopic, topicFor } from "../../protocols/mqtt/topics.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../../src/core/actor.ts";
import { NO_EFFECTS } from "../../src/core/actor.ts";
import { isOfMeter, MEASURES, type MeasureKey, type MeasureValues, measure } from "../../src/core/measures.ts";
import type { Verify } from "../../src/core/signature.ts";
import { type Civil, earlier, type Now, type Wake, wakeAtCivil } from "../../src/core/time.ts";
import { hasLength } from "../events/kinds.ts";
import type { EventNotice } from "../events/monitor.ts";
import type { Meter } from "../meter.ts";
import type { Nvram } from "../nvram/nvram.ts";
import { MessageBuffer, type MessageChannel } from "./message-buffer.ts";
import { profileParts } from "./mqtt-profile.ts";

export interface MqttFaceOptions {
  readonly link: LinkId;
  /** Telemetry interval in meter time, µs. */
  readonly interval: number;
  /** Proves whose an order is. */
  readonly verify: Verify;
  /** µs after each round multiple of the interval, so that a fleet does not publish all at once; 0 by default. */
  readonly offset?: number;
  /** Telemetry messages that may wait for a broker that is away; beyond, the oldest are given up. */
  readonly buffer?: number;
  /** Keeps waiting telemetry across power loss. */
  readonly nvram?: Nvram;
}

const BUFFER_DEFAULT = 1000;
/** As the records of events hold them. */
const EVENT_ENERGIES: readonly MeasureKey[] = [
  "activeEnergyImport",
  "activeEnergyExport",
  "reactiveEnergyImport",
  "reactiveEnergyExport",
];

/** Everything but the clock, which the message's own time states. */
function shownKeys(meter: Meter): readonly MeasureKey[] {
  return MEASURES.filter(
    (m) =>
      m.key !== "clock" &&
      isOfMeter(m, meter.model.phases) &&
      (meter.model.phases === 3 || m.key !== "currentNeutral") &&
      (m.key !== "relayState" || meter.hasRelay) &&
      (m.key !== "creditBalance" || meter.functions.credit !== undefined),
  ).map((m) => m.key);
}

export class MqttFace implements Actor {
  readonly #meter: Meter;
  readonly #link: LinkId;
  readonly #interval: number;
  readonly #verify: Verify;
  readonly #offset: number;
  /** What a query is answered with, and what telemetry carries: that without single harmonics. */
  readonly #keys: readonly MeasureKey[];
  readonly #usual: readonly MeasureKey[];
  readonly #buffer: MessageBuffer;
  #up = false;
  /** Why the broker is away, as last told. */
  #reason: string | undefined;
  #droppedBefore = 0;
  /** Next telemetry by mains time: at power on, then aligned to the interval so that meters of a fleet are comparable. */
  #due = 0;
  /** The last event that was told. */
  #told = 0;

  constructor(meter: Meter, options: MqttFaceOptions, now: Now) {
    this.#meter = meter;
    this.#link = options.link;
    this.#interval = options.interval;
    this.#verify = options.verify;
    this.#offset = options.offset ?? 0;
    this.#keys = shownKeys(meter);
    this.#usual = this.#keys.filter((key) => !measure(key).isDetail);
    this.#buffer = new MessageBuffer(options.buffer ?? BUFFER_DEFAULT, options.nvram);
    const { newestKept } = this.#buffer;
    const kept = newestKept?.channel === "telemetry" ? decodeTelemetry(newestKept.payload) : undefined;
    if (kept?.ok) meter.useSequence(kept.value.sequence, now);
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    switch (event.kind) {
      case "opened":
        return this.#opened(now);
      case "closed":
        return this.#closed(event.reason);
      case "message":
        return this.#message(event.topic, event.payload, event.token, now);
      case "published":
        this.#buffer.acknowledge(event.token);
        return this.#send();
      default:
        return NO_EFFECTS;
    }
  }

  wake(now: Now): readonly LinkEffect[] {
    if (now.civil >= this.#due) {
      this.#due = (Math.floor((now.civil - this.#offset) / this.#interval) + 1) * this.#interval + this.#offset;
      this.#measure(now);
    } else {
      // What happens in a meter happens at its own edges.
      this.#meter.wake(now);
      if (!this.#takeEvents(now)) return NO_EFFECTS;
    }
    return [...this.#send(), ...this.#meter.takeLog()];
  }

  nextWake(): Wake {
    return earlier(wakeAtCivil(this.#due), this.#meter.nextWake());
  }

  /** What waited goes first; a meter to which nothing happened meanwhile says at once where it stands. */
  #opened(now: Now): readonly LinkEffect[] {
    this.#up = true;
    this.#reason = undefined;
    if (this.#buffer.size === 0) this.#due = now.civil;
    const { size, dropped } = this.#buffer;
    const fields = { meter: this.#meter.id, waiting: size, lost: dropped - this.#droppedBefore };
    this.#droppedBefore = dropped;
    const log = { kind: "log", level: fields.lost > 0 ? "warn" : "info", event: "mqtt.connected", fields } as const;
    return [log, ...this.#send(), ...this.wake(now)];
  }

  /** Tried again for ever, but told once: a meter may be away from its broker for days. */
  #closed(reason: string): readonly LinkEffect[] {
    this.#up = false;
    if (reason === this.#reason) return NO_EFFECTS;
    this.#reason = reason;
    const fields = { meter: this.#meter.id, reason };
    // "ended" is our own orderly end.
    const level = reason === "ended" ? "debug" : "warn";
    return [{ kind: "log", level, event: "mqtt.disconnected", fields }];
  }

  /**
   * Kept first and its number remembered second, both before it leaves: power lost between the two leaves a message whose
   * number the next power on finds in it, and never a number without its message.
   */
  #measure(now: Now): void {
    this.#meter.refresh(now);
    this.#takeEvents(now);
    const sequence = this.#meter.sequence + 1;
    const payload = encodeTelemetry({
      meter: this.#meter.id,
      model: this.#meter.model.id,
      sequence,
      time: this.#meter.clock(now),
      values: this.#values(this.#usual),
    });
    this.#buffer.push("telemetry", payload);
    this.#meter.useSequence(sequence, now);
  }

  /** What has happened since the last look waits in the buffer like telemetry. @returns whether there was any */
  #takeEvents(now: Now): boolean {
    const notices = this.#meter.functions.events.noticesSince(this.#told);
    for (const notice of notices) {
      this.#buffer.push("event", this.#event(notice, now));
      this.#told = notice.number;
    }
    return notices.length > 0;
  }

  #event({ number, kind, phase, start, end, energies }: EventNotice, now: Now): Uint8Array {
    const values: MeasureValues = {};
    for (const [i, key] of EVENT_ENERGIES.entries()) values[key] = energies[i]?.quanta ?? null;
    const state = end === undefined ? "begin" : hasLength(kind) ? "end" : "done";
    const { id } = this.#meter;
    const origin = { meter: id, sequence: number, time: this.#meter.clock(now), event: kind, phase };
    return encodeEvent({ ...origin, state, start, end: end ?? null, values });
  }

  #send(): readonly LinkEffect[] {
    const effects: LinkEffect[] = [];
    while (this.#up) {
      const message = this.#buffer.take();
      if (message === undefined) break;
      effects.push({ ...this.#publish(message.channel, message.payload), token: message.number });
    }
    return effects;
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
      const state = { kind: "state", meter, query: command.id, relay, time, values: this.#values(this.#keys) } as const;
      return [this.#publish("resp", encodeResponse(state))];
    }
    if (command.kind === "profile") {
      this.#meter.refresh(now);
      return profileParts(this.#meter, command, time).map((part) => this.#publish("resp", encodeResponse(part)));
    }
    const rejection = this.#rejection(command, time);
    if (rejection !== undefined) return this.#reject(command, rejection, time);
    const outcome = this.#meter.execute(command.order, now, "mqtt");
    const response = this.#publish("resp", encodeResponse({ kind: "outcome", meter, outcome, time }));
    return this.#takeEvents(now) ? [response, ...this.#send()] : [response];
  }

  /** Why an order is not looked at. It leaves no trace in the journal: whoever sent it must not use up another's id. */
  #rejection(command: MeterCommand & { kind: "order" }, time: Civil): Rejection | undefined {
    const { id, operation } = command.order;
    // By the meter's own clock: an order that waited in the broker while the meter was away must not act late.
    // Clock-set is exempt: a clock far ahead can be put right only by an order that looks expired to it.
    if (time > command.expires && operation !== "clock-set") return "expired";
    return this.#meter.pairing.take(this.#meter.id, command, this.#meter.knows(id), this.#verify);
  }

  #reject({ order, proof }: MeterCommand & { kind: "order" }, reason: Rejection, time: Civil): readonly LinkEffect[] {
    const meter = this.#meter.id;
    const fields = { meter, order: order.id, operation: order.operation, reason };
    const last = this.#meter.pairing.lastCounter;
    const rejected = { kind: "rejected", meter, id: order.id, reason, counter: proof?.counter ?? null, last } as const;
    return [
      { kind: "log", level: "warn", event: "mqtt.order-rejected", fields },
      this.#publish("resp", encodeResponse({ ...rejected, time })),
    ];
  }

  #values(keys: readonly MeasureKey[]): MeasureValues {
    const values: MeasureValues = {};
    for (const key of keys) values[key] = this.#meter.value(key);
    return values;
  }

  #publish(channel: MessageChannel | "resp", payload: Uint8Array): LinkEffect & { kind: "publish" } {
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
