/** `meterworks decode`: captured frames with their sources in, fields and readings out; bad input ends in one clear line. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runCli, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory.path, name);
  writeFileSync(path, content);
  return path;
}

async function decoded(args: readonly string[], input = ""): Promise<Record<string, unknown>> {
  const result = await runCli(["decode", ...args, "--json"], { input });
  expect([0, 1], result.stderr).toContain(result.code);
  const document = JSON.parse(result.stdout) as Record<string, unknown>;
  expect(document["ok"]).toBe(result.code === 0);
  expect(document["fields"]).toBeInstanceOf(Array);
  return document;
}

/** Forward active energy of a real meter: 2.26 kWh (a public article on a DL/T 645 driver). */
const ENERGY = "FEFEFEFE68943521908855689108333334335935333381 16";
/** Block 0201FF00 of a real meter whose phases B and C are absent: FF. */
const VOLTAGES = "6812000000102068910A333234358955323232322116";

describe("DL/T 645", () => {
  test("a reading comes with address, control, identifier and OBIS code", async () => {
    const document = await decoded(["dlt645", ENERGY]);
    expect(document).toMatchObject({ address: "558890213594", control: "91", identifier: "00010000" });
    expect(document["readings"]).toMatchObject([{ obis: "1-0:1.8.0", value: "2.26", unit: "kWh" }]);
  });

  test("a field filled with FF has no value", async () => {
    const { readings } = await decoded(["dlt645", VOLTAGES]);
    expect(readings).toMatchObject([{ value: "225.6" }, { value: null }, { value: null }]);
  });

  test("blanks may stand between the bytes, and between arguments", async () => {
    const spaced = VOLTAGES.match(/../g)?.join(" ") ?? "";
    const once = await decoded(["dlt645", spaced]);
    expect(await decoded(["dlt645", ...spaced.split(" ")])).toEqual(once);
    expect(await decoded(["dlt645", VOLTAGES])).toEqual(once);
  });

  test("a file of hex, a file of bytes and stdin give the same", async () => {
    const once = await decoded(["dlt645", VOLTAGES]);
    expect(await decoded(["dlt645", "--file", file("hex.txt", `${VOLTAGES}\n`)])).toEqual(once);
    expect(await decoded(["dlt645", "--file", file("raw.bin", Buffer.from(VOLTAGES, "hex"))])).toEqual(once);
    expect(await decoded(["dlt645", "-"], VOLTAGES)).toEqual(once);
  });

  test("a wrong checksum is refused, with what it would be", async () => {
    const result = await runCli(["decode", "dlt645", VOLTAGES.replace(/2116$/, "2216")]);
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/checksum.*21/);
    expect(result.stderr).toMatch(/^meterworks: the bytes are refused: checksum/);
  });

  test("the table has every byte's place, and the readings below it", async () => {
    const { stdout, code } = await runCli(["decode", "dlt645", ENERGY]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^offset\s+bytes\s+field\s+value/);
    expect(stdout).toMatch(/^ +4 +68/m);
    expect(stdout).toMatch(/1-0:1\.8\.0 +2\.26 +kWh/);
  });

  test("random bytes from a file are refused, not a crash", async () => {
    const bytes = Uint8Array.from({ length: 4096 }, (_, i) => (i * 167 + 13) & 0xff);
    const document = await decoded(["dlt645", "--file", file("noise.bin", bytes)]);
    expect(document["ok"]).toBe(false);
    expect(document["error"]).toBeTypeOf("string");
  });
});

/** The worked example of Eastron's protocol document: 230.2 V. */
const SDM = "01040443663334";

describe("Modbus", () => {
  test("RTU: a captured reply is good, one with a flipped bit is refused", async () => {
    expect((await decoded(["modbus-rtu", `${SDM}1b38`]))["ok"]).toBe(true);
    const broken = await decoded(["modbus-rtu", `${SDM}1b39`]);
    expect(broken["ok"]).toBe(false);
    expect(broken["error"]).toMatch(/crc/i);
  });

  test("RTU: the direction decides what the bytes are", async () => {
    // `01 03 00 00 00 02` with its published CRC is a request and no reply.
    expect((await decoded(["modbus-rtu", "010300000002c40b", "--direction", "request"]))["ok"]).toBe(true);
    expect((await decoded(["modbus-rtu", "010300000002c40b"]))["ok"]).toBe(false);
  });

  test("TCP: the header's length is checked", async () => {
    expect((await decoded(["modbus-tcp", `000100000007${SDM}`]))["ok"]).toBe(true);
    expect((await decoded(["modbus-tcp", `000100000009${SDM}`]))["ok"]).toBe(false);
  });

  test("ASCII: text of the line, without the line end that a shell drops, or its bytes in hex", async () => {
    // LRC by hand: 100h - (01 + 03 + 00 + 00 + 00 + 02) = FA.
    const request = ["--direction", "request"];
    const once = await decoded(["modbus-ascii", ":010300000002FA", ...request]);
    expect(once["ok"]).toBe(true);
    const hex = Buffer.from(":010300000002FA\r\n").toString("hex");
    expect(await decoded(["modbus-ascii", hex, ...request])).toEqual(once);
    expect(await decoded(["modbus-ascii", "--file", file("line.txt", ":010300000002FA\r\n"), ...request])).toEqual(
      once,
    );
    expect((await decoded(["modbus-ascii", ":010300000002FB", ...request]))["ok"]).toBe(false);
  });
});

describe("IEC 62056-21", () => {
  /** The readout of a Landis+Gyr ZMD120 (volkszaehler/vzlogger tests/MeterD0.cpp), shortened. */
  const READOUT = "/LGZ52ZMD120APt.G03\r\nF.F(00000000)\r\n1.8.0(001846.0*kWh)\r\n2.8.0(004329.6*kWh)\r\n!\r\n";
  const ENERGIES = [
    { value: "1846.0", unit: "kWh" },
    { value: "4329.6", unit: "kWh" },
  ];

  test("text as argument, file or hex is read with its values", async () => {
    const once = await decoded(["iec62056-21", READOUT]);
    expect(once["ok"]).toBe(true);
    const readings = once["readings"] as readonly { id: string; value: string; unit: string }[];
    const energies = readings.filter(({ unit }) => unit === "kWh");
    expect(energies.map(({ value, unit }) => ({ value: String(Number(value)), unit }))).toEqual(
      ENERGIES.map(({ value, unit }) => ({ value: String(Number(value)), unit })),
    );
    expect(await decoded(["iec62056-21", "--file", file("readout.txt", READOUT)])).toEqual(once);
    expect(await decoded(["iec62056-21", Buffer.from(READOUT).toString("hex")])).toEqual(once);
  });

  test("a command with its published check character is good, with another it is refused", async () => {
    // pwitab/iec62056-21 tests/test_bcc.py
    const command = "01573202433030332839313033323430393232333929031b";
    expect((await decoded(["iec62056-21", command]))["ok"]).toBe(true);
    expect((await decoded(["iec62056-21", command.replace(/1b$/, "1c")]))["ok"]).toBe(false);
  });
});

const WRONG: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["an unknown protocol", ["zigbee", "00"], /protocol "zigbee" is unknown; one of: .*dlt645/],
  ["sts", ["sts", "12345678901234567890"], /decode sts is not offered in this version/],
  ["half a byte", ["dlt645", "681"], /odd number of hex digits.*two hex digits for each byte/],
  ["a letter that is no hex digit", ["dlt645", "68xx"], /"x" is not a hex digit/],
  ["nothing", ["dlt645"], /no bytes are given; give HEX, --file FILE, or - for stdin/],
  ["an empty stdin", ["dlt645", "-"], /no bytes are given/],
  ["bytes twice", ["dlt645", "68", "--file", "x"], /bytes and --file are both given/],
  ["a file that is not there", ["dlt645", "--file", "/nosuch"], /\/nosuch can't be read/],
  [
    "an unknown direction",
    ["dlt645", "68", "--direction", "up"],
    /--direction "up" is unknown; one of: request, reply/,
  ],
  ["more than a mebibyte", ["dlt645", "--file", file("huge.txt", "68".repeat(600_000))], /more than 1048576 bytes/],
];

describe("wrong usage is exit 2 and one line", () => {
  test.concurrent.each(WRONG)("%s", async (_, args, expected) => {
    const result = await runCli(["decode", ...args]);
    expect(result.stderr).toMatch(expected);
    expect(result).toMatchObject({ code: 2, stdout: "", timedOut: false });
    expect(result.stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

test("help has examples", async () => {
  const { stdout, code } = await runCli(["decode", "--help"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Examples:\n.*meterworks decode/s);
});
