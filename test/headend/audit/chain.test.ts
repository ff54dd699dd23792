/** The chain of the audit: what its canonical text is, and that no change of a stored audit goes unseen. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readAudit } from "../../../headend/adapters/sqlite/audit-file.ts";
import { type ChainNote, type ChainVerdict, ChainVerifier, chainHash, GENESIS } from "../../../headend/audit/chain.ts";
import type { AuditEntry } from "../../../headend/ports.ts";
import { at, audit, meterId, orderNumber } from "../../contracts/store.ts";
import { REPOSITORY, runCli } from "../../programs.ts";
import { buildStore, open, temporaryDirectory } from "../adapters/sqlite-support.ts";

const sha256 = (text: string) => createHash("sha256").update(text, "utf8").digest("hex");
const ENTRY = audit("order relay-open sent", { meter: meterId("m"), order: orderNumber(7), detail: 'über "MQTT"' });

test("the canonical text is written out here, so that another program can verify the chain", () => {
  const text = '[3,1795881600000000,"operator","order relay-open sent","m",7,"über \\"MQTT\\""]';
  expect(chainHash(sha256, GENESIS, 3, ENTRY)).toBe(sha256(`${"0".repeat(64)}\n${text}`));
});

describe("over a store's file", () => {
  const directory = temporaryDirectory();
  let file: string;
  let count = 0;
  beforeAll(buildStore);
  afterAll(() => directory.remove());
  beforeEach(async () => {
    count += 1;
    file = join(directory.path, `audit-${count}.db`);
    const store = await open(file);
    const entries: AuditEntry[] = ["started", "second", "third", "fourth"].map((action) => audit(action));
    // Half a character, as a text cut at a length may end, and NUL: no store keeps them.
    entries.push({ ...ENTRY, detail: "cut \ud83d \u0000" });
    for (const entry of entries) await store.commit([{ kind: "audit", entry }]);
    await store.close();
  });

  /** As someone with a SQL prompt and the right to drop triggers. */
  function tamper(sql: string): void {
    const db = new Database(file);
    db.exec(`DROP TRIGGER audit_update; DROP TRIGGER audit_delete; ${sql}`);
    db.close();
  }
  const verify = (note?: ChainNote): ChainVerdict => {
    const verifier = new ChainVerifier(sha256, note);
    readAudit(file, (entry) => verifier.add(entry));
    return verifier.verdict();
  };
  const verifyByCommand = async (...more: string[]) => {
    const { code, stdout, stderr } = await runCli(["audit", "verify", "--store", `sqlite:${file}`, "--json", ...more]);
    return { code, stderr, ...(JSON.parse(stdout) as object) };
  };

  test("a whole chain says its entries and its head, which is computed here by hand", async () => {
    const db = new Database(file, { readonly: true });
    const rows = db.prepare("SELECT a.*, m.id AS name FROM audit a LEFT JOIN meters m ON m.number = a.meter").all();
    db.close();
    let head = "0".repeat(64);
    for (const row of rows as Record<string, unknown>[]) {
      const { number, at: time, actor, action, name, order_id, detail } = row;
      head = sha256(`${head}\n${JSON.stringify([number, time, actor, action, name, order_id, detail])}`);
    }
    expect(verify()).toEqual({ entries: 5, head, broken: null });
    expect(await verifyByCommand()).toEqual({ code: 0, stderr: "", ok: true, entries: 5, head, broken: null });
  });

  test.each([
    ["a changed detail", "UPDATE audit SET detail = 'nothing' WHERE number = 2", 2, /entry 2 is not what was written/],
    ["a changed actor", "UPDATE audit SET actor = 'nobody' WHERE number = 1", 1, /entry 1 is not/],
    ["a changed time", `UPDATE audit SET at = ${at(1)} WHERE number = 4`, 4, /entry 4/],
    [
      "another meter",
      "INSERT INTO meters (id) VALUES ('x'); UPDATE audit SET meter = (SELECT number FROM meters WHERE id = 'x') WHERE number = 5",
      5,
      /entry 5/,
    ],
    ["a renamed meter", "UPDATE meters SET id = 'other' WHERE id = 'm'", 5, /entry 5/],
    ["an entry that is removed", "DELETE FROM audit WHERE number = 3", 3, /entry 3 is missing: 4 comes in its place/],
    ["the first one removed", "DELETE FROM audit WHERE number = 1", 1, /entry 1 is missing/],
    [
      "one removed and the rest moved up",
      "DELETE FROM audit WHERE number = 3; UPDATE audit SET number = number - 1 WHERE number > 3",
      3,
      /entry 3 is not/,
    ],
    [
      "two that changed places",
      "UPDATE audit SET number = 99 WHERE number = 2; UPDATE audit SET number = 2 WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 99",
      2,
      /entry 2 is not/,
    ],
    [
      "one put in between",
      "INSERT INTO audit (number, at, actor, action, detail, hash) VALUES (6, 1, 'a', 'b', '', (SELECT hash FROM audit WHERE number = 5))",
      6,
      /entry 6 is not/,
    ],
  ])("%s is found", async (_, sql, number, reason) => {
    tamper(sql);
    expect(verify()).toMatchObject({ entries: number - 1, broken: { number, reason: expect.stringMatching(reason) } });
  });

  test("the command says where it is broken, and ends with 1", async () => {
    tamper("DELETE FROM audit WHERE number = 3");
    const reason = "entry 3 is missing: 4 comes in its place";
    expect(await verifyByCommand()).toMatchObject({ code: 1, ok: false, entries: 2, broken: { number: 3, reason } });
  });

  test("entries cut off at the end are found against what was noted, as is a chain written anew", async () => {
    const { head } = verify();
    const noted = { entries: 5, head };
    expect(verify(noted).broken).toBeNull();
    tamper("DELETE FROM audit WHERE number > 3");
    expect(verify()).toMatchObject({ entries: 3, broken: null });
    const cut = { number: 4, reason: "5 entries were noted, 3 are there: the end is cut off" };
    expect(verify(noted)).toMatchObject({ entries: 3, broken: cut });
    const flags = ["--expect-entries", "5", "--expect-head", head];
    expect(await verifyByCommand(...flags)).toMatchObject({ code: 1, broken: cut });
    // Whoever can write to the store makes fitting hashes for what it wants.
    const store = await open(file);
    for (const action of ["other", "entries"]) await store.commit([{ kind: "audit", entry: audit(action) }]);
    await store.close();
    expect(verify()).toMatchObject({ entries: 5, broken: null });
    expect(verify(noted)).toMatchObject({ broken: { number: 5, reason: expect.stringContaining("written anew") } });
  });

  test("an export is verified by itself, and a line that is changed in it is found", async () => {
    const { stdout, code } = await runCli(["audit", "export", "--store", `sqlite:${file}`]);
    expect(code).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).number)).toEqual([1, 2, 3, 4, 5]);
    const exported = join(directory.path, "audit.jsonl");
    writeFileSync(exported, stdout);
    expect((await runCli(["audit", "verify", "--file", exported])).stdout).toBe(
      `whole: 5 entries, head ${JSON.parse(lines[4] as string).hash}\n`,
    );
    writeFileSync(exported, stdout.replace("third", "3rd"));
    const changed = await runCli(["audit", "verify", "--file", exported]);
    expect([changed.code, changed.stdout]).toEqual([1, expect.stringContaining("broken at entry 3")]);
    writeFileSync(exported, `${stdout}half a li`);
    expect((await runCli(["audit", "verify", "--file", exported])).stderr).toMatch(/line 6: it is no JSON/);
    const none = await runCli(["audit", "verify", "--file", join(directory.path, "none.jsonl")]);
    expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/can't be read/)]);
  });

  test("a batch that fails leaves no gap in the chain", async () => {
    const store = await open(file);
    const bad = { kind: "audit", entry: { ...ENTRY, at: 1.5 as never } } as const;
    await expect(store.commit([{ kind: "audit", entry: audit("never") }, bad])).rejects.toThrow();
    await store.commit([{ kind: "audit", entry: audit("sixth") }]);
    await store.close();
    expect(verify()).toMatchObject({ entries: 6, broken: null });
  });

  test("the entries and orders of an older version's store get hashes and terms when it is opened", async () => {
    file = join(directory.path, "old.db");
    const db = new Database(file);
    db.exec(readFileSync(join(REPOSITORY, "fixtures/stores/schema-2-orders.sql"), "utf8"));
    db.close();
    expect(() => verify()).toThrow(/not chained yet/);
    const store = await open(file);
    const { openOrders } = await store.snapshot();
    const terms = { persons: 1, approvedBy: [], precondition: null, mass: null };
    expect(openOrders).toMatchObject([{ id: 2, state: "sent", terms: { requester: "prepaid", ...terms } }]);
    expect(await store.query.order(orderNumber(1))).toMatchObject({ terms: { requester: "operator", ...terms } });
    expect((await store.query.audit(10)).map(({ action }) => action)).toEqual([
      ...["order relay-open queued", "order relay-open done", "order relay-open queued"],
    ]);
    await store.close();
    expect(verify()).toMatchObject({ entries: 3, broken: null });
    // The append-only guard is back.
    const upgraded = new Database(file);
    expect(() => upgraded.exec("UPDATE audit SET detail = 'x'")).toThrow(/append-only/);
    upgraded.close();
  });
});
