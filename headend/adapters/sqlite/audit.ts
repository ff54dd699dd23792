/** The audit's table: entries are added behind the last one with the hash that chains them to it, see audit/chain.ts. */
import type BetterSqlite3 from "better-sqlite3";
import { type ChainedEntry, chainHash, GENESIS, keepable } from "../../audit/chain.ts";
import type { AuditEntry } from "../../ports.ts";
import { type AuditRow, auditFrom } from "../mapping.ts";
import { sha256 } from "../sha256.ts";

/** Adds entries inside the caller's transaction. */
export class AuditAppender {
  readonly #insert: BetterSqlite3.Statement;
  readonly #last: BetterSqlite3.Statement<[], { number: number; hash: string }>;
  #head: { readonly number: number; readonly hash: string } | undefined;

  constructor(db: BetterSqlite3.Database) {
    this.#insert = db.prepare(
      "INSERT INTO audit (number, at, actor, action, meter, order_id, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#last = db.prepare("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1");
  }

  /** @param meter the number under which the store knows the entry's meter */
  add(given: AuditEntry, meter: number | null): void {
    const entry = keepable(given);
    this.#head ??= this.#last.get() ?? { number: 0, hash: GENESIS };
    const number = this.#head.number + 1;
    const hash = chainHash(sha256, this.#head.hash, number, entry);
    this.#insert.run(number, entry.at, entry.actor, entry.action, meter, entry.order, entry.detail, hash);
    this.#head = { number, hash };
  }

  /** The transaction was taken back: the last entry is looked up again. */
  rolledBack(): void {
    this.#head = undefined;
  }
}

/** A row of {@link CHAIN}. */
type ChainRow = AuditRow & { readonly number: number; readonly hash: string };

const CHAIN = `SELECT a.number, a.at, a.actor, a.action, m.id AS meter, a.order_id, a.detail, a.hash FROM audit a
  LEFT JOIN meters m ON m.number = a.meter ORDER BY a.number`;

/** All entries, oldest first, read as they are asked for. */
export function* chainOf(db: BetterSqlite3.Database): IterableIterator<ChainedEntry> {
  for (const row of db.prepare<[], ChainRow>(CHAIN).iterate())
    yield { number: row.number, entry: auditFrom(row), hash: row.hash };
}

/** Gives the entries of an older version their hashes. Their numbers stay. */
export function chainExisting(db: BetterSqlite3.Database): void {
  db.exec("ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT ''; DROP TRIGGER audit_update;");
  const set = db.prepare("UPDATE audit SET hash = ? WHERE number = ?");
  let head = GENESIS;
  // Not while reading: a statement that is under way keeps the table from being written.
  for (const { number, entry } of [...chainOf(db)]) {
    head = chainHash(sha256, head, number, entry);
    set.run(head, number);
  }
  db.exec(
    "CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;",
  );
}
