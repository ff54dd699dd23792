/**
 * How the energy of a window is spread over it, so that pulses can be dated inside: at the end of every stretch what had flowed
 * by then, and within a stretch evenly over the time in which the relay was closed, which the CPU knows because it drives it.
 */
import type { EnergyMark, WindowSpan } from "./chip.ts";

/** Marks of a window at most: a relay that chatters faster is dated to the stretch. */
const MOST_MARKS = 64;

interface Flow {
  readonly time: number;
  readonly active: number;
  readonly reactive: number;
}

export class Spread {
  #begin: number;
  /** Sums by the end of each stretch and at each switching. */
  #flows: Flow[] = [];
  #last: Flow;
  #closed = true;
  #switchings: { readonly time: number; readonly closed: boolean }[] = [];

  /** @param begin civil µs at which the first window begins. */
  constructor(begin: number) {
    this.#begin = begin;
    this.#last = { time: begin, active: 0, reactive: 0 };
  }

  relay(time: number, closed: boolean): void {
    if (this.#switchings.length < MOST_MARKS) this.#switchings.push({ time, closed });
    else this.#switchings[MOST_MARKS - 1] = { time, closed };
  }

  /** A stretch ends; the sums of the window up to here, in any unit. */
  stretch(time: number, active: number, reactive: number): void {
    const from = this.#last;
    const parts = this.#parts(from.time, time);
    const closed = parts.reduce((sum, part) => sum + part.closed, 0);
    let flowed = 0;
    for (const part of parts.slice(0, -1)) {
      flowed += part.closed;
      const share = closed === 0 ? 0 : flowed / closed;
      this.#put({
        time: part.to,
        active: from.active + share * (active - from.active),
        reactive: from.reactive + share * (reactive - from.reactive),
      });
    }
    this.#last = { time, active, reactive };
    this.#put(this.#last);
  }

  /** The window ends where its last stretch did. */
  end(): WindowSpan {
    const { time: end, active, reactive } = this.#last;
    const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
    const marks = this.#flows.map(
      (f): EnergyMark => ({ time: f.time, active: share(f.active, active), reactive: share(f.reactive, reactive) }),
    );
    const span = { begin: this.#begin, end, marks };
    this.#begin = end;
    this.#flows = [];
    this.#last = { time: end, active: 0, reactive: 0 };
    return span;
  }

  #put(flow: Flow): void {
    if (this.#flows.length < MOST_MARKS) this.#flows.push(flow);
    else this.#flows[MOST_MARKS - 1] = flow;
  }

  /** The stretch cut at its switchings: where each part ends, and its length if the relay was closed. */
  #parts(from: number, to: number): { readonly to: number; readonly closed: number }[] {
    const parts: { to: number; closed: number }[] = [];
    let at = from;
    while (this.#switchings[0] !== undefined && this.#switchings[0].time < to) {
      const { time, closed } = this.#switchings.shift() as { time: number; closed: boolean };
      parts.push({ to: Math.max(at, time), closed: this.#closed ? Math.max(0, time - at) : 0 });
      at = Math.max(at, time);
      this.#closed = closed;
    }
    parts.push({ to, closed: this.#closed ? to - at : 0 });
    return parts;
  }
}
