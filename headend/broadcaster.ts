/**
 * One source, many sinks: each sink has a bounded queue and takes notices at its own pace. A slow one loses the oldest and
 * is told how many; it never holds up the others or the collector.
 */
import { assert } from "../src/core/result.ts";

export interface Drained<T> {
  readonly items: readonly T[];
  /** How many were dropped for this sink since it was last drained. */
  readonly dropped: number;
}

export class Sink<T> {
  readonly #capacity: number;
  readonly #ready: () => void;
  /** A ring: `#first` is where the oldest item is. */
  readonly #ring: T[] = [];
  #first = 0;
  #dropped = 0;

  constructor(capacity: number, ready: () => void) {
    assert(Number.isInteger(capacity) && capacity > 0, "a sink holds at least one notice");
    this.#capacity = capacity;
    this.#ready = ready;
  }

  put(item: T): void {
    if (this.#ring.length < this.#capacity) {
      this.#ring.push(item);
      // Only the first item of a queue is news to the sink; the rest is there when it comes to drain.
      if (this.#ring.length === 1) this.#ready();
      return;
    }
    this.#ring[this.#first] = item;
    this.#first = (this.#first + 1) % this.#capacity;
    this.#dropped += 1;
  }

  /** Everything that waits, oldest first. */
  drain(): Drained<T> {
    const items = [...this.#ring.slice(this.#first), ...this.#ring.slice(0, this.#first)];
    const drained = { items, dropped: this.#dropped };
    this.#ring.length = 0;
    this.#first = 0;
    this.#dropped = 0;
    return drained;
  }
}

export class Broadcaster<T> {
  readonly #sinks = new Set<Sink<T>>();

  get size(): number {
    return this.#sinks.size;
  }

  /** @param ready called when the first notice arrives in an empty queue; it must not drain at once but schedule that. */
  add(capacity: number, ready: () => void): Sink<T> {
    const sink = new Sink<T>(capacity, ready);
    this.#sinks.add(sink);
    return sink;
  }

  remove(sink: Sink<T>): void {
    this.#sinks.delete(sink);
  }

  publish(item: T): void {
    for (const sink of this.#sinks) sink.put(item);
  }
}
