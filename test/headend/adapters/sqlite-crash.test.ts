/** What is left after the worst: the process killed, the thread dead, a disk that takes no more. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import Database from "better-sqlite3";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openWriter } from "../../../headend/adapters/sqlite/connection.ts";
import { BatchPacker } from "../../../headend/adapters/sqlite/packed.ts";
import { Upkeep } from "../../../headend/adapters/sqlite/upkeep.ts";
import { BatchWriter } from "../../../headend/adapters/sqlite/writer.ts";
import { civil } from "../../../src/core/time.ts";
import { meterId, reading } from "../../contracts/store.ts";
import { describeWithPeers } from "../../peers.ts";
import { buildStore, COMPILED, open, temporaryDirectory } from "./sqlite-support.ts";

beforeAll(buildStore);

let directory: ReturnType<typeof temporaryDirectory>;
let file: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, "head-end.db");
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  directory.remove();
});

/** The committing child, with the lines it printed so far. */
function startChild(compactAt?: number): {
  child: ChildProcess;
  lines: string[];
  until(enough: () => boolean): Promise<void>;
} {
  const script = fileURLToPath(new URL("committing-child.mjs", import.meta.url));
  const compact = compactAt === undefined ? [] : [String(compactAt)];
  const child = spawn(process.execPath, [script, COMPILED.href, file, ...compact], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const lines: string[] = [];
  const input = createInterface({ input: child.stdout });
  input.on("line", (line) => lines.push(line));
  const until = async (enough: () => boolean) => {
    while (!enough()) await once(input, "line");
  };
  return { child, lines, until };
}

const isReading = (line: string) => /^m\d+ \d+$/.test(line);

/** Every printed reading is stored exactly once; more may be stored than was printed, never less. */
async function checkStored(lines: readonly string[]): Promise<void> {
  const store = await open(file);
  let stored = 0;
  for (let i = 0; i < 8; i++) {
    const rows = await store.query.readings(meterId(`m${i}`), civil(0), civil(Number.MAX_SAFE_INTEGER), 1_000_000);
    stored += rows.length;
    expect(rows.map((r) => r.sequence)).toEqual(rows.map((_, n) => n));
    expect(rows.map((r) => r.values.activeEnergyImport)).toEqual(rows.map((_, n) => n));
    const printed = lines.filter((line) => line.startsWith(`m${i} `)).map((line) => Number(line.split(" ")[1]));
    for (const sequence of printed) expect(rows[sequence]?.sequence).toBe(sequence);
  }
  expect(await store.query.counts()).toMatchObject({ modbus: 0, mqtt: stored, profile: 0 });
  await store.close();
}

test.each([1, 150, 1_200])("kill -9 after %i acknowledged readings loses none and doubles none", async (count) => {
  const { child, lines, until } = startChild();
  await until(() => lines.filter(isReading).length >= count);
  child.kill("SIGKILL");
  await once(child, "close");
  await checkStored(lines);
});

test("kill -9 again and again in the midst of compaction loses none and doubles none", async () => {
  const day = 86_400_000_000;
  const printed: string[] = [];
  for (let round = 0; round < 3; round++) {
    // The child's readings are of the first day of 1970: each is late for a day that is being compacted, or was.
    const { child, lines, until } = startChild(5 * day);
    await until(() => lines.filter(isReading).length >= 150);
    child.kill("SIGKILL");
    await once(child, "close");
    printed.push(...lines);
  }
  const db = new Database(file, { readonly: true });
  expect(db.prepare("SELECT sum(rows) FROM compacted_days").pluck().get()).toBeGreaterThan(100);
  db.close();
  await checkStored(printed);
});

test("a write that another program holds refuses commits with a sentence after some seconds, and heals by itself", async () => {
  const store = await open(file);
  const guest = new Database(file);
  guest.exec("BEGIN IMMEDIATE");
  const commit = () => store.commit([{ kind: "reading", reading: reading("m", 0) }]);
  await expect(commit()).rejects.toThrow(/another program holds a long write on the database: close it/);
  await expect(store.maintain(civil(1))).rejects.toThrow(/another program holds a long write/);
  guest.exec("COMMIT");
  guest.close();
  await commit();
  await store.maintain(civil(1));
  expect(await store.query.counts()).toMatchObject({ mqtt: 0, modbus: 1 });
  await store.close();
});

test("a full database refuses commits with a sentence and keeps what it has", async () => {
  const store = await open(file);
  await store.commit([{ kind: "reading", reading: reading("m", 0) }]);
  await store.close();
  const quota = new Database(file);
  const pages = quota.pragma("page_count", { simple: true }) as number;
  const connection = openWriter(file, "FULL", "none");
  quota.close();
  connection.db.pragma(`max_page_count = ${pages}`);
  const writer = new BatchWriter(connection.db, new Upkeep(connection.db));
  const packer = new BatchPacker();
  const many = Array.from({ length: 500 }, (_, i) => ({ kind: "reading", reading: reading("m", 60 * i) }) as const);
  const [refused] = writer.commit([packer.pack(many)]);
  expect(refused).toMatch(/the disk is full: free some space; nothing stored is lost, and storing goes on by itself/);
  connection.db.pragma("max_page_count = 1000000");
  expect(writer.commit([packer.pack(many)])).toEqual([null]);
  expect(connection.db.prepare("SELECT count(*) FROM readings").pluck().get()).toBe(500);
  connection.close();
});

describeWithPeers("a full disk", ["prlimit"], () => {
  test("a disk that takes no more refuses batches with a sentence, and the store goes on when there is room", async () => {
    const { child, lines, until } = startChild();
    await until(() => lines.filter(isReading).length >= 50);
    const limit = (bytes: string) =>
      expect(spawnSync("prlimit", ["--pid", String(child.pid), `--fsize=${bytes}:unlimited`]).status).toBe(0);
    // The log may not grow beyond what it is now: the next commits fail as they do on a full disk.
    limit(String(statSync(`${file}-wal`).size));
    await until(() => lines.some((line) => line.startsWith("refused ")));
    limit("unlimited");
    const refusedAt = lines.length;
    await until(() => lines.slice(refusedAt).filter(isReading).length >= 100);
    expect(lines.find((line) => line.startsWith("refused "))).toMatch(/check the disk|disk is full/);
    child.kill("SIGKILL");
    await once(child, "close");
    await checkStored(lines);
  });
});

test("a thread that dies rejects what is pending and all that follows, with the reason", async () => {
  const worker = join(directory.path, "dying-worker.mjs");
  writeFileSync(
    worker,
    `import { parentPort } from "node:worker_threads";
     parentPort.on("message", ({ method, id }) => {
       if (method === "commit") throw new Error("out of luck");
       parentPort.postMessage({ id, ok: true, value: undefined });
     });
     parentPort.postMessage({ id: 0, ok: true, value: undefined });`,
  );
  const store = await open(file, { worker: pathToFileURL(worker) });
  const pending = [store.commit([{ kind: "reading", reading: reading("m", 0) }]), store.commit([])];
  for (const outcome of await Promise.allSettled(pending)) {
    expect(outcome.status).toBe("rejected");
    expect((outcome as PromiseRejectedResult).reason.message).toMatch(/stopped.*out of luck.*restart the head-end/);
  }
  await expect(store.commit([])).rejects.toThrow(/out of luck/);
  await store.close();
});
