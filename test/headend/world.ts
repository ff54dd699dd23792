/** A collector with fake meters and a fake store in virtual time: a queue of things that happen, and nothing else. */
import { CronerCron } from "../../headend/adapters/croner/cron.ts";
import { Collector } from "../../headend/collector.ts";
import type { CollectorConfig } from "../../headend/config.ts";
import type { CollectorEffect, CollectorEvent, Notice, ReplyEffect, Request } from "../../headend/ports.ts";
import { linkId } from "../../src/core/actor.ts";
import { civil, mono, type Now, toIso } from "../../src/core/time.ts";
import { type FakeModbusMeter, type FakeMqttMeter, FakeStore } from "./fakes.ts";

const CRON = new CronerCron();
export const SECOND = 1_000_000;
/** 2026-11-24T16:00:00Z. */
const CIVIL_START = 1_795_881_600_000_000;
export const BUS = linkId("bus");
export const BROKER = linkId("broker");

type Unnumbered = { [K in Request["kind"]]: Omit<Extract<Request, { kind: K }>, "ticket"> }[Request["kind"]];

export class World {
  readonly store: FakeStore;
  readonly config: CollectorConfig;
  collector: Collector;
  readonly modbus: FakeModbusMeter[];
  readonly mqtt: FakeMqttMeter[];
  /** How long a request of the bus takes there and back, and a commit. */
  replyTime = 20_000;
  commitTime = 5_000;
  readonly speed: number;
  readonly acknowledged: number[] = [];
  readonly replies = new Map<number, ReplyEffect["result"]>();
  readonly notices: Notice[] = [];
  readonly effects: CollectorEffect[] = [];
  /** Sees each effect before it is carried out. */
  watch: (effect: CollectorEffect) => void = () => {};
  #mono = 0;
  #queue: { at: number; run: () => void }[] = [];
  #tickets = 0;
  #tokens = 0;
  /** What a dead collector asked for comes to nothing. */
  #generation = 0;

  constructor(
    config: CollectorConfig,
    devices: { modbus?: FakeModbusMeter[]; mqtt?: FakeMqttMeter[]; store?: FakeStore; speed?: number } = {},
  ) {
    this.config = config;
    this.modbus = devices.modbus ?? [];
    this.mqtt = devices.mqtt ?? [];
    this.store = devices.store ?? new FakeStore();
    this.speed = devices.speed ?? 1;
    this.collector = new Collector(config, this.store.snapshot(), 1, CRON);
    this.#openLinks();
  }

  get now(): Now {
    return { mono: mono(this.#mono), civil: civil(CIVIL_START + this.#mono * this.speed) };
  }

  get iso(): string {
    return toIso(this.now.civil);
  }

  /** kill -9 and a new start over what the store has. */
  restart(): void {
    this.#generation += 1;
    this.collector = new Collector(this.config, this.store.snapshot(), 1 + this.#generation, CRON);
    this.#openLinks();
  }

  at(delay: number, run: () => void): void {
    this.#queue.push({ at: this.#mono + delay, run });
  }

  event(event: CollectorEvent): void {
    this.#perform(this.collector.handle(event, this.now));
  }

  /** Gives the ticket under which the reply will be. */
  request(request: Unnumbered): number {
    this.#tickets += 1;
    this.event({ kind: "request", request: { ...request, ticket: this.#tickets } as Request });
    return this.#tickets;
  }

  /** A publish of a meter, with a token to acknowledge. */
  publish(meter: string, channel: string, payload: string): number {
    this.#tokens += 1;
    const bytes = new TextEncoder().encode(payload);
    this.event({
      kind: "message",
      link: BROKER,
      topic: `meters/${meter}/${channel}`,
      payload: bytes,
      token: this.#tokens,
    });
    return this.#tokens;
  }

  /** Lets virtual time pass. */
  run(duration: number): void {
    const end = this.#mono + duration;
    for (let steps = 0; ; steps++) {
      if (steps > 2_000_000) throw new Error("the world does not come to rest");
      const wake = this.collector.nextWake();
      const wakeAt = Math.max(this.#mono, Math.min(wake.mono, Math.ceil((wake.civil - CIVIL_START) / this.speed)));
      this.#queue.sort((a, b) => a.at - b.at);
      const next = this.#queue[0];
      const due = Math.min(wakeAt, next?.at ?? Number.POSITIVE_INFINITY);
      if (due > end) break;
      this.#mono = due;
      if (next !== undefined && next.at <= wakeAt) {
        this.#queue.shift();
        next.run();
      } else this.#perform(this.collector.wake(this.now));
    }
    this.#mono = end;
  }

  /** Runs until something is true; false when it never was. */
  runUntil(condition: () => boolean, longest = 60 * SECOND): boolean {
    for (let passed = 0; passed < longest; passed += 10_000) {
      if (condition()) return true;
      this.run(10_000);
    }
    return condition();
  }

  #openLinks(): void {
    for (const line of this.config.lines) this.event({ kind: "opened", link: line.link });
    if (this.config.mqtt !== undefined) this.event({ kind: "opened", link: this.config.mqtt.link });
  }

  #perform(effects: readonly CollectorEffect[]): void {
    const generation = this.#generation;
    const later = (delay: number, run: () => void) =>
      this.at(delay, () => {
        if (generation === this.#generation) run();
      });
    for (const effect of effects) {
      this.watch(effect);
      this.effects.push(effect);
      if (effect.kind === "store")
        later(this.commitTime, () => {
          const reason = this.store.commit(effect.batch);
          this.event(
            reason === undefined ? { kind: "stored", id: effect.id } : { kind: "storeFailed", id: effect.id, reason },
          );
        });
      else if (effect.kind === "send") this.#onBus(effect.bytes, later);
      else if (effect.kind === "publish") this.#onBroker(effect.topic, effect.payload, later);
      else if (effect.kind === "acknowledge") this.acknowledged.push(effect.token);
      else if (effect.kind === "reply") this.replies.set(effect.ticket, effect.result);
      else if (effect.kind === "notify") this.notices.push(effect.notice);
    }
  }

  #onBus(frame: Uint8Array, later: (delay: number, run: () => void) => void): void {
    for (const meter of this.modbus) {
      const reply = meter.answer(frame);
      if (reply !== undefined)
        later(this.replyTime, () => this.event({ kind: "bytes", link: BUS, bytes: Uint8Array.from(reply) }));
    }
  }

  #onBroker(topic: string, payload: Uint8Array, later: (delay: number, run: () => void) => void): void {
    const [, id] = topic.split("/");
    const meter = this.mqtt.find((candidate) => candidate.id === id);
    const answer = meter?.command(new TextDecoder().decode(payload), this.iso);
    if (answer !== undefined && id !== undefined) later(this.replyTime, () => this.publish(id, "resp", answer));
  }
}
