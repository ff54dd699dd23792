/** The read side: the queries of the port and the snapshot a new collector starts from. */
import type BetterSqlite3 from "better-sqlite3";
import type { OrderNumber } from "../../../protocols/orders.ts";
import type { Civil } from "../../../src/core/time.ts";
import {
  type MeterId,
  type MeterReading,
  OPEN_ORDER_STATES,
  RECENT_PER_METER,
  type StoreSnapshot,
} from "../../ports.ts";
import { sourceOf } from "../codes.ts";
import {
  type AccountRow,
  type AuditRow,
  accountFrom,
  auditFrom,
  type DocumentRow,
  documentFrom,
  type MeterRow,
  meterFrom,
  type OrderRow,
  orderFrom,
  type PostingRow,
  postingFrom,
} from "../mapping.ts";
import type { ReaderMethods } from "./messages.ts";
import { LAST_ORDER } from "./schema.ts";
import { StoredReadings } from "./stored-readings.ts";

export class StoreReader implements ReaderMethods {
  readonly #statements: Statements;
  readonly #readings: StoredReadings;
  readonly #range: BetterSqlite3.Transaction<StoredReadings["range"]>;
  readonly #latest: BetterSqlite3.Transaction<StoredReadings["latest"]>;
  readonly #snapshot: BetterSqlite3.Transaction<() => StoreSnapshot>;

  constructor(db: BetterSqlite3.Database) {
    this.#statements = prepare(db);
    this.#readings = new StoredReadings(db);
    this.#range = db.transaction((...range) => this.#readings.range(...range));
    this.#latest = db.transaction((meter) => this.#readings.latest(meter));
    // One transaction, so that meters, accounts, orders and readings are of the same moment.
    this.#snapshot = db.transaction(() => ({
      meters: this.meters(),
      accounts: this.accounts(),
      openOrders: this.#statements.openOrders.all().map(orderFrom),
      lastOrder: this.#statements.lastOrder.get() as number,
      ...this.#readings.newest(),
      recentOrders: this.#statements.recentOrders.all().map(orderFrom),
      recentTopups: this.#statements.recentTopups.all().map(postingFrom),
      documents: this.#statements.liveDocuments.all().map(documentFrom),
    }));
  }

  snapshot(): StoreSnapshot {
    return this.#snapshot.deferred();
  }

  meters() {
    return this.#statements.meters.all().map(meterFrom);
  }

  meter(id: MeterId) {
    const row = this.#statements.meter.get(id);
    return row && meterFrom(row);
  }

  readings(meter: MeterId, from: Civil, to: Civil, limit: number): readonly MeterReading[] {
    return this.#range.deferred(meter, from, to, limit);
  }

  latest(meter: MeterId) {
    return this.#latest.deferred(meter);
  }

  order(id: OrderNumber) {
    const row = this.#statements.order.get(id);
    return row && orderFrom(row);
  }

  orders(meter: MeterId, limit: number, before = Number.POSITIVE_INFINITY) {
    return this.#statements.orders.all(meter, before, limit).map(orderFrom);
  }

  account(meter: MeterId) {
    const row = this.#statements.account.get(meter);
    return row && accountFrom(row);
  }

  accounts() {
    return this.#statements.accounts.all().map(accountFrom);
  }

  postings(meter: MeterId, limit: number, before?: string) {
    const rows =
      before === undefined
        ? this.#statements.postings.all(meter, limit)
        : this.#statements.postingsBefore.all(meter, before, limit);
    return rows.map(postingFrom);
  }

  audit(limit: number, before = Number.POSITIVE_INFINITY) {
    return this.#statements.audit.all(before, limit).map(auditFrom);
  }

  document(collection: string, key: string) {
    const row = this.#statements.document.get(collection, key);
    return row && documentFrom(row);
  }

  documents(collection: string, after: string | null, direction: "up" | "down", limit: number) {
    const { documentsUp, documentsDown } = this.#statements;
    // Beyond every key: "~" is the last character that a key may have.
    const rows =
      direction === "up"
        ? documentsUp.all(collection, after ?? "", limit)
        : documentsDown.all(collection, after ?? "\u007f", limit);
    return rows.map(documentFrom);
  }

  counts() {
    const counts: Record<MeterReading["source"], number> = { modbus: 0, mqtt: 0, profile: 0 };
    for (const { source, count } of this.#statements.counts.all()) counts[sourceOf(source)] = count;
    return counts;
  }
}

const METERS = "SELECT id, model, ratio, via FROM meters WHERE model IS NOT NULL";
const ORDERS = `SELECT o.id, o.key, m.id AS meter, o.operation, o.argument, o.state, o.reason, o.requested_at,
  o.expires_at, o.outcome, o.relay_read_back, o.finished_at, o.terms FROM orders o JOIN meters m ON m.number = o.meter`;
const ACCOUNTS = `SELECT m.id AS meter, a.currency, a.price, a.warn_at, a.cut_at, a.topped_up, a.charged, a.energy_from,
  a.energy_to FROM accounts a JOIN meters m ON m.number = a.meter`;
const POSTINGS = `SELECT p.key, m.id AS meter, p.at, p.kind, p.amount, p.energy_to FROM postings p
  JOIN meters m ON m.number = p.meter`;
const OPEN = `('${OPEN_ORDER_STATES.join("', '")}')`;
const NUMBER = "(SELECT number FROM meters WHERE id = ?)";

type Statements = ReturnType<typeof prepare>;

function prepare(db: BetterSqlite3.Database) {
  return {
    meters: db.prepare<[], MeterRow>(`${METERS} ORDER BY id`),
    meter: db.prepare<[string], MeterRow>(`${METERS} AND id = ?`),
    order: db.prepare<[number], OrderRow>(`${ORDERS} WHERE o.id = ?`),
    orders: db.prepare<[string, number, number], OrderRow>(
      `${ORDERS} WHERE o.meter = ${NUMBER} AND o.id < ? ORDER BY o.id DESC LIMIT ?`,
    ),
    openOrders: db.prepare<[], OrderRow>(`${ORDERS} WHERE o.state IN ${OPEN} ORDER BY o.id`),
    recentOrders: db.prepare<[], OrderRow>(
      `${ORDERS} WHERE o.id IN (SELECT id FROM orders WHERE meter = m.number AND state NOT IN ${OPEN}
       ORDER BY id DESC LIMIT ${RECENT_PER_METER}) ORDER BY o.id`,
    ),
    lastOrder: db.prepare(LAST_ORDER).pluck(),
    account: db.prepare<[string], AccountRow>(`${ACCOUNTS} WHERE m.id = ?`).safeIntegers(),
    accounts: db.prepare<[], AccountRow>(`${ACCOUNTS} ORDER BY m.id`).safeIntegers(),
    postings: db
      .prepare<[string, number], PostingRow>(`${POSTINGS} WHERE p.meter = ${NUMBER} ORDER BY p.number DESC LIMIT ?`)
      .safeIntegers(),
    postingsBefore: db
      .prepare<[string, string, number], PostingRow>(
        `${POSTINGS} WHERE p.meter = ${NUMBER} AND p.number < (SELECT number FROM postings WHERE key = ?)
         ORDER BY p.number DESC LIMIT ?`,
      )
      .safeIntegers(),
    recentTopups: db
      .prepare<[], PostingRow>(
        `${POSTINGS} WHERE p.number IN (SELECT number FROM postings WHERE meter = m.number AND kind = 'topup'
         ORDER BY number DESC LIMIT ${RECENT_PER_METER}) ORDER BY p.number`,
      )
      .safeIntegers(),
    audit: db.prepare<[number, number], AuditRow>(
      `SELECT a.number, a.at, a.actor, a.action, m.id AS meter, a.order_id, a.detail FROM audit a
       LEFT JOIN meters m ON m.number = a.meter WHERE a.number < ? ORDER BY a.number DESC LIMIT ?`,
    ),
    liveDocuments: db.prepare<[], DocumentRow>("SELECT * FROM documents WHERE live = 1 ORDER BY collection, key"),
    document: db.prepare<[string, string], DocumentRow>("SELECT * FROM documents WHERE collection = ? AND key = ?"),
    documentsUp: db.prepare<[string, string, number], DocumentRow>(
      "SELECT * FROM documents WHERE collection = ? AND key > ? ORDER BY key LIMIT ?",
    ),
    documentsDown: db.prepare<[string, string, number], DocumentRow>(
      "SELECT * FROM documents WHERE collection = ? AND key < ? ORDER BY key DESC LIMIT ?",
    ),
    counts: db.prepare<[], { source: number; count: number }>("SELECT source, count FROM reading_counts"),
  };
}
