/** One actor in the event loop: its queue, its links, its wake timer. */
import type { Actor, LinkEffect, LinkEvent, LinkId, LogEffect } from "../core/actor.ts";
import { assert } from "../core/result.ts";
import type { SystemClock } from "./clock.ts";
import type { Link } from "./link.ts";
import { WakeTimer } from "./wake-timer.ts";

export interface HostOptions {
  /** For the log. */
  readonly name?: string;
  /** Serial silences: meet a deadline within some 100 µs instead of 1..2 ms, at the price of polling its last 2 ms. */
  readonly precise?: boolean;
}

export interface HostServices {
  readonly clock: SystemClock;
  readonly links: Map<LinkId, Link>;
  readonly log: (effect: LogEffect) => void;
  readonly bug: (error: unknown, host: string) => void;
  readonly forget: (host: { close(): void }) => void;
}

interface AnyEffect {
  readonly kind: string;
}

export class Host<E> {
  readonly name: string;
  readonly #services: HostServices;
  readonly #actor: Actor<E, AnyEffect>;
  readonly #perform: ((effect: AnyEffect, post: (event: E) => void) => void) | undefined;
  readonly #timer: WakeTimer;
  readonly #post: (event: E) => void;
  readonly #subscriptions = new Map<LinkId, () => void>();
  /** Events that came while the actor was busy: by its own effects, so never more than one call caused. */
  #queue: E[] = [];
  #busy = false;
  #closed = false;

  constructor(
    services: HostServices,
    actor: Actor<E, AnyEffect>,
    perform: ((effect: AnyEffect, post: (event: E) => void) => void) | undefined,
    options: HostOptions,
  ) {
    this.name = options.name ?? "actor";
    this.#services = services;
    this.#actor = actor;
    this.#perform = perform;
    this.#post = (event) => this.post(event);
    this.#timer = new WakeTimer(services.clock, options.precise ?? false, () => this.#wake());
    this.#rearm();
  }

  /** Gives the actor an event, at once or after the one it is busy with. After {@link close} it is dropped. */
  post(event: E): void {
    if (this.#closed) return;
    if (this.#busy) {
      this.#queue.push(event);
      return;
    }
    this.#busy = true;
    try {
      this.#carryOut(this.#actor.handle(event, this.#services.clock.now()));
      if (this.#queue.length > 0) this.#drain();
      this.#rearm();
    } catch (error) {
      this.#fail(error);
    }
    this.#busy = false;
  }

  /** The actor gets the link's events and its effects reach the link. A bus is attached to every host on it. */
  attach(link: Link): void {
    if (this.#closed || link.finished) return;
    const known = this.#services.links.get(link.id);
    assert(known === undefined || known === link, `two links are named ${link.id}`);
    if (this.#subscriptions.has(link.id)) return;
    if (known === undefined) {
      const { links } = this.#services;
      links.set(link.id, link);
      link.whenFinished(() => links.delete(link.id));
    }
    // In the table before taking it: an open link announces itself from within, and may be answered.
    const stop = link.take((event) => this.#fromLink(link, event));
    this.#subscriptions.set(link.id, stop);
  }

  /** Stops the actor: no events, no wakes. Its links stay open for others; end them where they were made. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#timer.stop();
    for (const stop of this.#subscriptions.values()) stop();
    this.#subscriptions.clear();
    this.#services.forget(this);
  }

  #fromLink(link: Link, event: LinkEvent): void {
    this.post(event as E);
    if (event.kind !== "closed" || !link.finished) return;
    this.#subscriptions.get(link.id)?.();
    this.#subscriptions.delete(link.id);
  }

  #wake(): void {
    if (this.#closed || this.#busy) return;
    this.#busy = true;
    try {
      this.#carryOut(this.#actor.wake(this.#services.clock.now()));
      if (this.#queue.length > 0) this.#drain();
      this.#rearm();
    } catch (error) {
      this.#fail(error);
    }
    this.#busy = false;
  }

  #drain(): void {
    for (let i = 0; i < this.#queue.length && !this.#closed; i++) {
      this.#carryOut(this.#actor.handle(this.#queue[i] as E, this.#services.clock.now()));
    }
    this.#queue = [];
  }

  #carryOut(effects: readonly AnyEffect[]): void {
    for (let i = 0; i < effects.length; i++) this.#carryOutOne(effects[i] as LinkEffect);
  }

  #carryOutOne(effect: LinkEffect): void {
    switch (effect.kind) {
      // A link that closed in the meantime is gone from the table: what was meant for it is dropped.
      case "send":
        this.#services.links.get(effect.link)?.send(effect.bytes);
        return;
      case "baud":
        this.#services.links.get(effect.link)?.setBaud(effect.rate);
        return;
      case "format":
        this.#services.links.get(effect.link)?.setFormat(effect.format);
        return;
      case "publish":
        this.#services.links
          .get(effect.link)
          ?.publish(effect.topic, effect.payload, effect.qos, effect.retain, effect.token);
        return;
      case "acknowledge":
        this.#services.links.get(effect.link)?.acknowledge(effect.token);
        return;
      case "close":
        this.#services.links.get(effect.link)?.close(effect.reason);
        return;
      case "log":
        this.#services.log(effect);
        return;
      default: {
        const other = effect as AnyEffect;
        assert(this.#perform !== undefined, `host ${this.name} has nobody to perform "${other.kind}"`);
        this.#perform(other, this.#post);
      }
    }
  }

  #rearm(): void {
    if (!this.#closed) this.#timer.due(this.#actor.nextWake());
  }

  #fail(error: unknown): void {
    this.close();
    this.#services.bug(error, this.name);
  }
}
