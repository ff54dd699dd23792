/**
 * Messages of the meters as work for the store. A publish is acknowledged after the batch that holds it is committed; one
 * that the store refuses again and again stays unacknowledged, so that the meter sends it again. What no repetition can
 * mend (a payload that is no message of ours) is acknowledged, counted, and audited at a bounded rate.
 */
import { payloadErrorText } from "../../protocols/mqtt/errors.ts";
import { decodeEvent } from "../../protocols/mqtt/event.ts";
import {
  decodeResponse,
  decodeTelemetry,
  type MeterEvent,
  type MeterResponse,
  type Telemetry,
} from "../../protocols/mqtt/message.ts";
import { parseTopic } from "../../protocols/mqtt/topics.ts";
import type { LinkEvent } from "../../src/core/actor.ts";
import { type Civil, MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import type { Books, Draft } from "../books.ts";
import type { Work } from "../committer.ts";
import type { Limits, MqttConfig } from "../config.ts";
import { Directory, type KnownMeter } from "../directory.ts";
import { putEvent } from "../events/records.ts";
import type { MessageOutcome } from "../observations.ts";
import type { CollectorEffect, MeterId, MeterReading } from "../ports.ts";
import { takeReading } from "../readings.ts";
import { blankEntry } from "../registry/entry.ts";

export type Publish = Extract<LinkEvent, { kind: "message" }>;
type Acknowledge = readonly CollectorEffect[];

export type Incoming =
  /** `meter`: it sent a reading. */
  | { readonly kind: "work"; readonly work: Work; readonly meter?: MeterId }
  | { readonly kind: "response"; readonly response: MeterResponse };

/** What others do about messages. */
export interface IngestHooks {
  /** A meter is registered in this draft. */
  registered(meter: KnownMeter, draft: Draft, now: Now): void;
  /** A message of a meter arrived. Whether its clock is in doubt. */
  heard(meter: MeterId, shown: Civil, arrived: Now): boolean;
}

/** At most one audit row per minute for messages that cannot be used; the counters tell the rest. */
const AUDIT_EVERY = 60 * MICROS_PER_SECOND;

export class MqttIngest {
  readonly #config: MqttConfig;
  readonly #limits: Limits;
  readonly #books: Books;
  readonly #directory: Directory;
  readonly #hooks: IngestHooks;
  readonly #heard: (meter: MeterId, now: Now) => void;
  #auditFrom = Number.NEGATIVE_INFINITY;
  #refused = 0;

  /** @param heard told of every message of a known meter */
  constructor(
    config: MqttConfig,
    limits: Limits,
    books: Books,
    directory: Directory,
    hooks: IngestHooks,
    heard: (meter: MeterId, now: Now) => void,
  ) {
    this.#hooks = hooks;
    this.#heard = heard;
    this.#config = config;
    this.#limits = limits;
    this.#books = books;
    this.#directory = directory;
  }

  take(publish: Publish, now: Now): Incoming {
    const topic = parseTopic(publish.topic);
    if (topic === undefined) return this.#refuse(publish, `the topic "${publish.topic.slice(0, 80)}" is not ours`, now);
    if (topic.channel === "telemetry") {
      const telemetry = decodeTelemetry(publish.payload);
      if (!telemetry.ok) return this.#refuse(publish, `${topic.meter}: ${payloadErrorText(telemetry.error)}`, now);
      if (telemetry.value.meter === topic.meter) return this.#telemetry(publish, telemetry.value, now);
    } else if (topic.channel === "resp") {
      const response = decodeResponse(publish.payload);
      if (!response.ok) return this.#refuse(publish, `${topic.meter}: ${payloadErrorText(response.error)}`, now);
      if (response.value.meter === topic.meter) return { kind: "response", response: response.value };
    } else if (topic.channel === "event") {
      const event = decodeEvent(publish.payload);
      if (!event.ok) return this.#refuse(publish, `${topic.meter}: ${payloadErrorText(event.error)}`, now);
      if (event.value.meter === topic.meter) return { kind: "work", work: this.#event(publish, event.value) };
    } else return ignore(publish);
    return this.#refuse(publish, `the payload on ${publish.topic} names another meter`, now);
  }

  #telemetry(publish: Publish, telemetry: Telemetry, arrived: Now): Incoming {
    const doubted = this.#hooks.heard(telemetry.meter as MeterId, telemetry.time, arrived);
    const apply = (draft: Draft, now: Now) => {
      const meter = this.#meterOf(telemetry, draft, now);
      if (meter === undefined) draft.after.push(notAccepted(telemetry), counted("not-accepted"));
      else {
        this.#heard(meter.registration.id, now);
        const isNew = takeReading(this.#books, this.#limits, meter, readingOf(telemetry, doubted), draft, now);
        draft.after.push(counted(isNew ? "taken" : "duplicate"));
      }
      draft.after.push(...acknowledge(publish));
    };
    const work = { apply, abandoned: (reason: string) => leftUnacknowledged(publish, reason) };
    return { kind: "work", work, meter: telemetry.meter as MeterId };
  }

  /** Stored whether or not a telemetry message has told the meter's model yet. */
  #event(publish: Publish, { meter: name, time: _, ...event }: MeterEvent): Work {
    const meter = name as MeterId;
    return {
      apply: (draft) => {
        const known = this.#directory.find(meter);
        const wanted = known === undefined ? this.#config.acceptUnknown !== false : known.line === undefined;
        if (wanted) putEvent({ ...event, meter, source: "mqtt" }, draft);
        draft.after.push(counted(wanted ? "taken" : "not-accepted"), ...acknowledge(publish));
      },
      abandoned: (reason) => leftUnacknowledged(publish, reason),
    };
  }

  /** The meter of a message, registered if it is new; undefined where its readings are not wanted. */
  #meterOf(telemetry: Telemetry, draft: Draft, now: Now): KnownMeter | undefined {
    const id = telemetry.meter as MeterId;
    const known = this.#directory.find(id);
    // A meter that is polled on a line and publishes as well would be stored twice.
    if (known?.line !== undefined) return undefined;
    if (known?.configured || known?.registration.model === telemetry.model) return known;
    const entry = this.#books.registry.get(id);
    // What a person accepted is judged as what they accepted; one that was moved here is heard from the next start.
    if (entry?.state === "active" && (known !== undefined || entry.place !== null)) return known;
    const full = this.#books.meters.get(id) === undefined && this.#books.meters.size >= this.#limits.unknownMeters;
    if (entry?.state === "removed" || this.#config.acceptUnknown === false || full) return undefined;
    // One that was found on a line is not moved to the broker by whoever can publish under its name.
    if (entry?.place?.kind === "line") return undefined;
    this.#register(id, telemetry.model, draft, now);
    const registered = this.#directory.find(id);
    if (registered !== undefined) this.#hooks.registered(registered, draft, now);
    return registered;
  }

  #register(id: MeterId, model: string, draft: Draft, now: Now): void {
    const meter = Directory.selfRegistered(id, model);
    const detail = `by its telemetry, model ${model}`;
    const held = this.#config.acceptUnknown === "hold";
    const action = held ? "meter held" : "meter registered";
    this.#books.meters.set(id, meter);
    draft.records.push(
      { kind: "meter", meter },
      { kind: "audit", entry: { at: now.civil, actor: "collector", action, meter: id, order: null, detail } },
    );
    if (held) {
      const entry = this.#books.registry.get(id) ?? blankEntry(id);
      this.#books.registry.set(id, { ...entry, state: "held" }, draft);
    }
  }

  #refuse(publish: Publish, reason: string, now: Now): Incoming {
    this.#refused += 1;
    const count = this.#refused;
    const due = now.mono >= this.#auditFrom;
    if (due) this.#auditFrom = now.mono + AUDIT_EVERY;
    const apply = (draft: Draft, at: Now) => {
      if (due) {
        const detail = `${reason} (${count} so far)`;
        draft.records.push({
          kind: "audit",
          entry: { at: at.civil, actor: "mqtt", action: "message refused", meter: null, order: null, detail },
        });
        draft.after.push({ kind: "log", level: "warn", event: "message-refused", fields: { reason, count } });
      }
      draft.after.push(counted("refused"), ...acknowledge(publish));
    };
    return { kind: "work", work: { apply, abandoned: (why) => leftUnacknowledged(publish, why) } };
  }
}

export function acknowledge(publish: Publish): Acknowledge {
  return publish.token === undefined ? [] : [{ kind: "acknowledge", link: publish.link, token: publish.token }];
}

/** For the counters of messages by what became of them. */
export function counted(outcome: MessageOutcome): CollectorEffect {
  return { kind: "observe", observation: { kind: "message", outcome } };
}

/** A channel that is ours and has nothing for us, such as what we publish ourselves. */
function ignore(publish: Publish): Incoming {
  return {
    kind: "work",
    work: { apply: (draft) => draft.after.push(counted("ignored"), ...acknowledge(publish)) },
  };
}

function readingOf({ meter, sequence, time, values }: Telemetry, doubted: boolean): MeterReading {
  const quality = doubted ? "clock-doubt" : "good";
  return { meter: meter as MeterId, time, source: "mqtt", sequence, quality, values };
}

function notAccepted(telemetry: Telemetry): CollectorEffect {
  return { kind: "log", level: "debug", event: "meter-not-accepted", fields: { meter: telemetry.meter } };
}

function leftUnacknowledged(publish: Publish, reason: string): readonly CollectorEffect[] {
  const fields = { topic: publish.topic, reason };
  return [counted("not-stored"), { kind: "log", level: "error", event: "message-not-stored", fields }];
}
