/** A client and a server in C on libmodbus against our meter and our reader. */
import { beforeAll, expect, test } from "vitest";
import { METERWORKS_3P } from "../../protocols/models/meterworks-3p.ts";
import { describeWithPeers } from "../peers.ts";
import { freePort, run } from "../programs.ts";
import { addressOf, EXPECTED_UNDER_LOAD, LOAD } from "./sdm630.ts";
import {
  Cleanup,
  compileC,
  expectKnownReadings,
  expectNear,
  readJson,
  startLibmodbusServer,
  startPtyMeter,
  startPtyPair,
  startTcpMeter,
} from "./support.ts";
import { floatFromWords } from "./wire.ts";

const SDM630_METER = ["--model", "eastron-sdm630", "--unit", "1", ...LOAD];
const READ_SDM630 = ["--model", "eastron-sdm630", "--unit", "1"];

/** The lines that the C client prints, one per operation. */
async function ask(client: string, where: string, operations: readonly string[], unit = 1): Promise<readonly string[]> {
  const result = await run(client, [where, String(unit), ...operations]);
  expect(result.code, result.stderr).toBe(0);
  return result.stdout.trimEnd().split("\n");
}

const words = (line: string | undefined): number[] => (line ?? "").split(" ").slice(1).map(Number);

describeWithPeers("a libmodbus client against our SDM630", ["libmodbus", "socat"], () => {
  const cleanup = new Cleanup();
  let client: string;
  let places: Map<string, string>;

  beforeAll(async () => {
    client = await compileC(cleanup, "modbus-client");
    const { port } = await startTcpMeter(cleanup, SDM630_METER);
    const path = await startPtyMeter(cleanup, SDM630_METER);
    places = new Map([
      ["TCP", `tcp:${port}`],
      ["RTU", `rtu:${path}`],
    ]);
  });
  const at = (kind: string): string => places.get(kind) ?? "";

  test.each(["TCP", "RTU"])("reads the load over %s", async (kind) => {
    const operations = EXPECTED_UNDER_LOAD.map(([measure]) => `4:${addressOf(measure)}:2`);
    const lines = await ask(client, at(kind), operations);
    for (const [index, [measure, value]] of EXPECTED_UNDER_LOAD.entries()) {
      expectNear(floatFromWords(words(lines[index])), value, 0.005, `${measure}: ${lines[index]}`);
    }
  });

  // MODBUS Application Protocol V1.1b3: 01 for the function, then 03 for the quantity, then 02 for the address.
  test.each(["TCP", "RTU"])("gets the exceptions of the standard over %s", async (kind) => {
    const requests: readonly (readonly [pdu: string, reply: string | RegExp])[] = [
      ["0400000000", "raw 8403"],
      ["040000007e", "raw 8403"],
      ["04ffff0000", "raw 8403"],
      ["04ffff0002", "raw 8402"],
      ["0400000002", /^raw 0404[0-9a-f]{8}$/],
      ["64", "raw e401"],
    ];
    const lines = await ask(
      client,
      at(kind),
      requests.map(([pdu]) => `raw:${pdu}`),
    );
    for (const [index, [pdu, reply]] of requests.entries()) {
      if (typeof reply === "string") expect(lines[index], pdu).toBe(reply);
      else expect(lines[index], pdu).toMatch(reply);
    }
  });
});

describeWithPeers("a libmodbus client against our native meter", ["libmodbus"], () => {
  const cleanup = new Cleanup();
  const control = METERWORKS_3P.modbus.control;
  if (control === undefined) throw new Error("the native model has a relay");
  let client: string;
  let where: string;

  beforeAll(async () => {
    client = await compileC(cleanup, "modbus-client");
    const { port } = await startTcpMeter(cleanup, ["--model", "meterworks-3p", "--password", "70000", ...LOAD]);
    where = `tcp:${port}`;
  });

  test("reads the same registers with FC 03 and FC 04", async () => {
    const entry = METERWORKS_3P.modbus.registers.find(({ measure }) => measure === "frequency");
    const address = entry?.address ?? -1;
    const [holding, input] = await ask(client, where, [`3:${address}:2`, `4:${address}:2`]);
    for (const line of [holding, input]) {
      const [high = 0, low = 0] = words(line);
      expectNear((high * 65_536 + low) / 1000, 50, 0.005, "frequency in mHz");
    }
  });

  test("opens the relay by an order in the mailbox, once, and reads the outcome", async () => {
    const { unlock, mailbox, outcome, relayCoil } = control;
    const order = `16:${mailbox}:0,0,0,9001,1,0,0,0,0`;
    const lines = await ask(client, where, [
      `1:${relayCoil}:1`,
      order,
      `16:${unlock}:1,4464`,
      order,
      `3:${outcome}:6`,
      `1:${relayCoil}:1`,
      `5:${relayCoil}:1`,
      order,
      `1:${relayCoil}:1`,
    ]);
    expect(lines).toEqual([
      "ok 1",
      "error Slave device or server failure",
      "ok",
      "ok",
      "ok 0 0 0 9001 1 0",
      "ok 0",
      "ok",
      // The id has been carried out before: accepted again, and nothing is done twice.
      "ok",
      "ok 1",
    ]);
  });

  test("writes several coils and is refused a coil that is not there", async () => {
    const { unlock, relayCoil } = control;
    const lines = await ask(client, where, [
      `16:${unlock}:1,4464`,
      `15:${relayCoil}:0`,
      `1:${relayCoil}:1`,
      `15:${relayCoil}:1`,
      `1:${relayCoil}:1`,
      `5:${relayCoil + 100}:1`,
      `raw:05${relayCoil.toString(16).padStart(4, "0")}1234`,
      `1:${relayCoil}:1`,
    ]);
    expect(lines).toEqual([
      "ok",
      "ok",
      "ok 0",
      "ok",
      "ok 1",
      "error Illegal data address",
      // FC 05 knows FF00 and 0000 only.
      "raw 8503",
      "ok 1",
    ]);
  });
});

describeWithPeers("our reader against a libmodbus server", ["libmodbus", "socat"], () => {
  const cleanup = new Cleanup();
  let server: string;

  beforeAll(async () => {
    server = await compileC(cleanup, "modbus-server");
  });

  test("says each value right over TCP", async () => {
    const port = await freePort();
    await startLibmodbusServer(cleanup, server, port);
    expectKnownReadings(await readJson([...READ_SDM630, "--tcp", `127.0.0.1:${port}`]));
  });

  test("says each value right over RTU", async () => {
    const [theirs, ours] = await startPtyPair(cleanup);
    await startLibmodbusServer(cleanup, server, theirs);
    expectKnownReadings(await readJson([...READ_SDM630, "--serial", ours]));
  });
});
