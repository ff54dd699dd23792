/**
 * Virtual time: a seeded queue of things that happen, and the actors they happen to. The same actors run on real ports in
 * `src/platform`; here a month passes in seconds and every run can be repeated from its seed.
 */
import type { Actor, LinkEffect, LinkId } from "../core/actor.ts";
import { Heap } from "../core/heap.ts";
import { type Civil, civil, type Monotonic, mono, type Now } from "../core/time.ts";

/** A line, connection or broker session of the world: takes an actor's effects, gives events through {@link SimHost.post}. */
export interface SimLink {
  readonly id: LinkId;
  perform(effect: Exclude<LinkEffect, { kind: "log" }>): void;
}

interface Entry {
  readonly at: number;
  /** Breaks ties: first scheduled, first run. Part of what makes a run repeatable. */
  readonly order: number;
  readonly run: () => void;
}

export class World {
  readonly #start: Civil;
  readonly #queue = new Heap(before);
  #mono = 0;
  #order = 0;
  #events = 0;

  constructor(start: Civil) {
    this.#start = start;
  }

  now(): Now {
    return { mono: mono(this.#mono), civil: civil(this.#start + this.#mono) };
  }

  /** How many things have happened so far. */
  get events(): number {
    return this.#events;
  }

  /** Runs `run` at a monotonic time; a time already past means next. */
  at(when: number, run: () => void): void {
    this.#order += 1;
    this.#queue.push({ at: Math.max(when, this.#mono), order: this.#order, run });
  }

  after(micros: number, run: () => void): void {
    this.at(this.#mono + micros, run);
  }

  /** Lets time pass until `until` (µs since the start); everything due before happens, in order. */
  run(until: Monotonic): void {
    for (let next = this.#queue.peek(); next !== undefined && next.at <= until; next = this.#queue.peek()) {
      this.#queue.pop();
      this.#mono = next.at;
      this.#events += 1;
      next.run();
    }
    this.#mono = until;
  }

  /** Monotonic time of a civil one. */
  monoOf(at: number): number {
    return at - this.#start;
  }
}

/** One actor in the world. After {@link SimHost.kill} it hears and does nothing more: a power cut or kill -9. */
export class SimHost<E, F extends { readonly kind: string }> {
  readonly #world: World;
  readonly #actor: Actor<E, F>;
  readonly #perform: (effect: F) => void;
  #alive = true;
  #armed = Number.POSITIVE_INFINITY;

  constructor(world: World, actor: Actor<E, F>, perform: (effect: F) => void) {
    this.#world = world;
    this.#actor = actor;
    this.#perform = perform;
    this.#rearm();
  }

  get alive(): boolean {
    return this.#alive;
  }

  post(event: E): void {
    if (!this.#alive) return;
    this.#carryOut(this.#actor.handle(event, this.#world.now()));
    this.#rearm();
  }

  kill(): void {
    this.#alive = false;
  }

  /** Asks the actor again when it wants to be woken: after something outside of its events changed it. */
  touch(): void {
    this.#rearm();
  }

  #carryOut(effects: readonly F[]): void {
    // Effects are carried out at the same instant but never re-enter the actor: what answers does so from the queue.
    for (const effect of effects) if (this.#alive) this.#perform(effect);
  }

  #rearm(): void {
    if (!this.#alive) return;
    const wake = this.#actor.nextWake();
    const due = Math.min(wake.mono, this.#world.monoOf(wake.civil));
    if (due >= this.#armed) return;
    this.#armed = due;
    this.#world.at(due, () => this.#wake(due));
  }

  #wake(due: number): void {
    // A later wake was replaced by an earlier one: its entry finds nothing armed at its time.
    if (!this.#alive || this.#armed !== due) return;
    this.#armed = Number.POSITIVE_INFINITY;
    this.#carryOut(this.#actor.wake(this.#world.now()));
    this.#rearm();
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
