/**
 * From pieces of work to store batches. Everything that arrived while one batch was being stored becomes the next (group
 * commit); one batch is in flight, so work always sees the books as the store has them. When the store refuses a batch the
 * books go back, the batch is tried again in halves after a pause, and a piece that fails alone {@link ATTEMPTS} times is
 * given up: nothing was acknowledged for it, so its sender repeats it.
 */
import type { Now } from "../src/core/time.ts";
import { MICROS_PER_MS, MICROS_PER_SECOND } from "../src/core/time.ts";
import type { Books, Draft } from "./books.ts";
import type { Limits } from "./config.ts";
import type { CollectorEffect } from "./ports.ts";

export interface Work {
  /** Changes the books and says what to store. Runs again, over the books as they were, when the store fails. */
  apply(draft: Draft, now: Now): void;
  /** What to do when it was given up; absent: it is kept and tried for ever (only what the collector itself begins with). */
  readonly abandoned?: (reason: string) => readonly CollectorEffect[];
}

const ATTEMPTS = 3;
const FIRST_PAUSE = 200 * MICROS_PER_MS;
const LONGEST_PAUSE = 5 * MICROS_PER_SECOND;

interface Queued {
  readonly work: Work;
  attempts: number;
}

interface InFlight {
  readonly id: number;
  readonly taken: readonly Queued[];
  readonly after: readonly CollectorEffect[];
}

export class Committer {
  readonly #books: Books;
  readonly #limits: Limits;
  #queue: Queued[] = [];
  #inFlight: InFlight | undefined;
  #lastBatch = 0;
  #size: number;
  #pause = 0;
  #notBefore = 0;

  constructor(books: Books, limits: Limits) {
    this.#books = books;
    this.#limits = limits;
    this.#size = limits.batch;
  }

  add(work: Work): void {
    this.#queue.push({ work, attempts: 0 });
  }

  /** Pieces of work that are not committed yet. */
  get backlog(): number {
    return this.#queue.length + (this.#inFlight?.taken.length ?? 0);
  }

  /** True when no new work should be begun until the store has caught up. */
  get full(): boolean {
    return this.#queue.length >= this.#limits.queuedWork;
  }

  /** Twice the limit: what still comes although the lines are paused is turned away. */
  get overfull(): boolean {
    return this.#queue.length >= 2 * this.#limits.queuedWork;
  }

  /** Monotonic time at which {@link pump} has something to do by itself. */
  nextWake(): number {
    if (this.#inFlight !== undefined || this.#queue.length === 0) return Number.POSITIVE_INFINITY;
    return this.#notBefore;
  }

  /** Begins the next batch if it can. Work that stores nothing is done at once. */
  pump(now: Now): readonly CollectorEffect[] {
    const effects: CollectorEffect[] = [];
    while (this.#inFlight === undefined && this.#queue.length > 0 && now.mono >= this.#notBefore) {
      const taken = this.#queue.splice(0, this.#size);
      const draft: Draft = { records: [], after: [] };
      for (const { work } of taken) work.apply(draft, now);
      if (draft.records.length === 0) {
        this.#books.commit();
        effects.push(...draft.after);
        continue;
      }
      this.#lastBatch += 1;
      this.#inFlight = { id: this.#lastBatch, taken, after: draft.after };
      effects.push({ kind: "store", id: this.#lastBatch, batch: draft.records });
    }
    return effects;
  }

  stored(id: number): readonly CollectorEffect[] {
    const batch = this.#take(id);
    if (batch === undefined) return [];
    this.#books.commit();
    this.#size = this.#limits.batch;
    this.#pause = 0;
    return batch.after;
  }

  failed(id: number, reason: string, now: Now): readonly CollectorEffect[] {
    const batch = this.#take(id);
    if (batch === undefined) return [];
    this.#books.rollback();
    this.#pause = Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, this.#pause * 2));
    this.#notBefore = now.mono + this.#pause;
    this.#size = Math.max(1, batch.taken.length >> 1);
    const effects: CollectorEffect[] = [
      { kind: "log", level: "error", event: "store-failed", fields: { reason, works: batch.taken.length } },
    ];
    const alone = batch.taken.length === 1 ? batch.taken[0] : undefined;
    if (alone !== undefined) alone.attempts += 1;
    if (alone === undefined || alone.attempts < ATTEMPTS) this.#queue.unshift(...batch.taken);
    else if (alone.work.abandoned !== undefined) effects.push(...alone.work.abandoned(reason));
    else this.#queue.push({ work: alone.work, attempts: 0 });
    return effects;
  }

  /** An answer for another batch than the one in flight is from before a restart of the store: it means nothing. */
  #take(id: number): InFlight | undefined {
    if (this.#inFlight?.id !== id) return undefined;
    const batch = this.#inFlight;
    this.#inFlight = undefined;
    return batch;
  }
}
