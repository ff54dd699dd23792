/**
 * How much of a line goes to attempts that come to nothing or last too long, and which meters are in doubt.
 *
 * Time that failed attempts take from others is paid back: it is followed by {@link SHARE_OF_OTHERS} times as long in which
 * those in good standing go first, so that in the long run it is at most an eighth of the line's. A short run of failures
 * is free ({@link FREE_FAILURES}): a line without trouble repeats at once what it lost.
 *
 * Standing: each failed attempt (a slow one is one too) counts {@link FAILED}, each answer takes one away. Two failures in a row put a meter in
 * doubt, and so does failing more often than one time in five; a lost reply now and then does not.
 */
import { MICROS_PER_SECOND } from "../../src/core/time.ts";

/** What failed attempts cost is given to the others this many times over. */
const SHARE_OF_OTHERS = 7;
const FREE_FAILURES = 3 * MICROS_PER_SECOND;
const FAILED = 4;
const IN_DOUBT = 8;
const WORST = 12;

/** The record of one meter. */
export class Standing {
  #score = 0;

  answered(): void {
    this.#score = Math.max(0, this.#score - 1);
  }

  failed(): void {
    this.#score = Math.min(WORST, this.#score + FAILED);
  }

  get inDoubt(): boolean {
    return this.#score >= IN_DOUBT;
  }
}

/** The account of a line. All times are monotonic µs. */
export class LineShare {
  /** When everything that failed so far is paid back; the free part lies beyond. */
  #paidAt = Number.NEGATIVE_INFINITY;

  /** An attempt failed at `now` after it had the line for `took`. */
  spend(took: number, now: number): void {
    const free = FREE_FAILURES * (SHARE_OF_OTHERS + 1);
    // Paying back begins when the attempt does: its own time is the eighth part.
    this.#paidAt = Math.max(this.#paidAt, now - took - free) + (SHARE_OF_OTHERS + 1) * took;
  }

  /** From when on a meter in doubt may take the line from others again. */
  get from(): number {
    return this.#paidAt;
  }
}
