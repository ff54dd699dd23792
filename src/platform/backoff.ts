/** How long to wait before the next attempt: doubling, with jitter so that a thousand meters do not return at once. */
import { Random } from "../core/random.ts";
import { randomSeed } from "./entropy.ts";

export interface BackoffOptions {
  readonly firstMs?: number;
  readonly longestMs?: number;
}

export class Backoff {
  readonly #first: number;
  readonly #longest: number;
  readonly #random = new Random(randomSeed());
  #next: number;

  constructor(options: BackoffOptions = {}) {
    this.#first = options.firstMs ?? 200;
    this.#longest = options.longestMs ?? 15_000;
    this.#next = this.#first;
  }

  /** Milliseconds to wait: half of the step fixed, half of it drawn. */
  nextMs(): number {
    const step = this.#next;
    this.#next = Math.min(2 * step, this.#longest);
    return Math.round(step / 2 + this.#random.unit() * (step / 2));
  }

  /** After a success. */
  reset(): void {
    this.#next = this.#first;
  }
}
