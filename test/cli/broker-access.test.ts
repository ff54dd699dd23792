/** The embedded broker with users: each meter only in its own topics, a reader hears all, nobody else comes in. Clients are mqtt.js. */
import { join } from "node:path";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Program, runCli, startCli, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
const users = join(directory.path, "users");
const clients: MqttClient[] = [];
let headend: Program | undefined;
let url = "";

beforeAll(async () => {
  for (const [name, role] of [
    ["flat-7", "meter"],
    ["flat-8", "meter"],
    ["desk", "reader"],
  ] as const) {
    const args = ["headend", "--broker-users", users, "--add-user", name, "--role", role];
    const added = await runCli(args, { input: `password of ${name}\n` });
    expect(added, added.stderr).toMatchObject({ code: 0 });
  }
  const store = `sqlite:${join(directory.path, "site.db")}`;
  const args = ["--store", store, "--broker-listen", "127.0.0.1:0", "--broker-users", users, "--http", "127.0.0.1:0"];
  headend = await startCli(["headend", ...args], { timeoutMs: 30_000 });
  url = `mqtt://127.0.0.1:${/mqtt 127\.0\.0\.1:(\d+)/.exec(headend.ready)?.[1]}`;
});

afterAll(async () => {
  for (const client of clients) await client.endAsync(true).catch(() => {});
  await headend?.stop();
  directory.remove();
});

async function connect(username: string, options: IClientOptions = {}): Promise<MqttClient> {
  const own = { username, password: `password of ${username}`, clientId: username, reconnectPeriod: 0, ...options };
  const client = await mqtt.connectAsync(url, own);
  client.on("error", () => {});
  clients.push(client);
  return client;
}

const telemetry = (meter: string, sequence: number) =>
  JSON.stringify({
    ...{ version: 1, meter, model: "meterworks-1p", sequence, time: `2026-01-01T00:00:0${sequence}Z` },
    values: { "1-0:1.8.0": "1.5" },
  });

test("a meter publishes in its own topics and a reader hears it", async () => {
  const desk = await connect("desk");
  await desk.subscribeAsync("meters/#", { qos: 1 });
  const heard = new Promise<string>((resolve) => desk.once("message", (topic) => resolve(topic)));
  const meter = await connect("flat-7");
  await meter.publishAsync("meters/flat-7/telemetry", telemetry("flat-7", 1), { qos: 1 });
  expect(await heard).toBe("meters/flat-7/telemetry");
});

test("a meter that publishes for another is cut off, and nothing of it is stored", async () => {
  const meter = await connect("flat-8");
  const gone = new Promise<void>((resolve) => meter.once("close", () => resolve()));
  meter.publish("meters/flat-7/telemetry", telemetry("flat-7", 9), { qos: 1 });
  await gone;
  const { default: BetterSqlite3 } = await import("better-sqlite3");
  const database = new BetterSqlite3(join(directory.path, "site.db"), { readonly: true });
  const forged = database.prepare("SELECT count(*) AS n FROM readings WHERE sequence = 9").get();
  database.close();
  expect(forged).toEqual({ n: 0 });
});

test("a wrong password, no password and an unknown user are refused", async () => {
  for (const options of [
    { username: "flat-7", password: "guess", clientId: "x1" },
    { clientId: "x2" },
    { username: "flat-9", password: "password of flat-9", clientId: "x3" },
  ])
    await expect(mqtt.connectAsync(url, { ...options, reconnectPeriod: 0 }, false)).rejects.toThrow(/refused/i);
});

test("a meter that comes in under another's name says what is wrong", async () => {
  const at = url.replace("//", "//flat-8:password%20of%20flat-8@");
  const meter = await startCli(["meter", "--id", "flat-9", "--fidelity", "second", "--mqtt", at]);
  const told = /the broker refuses meters\/flat-9\/cmd to this user; a meter's user has the name of its --id/;
  await expect.poll(() => meter.stderr(), { timeout: 5_000 }).toMatch(told);
  await meter.stop();
});

test("the printed rules name the head-end as it will log in, and the readers", async () => {
  for (const [args, user] of [
    [[], "meterworks-headend"],
    [["--client-id", "hall"], "hall"],
    [["--broker", "mqtt://collector:secret@broker"], "collector"],
  ] as const) {
    const printed = await runCli(["headend", "--print-acl", ...args, "--broker-users", users]);
    expect(printed, printed.stderr).toMatchObject({ code: 0 });
    expect(printed.stdout.split("\n").filter((line) => line.startsWith("user"))).toEqual([`user ${user}`, "user desk"]);
  }
});

test("a packet that is too long is told in the log, and nothing else is disturbed", async () => {
  const meter = await connect("flat-8", { clientId: "long" });
  const gone = new Promise<void>((resolve) => meter.once("close", () => resolve()));
  meter.publish("meters/flat-8/telemetry", Buffer.alloc(300_000), { qos: 1 });
  await gone;
  expect(headend?.stderr()).toMatch(/a packet of 3000\d\d bytes or more; 262144 is the limit/);
  await (await connect("flat-7")).publishAsync("meters/flat-7/telemetry", telemetry("flat-7", 2), { qos: 1 });
});
