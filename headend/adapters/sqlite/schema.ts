/**
 * The tables, as migrations counted by `user_version`. STRICT, so that SQLite refuses what is no integer; readings lie
 * clustered by meter and time, one row for all registers of a reading (facts measured on 1M rows: a seventh of the size
 * and a quarter of the time of one row per register).
 */
import type BetterSqlite3 from "better-sqlite3";
import { USUAL_MEASURES } from "../../../src/core/measures.ts";
import { ARCHIVES_TABLE } from "./archive.ts";
import { chainExisting } from "./audit.ts";
import { orderReadingsByMinute } from "./readings-schema.ts";

/** "MTRW": says to `file` and to us whose database it is. */
const APPLICATION_ID = 0x4d54_5257;

/** Released migrations never change: a new one is appended. */
const MIGRATIONS: readonly (string | ((db: BetterSqlite3.Database) => void))[] = [
  `
  -- A meter gets its number when anything first names it; model, ratio and via come with its registration.
  CREATE TABLE meters (
    number INTEGER PRIMARY KEY,
    id     TEXT NOT NULL UNIQUE,
    model  TEXT,
    ratio  REAL,
    via    TEXT
  ) STRICT;

  -- One more INTEGER column per measure, see addMeasureColumns. no_value names the measures the meter had no value for.
  CREATE TABLE readings (
    meter    INTEGER NOT NULL REFERENCES meters (number),
    time     INTEGER NOT NULL,
    source   INTEGER NOT NULL,
    sequence INTEGER,
    quality  INTEGER NOT NULL,
    no_value TEXT,
    PRIMARY KEY (meter, time)
  ) STRICT, WITHOUT ROWID;

  -- Counting rows would read the whole table.
  CREATE TABLE reading_counts (
    source INTEGER PRIMARY KEY,
    count  INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE orders (
    id              INTEGER PRIMARY KEY,
    key             TEXT NOT NULL UNIQUE,
    meter           INTEGER NOT NULL REFERENCES meters (number),
    operation       TEXT NOT NULL,
    argument        INTEGER NOT NULL,
    state           TEXT NOT NULL,
    reason          TEXT NOT NULL,
    requested_at    INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    outcome         TEXT,
    relay_read_back INTEGER CHECK (relay_read_back IN (0, 1)),
    finished_at     INTEGER
  ) STRICT;
  CREATE INDEX orders_by_meter ON orders (meter, id);
  CREATE INDEX orders_open ON orders (id) WHERE state IN ('queued', 'sent', 'acknowledged');

  CREATE TABLE accounts (
    meter       INTEGER PRIMARY KEY REFERENCES meters (number),
    currency    TEXT NOT NULL,
    price       INTEGER NOT NULL,
    warn_at     INTEGER NOT NULL,
    cut_at      INTEGER NOT NULL,
    topped_up   INTEGER NOT NULL,
    charged     INTEGER NOT NULL,
    energy_from INTEGER,
    energy_to   INTEGER
  ) STRICT;

  CREATE TABLE postings (
    number    INTEGER PRIMARY KEY,
    key       TEXT NOT NULL UNIQUE,
    meter     INTEGER NOT NULL REFERENCES meters (number),
    at        INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    amount    INTEGER NOT NULL CHECK (amount > 0),
    energy_to INTEGER
  ) STRICT;
  CREATE INDEX postings_by_meter ON postings (meter, number);
  CREATE INDEX topups_by_meter ON postings (meter, number) WHERE kind = 'topup';

  CREATE TABLE audit (
    number   INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    action   TEXT NOT NULL,
    meter    INTEGER REFERENCES meters (number),
    order_id INTEGER,
    detail   TEXT NOT NULL
  ) STRICT;

  -- Against mistakes, ours and those of a person with a SQL prompt; an administrator can drop a trigger.
  CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
  CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
  CREATE TRIGGER postings_update BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'postings are append-only'); END;
  CREATE TRIGGER postings_delete BEFORE DELETE ON postings BEGIN SELECT RAISE(ABORT, 'postings are append-only'); END;
  `,
  `
  -- Order numbers up to here may have been given, though their orders are not in this file: set by a restore.
  CREATE TABLE order_floor (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    last   INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- State of which there is little: each a JSON text, replaced whole. Those that are live are read at every start.
  CREATE TABLE documents (
    collection TEXT NOT NULL,
    key        TEXT NOT NULL,
    live       INTEGER NOT NULL CHECK (live IN (0, 1)),
    text       TEXT NOT NULL,
    PRIMARY KEY (collection, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX documents_live ON documents (collection, key) WHERE live = 1;
  `,
  `
  -- On what terms an order was given, as JSON. Until now there was one token, so one requester beside the accounts.
  ALTER TABLE orders ADD COLUMN terms TEXT NOT NULL DEFAULT '';
  UPDATE orders SET terms = json_object(
    'requester', CASE WHEN key LIKE 'prepaid:%' THEN 'prepaid' ELSE 'operator' END,
    'persons', 1, 'approvedBy', json_array());
  DROP INDEX orders_open;
  CREATE INDEX orders_open ON orders (id)
    WHERE state IN ('requested', 'approved', 'queued', 'sent', 'acknowledged', 'verified');
  `,
  chainExisting,
  orderReadingsByMinute,
  ARCHIVES_TABLE,
];

/** From this version on the audit is a chain. */
export const CHAINED_SINCE = MIGRATIONS.indexOf(chainExisting) + 1;

/** The highest order number that may have been given. */
export const LAST_ORDER = `SELECT max(
  coalesce((SELECT max(id) FROM orders), 0),
  coalesce((SELECT last FROM order_floor), 0))`;

/**
 * Creates or upgrades the tables in one transaction.
 * @throws Error with a sentence where the file is another program's or a newer version's.
 */
export function migrate(db: BetterSqlite3.Database): void {
  db.transaction(() => {
    const version = checkIdentity(db);
    for (const step of MIGRATIONS.slice(version)) {
      if (typeof step === "string") db.exec(step);
      else step(db);
    }
    addMeasures(db);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
  }).immediate();
}

/**
 * The file's schema version, 0 where it is empty.
 * @throws Error with a sentence where the file is another program's or a newer version's.
 */
export function checkIdentity(db: BetterSqlite3.Database): number {
  const ours = db.pragma("application_id", { simple: true }) === APPLICATION_ID;
  const empty = db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (!ours && !empty) throw new Error("it is the SQLite database of another program: choose another file");
  const version = db.pragma("user_version", { simple: true }) as number;
  if (version > MIGRATIONS.length)
    throw new Error(
      `a newer meterworks wrote it (schema ${version}, this one knows ${MIGRATIONS.length}): update meterworks`,
    );
  return version;
}

/** @throws Error with a sentence where the file is no store, or of another version than this one's. */
export function requireCurrent(db: BetterSqlite3.Database): void {
  const version = checkIdentity(db);
  if (version === 0) throw new Error("there is no store in it");
  if (version < MIGRATIONS.length)
    throw new Error(
      `an older meterworks wrote it (schema ${version}, this one's is ${MIGRATIONS.length}): the head-end upgrades it when it is started`,
    );
}

/** Measures added to the vocabulary since the file was made become columns and get a number; neither is ever taken away. */
function addMeasures(db: BetterSqlite3.Database): void {
  const present = new Set(db.prepare("SELECT name FROM pragma_table_info('readings')").pluck().all());
  const number = db.prepare("INSERT OR IGNORE INTO measure_numbers (key) VALUES (?)");
  for (const { key } of USUAL_MEASURES) {
    if (!present.has(key)) db.exec(`ALTER TABLE readings ADD COLUMN ${key} INTEGER`);
    number.run(key);
  }
}
