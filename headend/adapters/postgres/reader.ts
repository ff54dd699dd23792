/** The read side: the queries of the port and the snapshot a new collector starts from. */
import type pg from "pg";
import type { OrderNumber } from "../../../protocols/orders.ts";
import { assert } from "../../../src/core/result.ts";
import type { Civil } from "../../../src/core/time.ts";
import {
  type MeterId,
  type MeterReading,
  OPEN_ORDER_STATES,
  RECENT_PER_METER,
  type StoreQuery,
  type StoreSnapshot,
} from "../../ports.ts";
import { QUALITY_CODES, READ_NOW, sourceOf } from "../codes.ts";
import {
  type AccountRow,
  type AuditRow,
  accountFrom,
  auditFrom,
  documentFrom,
  type MeterRow,
  meterFrom,
  type OrderRow,
  orderFrom,
  type PostingRow,
  postingFrom,
} from "../mapping.ts";
import { measuresFrom } from "./meter-numbers.ts";
import { copyOut, nextReading, readingList } from "./reading-cells.ts";
import { BIGINTS, NUMBERS, POSTINGS } from "./rows.ts";
import { LAST_ORDER } from "./schema.ts";

/** Lends a connection for some work: one of a pool, or the one of a transaction. */
export type Lend = <T>(work: (client: pg.ClientBase) => Promise<T>) => Promise<T>;

const METERS = "SELECT id, model, ratio, via FROM meterworks.meters WHERE model IS NOT NULL";
const ORDERS = `SELECT o.id, o.key, m.id AS meter, o.operation, o.argument, o.state, o.reason, o.requested_at,
  o.expires_at, o.outcome, o.relay_read_back, o.finished_at, o.terms
  FROM meterworks.orders o JOIN meterworks.meters m ON m.number = o.meter`;
const ACCOUNTS = `SELECT m.id AS meter, a.currency, a.price, a.warn_at, a.cut_at, a.topped_up, a.charged, a.energy_from,
  a.energy_to FROM meterworks.accounts a JOIN meterworks.meters m ON m.number = a.meter`;
const DOCUMENTS = "SELECT collection, key, live::int AS live, text FROM meterworks.documents";
const OPEN = `('${OPEN_ORDER_STATES.join("', '")}')`;
const NUMBER = "(SELECT number FROM meterworks.meters WHERE id = $1)";

export class PostgresReader implements StoreQuery {
  readonly #lend: Lend;

  constructor(lend: Lend) {
    this.#lend = lend;
  }

  async #rows<T>(text: string, values: unknown[] = [], types: pg.CustomTypesConfig = NUMBERS): Promise<T[]> {
    return this.#lend(async (client) => (await client.query<T & pg.QueryResultRow>({ text, values, types })).rows);
  }

  async meters() {
    return (await this.#rows<MeterRow>(`${METERS} ORDER BY id`)).map(meterFrom);
  }

  async meter(id: MeterId) {
    return (await this.#rows<MeterRow>(`${METERS} AND id = $1`, [id])).map(meterFrom)[0];
  }

  readings(meter: MeterId, from: Civil, to: Civil, limit: number): Promise<readonly MeterReading[]> {
    const range = `AND time >= ${integer(from)} AND time < ${integer(to)} ORDER BY time LIMIT ${integer(limit)}`;
    return this.#readings(meter, range);
  }

  async latest(meter: MeterId) {
    return (await this.#readings(meter, `AND ${READ_NOW} ORDER BY time DESC LIMIT 1`))[0];
  }

  /** Only the columns that this meter has ever filled are asked for: the others would be most of the answer. */
  #readings(meter: MeterId, rest: string): Promise<MeterReading[]> {
    return this.#lend(async (client) => {
      const { rows } = await client.query<{ number: string; measures: string }>(
        "SELECT number, measures FROM meterworks.meters WHERE id = $1",
        [meter],
      );
      if (rows[0] === undefined) return [];
      const { keys, columns } = readingList(measuresFrom(rows[0].measures));
      const where = `meter = ${integer(Number(rows[0].number))} ${rest}`;
      const cells = await copyOut(client, `SELECT ${columns} FROM meterworks.readings r WHERE ${where}`);
      const readings: MeterReading[] = [];
      while (cells.more) readings.push(nextReading(meter, keys, cells));
      return readings;
    });
  }

  async order(id: OrderNumber) {
    return (await this.#rows<OrderRow>(`${ORDERS} WHERE o.id = $1`, [id])).map(orderFrom)[0];
  }

  async orders(meter: MeterId, limit: number, before: OrderNumber | null = null) {
    const text = `${ORDERS} WHERE o.meter = ${NUMBER} AND ($3::bigint IS NULL OR o.id < $3) ORDER BY o.id DESC LIMIT $2`;
    return (await this.#rows<OrderRow>(text, [meter, limit, before])).map(orderFrom);
  }

  async account(meter: MeterId) {
    return (await this.#rows<AccountRow>(`${ACCOUNTS} WHERE m.id = $1`, [meter], BIGINTS)).map(accountFrom)[0];
  }

  async accounts() {
    return (await this.#rows<AccountRow>(`${ACCOUNTS} ORDER BY m.id`, [], BIGINTS)).map(accountFrom);
  }

  async postings(meter: MeterId, limit: number, before: string | null = null) {
    const text = `${POSTINGS} WHERE p.meter = ${NUMBER}
      AND ($3::text IS NULL OR p.number < (SELECT number FROM meterworks.postings WHERE key = $3))
      ORDER BY p.number DESC LIMIT $2`;
    return (await this.#rows<PostingRow>(text, [meter, limit, before], BIGINTS)).map(postingFrom);
  }

  async audit(limit: number, before: number | null = null) {
    const text = `SELECT a.number, a.at, a.actor, a.action, m.id AS meter, a.order_id, a.detail FROM meterworks.audit a
      LEFT JOIN meterworks.meters m ON m.number = a.meter
      WHERE $2::bigint IS NULL OR a.number < $2 ORDER BY a.number DESC LIMIT $1`;
    return (await this.#rows<AuditRow>(text, [limit, before])).map(auditFrom);
  }

  async document(collection: string, key: string) {
    const text = `${DOCUMENTS} WHERE collection = $1 AND key = $2`;
    return (await this.#rows<Parameters<typeof documentFrom>[0]>(text, [collection, key])).map(documentFrom)[0];
  }

  async documents(collection: string, after: string | null, direction: "up" | "down", limit: number) {
    const [than, order] = direction === "up" ? [">", "ASC"] : ["<", "DESC"];
    const text = `${DOCUMENTS} WHERE collection = $1 AND ($2::text IS NULL OR key ${than} $2) ORDER BY key ${order} LIMIT $3`;
    return (await this.#rows<Parameters<typeof documentFrom>[0]>(text, [collection, after, limit])).map(documentFrom);
  }

  async counts() {
    const counts: Record<MeterReading["source"], number> = { modbus: 0, mqtt: 0, profile: 0 };
    const text = "SELECT source, count FROM meterworks.reading_counts";
    for (const { source, count } of await this.#rows<{ source: number; count: number }>(text))
      counts[sourceOf(source)] = count;
    return counts;
  }

  /** Inside a transaction at REPEATABLE READ, so that everything is of the same moment. */
  async snapshot(): Promise<StoreSnapshot> {
    const recent = (table: string, of: string, condition: string, by: string) =>
      `WHERE ${of}.${by} IN (SELECT ${by} FROM meterworks.${table} WHERE meter = m.number AND ${condition}
        ORDER BY ${by} DESC LIMIT ${RECENT_PER_METER}) ORDER BY ${of}.${by}`;
    return {
      meters: await this.meters(),
      accounts: await this.accounts(),
      openOrders: (await this.#rows<OrderRow>(`${ORDERS} WHERE o.state IN ${OPEN} ORDER BY o.id`)).map(orderFrom),
      lastOrder: (await this.#rows<{ last: number }>(LAST_ORDER))[0]?.last ?? 0,
      latest: await this.#latestOfAll(READ_NOW),
      latestGood: await this.#latestOfAll(`${READ_NOW} AND quality = ${QUALITY_CODES.good}`),
      recentOrders: (
        await this.#rows<OrderRow>(`${ORDERS} ${recent("orders", "o", `state NOT IN ${OPEN}`, "id")}`)
      ).map(orderFrom),
      recentTopups: (
        await this.#rows<PostingRow>(`${POSTINGS} ${recent("postings", "p", "kind = 'topup'", "number")}`, [], BIGINTS)
      ).map(postingFrom),
      documents: (
        await this.#rows<Parameters<typeof documentFrom>[0]>(`${DOCUMENTS} WHERE live ORDER BY collection, key`)
      ).map(documentFrom),
    };
  }

  /** The newest reading of every meter that meets `condition`. */
  async #latestOfAll(condition: string): Promise<MeterReading[]> {
    const used = await this.#rows<{ measures: string }>("SELECT DISTINCT measures FROM meterworks.meters");
    const { keys, columns } = readingList(new Set(used.flatMap(({ measures }) => [...measuresFrom(measures)])));
    const select = `SELECT m.id, ${columns} FROM meterworks.meters m CROSS JOIN LATERAL (
        SELECT * FROM meterworks.readings WHERE meter = m.number AND ${condition} ORDER BY time DESC LIMIT 1
      ) r ORDER BY m.id`;
    const cells = await this.#lend((client) => copyOut(client, select));
    const readings: MeterReading[] = [];
    while (cells.more) readings.push(nextReading(cells.text() as MeterId, keys, cells));
    return readings;
  }
}

/** A number in the text of a statement. */
function integer(value: number): string {
  assert(Number.isSafeInteger(value), `${value} is a safe integer`);
  return String(value);
}
