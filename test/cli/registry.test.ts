/** A running head-end whose registry is worked on by the command: scan, accept, exchange, tables, a stranger on MQTT. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, type Program, runCli, startCli, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
const file = (name: string) => join(directory.path, name);
let meter: Program | undefined;
let headend: Program | undefined;
let port = 0;

async function startHeadend(): Promise<void> {
  headend = await startCli(
    [
      ...["headend", "--config", file("site.json"), "--store", `sqlite:${file("site.db")}`],
      ...["--broker-listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
    ],
    { env: { METERWORKS_LOG: "silent" } },
  );
}

const broker = () => /mqtt (\S+)/.exec(headend?.ready ?? "")?.[1] ?? "";

async function registry(...args: string[]) {
  const api = /http:\S+(?=,)/.exec(headend?.ready ?? "")?.[0] ?? "";
  return runCli(["registry", ...args, "--api", api, "--token-file", file("site.db.token")]);
}

interface Latest {
  readonly ratio?: object;
  readonly values: readonly { readonly measure: string; readonly value: string; readonly primary?: string }[];
}

async function firstReading(id: string): Promise<Latest> {
  const token = readFileSync(file("site.db.token"), "utf8").trim();
  const api = /http:\S+(?=,)/.exec(headend?.ready ?? "")?.[0];
  for (let i = 0; i < 100; i++) {
    const answer = await fetch(`${api}/api/v1/meters/${id}`, { headers: { authorization: `Bearer ${token}` } });
    const { latest } = (await answer.json()) as { latest: Latest | null };
    if (latest !== null) return latest;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no reading of ${id} came`);
}

const lines = (text: string) => text.trimEnd().split(/\r?\n/);

beforeAll(async () => {
  port = await freePort();
  meter = await startCli(["meter", "--tcp", `127.0.0.1:${port}`, "--model", "eastron-sdm120"]);
  const line = {
    name: "cellar",
    where: { tcp: `127.0.0.1:${port}` },
    ...{ pollSeconds: 0.2, timeoutSeconds: 0.3, retries: 0 },
    meters: [{ id: "gone", model: "eastron-sdm120", unit: 9 }],
  };
  writeFileSync(file("site.json"), JSON.stringify({ lines: [line], mqtt: { acceptUnknown: "hold" } }));
  await startHeadend();
});

afterAll(async () => {
  await headend?.stop();
  await meter?.stop();
  directory.remove();
});

test("a meter that a scan finds is held, accepted, and read from the next start", async () => {
  const scan = await runCli(["scan", "--tcp", `127.0.0.1:${port}`, "--units", "1-2", "--json"]);
  writeFileSync(file("scan.json"), scan.stdout);
  const proposed = await registry("propose", "--file", file("scan.json"), "--line", "cellar");
  expect([proposed.stdout, proposed.code]).toEqual(["cellar-unit-1: held\n", 0]);
  expect(lines((await registry("list", "--state", "held")).stdout)).toEqual([
    expect.stringMatching(/^id +state +model +where +ratio +serial$/),
    expect.stringMatching(/^cellar-unit-1 +held +eastron-sdm120 +line cellar unit 1 +1 +-$/),
  ]);
  const accepted = await registry("accept", "cellar-unit-1", "--ct", "200/5", "--serial", "A-1");
  expect(accepted.stdout).toBe("cellar-unit-1: changed: state held -> active, serial - -> A-1, ct - -> 200/5\n");
  await headend?.stop();
  await startHeadend();
  const latest = await firstReading("cellar-unit-1");
  expect(latest.ratio).toEqual({ ct: "200/5", vt: "1" });
  const power = latest.values.find(({ measure }) => measure === "activePower");
  expect(Number(power?.primary)).toBeCloseTo(Number(power?.value) * 40, 6);
});

test("a stranger on MQTT is held, and rejected it is not listened to", async () => {
  const client = await mqtt.connectAsync(`mqtt://${broker()}`);
  const telemetry = JSON.stringify({
    ...{ version: 1, meter: "stranger", model: "meterworks-1p", sequence: 1, time: "2026-11-24T16:00:00Z" },
    values: { "1-0:1.8.0": "12.5" },
  });
  await client.publishAsync("meters/stranger/telemetry", telemetry, { qos: 1 });
  await client.endAsync();
  expect((await registry("show", "stranger")).stdout).toMatch(/^state +held$/m);
  const mistyped = await registry("reject", "strangr");
  expect([mistyped.code, mistyped.stderr]).toEqual([1, expect.stringMatching(/there is no meter "strangr"/)]);
  const rejected = await registry("reject", "stranger", "--note", "not ours", "--json");
  expect(JSON.parse(rejected.stdout)).toMatchObject({ meter: { id: "stranger", state: "removed", note: "not ours" } });
  const unknown = await registry("accept", "nobody");
  expect([unknown.code, unknown.stderr]).toEqual([
    1,
    expect.stringMatching(/refused: model: a new meter needs its model; where: say where it is/),
  ]);
});

test("an exchange is recorded once, and shown", async () => {
  const wish = ["cellar-unit-1", "--opening", "5.5", "--closing", "0.05", "--serial", "B-2", "--key", "job-17"];
  const done = await registry("exchange", ...wish);
  expect([done.stderr, done.stdout]).toEqual([
    "",
    expect.stringMatching(/^cellar-unit-1: exchanged at 20\S+Z, closed at 0\.0\d* kWh, begins at 5\.5 kWh\n$/),
  ]);
  expect((await registry("exchange", ...wish)).stdout).toMatch(/was exchanged before, nothing was recorded again/);
  expect((await registry("show", "cellar-unit-1")).stdout).toMatch(
    /^exchanged \S+: A-1 closed at .*, B-2 began at 5\.5 kWh$/m,
  );
});

test("export and import: the same table changes nothing, a wrong line is named, a dry run says what would be", async () => {
  const table = (await registry("export")).stdout;
  expect(lines(table).map((line) => line.split(",")[0])).toEqual(["id", "cellar-unit-1", "gone", "stranger"]);
  writeFileSync(file("meters.csv"), table);
  const same = await registry("import", file("meters.csv"));
  expect([same.stdout, same.stderr]).toEqual(["0 new, 0 changed, 3 unchanged, 0 refused\n", ""]);
  writeFileSync(file("empty.csv"), "");
  expect((await registry("import", file("empty.csv"))).stdout).toMatch(
    /empty\.csv: the table is empty: its first line/,
  );
  writeFileSync(file("wrong.csv"), "id,customer,ct\ngone,k 17,1\ncellar-unit-1,k-9,200:5\n");
  const wrong = await registry("import", file("wrong.csv"));
  expect(lines(wrong.stdout)).toEqual([
    expect.stringMatching(/wrong\.csv:2: customer: "k 17" is no id/),
    expect.stringMatching(/wrong\.csv:3: ct: "200:5" is no ratio/),
    "nothing was changed; it would be: 0 new, 0 changed, 0 unchanged, 2 refused",
  ]);
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/2 lines are wrong; nothing was changed/)]);
  writeFileSync(file("right.csv"), "id,customer\ngone,k-17\n");
  const dry = await registry("import", file("right.csv"), "--dry-run");
  expect(lines(dry.stdout)[0]).toBe("gone: changed: customer - -> k-17");
});

test("a file that says another ratio than the registry does not start", async () => {
  await headend?.stop();
  const config = JSON.parse(readFileSync(file("site.json"), "utf8"));
  config.lines[0].meters.push({ id: "cellar-unit-1", model: "eastron-sdm120", unit: 1, ratio: 80 });
  writeFileSync(file("other.json"), JSON.stringify(config));
  const result = await runCli([
    "headend",
    "--config",
    file("other.json"),
    "--store",
    `sqlite:${file("site.db")}`,
    "--http",
    "127.0.0.1:0",
    "--broker-listen",
    "127.0.0.1:0",
  ]);
  expect([result.code, result.stderr]).toEqual([
    2,
    expect.stringMatching(
      /lines\[0\]\.meters\[1\]\.ratio: the file says ratio 80 for cellar-unit-1, the registry says 40/,
    ),
  ]);
});

test.each([
  [["set", "m", "--ct", "200:5"], /--ct "200:5" is no ratio/],
  [["set", "m"], /says nothing to set/],
  [["import", "/nowhere.csv"], /nowhere\.csv can't be read/],
  [["exchange", "m"], /required option '--opening <KWH>' not specified/],
])("registry %j is wrong usage", async (args, why) => {
  const result = await runCli(["registry", ...args, "--token", "x"]);
  expect([result.code, result.stdout, result.stderr]).toEqual([2, "", expect.stringMatching(why)]);
});
