/**
 * Records as rows and back. Energy and time are safe integers (better-sqlite3 hands JavaScript numbers to SQLite as
 * doubles, and a STRICT INTEGER column takes the exact ones and refuses the others); money is bigint all the way.
 */

import {
  ORDER_OPERATIONS,
  ORDER_STATUSES,
  type OrderNumber,
  type OrderOperation,
  type OrderStatus,
} from "../../protocols/orders.ts";
import { isMeasureKey, type MeasureKey, USUAL_MEASURES } from "../../src/core/measures.ts";
import { minor, pricePerKwh } from "../../src/core/money.ts";
import { assert } from "../../src/core/result.ts";
import { civil } from "../../src/core/time.ts";
import { decodeTerms } from "../commands/terms.ts";
import {
  type MeterId,
  type MeterReading,
  type NumberedAuditEntry,
  ORDER_STATES,
  type Order,
  type OrderState,
  type Posting,
  type PrepaidAccount,
  type RegisteredMeter,
  type StoredDocument,
} from "../ports.ts";
import { qualityOf, sourceOf } from "./codes.ts";

export type Cell = number | bigint | string | null;

const KEYS: readonly MeasureKey[] = USUAL_MEASURES.map((m) => m.key);

/** Columns of a reading, without minute and meter. */
export const READING_COLUMNS: readonly string[] = ["time", "source", "sequence", "quality", "no_value", ...KEYS];

/** `cells` as {@link READING_COLUMNS} names them. */
export function readingFrom(meter: MeterId, cells: readonly Cell[]): MeterReading {
  const [time, source, sequence, quality, noValue] = cells as [number, number, number | null, number, string | null];
  const values: Partial<Record<MeasureKey, number | null>> = {};
  for (let i = 0; i < KEYS.length; i++) {
    const value = cells[i + 5];
    if (typeof value === "number") values[KEYS[i] as MeasureKey] = value;
  }
  if (noValue !== null) for (const key of noValue.split(",")) if (isMeasureKey(key)) values[key] = null;
  return { meter, time: civil(time), source: sourceOf(source), sequence, quality: qualityOf(quality), values };
}

const INT64_MAX = 2n ** 63n - 1n;

/** Money as a cell. @throws Error beyond 64 bits: SQLite has no wider integer, and wrapping would invent money. */
export function moneyCell(amount: bigint, what: string): bigint {
  if (amount > INT64_MAX || amount < -INT64_MAX) throw new Error(`${what} ${amount} does not fit into 64 bits`);
  return amount;
}

export interface MeterRow {
  readonly id: string;
  readonly model: string;
  readonly ratio: number;
  readonly via: string;
}

export function meterFrom(row: MeterRow): RegisteredMeter {
  return { ...row, id: row.id as MeterId };
}

export interface OrderRow {
  readonly id: number;
  readonly key: string;
  readonly meter: string;
  readonly operation: string;
  readonly argument: number;
  readonly state: string;
  readonly reason: string;
  readonly requested_at: number;
  readonly expires_at: number;
  readonly outcome: string | null;
  readonly relay_read_back: number | null;
  readonly finished_at: number | null;
  readonly terms: string;
}

export function orderFrom(row: OrderRow): Order {
  assert(row.operation in ORDER_OPERATIONS, `operation ${row.operation} in the database`);
  assert((ORDER_STATES as readonly string[]).includes(row.state), `order state ${row.state} in the database`);
  assert(row.outcome === null || row.outcome in ORDER_STATUSES, `order outcome ${row.outcome} in the database`);
  return {
    id: row.id as OrderNumber,
    key: row.key,
    meter: row.meter as MeterId,
    operation: row.operation as OrderOperation,
    argument: row.argument,
    state: row.state as OrderState,
    reason: row.reason,
    requestedAt: civil(row.requested_at),
    expiresAt: civil(row.expires_at),
    outcome: row.outcome as OrderStatus | null,
    relayReadBack: row.relay_read_back as 0 | 1 | null,
    finishedAt: row.finished_at === null ? null : civil(row.finished_at),
    terms: decodeTerms(row.terms),
  };
}

export interface AuditRow {
  readonly number: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly meter: string | null;
  readonly order_id: number | null;
  readonly detail: string;
}

export function auditFrom(row: AuditRow): NumberedAuditEntry {
  return {
    number: row.number,
    at: civil(row.at),
    actor: row.actor,
    action: row.action,
    meter: row.meter as MeterId | null,
    order: row.order_id as OrderNumber | null,
    detail: row.detail,
  };
}

/** Read with safe integers: every number comes as bigint. */
export interface PostingRow {
  readonly key: string;
  readonly meter: string;
  readonly at: bigint;
  readonly kind: string;
  readonly amount: bigint;
  readonly energy_to: bigint | null;
}

export function postingFrom(row: PostingRow): Posting {
  assert(row.kind === "topup" || row.kind === "charge", `posting kind ${row.kind} in the database`);
  return {
    key: row.key,
    meter: row.meter as MeterId,
    at: civil(Number(row.at)),
    kind: row.kind,
    amount: minor(row.amount),
    energyTo: numberOrNull(row.energy_to),
  };
}

/** Read with safe integers, as {@link PostingRow}. */
export interface AccountRow {
  readonly meter: string;
  readonly currency: string;
  readonly price: bigint;
  readonly warn_at: bigint;
  readonly cut_at: bigint;
  readonly topped_up: bigint;
  readonly charged: bigint;
  readonly energy_from: bigint | null;
  readonly energy_to: bigint | null;
}

export function accountFrom(row: AccountRow): PrepaidAccount {
  return {
    meter: row.meter as MeterId,
    currency: row.currency,
    price: pricePerKwh(row.price),
    warnAt: minor(row.warn_at),
    cutAt: minor(row.cut_at),
    toppedUp: minor(row.topped_up),
    charged: minor(row.charged),
    energyFrom: numberOrNull(row.energy_from),
    energyTo: numberOrNull(row.energy_to),
  };
}

export interface DocumentRow {
  readonly collection: string;
  readonly key: string;
  readonly live: number;
  readonly text: string;
}

export function documentFrom({ collection, key, live, text }: DocumentRow): StoredDocument {
  return { collection, key, live: live === 1, text };
}

function numberOrNull(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}
