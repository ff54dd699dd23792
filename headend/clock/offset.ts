/** How far a meter's clock is from the head-end's, from what contacts tell. Offsets are meter minus head-end, µs. */
import { type Civil, MICROS_PER_SECOND } from "../../src/core/time.ts";

/** The meter's clock showed `shown` at some moment from `asked` to `answered`, both by the head-end's clock. */
export interface Contact {
  readonly asked: Civil;
  readonly answered: Civil;
  readonly shown: Civil;
}

export interface Measured {
  readonly offset: number;
  /** The true offset is at most this far away. */
  readonly uncertainty: number;
}

/** A contact that took longer tells nothing: a broker may keep a query for a meter that is away. */
const MOST_UNCERTAINTY = 2.5 * MICROS_PER_SECOND;

/** Undefined where the contact took too long to tell. */
export function measure({ asked, answered, shown }: Contact): Measured | undefined {
  const uncertainty = (answered - asked) / 2;
  if (uncertainty > MOST_UNCERTAINTY) return undefined;
  return { offset: Math.round(shown - (asked + answered) / 2), uncertainty: Math.round(uncertainty) };
}

/**
 * What messages that a meter sends by itself tell. Each comes some time after it was made, so the offset is at least the time
 * it shows minus that of its arrival, and the largest of the last few is nearest to it.
 */
export class MessageOffset {
  readonly #last: number[] = [];

  /** Adds a message, and gives the offset where it can be told: undefined while all may just have been on the way for long. */
  heard(shown: Civil, arrived: Civil): number | undefined {
    this.#last.push(shown - arrived);
    if (this.#last.length > WINDOW) this.#last.shift();
    const least = Math.max(...this.#last);
    return least > 0 || this.#last.length === WINDOW ? least : undefined;
  }

  /** What was heard before a jump counts no more. */
  reset(): void {
    this.#last.length = 0;
  }
}

/** Messages among which one is taken to have come without delay. */
const WINDOW = 8;
