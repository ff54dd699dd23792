/** Second persons on the command line: two named tokens at one head-end, whose meters are not there. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Program, runCli, startCli, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
const path = (name: string) => join(directory.path, name);
let headend: Program;
let api = "";

beforeAll(async () => {
  for (const [name, scope] of [
    ["anna", "read,operate,approve"],
    ["ben", "read,approve"],
  ] as const) {
    const made = await runCli(["headend", "--tokens", path("tokens"), "--add-token", name, "--scope", scope]);
    writeFileSync(path(`${name}.token`), /\S{16,}/.exec(made.stdout)?.[0] ?? "");
  }
  const meters = ["q1", "q2"].map((id, i) => ({ id, model: "meterworks-1p", unit: i + 1 }));
  // A port where nobody listens: what is ordered stays queued.
  const lines = [{ where: { tcp: "127.0.0.1:1" }, meters }];
  writeFileSync(path("site.json"), JSON.stringify({ lines, orders: { persons: { "relay-open": 2 } } }));
  const store = ["--config", path("site.json"), "--store", `sqlite:${path("site.db")}`, "--tokens", path("tokens")];
  headend = await startCli(["headend", ...store, "--broker", "none", "--http", "127.0.0.1:0"]);
  api = /http:\S+?(?=,|$)/.exec(headend.ready)?.[0] ?? "";
});
afterAll(async () => {
  await headend.stop();
  directory.remove();
});

const as = (name: string, ...args: readonly string[]) =>
  runCli([...args, "--api", api, "--token-file", path(`${name}.token`)]);

test("a name has one token: a second would end the first", async () => {
  const again = await runCli(["headend", "--tokens", path("tokens"), "--add-token", "anna"]);
  expect([again.code, again.stderr]).toEqual([
    2,
    expect.stringMatching(/"anna" in .* already; give --remove-token first/),
  ]);
});

test("an order waits for the second person, and is cancelled before it is sent", async () => {
  const asked = await as("anna", "relay", "open", "q1", "--wait", "0");
  expect([asked.code, asked.stdout]).toEqual([1, "q1: order 1 relay-open is requested\n"]);
  expect(asked.stderr).toContain("another person must approve it: meterworks order approve 1");
  const own = await as("anna", "order", "approve", "1");
  expect([own.code, own.stderr]).toEqual([
    1,
    expect.stringContaining("anna has requested order 1: another person must"),
  ]);
  const approved = await as("ben", "order", "approve", "1", "--json");
  expect(JSON.parse(approved.stdout)).toMatchObject({ state: "queued", requester: "anna", approvedBy: ["ben"] });
  // To give orders is another scope than to approve them.
  expect((await as("ben", "order", "cancel", "1")).stderr).toContain('this needs "operate"');
  const cancelled = await as("anna", "order", "cancel", "1");
  expect(cancelled.stdout).toBe("q1: order 1 relay-open is cancelled: cancelled by anna: never sent\n");
  expect((await as("anna", "order", "cancel", "1")).code).toBe(1);
});

test("a mass order is requested, approved, stopped, resumed and cancelled", async () => {
  const asked = await as("anna", "mass", "close", "feeder-7", "--all", "--note", "repaired");
  expect(asked.stdout).toBe(
    "feeder-7: relay-allow for 2 meters is requested: 0 given, 0 open, 0 done; 1 more must approve it\n",
  );
  expect((await as("anna", "mass", "approve", "feeder-7")).stderr).toContain("another person must approve it");
  expect((await as("ben", "mass", "approve", "feeder-7")).stdout).toContain(
    "feeder-7: relay-allow for 2 meters is running",
  );
  expect((await as("anna", "mass", "stop", "feeder-7")).stdout).toContain("is stopped (by anna)");
  expect((await as("anna", "mass", "resume", "feeder-7")).stdout).toContain("is running");
  expect((await as("anna", "mass", "cancel", "feeder-7")).stdout).toContain("is cancelled (by anna)");
  expect((await as("ben", "mass", "show", "feeder-7")).stdout).toContain("is cancelled (by anna)");
  expect((await runCli(["audit", "verify", "--store", `sqlite:${path("site.db")}`])).stdout).toMatch(
    /^whole: \d+ entries/,
  );
  writeFileSync(path("empty.jsonl"), "");
  const empty = await runCli(["audit", "verify", "--file", path("empty.jsonl")]);
  expect([empty.code, empty.stderr]).toEqual([1, expect.stringContaining("holds no entries of an audit; give a file")]);
});
