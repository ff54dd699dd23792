/**
 * The collector's knowledge as the store has it: what a batch changes here is taken back when the store refuses the batch.
 * Everything that decides (duplicates, plausibility, money, orders) reads these books and nothing else.
 */
import type { OrderNumber } from "../protocols/orders.ts";
import type { MeasureValues } from "../src/core/measures.ts";
import type { Civil } from "../src/core/time.ts";
import { clockShelf } from "./clock/records.ts";
import { MASS_METERS, MASS_ORDERS, type MassOrder, massMetersCodec, massOrderCodec } from "./commands/mass-order.ts";
import { type CompletenessConfig, IntervalBook } from "./completeness/interval-book.ts";
import { Shelf } from "./documents.ts";
import { eventsShelf } from "./events/records.ts";
import { JournaledMap } from "./journaled-map.ts";
import {
  type CollectorEffect,
  type MeterId,
  type MeterReading,
  type Order,
  type Posting,
  type PrepaidAccount,
  RECENT_PER_METER,
  type RegisteredMeter,
  type StoreRecord,
  type StoreSnapshot,
} from "./ports.ts";
import { lastExchange, REGISTRY, REGISTRY_CODEC, type RegistryEntry } from "./registry/entry.ts";
import { openingBaseline } from "./registry/exchange.ts";
import { doneShelf } from "./schedule/records.ts";

/** What the next reading is judged against. */
export interface Baseline {
  readonly values: MeasureValues;
  /** Time of the reading, and when the head-end took it in by its own clock. */
  readonly time: Civil;
  readonly arrived: Civil;
}

/** What one piece of work wants stored, and what is told once it is. */
export interface Draft {
  readonly records: StoreRecord[];
  readonly after: CollectorEffect[];
}

/** Finished things by key, forgotten oldest first, {@link RECENT_PER_METER} for each meter. */
class RecentByKey<T extends { readonly key: string; readonly meter: MeterId }> {
  readonly #byKey = new JournaledMap<string, T>();
  readonly #keys = new JournaledMap<MeterId, readonly string[]>();

  get(key: string): T | undefined {
    return this.#byKey.get(key);
  }

  add(item: T): void {
    const keys = [...(this.#keys.get(item.meter) ?? []), item.key];
    if (keys.length > RECENT_PER_METER) this.#byKey.delete(keys.shift() as string);
    this.#keys.set(item.meter, keys);
    this.#byKey.set(item.key, item);
  }

  commit(): void {
    this.#byKey.commit();
    this.#keys.commit();
  }

  rollback(): void {
    this.#byKey.rollback();
    this.#keys.rollback();
  }
}

export class Books {
  readonly meters: JournaledMap<MeterId, RegisteredMeter>;
  readonly registry: Shelf<RegistryEntry>;
  readonly latest: JournaledMap<MeterId, MeterReading>;
  readonly baselines: JournaledMap<MeterId, Baseline>;
  readonly accounts: JournaledMap<MeterId, PrepaidAccount>;
  readonly openOrders: JournaledMap<OrderNumber, Order>;
  readonly openOrderKeys: JournaledMap<string, OrderNumber>;
  /** The newest order by which an account switched its meter's relay, finished or not. */
  readonly prepaidOrders = new JournaledMap<MeterId, Order>();
  readonly massOrders: Shelf<MassOrder>;
  readonly massMeters: Shelf<readonly MeterId[]>;
  readonly recentOrders = new RecentByKey<Order>();
  readonly recentTopups = new RecentByKey<Posting>();
  /** By meter and task: up to when dated reads are done. */
  readonly scheduled: ReturnType<typeof doneShelf>;
  readonly clocks: ReturnType<typeof clockShelf>;
  /** Of polled meters: what their events were when they were read last. */
  readonly eventsSeen: ReturnType<typeof eventsShelf>;
  /** Undefined where completeness is not followed. */
  readonly intervals: IntervalBook | undefined;
  /** Never goes back, not even with a batch that failed: an order id is used once. */
  #lastOrder: number;

  constructor(snapshot: StoreSnapshot, completeness?: CompletenessConfig) {
    this.meters = new JournaledMap(snapshot.meters.map((meter) => [meter.id, meter]));
    this.latest = new JournaledMap(snapshot.latest.map((reading) => [reading.meter, reading]));
    this.baselines = new JournaledMap(
      snapshot.latestGood.map((r) => [r.meter, { values: r.values, time: r.time, arrived: r.time }]),
    );
    this.registry = new Shelf(REGISTRY, REGISTRY_CODEC, snapshot.documents);
    for (const entry of this.registry.values()) {
      const exchange = lastExchange(entry);
      // The last good reading may still be the old device's.
      if (exchange !== undefined && (this.baselines.get(entry.meter)?.time ?? 0) <= exchange.at)
        this.baselines.set(entry.meter, openingBaseline(exchange));
    }
    this.accounts = new JournaledMap(snapshot.accounts.map((account) => [account.meter, account]));
    this.openOrders = new JournaledMap(snapshot.openOrders.map((order) => [order.id, order]));
    this.openOrderKeys = new JournaledMap(snapshot.openOrders.map((order) => [order.key, order.id]));
    this.scheduled = doneShelf(snapshot.documents);
    this.clocks = clockShelf(snapshot.documents);
    this.eventsSeen = eventsShelf(snapshot.documents);
    this.massOrders = new Shelf(MASS_ORDERS, massOrderCodec, snapshot.documents);
    this.massMeters = new Shelf(MASS_METERS, massMetersCodec, snapshot.documents);
    this.intervals = completeness && new IntervalBook(completeness, snapshot.documents);
    this.#lastOrder = snapshot.lastOrder;
    for (const order of [...snapshot.recentOrders].sort((a, b) => a.id - b.id)) this.recentOrders.add(order);
    for (const topup of [...snapshot.recentTopups].sort((a, b) => a.at - b.at)) this.recentTopups.add(topup);
    for (const order of [...snapshot.recentOrders, ...snapshot.openOrders].sort((a, b) => a.id - b.id))
      if (isPrepaidOrder(order)) this.prepaidOrders.set(order.meter, order);
    this.commit();
  }

  nextOrder(): OrderNumber {
    this.#lastOrder += 1;
    return this.#lastOrder as OrderNumber;
  }

  commit(): void {
    for (const part of this.#parts()) part.commit();
  }

  rollback(): void {
    for (const part of this.#parts()) part.rollback();
  }

  #parts() {
    return [
      this.meters,
      this.registry,
      this.latest,
      this.baselines,
      this.accounts,
      this.openOrders,
      this.openOrderKeys,
      this.prepaidOrders,
      this.massOrders,
      this.massMeters,
      this.recentOrders,
      this.recentTopups,
      this.scheduled,
      this.clocks,
      this.eventsSeen,
      ...(this.intervals === undefined ? [] : [this.intervals]),
    ] as const;
  }
}

/** Keys that begin so belong to the accounts; requests from outside may not use them. */
export const PREPAID_KEY = "prepaid:";
/** Those of mass orders. */
export const MASS_KEY = "mass:";

export function isPrepaidOrder(order: Order): boolean {
  return order.key.startsWith(PREPAID_KEY);
}
