/** Everything but readings: each kind of a group is one statement, after its rule for what is there already. */
import type pg from "pg";
import { chainHash, GENESIS, keepable } from "../../audit/chain.ts";
import { encodeTerms } from "../../commands/terms.ts";
import type {
  AuditEntry,
  MeterId,
  Order,
  Posting,
  PrepaidAccount,
  RegisteredMeter,
  StoredDocument,
} from "../../ports.ts";
import { moneyCell, type PostingRow, postingFrom } from "../mapping.ts";
import { sha256 } from "../sha256.ts";
import type { MeterNumbers } from "./meter-numbers.ts";
import { BIGINTS, POSTINGS } from "./rows.ts";

/** The records of a group by kind, each in the order in which it came. */
export interface Sorted {
  readonly meters: RegisteredMeter[];
  readonly orders: Order[];
  readonly audit: AuditEntry[];
  readonly postings: Posting[];
  readonly accounts: PrepaidAccount[];
  readonly documents: StoredDocument[];
}

export class RecordWriter {
  readonly #client: pg.Client;
  readonly #meters: MeterNumbers;
  /** The newest entry of the audit. */
  #head: { readonly number: number; readonly hash: string } | undefined;

  constructor(client: pg.Client, meters: MeterNumbers) {
    this.#client = client;
    this.#meters = meters;
  }

  /** Inside a transaction, whose meters are known. @throws Error with a sentence where a rule refuses a record. */
  async write(sorted: Sorted): Promise<void> {
    if (sorted.meters.length > 0) await this.#registrations(sorted.meters);
    if (sorted.orders.length > 0) await this.#orders(sorted.orders);
    if (sorted.postings.length > 0) await this.#postings(sorted.postings);
    if (sorted.accounts.length > 0) await this.#accounts(sorted.accounts);
    if (sorted.documents.length > 0) await this.#documents(sorted.documents);
    if (sorted.audit.length > 0) await this.#audit(sorted.audit);
  }

  async #registrations(meters: readonly RegisteredMeter[]): Promise<void> {
    const rows = newest(meters, ({ id }) => id).map(({ id, model, ratio, via }) => [id, model, ratio, via]);
    await this.#client.query(
      `INSERT INTO meterworks.meters (id, model, ratio, via)
       SELECT * FROM unnest($1::text[], $2::text[], $3::double precision[], $4::text[])
       ON CONFLICT (id) DO UPDATE SET model = excluded.model, ratio = excluded.ratio, via = excluded.via`,
      columnsOf(rows, 4),
    );
  }

  /** An order stays what it was: only its progress changes, and a key names one order. */
  async #orders(orders: readonly Order[]): Promise<void> {
    const { rows } = await this.#client.query<OrderIdentity>({
      text: `SELECT o.id, o.key, m.id AS meter, o.operation, o.argument FROM meterworks.orders o
        JOIN meterworks.meters m ON m.number = o.meter WHERE o.id = ANY ($1::bigint[]) OR o.key = ANY ($2::text[])`,
      values: [orders.map(({ id }) => id), orders.map(({ key }) => key)],
      types: BIGINTS,
    });
    const known = new Map(
      rows.map((row) => [Number(row.id), { ...row, id: Number(row.id), argument: Number(row.argument) }]),
    );
    const holders = new Map([...known.values()].map(({ key, id }) => [key, id]));
    for (const order of orders) {
      const holder = holders.get(order.key);
      if (holder !== undefined && holder !== order.id)
        throw new Error(`order key "${order.key}" belongs to order ${holder}, not ${order.id}`);
      const first = known.get(order.id);
      if (first === undefined) known.set(order.id, order);
      else if ((["key", "meter", "operation", "argument"] as const).some((field) => first[field] !== order[field]))
        throw new Error(`order ${order.id} exists with another key, meter, operation or argument`);
      holders.set(order.key, order.id);
    }
    const cells = newest(orders, ({ id }) => id).map((o) => [
      ...[o.id, o.key, this.#number(o.meter), o.operation, o.argument, o.state, o.reason],
      ...[o.requestedAt, o.expiresAt, o.outcome, o.relayReadBack, o.finishedAt, encodeTerms(o.terms)],
    ]);
    await this.#client.query(
      `INSERT INTO meterworks.orders (id, key, meter, operation, argument, state, reason, requested_at, expires_at,
         outcome, relay_read_back, finished_at, terms)
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::text[],
         $8::bigint[], $9::bigint[], $10::text[], $11::smallint[], $12::bigint[], $13::text[])
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, reason = excluded.reason,
         expires_at = excluded.expires_at, outcome = excluded.outcome,
         relay_read_back = excluded.relay_read_back, finished_at = excluded.finished_at, terms = excluded.terms`,
      columnsOf(cells, 13),
    );
  }

  async #postings(postings: readonly Posting[]): Promise<void> {
    const { rows } = await this.#client.query<PostingRow>({
      text: `${POSTINGS} WHERE p.key = ANY ($1::text[])`,
      values: [postings.map(({ key }) => key)],
      types: BIGINTS,
    });
    const booked = new Map(rows.map((row) => [row.key, postingFrom(row)]));
    const fresh: Posting[] = [];
    for (const posting of postings) {
      const first = booked.get(posting.key);
      if (first === undefined) {
        booked.set(posting.key, posting);
        fresh.push(posting);
      } else if (
        (["meter", "at", "kind", "amount", "energyTo"] as const).some((field) => first[field] !== posting[field])
      )
        throw new Error(`posting key "${posting.key}" is booked with another content`);
    }
    const cells = fresh.map(({ key, meter, at, kind, amount, energyTo }) => [
      ...[key, this.#number(meter), at, kind, moneyCell(amount, "the amount"), energyTo],
    ]);
    await this.#client.query(
      `INSERT INTO meterworks.postings (key, meter, at, kind, amount, energy_to)
       SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])`,
      columnsOf(cells, 6),
    );
  }

  async #accounts(accounts: readonly PrepaidAccount[]): Promise<void> {
    const cells = newest(accounts, ({ meter }) => meter).map((account) => [
      this.#number(account.meter),
      account.currency,
      moneyCell(account.price, "the price"),
      moneyCell(account.warnAt, "the warning level"),
      moneyCell(account.cutAt, "the disconnect level"),
      moneyCell(account.toppedUp, "the sum of top-ups"),
      moneyCell(account.charged, "the sum of charges"),
      account.energyFrom,
      account.energyTo,
    ]);
    await this.#client.query(
      `INSERT INTO meterworks.accounts (meter, currency, price, warn_at, cut_at, topped_up, charged, energy_from, energy_to)
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
         $8::bigint[], $9::bigint[])
       ON CONFLICT (meter) DO UPDATE SET currency = excluded.currency, price = excluded.price,
         warn_at = excluded.warn_at, cut_at = excluded.cut_at, topped_up = excluded.topped_up,
         charged = excluded.charged, energy_from = excluded.energy_from, energy_to = excluded.energy_to`,
      columnsOf(cells, 9),
    );
  }

  async #documents(documents: readonly StoredDocument[]): Promise<void> {
    const rows = newest(documents, ({ collection, key }) => `${collection} ${key}`);
    await this.#client.query(
      `INSERT INTO meterworks.documents (collection, key, live, text)
       SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::text[])
       ON CONFLICT (collection, key) DO UPDATE SET live = excluded.live, text = excluded.text`,
      columnsOf(
        rows.map(({ collection, key, live, text }) => [collection, key, live, text]),
        4,
      ),
    );
  }

  /** Each entry is chained to the one before it, so the newest is looked up where it is not known. */
  async #audit(entries: readonly AuditEntry[]): Promise<void> {
    if (this.#head === undefined) {
      const { rows } = await this.#client.query<{ number: string; hash: string }>(
        "SELECT number, hash FROM meterworks.audit ORDER BY number DESC LIMIT 1",
      );
      this.#head =
        rows[0] === undefined ? { number: 0, hash: GENESIS } : { ...rows[0], number: Number(rows[0].number) };
    }
    const cells: unknown[][] = [];
    for (const given of entries) {
      const entry = keepable(given);
      const number: number = this.#head.number + 1;
      const hash = chainHash(sha256, this.#head.hash, number, entry);
      const meter = entry.meter === null ? null : this.#number(entry.meter);
      cells.push([number, entry.at, entry.actor, entry.action, meter, entry.order, entry.detail, hash]);
      this.#head = { number, hash };
    }
    await this.#client.query(
      `INSERT INTO meterworks.audit (number, at, actor, action, meter, order_id, detail, hash) SELECT * FROM
       unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[])`,
      columnsOf(cells, 8),
    );
  }

  /** The transaction was taken back: the newest entry is looked up again. */
  forget(): void {
    this.#head = undefined;
  }

  #number(id: MeterId): number {
    return this.#meters.get(id).number;
  }
}

type OrderIdentity = Pick<Order, "key" | "meter" | "operation"> & { readonly id: bigint; readonly argument: bigint };

/** The last of each key, in the order of their last appearance: one statement may not touch a row twice. */
function newest<T>(items: readonly T[], keyOf: (item: T) => string | number): readonly T[] {
  const byKey = new Map<string | number, T>();
  for (const item of items) {
    byKey.delete(keyOf(item));
    byKey.set(keyOf(item), item);
  }
  return [...byKey.values()];
}

/** Rows as the arrays that `unnest` takes. */
function columnsOf(rows: readonly (readonly unknown[])[], count: number): unknown[][] {
  return Array.from({ length: count }, (_, column) => rows.map((row) => row[column]));
}
