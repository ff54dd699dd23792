/** Writes batches. Each record kind is one statement and one rule for what is there already, see `StoreBatch`. */
import type BetterSqlite3 from "better-sqlite3";
import { encodeTerms } from "../../commands/terms.ts";
import type {
  AuditEntry,
  MeterId,
  Order,
  Posting,
  PrepaidAccount,
  RegisteredMeter,
  StoredDocument,
  StoreRecord,
} from "../../ports.ts";
import type { CommitOutcome } from "../group-commit.ts";
import { type Cell, moneyCell, type PostingRow, postingFrom } from "../mapping.ts";
import { AuditAppender } from "./audit.ts";
import { explain } from "./errors.ts";
import type { WriterMethods } from "./messages.ts";
import type { PackedBatch } from "./packed.ts";
import { ReadingWriter } from "./reading-writer.ts";
import type { Upkeep } from "./upkeep.ts";

/** Meter numbers kept in memory; a larger fleet starts the cache afresh rather than growing it. */
const CACHED_METERS = 100_000;

export class BatchWriter implements WriterMethods {
  readonly #numbers = new Map<MeterId, number>();
  readonly #statements: Statements;
  readonly #readings: ReadingWriter;
  readonly #auditor: AuditAppender;
  readonly #whole: BetterSqlite3.Transaction<(batches: readonly PackedBatch[]) => void>;

  constructor(db: BetterSqlite3.Database, upkeep: Upkeep) {
    this.#statements = prepare(db);
    this.#readings = new ReadingWriter(db, upkeep);
    this.#auditor = new AuditAppender(db);
    this.#whole = db.transaction((batches) => {
      for (const batch of batches) this.#apply(batch);
    });
  }

  /**
   * Commits the batches in order, all in one transaction where possible: the disk is waited for once.
   * Where that fails each is tried alone, so that a bad batch fails only itself.
   */
  commit(batches: readonly PackedBatch[]): readonly CommitOutcome[] {
    const together = this.#attempt(batches);
    if (batches.length === 1 || together === null) return batches.map(() => together);
    return batches.map((batch) => this.#attempt([batch]));
  }

  #attempt(batches: readonly PackedBatch[]): CommitOutcome {
    try {
      this.#whole.immediate(batches);
      return null;
    } catch (error) {
      // Numbers given inside the transaction are gone with it.
      this.#numbers.clear();
      this.#auditor.rolledBack();
      return explain(error);
    }
  }

  #apply({ readings, others }: PackedBatch): void {
    if (readings !== null) this.#readings.add(readings, (id) => this.#number(id));
    for (const record of others) this.#other(record);
  }

  #other(record: Exclude<StoreRecord, { kind: "reading" }>): void {
    switch (record.kind) {
      case "order":
        this.#order(record.order);
        break;
      case "audit":
        this.#audit(record.entry);
        break;
      case "posting":
        this.#posting(record.posting);
        break;
      case "account":
        this.#account(record.account);
        break;
      case "meter":
        this.#meter(record.meter);
        break;
      case "document":
        this.#document(record.document);
    }
  }

  #meter({ id, model, ratio, via }: RegisteredMeter): void {
    this.#statements.meter.run(id, model, ratio, via);
  }

  #order(order: Order): void {
    const {
      id,
      key,
      operation,
      argument,
      state,
      reason,
      requestedAt,
      expiresAt,
      outcome,
      relayReadBack,
      finishedAt,
      terms,
    } = order;
    const meter = this.#number(order.meter);
    const holder = this.#statements.orderByKey.get(key);
    if (holder !== undefined && holder !== id)
      throw new Error(`order key "${key}" belongs to order ${holder}, not ${id}`);
    const { changes } = this.#statements.order.run(
      ...[id, key, meter, operation, argument, state, reason],
      ...[requestedAt, expiresAt, outcome, relayReadBack, finishedAt, encodeTerms(terms)],
    );
    if (changes === 0) throw new Error(`order ${id} exists with another key, meter, operation or argument`);
  }

  #audit(entry: AuditEntry): void {
    this.#auditor.add(entry, entry.meter === null ? null : this.#number(entry.meter));
  }

  #posting(posting: Posting): void {
    const { key, meter, at, kind, amount, energyTo } = posting;
    const booked = this.#statements.postingByKey.get(key);
    if (booked === undefined) {
      const cell = moneyCell(amount, "the amount");
      this.#statements.posting.run(key, this.#number(meter), at, kind, cell, energyTo);
      return;
    }
    const first = postingFrom(booked);
    const same =
      first.meter === meter &&
      first.at === at &&
      first.kind === kind &&
      first.amount === amount &&
      first.energyTo === energyTo;
    if (!same) throw new Error(`posting key "${key}" is booked with another content`);
  }

  #account(account: PrepaidAccount): void {
    this.#statements.account.run(
      this.#number(account.meter),
      account.currency,
      moneyCell(account.price, "the price"),
      moneyCell(account.warnAt, "the warning level"),
      moneyCell(account.cutAt, "the disconnect level"),
      moneyCell(account.toppedUp, "the sum of top-ups"),
      moneyCell(account.charged, "the sum of charges"),
      account.energyFrom,
      account.energyTo,
    );
  }

  #document({ collection, key, live, text }: StoredDocument): void {
    this.#statements.document.run(collection, key, live ? 1 : 0, text);
  }

  #number(id: MeterId): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    this.#statements.name.run(id);
    const number = this.#statements.number.get(id) as number;
    if (this.#numbers.size >= CACHED_METERS) this.#numbers.clear();
    this.#numbers.set(id, number);
    return number;
  }
}

type Statements = ReturnType<typeof prepare>;

function prepare(db: BetterSqlite3.Database) {
  return {
    name: db.prepare("INSERT INTO meters (id) VALUES (?) ON CONFLICT (id) DO NOTHING"),
    number: db.prepare("SELECT number FROM meters WHERE id = ?").pluck(),
    meter: db.prepare(
      `INSERT INTO meters (id, model, ratio, via) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET model = excluded.model, ratio = excluded.ratio, via = excluded.via`,
    ),
    orderByKey: db.prepare("SELECT id FROM orders WHERE key = ?").pluck(),
    // The condition keeps an order what it was: only its progress changes.
    order: db.prepare<Cell[]>(
      `INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, reason = excluded.reason,
         expires_at = excluded.expires_at, outcome = excluded.outcome,
         relay_read_back = excluded.relay_read_back, finished_at = excluded.finished_at,
         terms = excluded.terms
       WHERE key = excluded.key AND meter = excluded.meter
         AND operation = excluded.operation AND argument = excluded.argument`,
    ),
    postingByKey: db
      .prepare<[string], PostingRow>(
        `SELECT p.key, m.id AS meter, p.at, p.kind, p.amount, p.energy_to
         FROM postings p JOIN meters m ON m.number = p.meter WHERE p.key = ?`,
      )
      .safeIntegers(),
    posting: db.prepare("INSERT INTO postings (key, meter, at, kind, amount, energy_to) VALUES (?, ?, ?, ?, ?, ?)"),
    document: db.prepare(
      `INSERT INTO documents (collection, key, live, text) VALUES (?, ?, ?, ?)
       ON CONFLICT (collection, key) DO UPDATE SET live = excluded.live, text = excluded.text`,
    ),
    account: db.prepare(
      `INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (meter) DO UPDATE SET currency = excluded.currency, price = excluded.price,
         warn_at = excluded.warn_at, cut_at = excluded.cut_at, topped_up = excluded.topped_up,
         charged = excluded.charged, energy_from = excluded.energy_from, energy_to = excluded.energy_to`,
    ),
  };
}
