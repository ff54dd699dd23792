/**
 * The simulated store behind the port of a store. Commits are given as the collector's committer gives them: one at a time,
 * and again after a pause when a drawn fault failed one; what a rule refused is refused. Virtual time runs while one waits.
 */
import type { MeterReading, Store, StoreBatch, StoreEvent } from "../../headend/ports.ts";
import type { StoreQuery } from "../../headend/store-query.ts";
import { mono } from "../../src/core/time.ts";
import { DRAWN_FAULT, type SimStore } from "../../src/simulation/store.ts";
import type { World } from "../../src/simulation/world.ts";

/** Longer than any commit of the tests, µs. */
const STEP = 1_000_000;
const PAUSE = 200_000;

export class VirtualStore implements Store {
  readonly query: StoreQuery;
  readonly #world: World;
  readonly #store: SimStore;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;
  #commits = 0;

  constructor(world: World, store: SimStore) {
    this.#world = world;
    this.#store = store;
    this.query = queryOf(store, () => this.#expectOpen());
  }

  async commit(batch: StoreBatch): Promise<void> {
    this.#expectOpen();
    const commit = this.#last.then(() => this.#commit(batch));
    this.#last = commit.catch(() => {});
    await commit;
  }

  async snapshot() {
    this.#expectOpen();
    return this.#store.snapshot();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }

  #commit(batch: StoreBatch): void {
    for (;;) {
      const event = this.#settle(batch);
      if (event.kind === "stored") return;
      if (event.reason !== DRAWN_FAULT) throw new Error(event.reason);
      this.#pass(PAUSE);
    }
  }

  #settle(batch: StoreBatch): StoreEvent {
    this.#commits += 1;
    const heard: StoreEvent[] = [];
    this.#store.commit(this.#commits, batch, (event) => heard.push(event));
    this.#pass(STEP);
    const [event] = heard;
    if (heard.length !== 1 || event?.id !== this.#commits) throw new Error("a commit is answered once, by its number");
    return event;
  }

  #pass(micros: number): void {
    this.#world.run(mono(this.#world.now().mono + micros));
  }

  #expectOpen(): void {
    if (this.#closed) throw new Error("the store is closed");
  }
}

/** The read side over what is in memory. */
function queryOf(store: SimStore, expectOpen: () => void): StoreQuery {
  const when = <A extends unknown[], T>(answer: (...args: A) => T) => {
    return async (...args: A): Promise<T> => {
      expectOpen();
      return answer(...args);
    };
  };
  const readingsOf = (meter: string) => store.readings().filter((reading) => reading.meter === meter);
  return {
    meters: when(() => store.meters()),
    meter: when((id) => store.meters().find((meter) => meter.id === id)),
    readings: when((meter, from, to, limit) =>
      readingsOf(meter)
        .filter(({ time }) => time >= from && time < to)
        .slice(0, limit),
    ),
    latest: when((meter) => readingsOf(meter).findLast(({ source }) => source !== "profile")),
    order: when((id) => store.orders().find((order) => order.id === id)),
    orders: when((meter, limit, before?: number) =>
      store
        .orders()
        .filter((order) => order.meter === meter && order.id < (before ?? Number.POSITIVE_INFINITY))
        .reverse()
        .slice(0, limit),
    ),
    account: when((meter) => store.accounts().find((account) => account.meter === meter)),
    accounts: when(() => store.accounts()),
    postings: when((meter, limit, before) => {
      const own = store.postings().filter((posting) => posting.meter === meter);
      const end = before === undefined ? own.length : own.findIndex(({ key }) => key === before);
      return own.slice(0, end).reverse().slice(0, limit);
    }),
    audit: when((limit, before = Number.POSITIVE_INFINITY) =>
      store.audit
        .map((entry, index) => ({ ...entry, number: index + 1 }))
        .filter(({ number }) => number < before)
        .reverse()
        .slice(0, limit),
    ),
    document: when((collection, key) =>
      store.documents().find((document) => document.collection === collection && document.key === key),
    ),
    documents: when((collection, after, direction, limit) => {
      const all = store.documents().filter((document) => document.collection === collection);
      const up = direction === "up";
      const behind = all.filter(({ key }) => after === null || (up ? key > after : key < after));
      return (up ? behind : behind.reverse()).slice(0, limit);
    }),
    counts: when(() => {
      const counts: Record<MeterReading["source"], number> = { modbus: 0, mqtt: 0, profile: 0 };
      for (const { source } of store.readings()) counts[source] += 1;
      return counts;
    }),
  };
}
