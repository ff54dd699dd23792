/**
 * A probe is a conversation with a line written down as a script: a generator that yields what is to be done there and is given
 * what was heard. Scan, doctor and conformance are probes, so that the same script runs on a real port, on TCP and on the
 * simulated copper line, and reads from top to bottom.
 */
import type { LineFormat } from "../core/line-format.ts";
import type { Monotonic } from "../core/time.ts";

/** When to stop listening. Times are µs, counted from when what was sent has left the line. */
export interface Listening {
  /** Give up when nothing was heard for so long. */
  readonly first: number;
  /** After something was heard: over when the line has been free for so long. */
  readonly quiet: number;
  /** Over after so long even if the line is never free; by default ten seconds. */
  readonly longest?: number;
  /** Over as soon as this says so of all that was heard, without waiting for the line to be free. */
  readonly enough?: (bytes: Uint8Array) => boolean;
}

export type ProbeStep =
  | {
      /** Sends, then listens; with nothing to send it only listens. */
      readonly kind: "exchange";
      readonly send: Uint8Array;
      readonly listen: Listening;
      /** Which of the runner's connections; 0 by default. A serial line has one. */
      readonly on?: number;
    }
  /** The port goes to other settings; of no meaning where bytes take no time (TCP). */
  | { readonly kind: "format"; readonly format: LineFormat }
  /** Hangs up; the next exchange there is on a new connection. */
  | { readonly kind: "reconnect"; readonly on?: number };

export interface Chunk {
  readonly at: Monotonic;
  readonly bytes: Uint8Array;
}

export type Ended =
  /** Nothing was heard. */
  | "silent"
  /** The line was free for long enough. */
  | "quiet"
  | "enough"
  /** `longest` was over, or more came than is kept. */
  | "unending"
  /** The connection was lost or could not be had. */
  | "closed";

export interface Heard {
  /** Everything that came, in the order in which it came. */
  readonly bytes: Uint8Array;
  /** The same as it was handed over, with times. */
  readonly chunks: readonly Chunk[];
  readonly sentAt: Monotonic;
  /** When the last bit of what was sent has left the line, by its own pace. */
  readonly leftAt: Monotonic;
  readonly endedAt: Monotonic;
  readonly ended: Ended;
  /** Why the connection was lost, where it was. */
  readonly reason?: string;
}

/** What comes of it is `T`; every step is answered with what was heard (of `format` and `reconnect`: nothing). */
export type Probe<T> = Generator<ProbeStep, T, Heard>;

/** Bytes of one exchange that are kept: more than any frame, little enough for a line that never stops. */
export const MOST_HEARD = 16 * 1024;
