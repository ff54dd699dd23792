/**
 * Reads that somebody waits for: one at a time for each meter, and whoever asks meanwhile gets the same answer. How many
 * meters are waited for is bounded, and so is the time.
 */
import { failure, type Result } from "../../src/core/result.ts";
import type { Now } from "../../src/core/time.ts";
import type { CollectorEffect, MeterId, MeterReading, Refusal } from "../ports.ts";

/** It changes nothing, so it has no key. */
export interface ReadRequest {
  readonly kind: "read";
  readonly ticket: number;
  readonly meter: MeterId;
  /** µs, monotonic: for how long somebody waits. */
  readonly wait: number;
}

export interface ReadReceipt {
  readonly kind: "read";
  /** As it is stored. */
  readonly reading: MeterReading;
}

interface Waiting {
  readonly requests: ReadRequest[];
  /** Monotonic. */
  deadline: number;
}

export class OnDemandReads {
  readonly #limit: number;
  readonly #waiting = new Map<MeterId, Waiting>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns what is answered at once, or whether the meter has to be asked now */
  take(request: ReadRequest, now: Now): { readonly effects: readonly CollectorEffect[]; readonly ask: boolean } {
    const { meter, ticket } = request;
    const waiting = this.#waiting.get(meter);
    if (waiting !== undefined) {
      waiting.requests.push(request);
      waiting.deadline = Math.max(waiting.deadline, now.mono + request.wait);
      return { effects: [], ask: false };
    }
    if (this.#waiting.size >= this.#limit) {
      const detail = `${this.#waiting.size} meters are being read on demand; try again when some have answered`;
      return {
        effects: [{ kind: "reply", ticket, result: failure({ reason: "too-many-reads", detail }) }],
        ask: false,
      };
    }
    this.#waiting.set(meter, { requests: [request], deadline: now.mono + request.wait });
    return { effects: [], ask: true };
  }

  /** Whoever waits for a meter waits no more, but for the store. */
  release(meter: MeterId): readonly ReadRequest[] {
    const requests = this.#waiting.get(meter)?.requests ?? [];
    this.#waiting.delete(meter);
    return requests;
  }

  /** Those whose time is over. */
  late(now: Now): readonly MeterId[] {
    return [...this.#waiting].filter(([, { deadline }]) => deadline <= now.mono).map(([meter]) => meter);
  }

  nextWake(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#waiting.values()) next = Math.min(next, deadline);
    return next;
  }
}

export function answerAll(
  requests: readonly ReadRequest[],
  result: Result<ReadReceipt, Refusal>,
): readonly CollectorEffect[] {
  return requests.map(({ ticket }) => ({ kind: "reply", ticket, result }));
}
