/** What the API asks of a store. */
import type { OrderNumber } from "../protocols/orders.ts";
import type { Civil } from "../src/core/time.ts";
import type {
  MeterId,
  MeterReading,
  NumberedAuditEntry,
  Order,
  Posting,
  PrepaidAccount,
  RegisteredMeter,
  StoredDocument,
} from "./ports.ts";

/** The asynchronous read side for the API; it never goes through the collector. */
export interface StoreQuery {
  /** All registered meters by id. */
  meters(): Promise<readonly RegisteredMeter[]>;
  meter(id: MeterId): Promise<RegisteredMeter | undefined>;
  /** Readings with from <= time < to, oldest first. */
  readings(meter: MeterId, from: Civil, to: Civil, limit: number): Promise<readonly MeterReading[]>;
  /** The newest reading that is none of a load profile. */
  latest(meter: MeterId): Promise<MeterReading | undefined>;
  order(id: OrderNumber): Promise<Order | undefined>;
  /** The newest orders of a meter, newest first; those before the order `before`, where it is given. */
  orders(meter: MeterId, limit: number, before?: OrderNumber): Promise<readonly Order[]>;
  account(meter: MeterId): Promise<PrepaidAccount | undefined>;
  accounts(): Promise<readonly PrepaidAccount[]>;
  /** The newest postings of a meter, newest first; those before the one with the key `before`, where it is given. */
  postings(meter: MeterId, limit: number, before?: string): Promise<readonly Posting[]>;
  /** The newest entries, newest first; those before the number `before`, where it is given. */
  audit(limit: number, before?: number): Promise<readonly NumberedAuditEntry[]>;
  document(collection: string, key: string): Promise<StoredDocument | undefined>;
  /** Documents of a collection behind the key `after` (null: from the first), by key upwards or downwards. */
  documents(
    collection: string,
    after: string | null,
    direction: "up" | "down",
    limit: number,
  ): Promise<readonly StoredDocument[]>;
  /** How many readings are stored, by source. */
  counts(): Promise<Readonly<Record<MeterReading["source"], number>>>;
}
