/**
 * Months that are older than the policy keeps: written to a gzip CSV with a manifest, and only then removed. Nothing else is
 * tidied meanwhile, so a day cannot change between its line in the file and its removal; readings that come for it wait as
 * late ones. Killed at any moment it begins the file anew, or goes on removing what is in a finished one.
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type BetterSqlite3 from "better-sqlite3";
import { dateFromDays, daysFromDate } from "../../../src/core/time.ts";
import { ARCHIVE_HEADER, type ArchiveManifest, archiveLines } from "../../archive-format.ts";
import type { MeterId } from "../../ports.ts";
import type { RetentionPolicy } from "../../retention.ts";
import { SOURCE_CODES } from "../codes.ts";
import type { Budget } from "./compaction.ts";
import { dayKey, partsOf } from "./days.ts";
import { FreshReadings } from "./fresh-readings.ts";
import { dayOf } from "./readings-schema.ts";
import type { Upkeep } from "./upkeep.ts";

export const ARCHIVES_TABLE = `
  -- Files of readings that were removed here, or are about to be.
  CREATE TABLE archives (
    number    INTEGER PRIMARY KEY,
    file      TEXT NOT NULL UNIQUE,
    month     TEXT NOT NULL,
    first_key INTEGER NOT NULL, -- of reading_days
    below_key INTEGER NOT NULL,
    readings  INTEGER NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('writing', 'removing', 'done'))
  ) STRICT;
`;

interface Row {
  readonly number: number;
  readonly file: string;
  readonly month: string;
  readonly first_key: number;
  readonly below_key: number;
  readonly state: "writing" | "removing" | "done";
}

/** A file that is being written; lost with the process, and then begun anew. */
interface Job {
  readonly fd: number;
  readonly hash: Hash;
  next: number;
  bytes: number;
  readings: number;
  values: number;
}

const DAYS_AT_ONCE = 50;

export class Archive {
  readonly #upkeep: Upkeep;
  readonly #policy: RetentionPolicy;
  readonly #fresh: FreshReadings;
  readonly #statements: ReturnType<typeof prepare>;
  #job: Job | undefined;

  constructor(db: BetterSqlite3.Database, upkeep: Upkeep, policy: RetentionPolicy) {
    this.#upkeep = upkeep;
    this.#policy = policy;
    this.#fresh = new FreshReadings(db);
    this.#statements = prepare(db);
  }

  get isOpen(): boolean {
    return this.#statements.open.get() !== undefined;
  }

  /** @returns readings written to a file; undefined when there is nothing to do. @throws where the folder can't be written. */
  step(now: number, budget: Budget): number | undefined {
    const open = this.#statements.open.get();
    if (open?.state === "removing") return this.#remove(open, budget);
    if (open === undefined) return this.#begin(now);
    try {
      return this.#write(open, budget);
    } catch (error) {
      // Part of a step may be in the file: it is begun anew.
      if (this.#job !== undefined) closeSync(this.#job.fd);
      this.#job = undefined;
      throw error;
    }
  }

  #begin(now: number): number | undefined {
    const { keepMonths, archive } = this.#policy;
    if (keepMonths === null || archive === null) return undefined;
    const [first] = this.#upkeep.days.keys(0, Number.MAX_SAFE_INTEGER, 1);
    if (first === undefined) return undefined;
    const { year, month } = dateFromDays(partsOf(first).day);
    const today = dateFromDays(dayOf(now));
    const end = month === 12 ? daysFromDate(year + 1, 1, 1) : daysFromDate(year, month + 1, 1);
    if ((today.year - year) * 12 + today.month - month <= keepMonths || end > this.#upkeep.state.sealed)
      return undefined;
    mkdirSync(archive, { recursive: true });
    const name = `${year}-${String(month).padStart(2, "0")}`;
    let file = join(archive, `readings-${name}.csv.gz`);
    for (let part = 2; existsSync(file) || this.#statements.known.get(file) !== undefined; part++)
      file = join(archive, `readings-${name}-${part}.csv.gz`);
    this.#statements.add.run(file, name, first, dayKey(end, 0));
    return 0;
  }

  #write(row: Row, budget: Budget): number {
    this.#job ??= start(row);
    const job = this.#job;
    const before = job.readings;
    do {
      const keys = this.#upkeep.days.keys(job.next, row.below_key, DAYS_AT_ONCE);
      if (keys.length === 0) {
        this.#finish(row, job);
        break;
      }
      const lines: string[] = [];
      for (const key of keys)
        for (const reading of this.#upkeep.days.read(key, this.#idOf(key))) {
          const of = archiveLines(reading);
          lines.push(...of);
          job.readings += 1;
          job.values += of.length;
        }
      append(job, lines);
      job.next = (keys.at(-1) as number) + 1;
    } while (budget());
    return job.readings - before;
  }

  #finish(row: Row, job: Job): void {
    fsyncSync(job.fd);
    const { readings, values: lines, bytes } = job;
    const manifest: ArchiveManifest = {
      ...{ format: "meterworks-readings", version: 1, month: row.month, readings, lines, bytes },
      sha256: job.hash.digest("hex"),
    };
    writeDurably(`${row.file}.manifest.json`, `${JSON.stringify(manifest, undefined, 2)}\n`);
    renameSync(draftOf(row), row.file);
    syncFolder(row.file);
    closeSync(job.fd);
    this.#job = undefined;
    this.#statements.written.run(readings, row.number);
  }

  #remove(row: Row, budget: Budget): number {
    for (const key of this.#upkeep.days.keys(row.first_key, row.below_key, DAYS_AT_ONCE)) {
      this.#uncount(key);
      this.#upkeep.days.remove(key);
      if (!budget()) return 0;
    }
    if (this.#upkeep.days.keys(row.first_key, row.below_key, 1).length === 0) this.#statements.done.run(row.number);
    return 0;
  }

  /** Takes a day's readings off the counts, but those that stay as a meter's newest. */
  #uncount(key: number): void {
    const id = this.#idOf(key);
    const { meter } = partsOf(key);
    const gone = new Map<number, number>();
    const newest = this.#statements.newest.get(meter);
    for (const { time, source } of this.#upkeep.days.read(key, id)) {
      const isNewest = time === newest?.time || time === newest?.good_time;
      if (isNewest && this.#fresh.at(id, meter, time) !== undefined) continue;
      gone.set(SOURCE_CODES[source], (gone.get(SOURCE_CODES[source]) ?? 0) + 1);
    }
    for (const [source, count] of gone) this.#statements.uncount.run(count, source);
  }

  #idOf(key: number): MeterId {
    return this.#statements.id.get(partsOf(key).meter) as MeterId;
  }
}

const draftOf = (row: Row): string => `${row.file}.new`;

function start(row: Row): Job {
  const fd = openSync(draftOf(row), "w", 0o640);
  const job: Job = { fd, hash: createHash("sha256"), next: row.first_key, bytes: 0, readings: 0, values: 0 };
  append(job, [ARCHIVE_HEADER]);
  return job;
}

/** A member of its own in the gzip file: every program reads them one after the other. */
function append(job: Job, lines: readonly string[]): void {
  const bytes = gzipSync(`${lines.join("\n")}\n`);
  for (let at = 0; at < bytes.length; ) at += writeSync(job.fd, bytes, at, bytes.length - at);
  job.hash.update(bytes);
  job.bytes += bytes.length;
}

function writeDurably(path: string, text: string): void {
  const fd = openSync(path, "w", 0o640);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncFolder(file: string): void {
  const fd = openSync(join(file, ".."), "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function prepare(db: BetterSqlite3.Database) {
  return {
    open: db.prepare<[], Row>("SELECT * FROM archives WHERE state != 'done' ORDER BY number LIMIT 1"),
    known: db.prepare<[string], number>("SELECT number FROM archives WHERE file = ?").pluck(),
    add: db.prepare<[string, string, number, number]>(
      "INSERT INTO archives (file, month, first_key, below_key, readings, state) VALUES (?, ?, ?, ?, 0, 'writing')",
    ),
    written: db.prepare<[number, number]>("UPDATE archives SET state = 'removing', readings = ? WHERE number = ?"),
    done: db.prepare<[number]>("UPDATE archives SET state = 'done' WHERE number = ?"),
    id: db.prepare<[number], string>("SELECT id FROM meters WHERE number = ?").pluck(),
    newest: db.prepare<[number], { time: number; good_time: number | null }>(
      "SELECT time, good_time FROM newest WHERE meter = ?",
    ),
    uncount: db.prepare<[number, number]>("UPDATE reading_counts SET count = count - ? WHERE source = ?"),
  };
}
