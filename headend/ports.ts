/**
 * What the collector needs of the world beyond its links: a store that commits batches, and a query side for the API.
 * The collector asks with a `store` effect and learns by a `stored` or `storeFailed` event; SQLite in a worker, a simulated
 * store that crashes, and later PostgreSQL are interchangeable.
 */

import type { OrderNumber, OrderOperation, OrderStatus } from "../protocols/orders.ts";
import type { LinkEffect, LinkEvent } from "../src/core/actor.ts";
import type { MeasureValues, Quality } from "../src/core/measures.ts";
import type { Minor, PricePerKwh } from "../src/core/money.ts";
import type { Result } from "../src/core/result.ts";
import type { Civil } from "../src/core/time.ts";
import type { Incident } from "./alarms/incident.ts";
import type { MassDecision, MassReceipt, MassRequest } from "./commands/mass-order.ts";
import type { ObserveEffect } from "./observations.ts";
import type { ExchangeOrder } from "./registry/exchange.ts";
import type { ExchangeReceipt, RegistryChange, RegistryReceipt } from "./registry/requests.ts";
import type { ReadReceipt, ReadRequest } from "./schedule/on-demand.ts";
import type { StoreQuery } from "./store-query.ts";

export type { StoreQuery } from "./store-query.ts";

/** The head-end's name of a meter: its serial number or a chosen id, `[A-Za-z0-9_.-]{1,64}`. */
export type MeterId = string & { readonly __id: "meter" };

/** Where readings come from; a reading of the load profile is of an interval and has its energies alone. */
export const READING_SOURCES = ["modbus", "mqtt", "profile"] as const;

export interface MeterReading {
  readonly meter: MeterId;
  /** Civil time of the reading: the meter's own over MQTT and in its load profile (there the end of an interval); over a polled line when +A was taken, by the head-end's clock. */
  readonly time: Civil;
  readonly source: (typeof READING_SOURCES)[number];
  /** The meter's own sequence number, where the protocol carries one. */
  readonly sequence: number | null;
  readonly quality: Quality;
  readonly values: MeasureValues;
}

/** requested → approved → queued → sent → acknowledged → verified (read back) → done; or one of the other ends. */
export const ORDER_STATES = [
  "requested",
  "approved",
  "queued",
  "sent",
  "acknowledged",
  "verified",
  "done",
  "failed",
  "expired",
  "refused",
  "cancelled",
] as const;
export type OrderState = (typeof ORDER_STATES)[number];

/** Those in which an order can still change. */
export const OPEN_ORDER_STATES = [
  "requested",
  "approved",
  "queued",
  "sent",
  "acknowledged",
  "verified",
] as const satisfies readonly OrderState[];

/** What must hold just before an order is sent the first time; all that are given. */
export interface Precondition {
  /** The relay as the meter itself says at that moment. */
  readonly relay?: "open" | "closed";
  /** The prepaid balance at that moment. */
  readonly balanceAtMost?: { readonly amount: Minor; readonly currency: string };
}

/** On what terms an order was given. */
export interface OrderTerms {
  readonly requester: string;
  /** How many persons must stand behind it, the requester among them. */
  readonly persons: number;
  /** Who has approved it, beside the requester. */
  readonly approvedBy: readonly string[];
  readonly precondition: Precondition | null;
  /** The mass order that it is part of. */
  readonly mass: string | null;
}

export interface Order {
  readonly id: OrderNumber;
  /** The requester's idempotency key: the same key again is the same order. */
  readonly key: string;
  readonly meter: MeterId;
  readonly operation: OrderOperation;
  readonly argument: number;
  readonly state: OrderState;
  /** Who asked and why: `operator`, `prepaid: balance used up`. */
  readonly reason: string;
  readonly requestedAt: Civil;
  readonly expiresAt: Civil;
  /** What the meter said, once it did. */
  readonly outcome: OrderStatus | null;
  /** Relay state read back after the order; null until then, or where the order is no relay order. */
  readonly relayReadBack: 0 | 1 | null;
  readonly finishedAt: Civil | null;
  readonly terms: OrderTerms;
}

export interface AuditEntry {
  readonly at: Civil;
  readonly actor: string;
  readonly action: string;
  readonly meter: MeterId | null;
  readonly order: OrderNumber | null;
  readonly detail: string;
}

/** As the store has it: numbers grow, and may have gaps. */
export interface NumberedAuditEntry extends AuditEntry {
  readonly number: number;
}

/** One line of a prepaid account. `charge` carries the cumulative energy it settles up to, so it is never booked twice. */
export interface Posting {
  readonly key: string;
  readonly meter: MeterId;
  readonly at: Civil;
  readonly kind: "topup" | "charge";
  /** Always positive; a top-up raises the balance, a charge lowers it. */
  readonly amount: Minor;
  /** Charges: the meter's +A register settled so far, mWh. */
  readonly energyTo: number | null;
}

/** A prepaid account as it stands: balance = toppedUp − charged. */
export interface PrepaidAccount {
  readonly meter: MeterId;
  readonly currency: string;
  readonly price: PricePerKwh;
  readonly warnAt: Minor;
  /** Disconnect when the balance is at or below this. */
  readonly cutAt: Minor;
  readonly toppedUp: Minor;
  readonly charged: Minor;
  /** +A register at the start of the account, mWh; null until the first good reading. */
  readonly energyFrom: number | null;
  /** +A register settled so far, mWh. */
  readonly energyTo: number | null;
}

/**
 * A batch is committed whole or not at all, in order. A reading that is stored already (same meter and time) and a posting
 * whose key is booked with the same content are left as they are, so a batch may be sent again. An order, account, meter or
 * document replaces its former state; an audit entry is added. Records may name a meter before its `meter` record comes.
 */
export type StoreRecord =
  | { readonly kind: "reading"; readonly reading: MeterReading }
  | { readonly kind: "order"; readonly order: Order }
  | { readonly kind: "audit"; readonly entry: AuditEntry }
  | { readonly kind: "posting"; readonly posting: Posting }
  | { readonly kind: "account"; readonly account: PrepaidAccount }
  | { readonly kind: "meter"; readonly meter: RegisteredMeter }
  | { readonly kind: "document"; readonly document: StoredDocument };

export interface RegisteredMeter {
  readonly id: MeterId;
  readonly model: string;
  /** CT × VT: a reading is secondary, billing multiplies by this. 1 on direct meters. */
  readonly ratio: number;
  /** Where it is reached, as registry/place.ts writes it: `line bus-1 unit 3`, `mqtt`. */
  readonly via: string;
}

/** State that needs no table of its own, see documents.ts. */
export interface StoredDocument {
  /** `[a-z-]`, at most 32. */
  readonly collection: string;
  /** Printable ASCII without blanks, at most 200; within a collection a document replaces the one of its key. */
  readonly key: string;
  /** Whether a new collector begins with it. */
  readonly live: boolean;
  readonly text: string;
}

export type StoreBatch = readonly StoreRecord[];

export interface StoreEffect {
  readonly kind: "store";
  readonly id: number;
  readonly batch: StoreBatch;
}

export type StoreEvent =
  | { readonly kind: "stored"; readonly id: number }
  | { readonly kind: "storeFailed"; readonly id: number; readonly reason: string };

/** What a new collector starts from: the store's state when the process began. */
export interface StoreSnapshot {
  readonly meters: readonly RegisteredMeter[];
  readonly accounts: readonly PrepaidAccount[];
  /** Orders that have not come to an end. */
  readonly openOrders: readonly Order[];
  /** Highest order id ever used. */
  readonly lastOrder: number;
  /** Newest reading by meter that is none of a load profile, for duplicate checks. */
  readonly latest: readonly MeterReading[];
  /** Newest reading of quality `good` by meter, load profiles aside: the baseline of plausibility, which an invalid reading never moves. */
  readonly latestGood: readonly MeterReading[];
  /** The newest finished orders of each meter (at most {@link RECENT_PER_METER}), so that a repeated key is recognised. */
  readonly recentOrders: readonly Order[];
  /**
   * The newest top-ups of each meter (at most {@link RECENT_PER_METER}). Older keys are guarded by the store: a posting with
   * a known key but other content (its time counts) fails its batch.
   */
  readonly recentTopups: readonly Posting[];
  /** All live documents, by collection and key. */
  readonly documents: readonly StoredDocument[];
}

/** How many finished orders and top-ups of each meter a snapshot holds. */
export const RECENT_PER_METER = 20;

/** Requests of the API, turned into events for the collector; `ticket` names the reply effect. */
export type Request =
  | {
      readonly kind: "topup";
      readonly ticket: number;
      readonly meter: MeterId;
      readonly amount: Minor;
      readonly key: string;
      readonly actor: string;
    }
  | {
      readonly kind: "order";
      readonly ticket: number;
      readonly meter: MeterId;
      readonly operation: OrderOperation;
      readonly argument: number;
      readonly key: string;
      readonly actor: string;
      /** Default: after the configured time. */
      readonly expiresAt?: Civil;
      readonly precondition?: Precondition;
    }
  | {
      readonly kind: "decide-order";
      readonly ticket: number;
      readonly order: OrderNumber;
      readonly decision: "approve" | "reject" | "cancel";
      readonly actor: string;
    }
  | ReadRequest
  | MassRequest
  | MassDecision
  | {
      readonly kind: "acknowledge";
      readonly ticket: number;
      readonly incident: string;
      readonly note: string;
      readonly actor: string;
    }
  | ({ readonly kind: "registry"; readonly ticket: number } & RegistryChange)
  | ({ readonly kind: "exchange"; readonly ticket: number } & ExchangeOrder);

/** Business refusals, in order of precedence; append only. */
export type Refusal =
  | { readonly reason: "unknown-meter"; readonly detail: string }
  | { readonly reason: "no-relay"; readonly detail: string }
  | { readonly reason: "no-clock"; readonly detail: string }
  | { readonly reason: "not-prepaid"; readonly detail: string }
  | { readonly reason: "bad-amount"; readonly detail: string }
  | { readonly reason: "key-used-differently"; readonly detail: string }
  | { readonly reason: "too-many-orders"; readonly detail: string }
  | { readonly reason: "store-failed"; readonly detail: string }
  | { readonly reason: "bad-deadline"; readonly detail: string }
  | { readonly reason: "bad-precondition"; readonly detail: string }
  | { readonly reason: "unknown-order"; readonly detail: string }
  | { readonly reason: "not-waiting"; readonly detail: string }
  | { readonly reason: "second-person-needed"; readonly detail: string }
  | { readonly reason: "too-late"; readonly detail: string }
  | { readonly reason: "bad-selection"; readonly detail: string }
  | { readonly reason: "unknown-alarm"; readonly detail: string }
  | { readonly reason: "too-many-reads"; readonly detail: string }
  | { readonly reason: "no-answer"; readonly detail: string }
  | { readonly reason: "not-active"; readonly detail: string }
  | { readonly reason: "not-plausible"; readonly detail: string };

export interface TopupReceipt {
  readonly kind: "topup";
  readonly meter: MeterId;
  readonly amount: Minor;
  readonly balance: Minor;
  readonly currency: string;
  /** False when this key was booked before: nothing was booked again. */
  readonly booked: boolean;
}

export interface OrderReceipt {
  readonly kind: "order";
  readonly order: Order;
  readonly created: boolean;
}

export interface AlarmReceipt {
  readonly kind: "acknowledge";
  readonly incident: Incident;
}

/** What a request that was granted is answered with. */
export type Receipt =
  | TopupReceipt
  | OrderReceipt
  | MassReceipt
  | AlarmReceipt
  | ReadReceipt
  | RegistryReceipt
  | ExchangeReceipt;

export interface ReplyEffect {
  readonly kind: "reply";
  readonly ticket: number;
  readonly result: Result<Receipt, Refusal>;
}

/** Things people and sinks are told as they happen; one broadcaster in the driver fans them out. */
export type Notice =
  | { readonly kind: "reading"; readonly reading: MeterReading }
  | { readonly kind: "order"; readonly order: Order }
  | {
      readonly kind: "balance";
      readonly meter: MeterId;
      readonly currency: string;
      readonly balance: Minor;
      readonly level: "good" | "warning" | "empty";
    }
  | { readonly kind: "poll"; readonly meter: MeterId; readonly ok: boolean; readonly reason: string }
  /** An incident began, changed or was healed; it may not be stored yet. */
  | { readonly kind: "alarm"; readonly incident: Incident };

export interface NotifyEffect {
  readonly kind: "notify";
  readonly notice: Notice;
}

/** How the collector stands at a moment. */
export interface CollectorFigures {
  /** Pieces of work that are not committed yet: those that wait and those in the store's hands. */
  readonly backlog: number;
  readonly openOrders: readonly Order[];
}

export type CollectorEvent = LinkEvent | StoreEvent | { readonly kind: "request"; readonly request: Request };
export type CollectorEffect = LinkEffect | StoreEffect | ReplyEffect | NotifyEffect | ObserveEffect;

/** A store as the drivers see it. Methods reject only on a broken store; the message is for people. */
export interface Store {
  /** Commits a batch; resolves after the commit. Batches are committed in the order of the calls. */
  commit(batch: StoreBatch): Promise<void>;
  snapshot(): Promise<StoreSnapshot>;
  readonly query: StoreQuery;
  close(): Promise<void>;
}
