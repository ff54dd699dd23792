/**
 * The store in virtual time: commits take a while, may fail, and at a crash of the head-end the one under way is either
 * whole or not at all. It keeps what SQLite keeps, by the same rules (see `StoreRecord` in headend/ports.ts).
 */
import {
  type AuditEntry,
  type MeterReading,
  OPEN_ORDER_STATES,
  type Order,
  type Posting,
  type PrepaidAccount,
  RECENT_PER_METER,
  type RegisteredMeter,
  type StoreBatch,
  type StoredDocument,
  type StoreEvent,
  type StoreSnapshot,
} from "../../headend/ports.ts";
import type { Random } from "../core/random.ts";
import { type Held, refusalOf } from "./store-rules.ts";
import type { World } from "./world.ts";

export interface StoreFaults {
  /** A commit fails with "disk full", in 1/10,000. */
  readonly failed: number;
  /** Longest time a commit takes, µs. */
  readonly slowest: number;
}

/** The reason of a commit that a drawn fault failed, and no rule. */
export const DRAWN_FAULT = "disk full";

const PER = 10_000;
const OPEN_STATES: ReadonlySet<Order["state"]> = new Set(OPEN_ORDER_STATES);

export class SimStore {
  readonly #world: World;
  #faults: StoreFaults;
  readonly #random: Random;
  readonly #readings = new Map<string, Map<number, MeterReading>>();
  readonly #orders = new Map<number, Order>();
  readonly #orderOfKey = new Map<string, number>();
  readonly #postings = new Map<string, Posting>();
  readonly #accounts = new Map<string, PrepaidAccount>();
  readonly #meters = new Map<string, RegisteredMeter>();
  readonly #documents = new Map<string, StoredDocument>();
  readonly audit: AuditEntry[] = [];
  readonly #held: Held = {
    order: (id) => this.#orders.get(id),
    orderOfKey: (key) => this.#orderOfKey.get(key),
    posting: (key) => this.#postings.get(key),
  };
  /** Commits of the running head-end; a new head-end starts a new generation and the old one's are decided at once. */
  #generation = 0;
  #busyUntil = 0;
  #failures = 0;

  constructor(world: World, faults: StoreFaults, random: Random) {
    this.#world = world;
    this.#faults = faults;
    this.#random = random;
  }

  get failures(): number {
    return this.#failures;
  }

  /**
   * Commits in order; `done` hears `stored` or `storeFailed` later, unless the head-end is gone by then. A batch that breaks
   * a rule of the store fails whole.
   */
  commit(id: number, batch: StoreBatch, done: (event: StoreEvent) => void): void {
    const generation = this.#generation;
    this.#busyUntil = Math.max(this.#busyUntil, this.#world.now().mono) + 1 + this.#random.below(this.#faults.slowest);
    this.#world.at(this.#busyUntil, () => {
      if (generation !== this.#generation) {
        // The head-end died while this commit was under way: on disk it is there, or it is not.
        if (this.#random.chance(1, 2) && generation === this.#generation - 1) this.#commit(batch);
        return;
      }
      if (this.#faults.failed > 0 && this.#random.chance(this.#faults.failed, PER)) {
        this.#failures += 1;
        done({ kind: "storeFailed", id, reason: DRAWN_FAULT });
        return;
      }
      const refusal = this.#commit(batch);
      done(refusal === undefined ? { kind: "stored", id } : { kind: "storeFailed", id, reason: refusal });
    });
  }

  /** From now on no fault is drawn. */
  calm(): void {
    this.#faults = { ...this.#faults, failed: 0 };
  }

  /** The head-end's process is gone. */
  crash(): void {
    this.#generation += 1;
  }

  #commit(batch: StoreBatch): string | undefined {
    const refusal = refusalOf(batch, this.#held);
    if (refusal === undefined) this.apply(batch);
    return refusal;
  }

  /** Writes what no rule refuses. */
  apply(batch: StoreBatch): void {
    for (const record of batch) {
      switch (record.kind) {
        case "reading":
          this.#addReading(record.reading);
          break;
        case "order":
          this.#orders.set(record.order.id, record.order);
          this.#orderOfKey.set(record.order.key, record.order.id);
          break;
        case "audit":
          this.audit.push(record.entry);
          break;
        case "posting":
          this.#addPosting(record.posting);
          break;
        case "account":
          this.#accounts.set(record.account.meter, record.account);
          break;
        case "meter":
          this.#meters.set(record.meter.id, record.meter);
          break;
        case "document":
          this.#documents.set(`${record.document.collection} ${record.document.key}`, record.document);
          break;
      }
    }
  }

  snapshot(): StoreSnapshot {
    const orders = this.orders();
    const finished = orders.filter((order) => !OPEN_STATES.has(order.state));
    const topups = this.postings().filter((posting) => posting.kind === "topup");
    const newest = (good: boolean) =>
      byName(this.#readings).flatMap((byTime) => {
        const of = [...byTime.values()].filter((r) => r.source !== "profile" && (!good || r.quality === "good"));
        return of.length === 0 ? [] : [of.reduce((a, b) => (b.time > a.time ? b : a))];
      });
    return {
      meters: this.meters(),
      accounts: this.accounts(),
      openOrders: orders.filter((order) => OPEN_STATES.has(order.state)),
      lastOrder: orders.reduce((last, order) => Math.max(last, order.id), 0),
      latest: newest(false),
      latestGood: newest(true),
      recentOrders: newestOfEach(finished),
      recentTopups: newestOfEach(topups),
      documents: this.documents().filter(({ live }) => live),
    };
  }

  readings(): readonly MeterReading[] {
    return [...this.#readings.values()].flatMap((byTime) => [...byTime.values()].sort((a, b) => a.time - b.time));
  }

  /** By number, the oldest first. */
  orders(): readonly Order[] {
    return [...this.#orders.values()].sort((a, b) => a.id - b.id);
  }

  /** In the order in which they were booked. */
  postings(): readonly Posting[] {
    return [...this.#postings.values()];
  }

  /** By meter. */
  accounts(): readonly PrepaidAccount[] {
    return byName(this.#accounts);
  }

  /** By id. */
  meters(): readonly RegisteredMeter[] {
    return byName(this.#meters);
  }

  /** By collection and key. */
  documents(): readonly StoredDocument[] {
    return byName(this.#documents);
  }

  #addReading(reading: MeterReading): void {
    const byTime = this.#readings.get(reading.meter) ?? new Map<number, MeterReading>();
    this.#readings.set(reading.meter, byTime);
    if (!byTime.has(reading.time)) byTime.set(reading.time, reading);
  }

  #addPosting(posting: Posting): void {
    if (!this.#postings.has(posting.key)) this.#postings.set(posting.key, posting);
  }
}

function byName<T>(items: ReadonlyMap<string, T>): T[] {
  return [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

/** The last of each meter, in their order. */
function newestOfEach<T extends { readonly meter: string }>(items: readonly T[]): T[] {
  const taken = new Map<string, number>();
  const isNew = ({ meter }: T) => {
    const count = (taken.get(meter) ?? 0) + 1;
    taken.set(meter, count);
    return count <= RECENT_PER_METER;
  };
  return items.toReversed().filter(isNew).reverse();
}
