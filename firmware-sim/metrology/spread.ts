/**
 * How the energy of a window is spread over it, so that pulses can be dated inside: at the end of every stretch what had flowed
 * by then, and within a stretch evenly over the time in which the relay was closed, which the CPU knows because it drives it.
 */
import type { WindowSpan } from "./chip.ts";

/** Marks of a window at most: a relay that chatters faster is dated to the stretch. */
const MOST_MARKS = 64;

export class Spread {
  /** Reused from window to window. */
  readonly #span = {
    begin: 0,
    end: 0,
    marks: 0,
    times: new Float64Array(MOST_MARKS),
    active: new Float64Array(MOST_MARKS),
    reactive: new Float64Array(MOST_MARKS),
  };
  /** Where the last stretch ended, and the sums by then. */
  #time: number;
  #active = 0;
  #reactive = 0;
  #closed = true;
  readonly #switchings: { readonly time: number; readonly closed: boolean }[] = [];

  /** @param begin civil µs at which the first window begins. */
  constructor(begin: number) {
    this.#time = begin;
    this.#begin();
  }

  relay(time: number, closed: boolean): void {
    if (this.#switchings.length < MOST_MARKS) this.#switchings.push({ time, closed });
    else this.#switchings[MOST_MARKS - 1] = { time, closed };
  }

  /** A stretch ends; the sums of the window up to here, in any unit. */
  stretch(time: number, active: number, reactive: number): void {
    if (this.#switchings.length > 0) this.#switchWithin(time, active, reactive);
    this.#put(time, active, reactive);
    this.#time = time;
    this.#active = active;
    this.#reactive = reactive;
  }

  /** The window ends where its last stretch did. */
  end(): WindowSpan {
    this.#span.end = this.#time;
    return this.#span;
  }

  /** The next window begins; the span of the last is no longer needed. */
  next(): void {
    this.#active = 0;
    this.#reactive = 0;
    this.#begin();
  }

  #begin(): void {
    this.#span.begin = this.#time;
    this.#span.marks = 0;
  }

  #put(time: number, active: number, reactive: number): void {
    const { times, active: actives, reactive: reactives } = this.#span;
    const at = Math.min(this.#span.marks, MOST_MARKS - 1);
    times[at] = time;
    actives[at] = active;
    reactives[at] = reactive;
    this.#span.marks = at + 1;
  }

  /** Marks at every switching in the stretch that ends now. */
  #switchWithin(end: number, active: number, reactive: number): void {
    const parts: { readonly time: number; readonly flowed: number }[] = [];
    let at = this.#time;
    let flowed = 0;
    for (let next = this.#switchings[0]; next !== undefined && next.time < end; next = this.#switchings[0]) {
      this.#switchings.shift();
      const time = Math.max(at, next.time);
      if (this.#closed) flowed += time - at;
      this.#closed = next.closed;
      at = time;
      parts.push({ time, flowed });
    }
    const whole = this.#closed ? flowed + end - at : flowed;
    for (const part of parts) {
      const share = whole === 0 ? 0 : part.flowed / whole;
      const between = (from: number, to: number) => from + share * (to - from);
      this.#put(part.time, between(this.#active, active), between(this.#reactive, reactive));
    }
  }
}
