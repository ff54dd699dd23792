/**
 * An MQTT broker in virtual time with QoS 1 as it is in the field: a message stays with its sender until it is
 * acknowledged, may arrive twice, and waits while a side is away.
 */
import type { LinkEffect, LinkEvent, LinkId } from "../core/actor.ts";
import { linkId } from "../core/actor.ts";
import type { Random } from "../core/random.ts";
import type { World } from "./world.ts";

export interface BrokerFaults {
  /** A message is delivered a second time, in 1/10,000. */
  readonly doubled: number;
  /** A meter's answer to a command is lost with its session, in 1/10,000. */
  readonly responseLost: number;
}

interface Pending {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly token: number;
}

const DELAY = 5_000;
const REDELIVER_AFTER = 5_000_000;
const PER = 10_000;

export type MessageListener = (event: LinkEvent) => void;

export class VirtualBroker {
  readonly link: LinkId = linkId("broker");
  readonly #world: World;
  readonly #random: Random;
  #faults: BrokerFaults;
  readonly #meters = new Map<string, { readonly link: LinkId; readonly hear: MessageListener }>();
  readonly #commands = new Map<string, Pending[]>();
  /** Published by meters, not yet acknowledged by the head-end. */
  readonly #pending = new Map<number, Pending>();
  #headend: MessageListener | undefined;
  #isDown = false;
  #token = 0;

  constructor(world: World, faults: BrokerFaults, random: Random) {
    this.#world = world;
    this.#faults = faults;
    this.#random = random;
  }

  /** Messages that no head-end has acknowledged yet. */
  get unacknowledged(): number {
    return this.#pending.size;
  }

  /** The head-end comes (back): it hears `opened` and everything that was not acknowledged. */
  connectHeadend(hear: MessageListener): void {
    this.#headend = hear;
    this.#world.after(0, () => {
      hear({ kind: "opened", link: this.link });
      for (const pending of this.#pending.values()) this.#deliver(pending);
    });
  }

  disconnectHeadend(): void {
    this.#headend = undefined;
  }

  /** A meter comes (back) under its client id; commands that waited for it are delivered. */
  connectMeter(meter: string, link: LinkId, hear: MessageListener): void {
    this.#meters.set(meter, { link, hear });
    this.#world.after(DELAY, () => {
      if (this.#meters.get(meter)?.hear !== hear) return;
      hear({ kind: "opened", link });
      const waiting = this.#commands.get(meter) ?? [];
      this.#commands.delete(meter);
      for (const { topic, payload } of waiting) hear({ kind: "message", link, topic, payload, token: undefined });
    });
  }

  disconnectMeter(meter: string): void {
    this.#meters.delete(meter);
  }

  /** kill -9 of a broker that keeps nothing on disk: sessions end, and what it held for either side is lost. */
  kill(outage: number): void {
    const [headend, meters] = [this.#headend, [...this.#meters]];
    this.#headend = undefined;
    this.#meters.clear();
    this.#commands.clear();
    this.#pending.clear();
    this.#isDown = true;
    headend?.({ kind: "closed", link: this.link, reason: "the broker is gone" });
    for (const [, { link, hear }] of meters) hear({ kind: "closed", link, reason: "the broker is gone" });
    this.#world.after(outage, () => {
      this.#isDown = false;
      if (headend !== undefined && this.#headend === undefined) this.connectHeadend(headend);
      for (const [meter, { link, hear }] of meters) if (!this.#meters.has(meter)) this.connectMeter(meter, link, hear);
    });
  }

  /** From now on nothing is doubled or lost. */
  calm(): void {
    this.#faults = { doubled: 0, responseLost: 0 };
  }

  /** Effects of the head-end's host on the broker link. */
  fromHeadend(effect: Exclude<LinkEffect, { kind: "log" }>): void {
    if (this.#isDown) return;
    if (effect.kind === "acknowledge") this.#pending.delete(effect.token);
    else if (effect.kind === "publish") this.#command(effect.topic, effect.payload);
  }

  /** Effects of a meter's host on its broker link. */
  fromMeter(effect: Exclude<LinkEffect, { kind: "log" }>): void {
    if (effect.kind !== "publish" || this.#isDown) return;
    if (effect.topic.endsWith("/resp") && this.#draw(this.#faults.responseLost)) return;
    this.#token += 1;
    const pending: Pending = { topic: effect.topic, payload: effect.payload, token: this.#token };
    this.#pending.set(pending.token, pending);
    this.#deliver(pending);
    if (this.#draw(this.#faults.doubled)) this.#deliver(pending);
    if (effect.token !== undefined) this.#confirm(effect.topic, effect.link, effect.token);
  }

  /** The broker keeps the message, whatever becomes of the head-end; a meter without power does not hear it. */
  #confirm(topic: string, link: LinkId, token: number): void {
    const meter = topic.split("/")[1] ?? "";
    const hear = this.#meters.get(meter)?.hear;
    this.#world.after(DELAY, () => {
      if (hear !== undefined && this.#meters.get(meter)?.hear === hear) hear({ kind: "published", link, token });
    });
  }

  #deliver(pending: Pending): void {
    const hear = this.#headend;
    if (hear === undefined) return;
    this.#world.after(DELAY + this.#random.below(DELAY), () => {
      if (this.#headend !== hear || !this.#pending.has(pending.token)) return;
      hear({ kind: "message", link: this.link, ...pending });
    });
    this.#world.after(REDELIVER_AFTER, () => {
      if (this.#headend === hear && this.#pending.has(pending.token)) this.#deliver(pending);
    });
  }

  #command(topic: string, payload: Uint8Array): void {
    const meter = topic.split("/")[1] ?? "";
    this.#token += 1;
    const waiting = this.#commands.get(meter) ?? [];
    if (!this.#meters.has(meter)) {
      this.#commands.set(meter, [...waiting, { topic, payload, token: this.#token }].slice(-100));
      return;
    }
    const deliver = () => {
      const there = this.#meters.get(meter);
      there?.hear({ kind: "message", link: there.link, topic, payload, token: undefined });
    };
    this.#world.after(DELAY, deliver);
    if (this.#draw(this.#faults.doubled)) this.#world.after(3 * DELAY, deliver);
  }

  #draw(rate: number): boolean {
    return rate > 0 && this.#random.chance(rate, PER);
  }
}
