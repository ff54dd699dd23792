/**
 * Leases: who may work on a line and on what is scheduled, when several head-ends share a store. The holder renews them; who
 * finds them over their time takes all of them. A fence rises with every holder and is checked by every commit in its own
 * transaction: a holder that stood still meanwhile, and does not know that it lost them, can commit nothing.
 */
import type { Actor } from "../src/core/actor.ts";
import { type Civil, MICROS_PER_SECOND, type Now, type Wake } from "../src/core/time.ts";

export interface Fence {
  readonly resource: string;
  readonly fence: number;
}

/** What a head-end has to hold: its scheduled work, of which a store has one, and each of its lines. */
export function leaseNames(lines: readonly string[]): readonly string[] {
  return ["site", ...lines.map((line) => `line ${line}`)];
}

/** What the keeper of the leases says: all of them are ours, or one is another's. Times by the clock of the store. */
export type LeaseAnswer =
  | { readonly kind: "held"; readonly fences: readonly Fence[] }
  | {
      readonly kind: "busy";
      readonly resource: string;
      readonly holder: string;
      readonly until: Civil;
      /** µs until then. */
      readonly freeIn: number;
    };

/** The port to where the leases are. */
export interface Leases {
  /** Takes or renews all, or none. Rejects with a sentence. */
  take(): Promise<LeaseAnswer>;
  /** Gives all back, so that nobody has to wait for them. */
  release(): Promise<void>;
  close(): Promise<void>;
}

export type LeaseEvent =
  | { readonly kind: "answered"; readonly answer: LeaseAnswer }
  | { readonly kind: "failed"; readonly reason: string };

export type LeaseEffect =
  /** Is answered by one event. */
  | { readonly kind: "take" }
  /** All are ours: the work may begin. */
  | { readonly kind: "leading"; readonly fences: readonly Fence[] }
  /** Told once for each holder and reason. */
  | { readonly kind: "standby"; readonly reason: string; readonly busy: Extract<LeaseAnswer, { kind: "busy" }> | null }
  /** They were ours and are no longer: the work ends. */
  | { readonly kind: "deposed"; readonly reason: string };

/** How long one who stands by waits at most: a holder that ends in order is followed at once. */
const LOOK = MICROS_PER_SECOND;
/** Behind the end of a lease: two clocks of one server are one, but the way there takes its time. */
const BEHIND = 20_000;

/** When to ask for the leases, and what the answers mean. */
export class LeaseKeeper implements Actor<LeaseEvent, LeaseEffect> {
  readonly #duration: number;
  #askedAt = 0;
  #asking = false;
  #next = 0;
  #leading: readonly Fence[] | undefined;
  /** Monotonic time until which they are ours for certain: counted from before the question, so it ends before the store's. */
  #validUntil = 0;
  #told = "";

  /** @param seconds how long a lease holds without being renewed */
  constructor(seconds: number) {
    this.#duration = seconds * MICROS_PER_SECOND;
  }

  handle(event: LeaseEvent, now: Now): readonly LeaseEffect[] {
    this.#asking = false;
    if (event.kind === "failed") {
      this.#next = now.mono + Math.min(LOOK, this.#duration / 6);
      return this.#leading === undefined ? this.#standby(event.reason, null) : this.wake(now);
    }
    return event.answer.kind === "held" ? this.#held(event.answer.fences, now) : this.#busy(event.answer, now);
  }

  wake(now: Now): readonly LeaseEffect[] {
    if (this.#leading !== undefined && now.mono >= this.#validUntil)
      return this.#depose("the lease could not be renewed in time", now);
    if (this.#asking || now.mono < this.#next) return [];
    this.#asking = true;
    this.#askedAt = now.mono;
    return [{ kind: "take" }];
  }

  nextWake(): Wake {
    const ask = this.#asking ? Number.POSITIVE_INFINITY : this.#next;
    const end = this.#leading === undefined ? Number.POSITIVE_INFINITY : this.#validUntil;
    return { mono: Math.min(ask, end), civil: Number.POSITIVE_INFINITY };
  }

  #held(fences: readonly Fence[], now: Now): readonly LeaseEffect[] {
    const before = this.#leading;
    // An answer that lay about while this process stood still: by now they may be another's.
    if (now.mono >= this.#askedAt + this.#duration) {
      this.#next = now.mono;
      return this.wake(now);
    }
    this.#validUntil = this.#askedAt + this.#duration;
    this.#next = this.#askedAt + this.#duration / 3;
    if (before !== undefined) {
      if (sameFences(before, fences)) return [];
      return this.#depose("another head-end has had the lease meanwhile", now);
    }
    this.#leading = fences;
    this.#told = "";
    return [{ kind: "leading", fences }];
  }

  #busy(answer: Extract<LeaseAnswer, { kind: "busy" }>, now: Now): readonly LeaseEffect[] {
    const { resource, holder, freeIn } = answer;
    if (this.#leading !== undefined) return this.#depose(`${holder} has taken ${resource}`, now);
    this.#next = now.mono + Math.min(LOOK, freeIn + BEHIND);
    return this.#standby(`${resource} is held by ${holder}`, answer);
  }

  #standby(reason: string, busy: Extract<LeaseAnswer, { kind: "busy" }> | null): readonly LeaseEffect[] {
    if (this.#told === reason) return [];
    this.#told = reason;
    return [{ kind: "standby", reason, busy }];
  }

  #depose(reason: string, now: Now): readonly LeaseEffect[] {
    this.#leading = undefined;
    this.#next = now.mono + LOOK;
    return [{ kind: "deposed", reason }];
  }
}

function sameFences(a: readonly Fence[], b: readonly Fence[]): boolean {
  const fences = new Map(b.map(({ resource, fence }) => [resource, fence]));
  return a.length === b.length && a.every(({ resource, fence }) => fences.get(resource) === fence);
}
