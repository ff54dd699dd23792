/** Backup beside a head-end that commits, and back: nothing lost, nothing replaced unproven, nothing half left behind. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSqliteStore } from "../../headend/adapters/sqlite/store.ts";
import type { Store } from "../../headend/ports.ts";
import { meterId, order, reading } from "../contracts/store.ts";
import { describeWithPeers } from "../peers.ts";
import { CLI, REPOSITORY, run, runCli, temporaryDirectory } from "../programs.ts";

const COMPILED = new URL(`file://${REPOSITORY}/dist/headend/adapters/sqlite/`);

let directory: ReturnType<typeof temporaryDirectory>;
let store: string;
let backup: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  directory = temporaryDirectory();
  store = join(directory.path, "site.db");
  mkdirSync(join(directory.path, "backups"));
  backup = join(directory.path, "backups", "one.db");
});
afterEach(() => {
  child?.kill("SIGKILL");
  child = undefined;
  directory.remove();
});

function openStore(file: string): Promise<Store> {
  return openSqliteStore({ file, check: "full", worker: new URL("worker.js", COMPILED) });
}

/** A closed store of 4,000 readings, a few hundred kilobytes. */
async function filled(file = store): Promise<void> {
  const opened = await openStore(file);
  const records = Array.from({ length: 4_000 }, (_, i) => ({ kind: "reading" as const, reading: reading("m", i) }));
  await opened.commit([
    { kind: "meter", meter: { id: meterId("m"), model: "eastron-sdm630", ratio: 1, via: "line a unit 1" } },
    ...records,
  ]);
  await opened.close();
}

/** A process that commits readings of eight meters and prints each behind its commit. */
function startCommitting(): { readonly lines: string[]; until(enough: () => boolean): Promise<void> } {
  const script = join(REPOSITORY, "test/headend/adapters/committing-child.mjs");
  const started = spawn(process.execPath, [script, COMPILED.href, store], { stdio: ["ignore", "pipe", "inherit"] });
  child = started;
  const lines: string[] = [];
  const input = createInterface({ input: started.stdout });
  input.on("line", (line) => lines.push(line));
  return {
    lines,
    async until(enough) {
      while (!enough()) await once(input, "line");
    },
  };
}

function query<T>(file: string, sql: string): T[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare(sql).all() as T[];
  } finally {
    db.close();
  }
}

const back = (file = backup, ...more: string[]) => runCli(["backup", file, "--store", `sqlite:${store}`, ...more]);
const restore = (...more: string[]) => runCli(["restore", backup, "--store", `sqlite:${store}`, ...more]);
/** What lies in the file's folder, but for what SQLite keeps beside a store it has read. */
const beside = (file: string) =>
  readdirSync(join(file, ".."))
    .filter((name) => !/^site\.db-(wal|shm)$/.test(name))
    .sort();

/** Changes the backup and makes its manifest agree, as somebody could who means it. */
function rewrite(change: (db: Database.Database) => void): void {
  const db = new Database(backup);
  change(db);
  db.close();
  const manifest = JSON.parse(readFileSync(`${backup}.manifest.json`, "utf8"));
  const bytes = readFileSync(backup);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  writeFileSync(`${backup}.manifest.json`, JSON.stringify({ ...manifest, bytes: bytes.length, sha256 }));
}

test("a backup beside a committing head-end has all that was committed before it began", async () => {
  const { lines, until } = startCommitting();
  await until(() => lines.length > 2_000);
  const before = lines.filter((line) => line.startsWith("m"));
  const result = await back();
  expect(result).toMatchObject({ code: 0, stderr: "" });
  const behind = lines.length;
  await until(() => lines.length > behind);
  const rows = query<{ id: string; sequence: number }>(
    backup,
    "SELECT id, sequence FROM readings JOIN meters ON number = meter ORDER BY id, sequence",
  );
  const copied = new Set(rows.map(({ id, sequence }) => `${id} ${sequence}`));
  expect(before.filter((line) => !copied.has(line))).toEqual([]);
  // One moment of the store: each meter's readings are the first n, and the kept count is the count.
  for (const { id, n, last } of query<{ id: string; n: number; last: number }>(
    backup,
    "SELECT id, count(*) AS n, max(sequence) AS last FROM readings JOIN meters ON number = meter GROUP BY id",
  ))
    expect([id, n]).toEqual([id, last + 1]);
  expect(query(backup, "SELECT sum(count) AS n FROM reading_counts")).toEqual([{ n: rows.length }]);
  expect(beside(backup)).toEqual(["one.db", "one.db.manifest.json"]);
  expect((await runCli(["backup", "--verify", backup])).code).toBe(0);

  const refused = await restore("--force");
  expect(refused.stderr).toMatch(/site.db cannot be replaced: another head-end is using it/);
  expect(refused.code).toBe(1);
});

test("a restored store is the store that was backed up", async () => {
  await filled();
  const made = JSON.parse((await back(backup, "--json")).stdout);
  expect(made).toMatchObject({
    ...{ file: backup, format: "meterworks-backup", schema: userVersion(store), bytes: statSync(backup).size },
    rows: { meters: 1, readings: 4_000, orders: 0, accounts: 0, postings: 0, audit: 0 },
    sha256: createHash("sha256").update(readFileSync(backup)).digest("hex"),
  });
  const original = query(store, "SELECT * FROM readings");
  const kept = readFileSync(store);

  const unforced = await restore();
  expect(unforced.stderr).toMatch(/there is a store .*site.db already; .*--force/);
  expect(unforced.code).toBe(2);
  expect(readFileSync(store).equals(kept)).toBe(true);

  const forced = await restore("--force", "--json");
  expect(forced.code).toBe(0);
  const { replaced } = JSON.parse(forced.stdout);
  expect(readFileSync(replaced).equals(kept)).toBe(true);
  expect(query(store, "SELECT * FROM readings")).toEqual(original);
  const opened = await openStore(store);
  expect(await opened.query.counts()).toMatchObject({ modbus: 4_000, mqtt: 0, profile: 0 });
  expect(await opened.query.audit(10)).toMatchObject([
    { actor: "restore", action: "store restored", detail: expect.stringContaining(`taken ${made.takenAt}`) },
  ]);
  await opened.close();
});

test("no order number is given twice across a restore, whatever was ordered after the backup", async () => {
  const opened = await openStore(store);
  await opened.commit([{ kind: "order", order: order(7, "m") }]);
  // The mark of the head-end that is running: what becomes of it the backup cannot know.
  const run = { collection: "runs", key: "1", live: true, text: '{"from":1,"seen":2,"clean":false}' };
  await opened.commit([{ kind: "document", document: run }]);
  await back();
  // Lost with the store, but the meter remembers it: a new order 8 would get this one's outcome.
  await opened.commit([{ kind: "order", order: order(8, "m") }]);
  await opened.close();
  expect((await restore("--force")).code).toBe(0);
  const resumed = await openStore(store);
  const { lastOrder, documents } = await resumed.snapshot();
  expect(lastOrder).toBeGreaterThan(1_000_000_000);
  expect(documents, "no crash is told of at the next start").toEqual([]);
  await resumed.close();
});

function userVersion(path: string): number {
  return (query(path, "PRAGMA user_version")[0] as { user_version: number }).user_version;
}

test("a backup of an older schema is restored in this version's", async () => {
  const old = new Database(store);
  old.exec(readFileSync(join(REPOSITORY, "fixtures/stores/schema-2-readings.sql"), "utf8"));
  old.close();
  const made = JSON.parse((await back(backup, "--json")).stdout);
  expect(made).toMatchObject({ schema: 2, rows: { meters: 2, readings: 96, orders: 1 } });
  expect((await restore("--force")).code).toBe(0);
  const opened = await openStore(store);
  expect(await opened.query.counts()).toMatchObject({ modbus: 48, mqtt: 48, profile: 0 });
  await opened.close();
});

test("what a killed head-end left in the log goes with the store that is moved aside", async () => {
  const { lines, until } = startCommitting();
  await until(() => lines.length > 200);
  await back();
  await until(() => lines.length > 600);
  child?.kill("SIGKILL");
  await once(child as ChildProcess, "close");
  const committed = query(store, "SELECT 1 FROM readings").length;
  const { replaced, rows } = JSON.parse((await restore("--force", "--json")).stdout);
  expect(query(store, "SELECT 1 FROM readings")).toHaveLength(rows.readings);
  expect(rows.readings).toBeLessThan(committed);
  expect(query(replaced, "SELECT 1 FROM readings")).toHaveLength(committed);
});

describe("a backup that is not what it was is refused, and the store stays", () => {
  const DAMAGES: readonly (readonly [string, () => void, RegExp])[] = [
    ["cut", () => truncateSync(backup, statSync(backup).size - 4096), /one.db is cut or has grown: \d+ bytes instead/],
    ["one bit flipped", () => flipBit(), /one.db is damaged: its SHA-256/],
    ["no manifest", () => spawnSync("rm", [`${backup}.manifest.json`]), /has no manifest/],
    ["half a manifest", () => truncateSync(`${backup}.manifest.json`, 40), /manifest .* is damaged: it is no JSON/],
    [
      "a newer schema",
      () => rewrite((db) => db.pragma("user_version = 999")),
      /a newer meterworks wrote it \(schema 999.*update meterworks/,
    ],
    ["rows missing", () => rewrite((db) => db.exec("DELETE FROM readings WHERE time % 2 = 0")), /readings \d+ instead/],
    [
      "another program's database",
      () => rewrite((db) => db.pragma("application_id = 1")),
      /database of another program/,
    ],
  ];

  function flipBit(): void {
    const bytes = readFileSync(backup);
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] as number) ^ 0x10;
    writeFileSync(backup, bytes);
  }

  test.each(DAMAGES)("%s", async (_, damage, expected) => {
    await filled();
    await back();
    damage();
    const before = readFileSync(store);
    const verified = await runCli(["backup", "--verify", backup]);
    expect(verified.stderr).toMatch(expected);
    expect(verified).toMatchObject({ code: 1, stdout: "" });
    const restored = await restore("--force");
    expect(restored.stderr).toMatch(expected);
    expect(restored).toMatchObject({ code: 1, stdout: "" });
    expect(readFileSync(store).equals(before)).toBe(true);
    expect(beside(store)).toEqual(["backups", "site.db", "site.db-lock"]);
  });
});

/** Runs the command where no file may grow beyond `bytes`, as on a full disk. */
function limited(bytes: number, args: readonly string[]) {
  return run("prlimit", [`--fsize=${bytes}`, process.execPath, CLI, ...args]);
}

describeWithPeers("a disk that is full leaves nothing half", ["prlimit"], () => {
  test("the disk is full", async () => {
    await filled();
    const made = await limited(65_536, ["backup", backup, "--store", `sqlite:${store}`]);
    expect(made.stderr).toMatch(/cannot be backed up to .*one.db: the disk/);
    expect(made).toMatchObject({ code: 1, stdout: "" });
    expect(beside(backup)).toEqual([]);

    await back();
    const before = readFileSync(store);
    const restored = await limited(65_536, ["restore", backup, "--store", `sqlite:${store}`, "--force"]);
    expect(restored.stderr).toMatch(/cannot write .*site.db/);
    expect(restored).toMatchObject({ code: 1, stdout: "" });
    expect(readFileSync(store).equals(before)).toBe(true);
    expect(beside(store)).toEqual(["backups", "site.db", "site.db-lock"]);
  });
});

describe("a target that cannot be written leaves nothing half", () => {
  test("the manifest cannot be written", async () => {
    await filled();
    // The backup's own name fits into the system's 255 bytes, that of its manifest's draft does not.
    const made = await back(join(directory.path, "backups", "b".repeat(234)));
    expect(made.stderr).toMatch(/cannot write .*manifest.json: ENAMETOOLONG/);
    expect(made).toMatchObject({ code: 1, stdout: "" });
    expect(beside(backup)).toEqual([]);
  });

  test("the folder is not there", async () => {
    await filled();
    const made = await back(join(directory.path, "nosuch", "one.db"));
    expect(made.stderr).toMatch(/cannot be backed up to .*nosuch/);
    expect(made).toMatchObject({ code: 1, stdout: "" });
  });

  test("there is a backup of that name", async () => {
    await filled();
    await back();
    const before = readFileSync(backup);
    const again = await back();
    expect(again.stderr).toMatch(/one.db exists already; .*choose another name/);
    expect(again.code).toBe(2);
    expect(readFileSync(backup).equals(before)).toBe(true);
  });
});

describe("a damaged store", () => {
  /** Garbage in the middle of the readings. */
  async function damaged(): Promise<void> {
    await filled();
    const bytes = readFileSync(store);
    bytes.fill(0xa5, 40 * 4096, 43 * 4096);
    writeFileSync(store, bytes);
  }

  test("is known at the head-end's start, which names the way out and changes nothing", async () => {
    await damaged();
    const before = readFileSync(store);
    const headend = ["headend", "--store", `sqlite:${store}`, "--http", "127.0.0.1:0", "--broker", "none"];
    const result = await runCli(headend, { env: { METERWORKS_LOG: "silent" } });
    expect(result.stderr).toMatch(/site.db cannot be opened: the database is damaged.*meterworks restore/);
    expect(result).toMatchObject({ code: 2, stdout: "", timedOut: false });
    expect(readFileSync(store).equals(before)).toBe(true);
  });

  test("gives no backup", async () => {
    await damaged();
    const result = await back();
    expect(result.stderr).toMatch(/cannot be backed up.*the database is damaged/);
    expect(result.code).toBe(1);
    expect(beside(backup)).toEqual([]);
  });

  test("is replaced by a sound backup", async () => {
    await damaged();
    const sound = join(directory.path, "sound.db");
    await filled(sound);
    await runCli(["backup", backup, "--store", `sqlite:${sound}`]);
    expect((await restore("--force")).code).toBe(0);
    expect(query(store, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  });
});

test("a copy of the running file alone is no backup: it is refused for want of a manifest", async () => {
  await filled();
  copyFileSync(store, backup);
  const result = await restore("--force");
  expect(result.stderr).toMatch(/has no manifest/);
  expect(existsSync(store)).toBe(true);
});
