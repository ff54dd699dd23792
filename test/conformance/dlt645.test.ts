/** A DL/T 645 client and a meter in Python, written from the frame rules and not from our code, judge meter and reader. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { describeWithPeers, requirePeer } from "../peers.ts";
import { freePort, REPOSITORY, run, runCli, start, startCli } from "../programs.ts";
import { Cleanup, expectNear, type Reading, readJson, startPtyMeter, startPtyPair, startTcpMeter } from "./support.ts";

const SCRIPT = join(REPOSITORY, "test/conformance/py/dlt645.py");
const ADDRESS = "000000000161";
const ANY = "AAAAAAAAAAAA";
const LOAD = ["--mains", "231,229,228", "--current", "4", "--pf", "0.8", "--fidelity", "second"];
const METER = [
  "--model",
  "meterworks-3p",
  "--protocol",
  "dlt645",
  "--address",
  ADDRESS,
  "--password",
  "123456",
  ...LOAD,
];

interface Request {
  readonly control: string;
  readonly address?: string;
  readonly data?: string;
  readonly identifier?: string;
  readonly decimals?: number;
  readonly signed?: boolean;
  readonly spoil?: "sum" | "end" | "length";
  readonly preamble?: number;
  /** No reply is expected: it need not be waited for longer than a meter may take. */
  readonly silent?: boolean;
}

interface Reply {
  readonly address: string;
  readonly control: string;
  readonly data: string;
  readonly identifier?: string;
  readonly value?: string | null;
  readonly preamble: string;
  readonly surplus: string;
  readonly after: number;
}

/** A port number, or the path of a terminal. */
type Where = number | string;

async function ask(where: Where, requests: readonly Request[]): Promise<readonly (Reply | null)[]> {
  const args = [SCRIPT, "ask", typeof where === "number" ? "tcp" : "tty", String(where)];
  const input = JSON.stringify(requests.map((request) => ({ address: ADDRESS, ...request })));
  const result = await run(requirePeer("python3"), args, { input, timeoutMs: 40_000 });
  if (result.code !== 0) throw new Error(`dlt645.py: ${result.stderr}`);
  return JSON.parse(result.stdout) as (Reply | null)[];
}

const read = (identifier: string, decimals = 0, signed = false): Request => ({
  ...{ control: "11", identifier, decimals, signed },
});

/** Of 231, 229 and 228 V, 4 A, power factor 0.8 inductive. */
const UNDER_LOAD: readonly (readonly [id: string, decimals: number, signed: boolean, value: number])[] = [
  ["02010100", 1, false, 231],
  ["02010200", 1, false, 229],
  ["02010300", 1, false, 228],
  ["02020100", 3, true, 4],
  ["02030000", 4, true, 2.2016],
  ["02030100", 4, true, 0.7392],
  ["02040000", 4, true, 1.6512],
  ["02050000", 4, true, 2.752],
  ["02060000", 3, true, 0.8],
  ["02070100", 1, false, 36.8],
  ["02800002", 2, false, 50],
];

function judgeMeter(at: () => Where): void {
  test("reads the load, each identifier in its own format", async () => {
    const replies = await ask(
      at(),
      UNDER_LOAD.map(([id, decimals, signed]) => read(id, decimals, signed)),
    );
    for (const [index, [id, , , expected]] of UNDER_LOAD.entries()) {
      const reply = replies[index];
      expect(reply, id).toMatchObject({ address: ADDRESS, control: "91", identifier: id, surplus: "" });
      expect(reply?.preamble).toBe("FEFEFEFE");
      expectNear(Number(reply?.value), expected, 0.003, id);
    }
  });

  test("finds it by any address that means it, and gets its own in the reply", async () => {
    const addresses = [ANY, "AAAAAAAA0161", ADDRESS];
    const reads = addresses.map((address) => ({ ...read("02010100", 1), address }));
    const replies = await ask(at(), [{ control: "13", address: ANY }, ...reads]);
    expect(replies[0]).toMatchObject({ control: "93", data: "610100000000" });
    for (const reply of replies) expect(reply?.address).toBe(ADDRESS);
    expect(replies.slice(1).map((reply) => reply?.value)).toEqual(["231.0", "231.0", "231.0"]);
  });

  test("gets silence for what is not a request to this meter, whatever the number of FE, and an answer behind it", async () => {
    const silent: Request[] = [
      { ...read("02010100"), spoil: "sum" },
      { ...read("02010100"), spoil: "end" },
      { ...read("02010100"), spoil: "length" },
      { ...read("02010100"), address: "000000000162" },
      { ...read("02010100"), address: "999999999999" },
      { control: "11", data: "11B6" },
      { control: "01", data: "10B6" },
      { control: "08", data: "000000010120", address: "999999999999" },
    ];
    const good = [0, 1, 2, 4, 9].map((preamble) => ({ ...read("02010100", 1), preamble }));
    const replies = await ask(at(), [...silent.map((request) => ({ ...request, silent: true })), ...good]);
    expect(replies.slice(0, silent.length)).toEqual(silent.map(() => null));
    expect(replies.slice(silent.length).map((reply) => reply?.value)).toEqual(good.map(() => "231.0"));
  });

  test("is told what is not there and what it may not do; trips and closes with the password", async () => {
    const control = (operation: string, password = "563412") => ({
      control: "1C",
      data: `02${password}00000000${operation}00595923311299`,
    });
    const replies = await ask(at(), [
      read("0A0B0C0D"),
      control("1A", "000000"),
      control("1A"),
      read("04000503"),
      control("1C"),
      read("04000503"),
    ]);
    expect(replies.map((reply) => `${reply?.control} ${reply?.data}`)).toEqual([
      "D1 02",
      "DC 04",
      "9C ",
      "91 030500045080",
      "9C ",
      "91 030500040000",
    ]);
  });
}

describeWithPeers("a DL/T 645 client of others against our meter over TCP", ["python3"], () => {
  const cleanup = new Cleanup();
  let port = 0;
  beforeAll(async () => {
    ({ port } = await startTcpMeter(cleanup, METER));
  });
  judgeMeter(() => port);

  test("replies begin 20 to 500 ms behind the request", async () => {
    const replies = await ask(
      port,
      Array.from({ length: 10 }, () => read("02010100")),
    );
    for (const reply of replies) expect(reply?.after).toBeGreaterThanOrEqual(20);
    expect(Math.min(...replies.map((reply) => reply?.after ?? 1_000))).toBeLessThanOrEqual(500);
  });
});

describeWithPeers("a DL/T 645 client of others against our meter over a pseudo terminal", ["python3", "socat"], () => {
  const cleanup = new Cleanup();
  let path = "";
  beforeAll(async () => {
    path = await startPtyMeter(cleanup, METER);
  });
  judgeMeter(() => path);
});

/** The line speed that a terminal was set to last. */
async function speedOf(path: string): Promise<number> {
  const { stdout } = await run("stty", ["-F", path, "speed"]);
  return Number(stdout);
}

describeWithPeers("our meter on a serial port", ["python3", "socat"], () => {
  const cleanup = new Cleanup();

  test.each([
    [[], 2_400, "08"],
    [["--baud", "1200"], 1_200, "04"],
  ] as const)("%j: at %i bit/s, and its baud word says so", async (flags, baud, feature) => {
    const [ours, theirs] = await startPtyPair(cleanup);
    cleanup.program(await startCli(["meter", "--serial", ours, ...METER, ...flags]));
    const [reply] = await ask(theirs, [read("04000703")]);
    expect(reply).toMatchObject({ control: "91", data: `03070004${feature}` });
    expect(await speedOf(ours)).toBe(baud);
  });
});

describeWithPeers("what a DL/T 645 client of others wrote", ["python3"], () => {
  const cleanup = new Cleanup();

  test("is there again after the meter was killed", async () => {
    const state = join(cleanup.directory(), "state");
    const args = [...METER, "--state", state, "--dlt645", "key=pressed"];
    const before = await startTcpMeter(cleanup, args);
    const written = await ask(before.port, [
      { control: "15", address: ANY, data: "230100000000" },
      { control: "18", address: "000000000123", data: "030C000402563412" + "04111111" },
      { control: "16", address: "000000000123", data: "99999999" },
    ]);
    expect(written.map((reply) => reply?.control)).toEqual(["95", "98", "96"]);
    await before.program.stop("SIGKILL");
    const after = await startTcpMeter(cleanup, args);
    const replies = await ask(after.port, [
      { control: "13", address: ANY },
      { control: "14", address: "000000000123", data: "0201000404" + "563412" + "00000000302010" },
      { control: "14", address: "000000000123", data: "0201000404" + "111111" + "00000000302010" },
      { ...read("05010101"), address: "000000000123" },
    ]);
    expect(replies.map((reply) => reply?.control)).toEqual(["93", "D4", "94", "91"]);
    expect(replies[0]?.data).toBe("230100000000");
  });
});

/** As a meter of others has them: value or null for FF, bytes, decimals. */
type Field = readonly [value: string | null, bytes: number, decimals: number];
const VALUES: Readonly<Record<string, Field>> = {
  "02010100": ["229.7", 2, 1],
  "02010200": ["230.4", 2, 1],
  "02010300": [null, 2, 1],
  "02020100": ["-4.321", 3, 3],
  "02020200": ["79.999", 3, 3],
  "02020300": ["0.000", 3, 3],
  "02030000": ["-12.3456", 3, 4],
  "02030100": ["-0.0001", 3, 4],
  "02030200": ["5.0000", 3, 4],
  "02030300": ["79.9999", 3, 4],
  "02060000": ["-0.987", 2, 3],
  "02060100": ["0.001", 2, 3],
  "02060200": [null, 2, 3],
  "02060300": ["-1.000", 2, 3],
  "02800002": ["49.98", 2, 2],
  "00010000": ["999999.99", 4, 2],
  "00020000": ["0.26", 4, 2],
  "00050000": ["123456.78", 4, 2],
  "04000101": ["24112902", 4, 0],
  "04000102": ["235958", 3, 0],
};

const EXPECTED: Readonly<Record<string, readonly [value: string | null, unit: string]>> = {
  "1-0:32.7.0": ["229.7", "V"],
  "1-0:52.7.0": ["230.4", "V"],
  "1-0:72.7.0": [null, "V"],
  // A current is a magnitude: its sign is the direction of the power.
  "1-0:31.7.0": ["4.321", "A"],
  "1-0:51.7.0": ["79.999", "A"],
  "1-0:71.7.0": ["0", "A"],
  "1-0:16.7.0": ["-12345.6", "W"],
  "1-0:36.7.0": ["-0.1", "W"],
  "1-0:56.7.0": ["5000", "W"],
  "1-0:76.7.0": ["79999.9", "W"],
  "1-0:13.7.0": ["-0.987", "1"],
  "1-0:33.7.0": ["0.001", "1"],
  "1-0:53.7.0": [null, "1"],
  "1-0:73.7.0": ["-1", "1"],
  "1-0:14.7.0": ["49.98", "Hz"],
  "1-0:1.8.0": ["999999.99", "kWh"],
  "1-0:2.8.0": ["0.26", "kWh"],
  "1-0:5.8.0": ["123456.78", "kvarh"],
  // 2024-11-29 23:59:58 UTC.
  "0-0:1.0.0": ["1732924798", "s"],
};

const METER_OF_OTHERS = { address: ADDRESS, values: VALUES };

function mapFile(cleanup: Cleanup, meter: object): string {
  const path = join(cleanup.directory(), "map.json");
  writeFileSync(path, JSON.stringify(meter));
  return path;
}

async function serveTcp(cleanup: Cleanup, meter: object): Promise<string> {
  const port = await freePort();
  const args = [SCRIPT, "serve", "tcp", String(port), mapFile(cleanup, meter)];
  cleanup.program(await start(requirePeer("python3"), args, { ready: /^ready \S+/ }));
  return `127.0.0.1:${port}`;
}

/** All that the meter has, each with its value and unit, and nothing that it refuses. */
function expectAll(readings: readonly Reading[], expected = EXPECTED): void {
  const shown = readings.map(({ obis, value, unit }) => [obis, [value, unit]]);
  expect(Object.fromEntries(shown)).toEqual(expected);
  for (const { value, quality } of readings) expect(quality).toBe(value === null ? "missing" : "good");
}

const READ = ["--protocol", "dlt645", "--timeout", "1000"];

describeWithPeers("our reader against a DL/T 645 meter of others", ["python3"], () => {
  const cleanup = new Cleanup();

  test("over TCP, asked for its address, with blocks", async () => {
    const where = await serveTcp(cleanup, METER_OF_OTHERS);
    expectAll(await readJson([...READ, "--tcp", where]));
  });

  test("one that knows no blocks and does not tell its address", async () => {
    const where = await serveTcp(cleanup, { ...METER_OF_OTHERS, blocks: false, tells: false });
    expectAll(await readJson([...READ, "--tcp", where, "--address", "AAAAAAAA0161"]));
    const choice = ["--dlt645", "blocks=no,zone=480"];
    const china = await readJson([...READ, "--tcp", where, "--address", ANY.toLowerCase(), ...choice]);
    expectAll(china, { ...EXPECTED, "0-0:1.0.0": [String(1_732_924_798 - 8 * 3_600), "s"] });
    const untold = await runCli(["read", ...READ, "--timeout", "200", "--retries", "1", "--tcp", where]);
    expect(untold).toMatchObject({ code: 1, stdout: "" });
    expect(untold.stderr).toMatch(/no answer.*give --address/);
  });

  test("over a serial port's path, in the order of the vocabulary", async () => {
    const args = [SCRIPT, "serve", "pty", mapFile(cleanup, METER_OF_OTHERS)];
    const meter = cleanup.program(await start(requirePeer("python3"), args, { ready: /^ready \S+/ }));
    const path = meter.ready.replace("ready ", "");
    const readings = await readJson([...READ, "--serial", path]);
    expectAll(readings);
    expect(await speedOf(path)).toBe(2_400);
    expect(readings.at(-1)?.measure).toBe("clock");
  });

  test("a meter that has none of it, and one at another address, are failures that say what to do", async () => {
    const where = await serveTcp(cleanup, { ...METER_OF_OTHERS, values: {} });
    const none = await runCli(["read", ...READ, "--tcp", where]);
    expect(none).toMatchObject({ code: 1, stdout: "" });
    expect(none.stderr).toMatch(/meter 000000000161 has none of the data asked for.*no such data/);
    const other = ["--timeout", "100", "--retries", "0", "--address", "000000000162"];
    const silent = await runCli(["read", ...READ, "--tcp", where, ...other]);
    expect(silent).toMatchObject({ code: 1, stdout: "" });
    expect(silent.stderr).toMatch(/no answer.*check --address/);
  });
});

describe("our reader against our meter", () => {
  const cleanup = new Cleanup();

  test("combined energies by their option", async () => {
    const where = `127.0.0.1:${await freePort()}`;
    const sum = ["--dlt645", "combined=sum"];
    cleanup.program(await startCli(["meter", "--tcp", where, ...METER, ...sum]));
    const readings = await readJson([...READ, "--tcp", where, ...sum]);
    const combined = readings.find(({ measure }) => measure === "activeEnergySum");
    expect(combined).toMatchObject({ unit: "kWh", quality: "good" });
    expect((await readJson([...READ, "--tcp", where])).some(({ measure }) => measure === "activeEnergySum")).toBe(
      false,
    );
  });
});
