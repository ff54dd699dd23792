/** Bad input of any kind: one clear line on stderr that says what to do, the right exit code, nothing on stdout. */
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { findModel } from "../../protocols/models/index.ts";
import { freePort, runCli, temporaryDirectory } from "../programs.ts";
import { WRONG_USAGE_OF_API } from "./wrong-usage-of-api.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory.path, name);
  writeFileSync(path, content);
  return path;
}

const sdm120 = JSON.stringify(findModel("eastron-sdm120"));
const BROKEN_MODEL = file("broken.json", sdm120.replace('"float32","unit"', '"flaot32","unit"'));
const NOT_JSON = file("not-json.json", '{ "id": ');
const BAD_CONFIG = file("bad-config.json", '{ "lines": [{ "where": { "tcp": "nowhere" }, "meters": [] }] }');
const NOT_A_DATABASE = file("not-a-database.db", "this is no database, it is a text".repeat(100));
const BAD_PROFILE = file("profile.csv", "1.0\n2.0\nthree\n");
mkdirSync(join(directory.path, "folder"));
const READ_DLT645 = ["read", "--protocol", "dlt645", "--tcp", "127.0.0.1:1"];
const METER = ["meter", "--tcp", "127.0.0.1:0"];
const TOPUP = ["topup", "flat-7", "1.00", "--api", "http://127.0.0.1:1"];
const MQTT_METER = ["meter", "--mqtt", "mqtt://127.0.0.1:1"];

const WRONG_USAGE: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["an unknown command", ["metre"], /unknown command 'metre'.*Did you mean meter/],
  ["a protocol without a checklist", ["conformance", "mbus"], /PROTOCOL "mbus" is unknown; one of: modbus/],
  [
    "a group that is none",
    ["conformance", "modbus", "--list", "--group", "speed"],
    /--group "speed" is unknown; one of: PDU, /,
  ],
  [
    "a conformance map of another protocol",
    ["conformance", "modbus", "--tcp", "127.0.0.1:1", "--map", NOT_JSON],
    /map file .*: it is no JSON.*; docs\/conformance.md/,
  ],
  ["an unknown flag", [...METER, "--volts", "230"], /unknown option '--volts'/],
  ["no wire", ["meter"], /no wire is named; give one of --serial, --pty, --tcp, --mqtt/],
  ["two wires", [...METER, "--pty", "/nowhere/x"], /--pty and --tcp are two wires; give one/],
  ["an unknown model", [...METER, "--model", "sdm63"], /model "sdm63" is unknown; known: eastron-sdm630/],
  ["a model file that is not there", [...METER, "--model", "./none.json"], /model file .*can't be read/],
  [
    "a model file with a wrong encoding",
    [...METER, "--model", BROKEN_MODEL],
    /registers\[0\].encoding: .*flaot32.*did you mean float32/i,
  ],
  ["a model file that is no JSON", [...METER, "--model", NOT_JSON], /line 1/],
  ["a port that is no number", ["meter", "--tcp", "127.0.0.1:http"], /--tcp "127.0.0.1:http" is no HOST:PORT/],
  ["a port out of range", ["meter", "--tcp", "127.0.0.1:70000"], /is no HOST:PORT/],
  ["an address of another machine", ["meter", "--tcp", "192.0.2.1:1502"], /192.0.2.1 is no address of this machine/],
  ["a unit out of range", [...METER, "--unit", "248"], /--unit "248" is not a whole number from 1 to 247/],
  ["a power factor above 1", [...METER, "--pf", "1.2"], /--pf: "1.2" is not a power factor/],
  ["power factor and angle", [...METER, "--pf", "0.8", "--angle", "30"], /--pf and --angle both say the angle/],
  [
    "two of three phases",
    [...METER, "--mains", "230,231"],
    /--mains "230,231" has 2 values; give one for all phases, or three/,
  ],
  [
    "three phases on one",
    [...METER, "--model", "eastron-sdm120", "--mains", "1,2,3"],
    /--mains has three values and the model one phase/,
  ],
  ["a scan of nothing", ["scan"], /no wire is named; give --serial or --tcp/],
  [
    "a scan for units that are none",
    ["scan", "--tcp", "127.0.0.1:1", "--units", "5-1"],
    /--units "5-1" is no range of units/,
  ],
  [
    "a scan of TCP at a speed",
    ["scan", "--tcp", "127.0.0.1:1", "--bauds", "9600"],
    /--bauds and --parities are for --serial; TCP has no speed/,
  ],
  [
    "a scan for a protocol of another wire",
    ["scan", "--serial", "/nowhere/x", "--protocols", "modbus-tcp"],
    /--protocols modbus-tcp is not spoken on --serial; spoken there: modbus-rtu/,
  ],
  [
    "a scan that leaves nothing to try",
    ["scan", "--serial", "/nowhere/x", "--protocols", "iec62056-21", "--parities", "none"],
    /no protocol is left to try; IEC 62056-21 has even parity only/,
  ],
  ["a negative current", [...METER, "--current", "-3"], /--current "-3" is not a number from 0/],
  ["samples that can't keep up", [...METER, "--fidelity", "sample", "--speed", "3600"], /can't keep up at speed 3600/],
  [
    "cycles that can't keep up",
    [...METER, "--fidelity", "cycle", "--speed", "3600"],
    /can't keep up.*above speed 1500.*use --fidelity second/,
  ],
  [
    "a demo whose cycles can't keep up",
    ["demo", "--fidelity", "cycle", "--meters", "10"],
    /can't keep up at speed 600 with 10 meters: .* above speed 150;/,
  ],
  [
    "an unknown fidelity",
    [...METER, "--fidelity", "hour"],
    /--fidelity "hour" is unknown; one of: sample, cycle, second/,
  ],
  ["a bad profile", [...METER, "--profile", BAD_PROFILE], /line 3: "three" is not a number/],
  ["annual energy without profile", [...METER, "--annual-kwh", "3500"], /--annual-kwh scales a --profile/],
  ["a protocol of another wire", [...METER, "--protocol", "mqtt"], /--protocol mqtt is not offered on --tcp/],
  [
    "a face without a place",
    [...METER, "--face", "modbus-tcp"],
    /--face "modbus-tcp" is no PROTOCOL@WHERE; for example/,
  ],
  [
    "a face on a wire that does not carry it",
    [...METER, "--face", "mqtt@127.0.0.1:1"],
    /--face mqtt@127.0.0.1:1: mqtt is not offered on --tcp/,
  ],
  [
    "an address of eleven digits",
    [...METER, "--protocol", "dlt645", "--address", "12345678901"],
    /is no meter's address; give 12 digits/,
  ],
  ["a broker URL that is none", ["meter", "--mqtt", "broker"], /broker/],
  ["a buffer for nothing", [...MQTT_METER, "--mqtt-buffer", "0"], /--mqtt-buffer "0" is not a whole number from 1/],
  [
    "two brokers for one meter",
    [...MQTT_METER, "--face", "mqtt@mqtt://127.0.0.1:2"],
    /a meter has one broker.*; bridge the brokers/,
  ],
  [
    "an unknown MQTT version",
    [...MQTT_METER, "--mqtt-version", "4"],
    /--mqtt-version "4" is unknown; one of: 3.1.1, 5/,
  ],
  ["a CA for a broker without TLS", [...MQTT_METER, "--mqtt-ca", NOT_JSON], /belong to mqtts:\/\/; write mqtts:/],
  [
    "a CA that is none",
    ["meter", "--mqtt", "mqtts://127.0.0.1:1", "--mqtt-ca", NOT_JSON],
    /no certificate in PEM form/,
  ],
  ["a certificate without key", ["headend", "--broker-tls-cert", NOT_JSON], /has no key; a certificate and its key go/],
  ["clients' authority without TLS", ["headend", "--broker-tls-ca", NOT_JSON], /give --broker-tls-cert and/],
  ["MQTT 5 of the embedded broker", ["headend", "--mqtt-version", "5"], /speaks MQTT 3.1.1; MQTT 5 needs an outside/],
  [
    "users of a foreign broker",
    ["headend", "--broker", "mqtt://b", "--broker-users", NOT_JSON],
    /belong to the embedded/,
  ],
  ["a users file that is none", ["headend", "--broker-users", NOT_JSON], /line 1: NAME:meter\|reader/],
  ["a state directory below a file", [...METER, "--state", join(NOT_JSON, "x")], /not-json.json/],
  ["a state directory that is a file", [...METER, "--state", NOT_JSON], /part of .*not-json.json is no folder/],
  ["an empty serial port", ["meter", "--serial", ""], /--serial has an empty path; name the port/],
  ["an empty terminal", ["meter", "--pty", ""], /--pty has an empty path/],
  ["an empty terminal of a face", [...METER, "--face", "modbus-rtu@pty:"], /--face pty: has an empty path/],
  ["a meter's DL/T 645 address without DL/T 645", [...METER, "--address", "000000000161"], /add --protocol dlt645/],
  ["choices of DL/T 645 without DL/T 645", [...METER, "--dlt645", "key=pressed"], /add --protocol dlt645/],
  ["a flag without value", ["meter", "--tcp"], /argument missing; see meterworks meter --help/],
  ["a token file of many words", [...TOPUP, "--token-file", BAD_PROFILE], /profile.csv holds no token: it is one word/],
  ["an empty token", [...TOPUP, "--token", ""], /--token holds no token/],
  ["rules for a broker that is none", ["headend", "--print-acl", "--broker", "bogus"], /"bogus" is no broker address/],
  ["DL/T 645 with a Modbus map", [...READ_DLT645, "--model", "eastron-sdm120"], /names its data itself; leave --model/],
  ["DL/T 645 with a Modbus unit", [...READ_DLT645, "--unit", "3"], /--unit is a Modbus address; give --address/],
  ["a DL/T 645 address with AA at its end", [...READ_DLT645, "--address", "0000000001AA"], /is no address to read/],
  [
    "a DL/T 645 address in Modbus",
    ["read", "--tcp", "127.0.0.1:1", "--address", "000000000161"],
    /add --protocol dlt645/,
  ],
  ["a choice that read does not have", [...READ_DLT645, "--dlt645", "key=pressed"], /takes combined, zone, blocks/],
  [
    "a choice of the meter that is none",
    [...METER, "--dlt645", "baud=9600"],
    /baud "9600" is unknown; give bits or bcd/,
  ],
  ["a serial port that is not there", ["read", "--model", "eastron-sdm120", "--serial", "/dev/nosuch"], /nosuch/],
  ["a paced line without a terminal", ["meter", "--paced", "--tcp", "127.0.0.1:0"], /--paced is for --pty/],
  ["a direction on TCP", ["read", "--rts", "send", "--tcp", "127.0.0.1:1"], /--rts is for --serial/],
  [
    "a direction over a network",
    ["read", "--model", "eastron-sdm120", "--serial", "rfc2217://127.0.0.1:1", "--rts", "send"],
    /can't be kept by RTS over a network; leave --rts out/,
  ],
  [
    "a baud that a model does not have",
    ["write", "--model", "eastron-sdm120", "--tcp", "127.0.0.1:1", "--set", "baud=19200", "--yes"],
    /is no rate of this model; one of: 2400, 4800, 9600, 1200/,
  ],
  ["an echo on TCP", ["read", "--echo", "--tcp", "127.0.0.1:1"], /--echo is for Modbus on --serial/],
  [
    "a misbehaviour that is none",
    [...METER, "--misbehave", "late,rude"],
    /--misbehave "rude" is unknown; known: silent, late, .*exception-06 or any other exception-NN/,
  ],
  ["misbehaviours beyond every reply", [...METER, "--misbehave", "late:0.7,split:0.7"], /the rates add up to 1.4/],
  ["a rate that is none", [...METER, "--misbehave", "late:often"], /"often" is no rate; from 0 to 1/],
  ["a misbehaviour of another protocol", [...METER, "--misbehave", "wrong-identifier"], /is for dlt645; give another/],
  [
    "a far port that is none",
    ["read", "--model", "eastron-sdm120", "--serial", "rfc2217://nowhere"],
    /is no rfc2217:\/\/HOST:PORT/,
  ],
  ["write with nothing to write", ["write", "--tcp", "127.0.0.1:1"], /nothing is to be written; give --set/],
  [
    "write without a terminal to ask on",
    ["write", "--tcp", "127.0.0.1:1", "--model", "meterworks-1p", "--relay", "open"],
    /no terminal to ask on; give --yes/,
  ],
  [
    "write of a name that Modbus does not have",
    ["write", "--tcp", "127.0.0.1:1", "--model", "meterworks-1p", "--set", "colour=red", "--yes"],
    /--set colour is unknown here/,
  ],
  [
    "write of a time that is none",
    ["write", "--tcp", "127.0.0.1:1", "--clock", "tomorrow"],
    /--clock "tomorrow" is not an ISO 8601 time.*or give now/,
  ],
  ["a doctor without a wire", ["doctor"], /no wire is named; give --serial or --tcp/],
  [
    "a doctor of a protocol it does not speak",
    ["doctor", "--serial", "/dev/nosuch", "--protocol", "modbus-ascii"],
    /the doctor does not speak modbus-ascii; it speaks modbus-rtu, modbus-tcp, dlt645 and iec62056-21/,
  ],
  [
    "a doctor with a Modbus model on DL/T 645",
    ["doctor", "--tcp", "127.0.0.1:1", "--protocol", "dlt645", "--model", "eastron-sdm120"],
    /--model and --unit are for Modbus; .* give --address/,
  ],
  [
    "a doctor with an IEC 62056-21 address on Modbus",
    ["doctor", "--tcp", "127.0.0.1:1", "--device-address", "7"],
    /--device-address is for IEC 62056-21; add --protocol iec62056-21/,
  ],
  ["a doctor on a port that is not there", ["doctor", "--serial", "/dev/nosuch"], /nosuch/],
  ["read without model", ["read", "--tcp", "127.0.0.1:1"], /required option '--model/],
  ["a recording without a name", ["read", "--tcp", "127.0.0.1:1", "--record", ""], /--record has an empty path/],
  ["a watch in two forms", ["watch", "--tcp", "127.0.0.1:1", "--json", "--csv"], /--json and --csv are two forms/],
  ["a replay of nothing", ["replay"], /missing required argument 'file'/],
  [
    "a recording without a name",
    ["read", "--tcp", "127.0.0.1:1", "--record", ""],
    /--record has an empty path; name a file/,
  ],
  ["a watch in two forms", ["watch", "--tcp", "127.0.0.1:1", "--json", "--csv"], /--json and --csv are two forms/],
  ["a replay of nothing", ["replay"], /missing required argument 'file'/],
  [
    "a head-end configuration with a bad place",
    ["headend", "--config", BAD_CONFIG],
    /lines\[0\].where.tcp: "nowhere" is not host:port/,
  ],
  [
    "a store that is no database",
    ["headend", "--store", `sqlite:${NOT_A_DATABASE}`],
    /not-a-database.db.*not a database/,
  ],
  ["a store in a folder that is not there", ["headend", "--store", "sqlite:/nosuch/x.db"], /\/nosuch\/x.db/],
  ["an unknown store", ["headend", "--store", "mysql:x"], /"mysql:x" is no store; use sqlite:FILE/],
  ["a backup without a name", ["backup"], /no backup file is named; name one, or give --verify/],
  ["a backup of no store", ["backup", "x.db", "--store", "sqlite:/nosuch/x.db"], /there is no store \/nosuch\/x.db/],
  [
    "a backup made and checked at once",
    ["backup", "x.db", "--verify", "y.db"],
    /--verify checks a backup and makes none/,
  ],
  ["a restore over a store", ["restore", "x.db", "--store", `sqlite:${NOT_A_DATABASE}`], /already; .*--force/],
  ["an unknown check of the store", ["headend", "--check", "slow"], /--check "slow" is unknown; one of: none, quick/],
  ["a lease that is too short", ["headend", "--lease-seconds", "1"], /--lease-seconds/],
  ["a store that is copied by others", ["backup", "b", "--store", "postgres://h/x"], /pg_dump --format=custom/],
  ...WRONG_USAGE_OF_API,
  ["a demo of two meters", ["demo", "--meters", "2"], /--meters "2" is not a whole number from 3 to 200/],
  ["no power cuts", ["sim", "--power-cuts", "0"], /--power-cuts "0" is not a whole number/],
  ["a simulation of no days", ["sim", "--days", "0"], /--days "0" is not a whole number/],
];

describe("wrong usage is exit 2 and one line", () => {
  test.concurrent.each(WRONG_USAGE)("%s", async (_, args, expected) => {
    const result = await runCli(args, { env: { METERWORKS_LOG: "silent" }, timeoutMs: 25_000 });
    expect(result.stderr).toMatch(expected);
    expect(result).toMatchObject({ code: 2, stdout: "", timedOut: false });
    expect(result.stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("what can't be opened ends the process", () => {
  // The store is open by then; left open it kept the process, and its lock, for ever.
  const store = (name: string) => [
    "headend",
    "--http",
    "127.0.0.1:0",
    "--store",
    `sqlite:${join(directory.path, name)}`,
  ];
  const line = { where: { serial: "/dev/nosuch" }, meters: [{ id: "a", model: "meterworks-1p", unit: 1 }] };
  const LOST_LINE = file("lost-line.json", JSON.stringify({ lines: [line] }));

  test("a head-end's serial port that is not there", async () => {
    const result = await runCli([...store("a.db"), "--broker", "none", "--config", LOST_LINE]);
    expect(result.stderr).toMatch(/there is no serial port \/dev\/nosuch/);
    expect(result).toMatchObject({ code: 2, stdout: "", timedOut: false });
  });

  test("an embedded broker's port that is taken", async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) =>
      other.listen(0, "127.0.0.1", () => resolve((other.address() as AddressInfo).port)),
    );
    const result = await runCli([...store("b.db"), "--broker-listen", `127.0.0.1:${port}`]).finally(() =>
      other.close(),
    );
    expect(result.stderr).toMatch(/is in use by another program; choose another port/);
    expect(result).toMatchObject({ code: 2, stdout: "", timedOut: false });
  });

  test("a token that is too short", async () => {
    const env = { METERWORKS_TOKEN: "short" };
    const result = await runCli([...store("c.db"), "--broker", "none"], { env });
    expect(result.stderr).toMatch(/METERWORKS_TOKEN is shorter than 16/);
    expect(result).toMatchObject({ code: 2, stdout: "", timedOut: false });
  });
});

test("serial ports are not listed where udev's program is missing", async () => {
  const result = await runCli(["meter", "--list"], { env: { PATH: directory.path } });
  expect(result.stderr).toMatch(/^meterworks: .* can't be listed without udevadm; install .*\n$/);
  expect(result.code).toBe(2);
});

describe("what fails is exit 1 and says what to look at", () => {
  test("nobody listens", async () => {
    const port = await freePort();
    const result = await runCli(["read", "--model", "eastron-sdm120", "--tcp", `127.0.0.1:${port}`]);
    expect(result.stderr).toMatch(/ECONNREFUSED.*check the address/);
    expect(result).toMatchObject({ code: 1, stdout: "" });
  });

  test("a host without an address", async () => {
    const result = await runCli(["read", "--model", "eastron-sdm120", "--tcp", "nosuch.invalid:502"]);
    expect(result.stderr).toMatch(/nosuch.invalid.*; check the address/);
    expect(result).toMatchObject({ code: 1, stdout: "" });
  });

  test("no head-end", async () => {
    const port = await freePort();
    const result = await runCli(["topup", "m", "1.00", "--token", "x", "--api", `http://127.0.0.1:${port}`]);
    expect(result.stderr).toMatch(/can't be reached.*is it running/);
    expect(result.code).toBe(1);
  });
});

describe("help", () => {
  test.each([
    ...["demo", "meter", "models", "scan", "read", "watch", "replay", "write", "doctor", "conformance"],
    ...["headend", "backup", "restore", "store", "topup", "relay", "read-now", "order", "mass", "audit", "sim"],
    ...["accuracy", "alarms", "availability", "registry"],
  ])("%s --help has an example", async (command) => {
    const result = await runCli([command, "--help"]);
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(new RegExp(`Examples?:\\n.*meterworks ${command}`, "s"));
  });

  test("a model file made from a built-in one serves and reads", async () => {
    const { stdout, code } = await runCli(["models", "eastron-sdm630", "--json"]);
    expect(code).toBe(0);
    const copy = file("my.json", stdout);
    const result = await runCli(["models", copy]);
    expect(result.stdout).toContain("0048");
  });
});
