/**
 * The tables of readings. Fresh ones are rows in `readings`, ordered by the minute first: what meters send at one time lies
 * together, so that a commit touches few pages. (By meter and time each reading of a batch touched a page of its own, and
 * writing took four times as long.) Whole days that are over become one row per meter in `reading_days`.
 */
import type BetterSqlite3 from "better-sqlite3";

export const MICROS_PER_SLOT = 60_000_000;
export const SLOTS_PER_DAY = 1_440;

/** The minute, counted from 1970, in which a time (µs) lies. */
export function slotOf(time: number): number {
  return Math.floor(time / MICROS_PER_SLOT);
}

/** The day, counted from 1970 in UTC, in which a time (µs) lies. */
export function dayOf(time: number): number {
  return Math.floor(time / (MICROS_PER_SLOT * SLOTS_PER_DAY));
}

const TABLES = `
  -- One more INTEGER column per measure, see addMeasures. no_value names the measures the meter had no value for.
  CREATE TABLE readings (
    slot     INTEGER NOT NULL, -- time / 60000000
    meter    INTEGER NOT NULL REFERENCES meters (number),
    time     INTEGER NOT NULL,
    source   INTEGER NOT NULL,
    sequence INTEGER,
    quality  INTEGER NOT NULL,
    no_value TEXT,
    PRIMARY KEY (slot, meter, time)
  ) STRICT, WITHOUT ROWID;

  -- key is day * 2^32 + meter: a new day is written behind all others, so pages are full, and an old one goes as a whole.
  CREATE TABLE reading_days (
    key    INTEGER PRIMARY KEY,
    rows   INTEGER NOT NULL,
    cells  INTEGER NOT NULL, -- values, those without value included
    data   BLOB NOT NULL
  ) STRICT;

  CREATE VIEW compacted_days AS
    SELECT m.id AS meter, date((d.key >> 32) * 86400, 'unixepoch') AS day, d.rows, d.cells, length(d.data) AS bytes
    FROM reading_days d JOIN meters m ON m.number = d.key & 4294967295;

  -- What stands for a measure in the data of a day.
  CREATE TABLE measure_numbers (
    number INTEGER PRIMARY KEY,
    key    TEXT NOT NULL UNIQUE
  ) STRICT;

  -- The newest reading of each meter, and the newest good one, among those before upkeep.folded; readings that come later
  -- are in the minutes after it.
  CREATE TABLE newest (
    meter     INTEGER PRIMARY KEY REFERENCES meters (number),
    time      INTEGER NOT NULL,
    good_time INTEGER
  ) STRICT;

  -- Meters with readings that came for a day below upkeep.sealed.
  CREATE TABLE late_days (
    key INTEGER PRIMARY KEY
  ) STRICT;

  -- How far the housekeeping is.
  CREATE TABLE upkeep (
    number     INTEGER PRIMARY KEY CHECK (number = 1),
    folded     INTEGER NOT NULL, -- minutes below are in newest
    sealed     INTEGER NOT NULL, -- days below are compacted, but for the last of them while next_meter or next_slot is set
    next_meter INTEGER,          -- of the day sealed - 1: meters below are in reading_days
    next_slot  INTEGER           -- all meters are; readings of minutes below are removed from readings
  ) STRICT;
  INSERT INTO upkeep VALUES (1, 0, 0, NULL, NULL);
`;

/** Lays readings out anew; measured: some ten seconds for a million. */
export function orderReadingsByMinute(db: BetterSqlite3.Database): void {
  const columns = db.prepare("SELECT name FROM pragma_table_info('readings')").pluck().all() as string[];
  db.exec(`ALTER TABLE readings RENAME TO readings_by_meter;${TABLES}`);
  const present = new Set(db.prepare("SELECT name FROM pragma_table_info('readings')").pluck().all());
  for (const column of columns) if (!present.has(column)) db.exec(`ALTER TABLE readings ADD COLUMN ${column} INTEGER`);
  const list = columns.join(", ");
  db.exec(`
    INSERT INTO readings (slot, ${list}) SELECT time / ${MICROS_PER_SLOT}, ${list} FROM readings_by_meter ORDER BY 1, meter, time;
    DROP TABLE readings_by_meter;
  `);
}
