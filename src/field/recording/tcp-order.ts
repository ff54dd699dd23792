/** One direction of a TCP connection put in order: repeats are dropped, early segments wait, a loss is told. */
import type { TcpSegment } from "./link-layers.ts";

/** So many segments behind a gap, and what is missing is not in the capture. */
const MOST_WAITING = 64;

export interface OrderedBytes {
  readonly time: number;
  readonly bytes: Uint8Array;
  /** Something before these bytes is not in the capture. */
  readonly afterLoss: boolean;
}

export class TcpOrder {
  #next: number | undefined;
  #waiting: TcpSegment[] = [];

  accept(segment: TcpSegment): OrderedBytes[] {
    if (segment.syn) {
      // A new connection between the same ports.
      const before = this.end();
      this.#next = (segment.sequence + 1) >>> 0;
      return before;
    }
    if (segment.data.length === 0) return [];
    this.#next ??= segment.sequence;
    this.#waiting.push(segment);
    const out = this.#inOrder();
    return this.#waiting.length > MOST_WAITING ? [...out, ...this.#overGap()] : out;
  }

  /** What still waits when the capture ends. */
  end(): OrderedBytes[] {
    const out: OrderedBytes[] = [];
    while (this.#waiting.length > 0) out.push(...this.#overGap());
    return out;
  }

  #inOrder(): OrderedBytes[] {
    const out: OrderedBytes[] = [];
    for (;;) {
      const index = this.#waiting.findIndex((segment) => this.#ahead(segment) <= 0);
      const segment = this.#waiting[index];
      if (segment === undefined) return out;
      this.#waiting.splice(index, 1);
      const fresh = segment.data.subarray(-this.#ahead(segment));
      if (fresh.length > 0) out.push(this.#take(segment, fresh, false));
    }
  }

  #overGap(): OrderedBytes[] {
    const first = this.#waiting.reduce((a, b) => (this.#ahead(b) < this.#ahead(a) ? b : a));
    this.#waiting = this.#waiting.filter((segment) => segment !== first);
    this.#next = first.sequence;
    return [this.#take(first, first.data, true), ...this.#inOrder()];
  }

  #take(segment: TcpSegment, bytes: Uint8Array, afterLoss: boolean): OrderedBytes {
    this.#next = (segment.sequence + segment.data.length) >>> 0;
    return { time: segment.time, bytes, afterLoss };
  }

  /** How far the segment begins behind what is due; below 0 for a repeat. Sequence numbers wrap at 2^32. */
  #ahead(segment: TcpSegment): number {
    return (segment.sequence - (this.#next as number)) | 0;
  }
}
