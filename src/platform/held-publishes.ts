/** Publishes whose acknowledgement waits for the store: bounded, in order of arrival, freed when their client goes. */

export interface HeldPublish<C> {
  readonly client: C;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Lets the broker acknowledge and go on with this client. */
  readonly release: () => void;
}

export class HeldPublishes<C> {
  readonly #limit: number;
  readonly #deliver: (publish: HeldPublish<C>, token: number) => void;
  /** Given to the actor; a map keeps the order of insertion, so the oldest comes first. */
  readonly #held = new Map<number, HeldPublish<C>>();
  /** Beyond the bound. A client is not read on while one of its publishes is here, so each adds one read at most. */
  #waiting: HeldPublish<C>[] = [];
  #nextToken = 1;
  /** Tokens below this were given out before the last {@link markAge}. */
  #agedBelow = 1;

  constructor(limit: number, deliver: (publish: HeldPublish<C>, token: number) => void) {
    this.#limit = limit;
    this.#deliver = deliver;
  }

  hold(publish: HeldPublish<C>): void {
    if (this.#held.size >= this.#limit) this.#waiting.push(publish);
    else this.#give(publish);
  }

  /** Unknown tokens are those of clients that went: their meters repeat the message. */
  acknowledge(token: number): void {
    const publish = this.#held.get(token);
    if (publish === undefined) return;
    this.#held.delete(token);
    publish.release();
    this.#refill();
  }

  forget(client: C): void {
    for (const [token, publish] of this.#held) if (publish.client === client) this.#held.delete(token);
    this.#waiting = this.#waiting.filter((publish) => publish.client !== client);
    this.#refill();
  }

  /** Clients with something unacknowledged. */
  clients(): ReadonlySet<C> {
    return new Set([...this.#held.values()].map((publish) => publish.client));
  }

  /** Called at even intervals: the clients whose publishes have been held since the previous call. */
  markAge(): ReadonlySet<C> {
    const old = new Set<C>();
    for (const [token, publish] of this.#held) {
      if (token >= this.#agedBelow) break;
      old.add(publish.client);
    }
    this.#agedBelow = this.#nextToken;
    return old;
  }

  #give(publish: HeldPublish<C>): void {
    const token = this.#nextToken++;
    this.#held.set(token, publish);
    this.#deliver(publish, token);
  }

  #refill(): void {
    let taken = 0;
    while (taken < this.#waiting.length && this.#held.size < this.#limit) {
      this.#give(this.#waiting[taken] as HeldPublish<C>);
      taken += 1;
    }
    if (taken > 0) this.#waiting = this.#waiting.slice(taken);
  }
}
