/** pymodbus reads our meter, and we read a server that pymodbus runs. */
import { beforeAll, expect, test } from "vitest";
import { describeWithPeers } from "../peers.ts";
import { freePort } from "../programs.ts";
import { addressOf, EXPECTED_UNDER_LOAD, LOAD } from "./sdm630.ts";
import {
  askWithPymodbus,
  Cleanup,
  expectKnownReadings,
  expectNear,
  type Operation,
  readJson,
  startPtyMeter,
  startPtyPair,
  startPymodbusServer,
  startTcpMeter,
} from "./support.ts";
import { floatFromWords } from "./wire.ts";

const SDM630_METER = ["--model", "eastron-sdm630", "--unit", "1", ...LOAD];
const READ_SDM630 = ["--model", "eastron-sdm630", "--unit", "1"];

async function expectLoad(where: number | string): Promise<void> {
  const operations = EXPECTED_UNDER_LOAD.map(([measure]): Operation => [4, 1, addressOf(measure), 2]);
  const results = await askWithPymodbus(where, operations);
  for (const [index, [measure, value]] of EXPECTED_UNDER_LOAD.entries()) {
    expectNear(floatFromWords(results[index]?.registers ?? []), value, 0.005, measure);
  }
}

async function expectRefusals(where: number | string): Promise<void> {
  const results = await askWithPymodbus(where, [
    [4, 1, 0xfffe, 2],
    [4, 1, 0, 81],
    [6, 1, 0, 1],
    [4, 1, 0, 2],
  ]);
  expect(results.slice(0, 2)).toEqual([{ exception: 2 }, { exception: 3 }]);
  expect(results[2]?.exception).toBeGreaterThan(0);
  expect(results[3]?.registers).toHaveLength(2);
}

describeWithPeers("pymodbus against our meter over TCP", ["pymodbus"], () => {
  const cleanup = new Cleanup();
  let port: number;

  beforeAll(async () => {
    ({ port } = await startTcpMeter(cleanup, SDM630_METER));
  });

  test("reads the load at the meter's real addresses", () => expectLoad(port));
  test("gets the exceptions of the standard and goes on", () => expectRefusals(port));
});

describeWithPeers("pymodbus against our meter over a pseudo terminal", ["pymodbus", "socat"], () => {
  const cleanup = new Cleanup();
  let path: string;

  beforeAll(async () => {
    path = await startPtyMeter(cleanup, SDM630_METER);
  });

  test("reads the load at the meter's real addresses", () => expectLoad(path));
  test("gets the exceptions of the standard and goes on", () => expectRefusals(path));
});

describeWithPeers("our reader against a pymodbus server", ["pymodbus"], () => {
  const cleanup = new Cleanup();

  test("says each value right over TCP", async () => {
    const port = await freePort();
    await startPymodbusServer(cleanup, port);
    expectKnownReadings(await readJson([...READ_SDM630, "--tcp", `127.0.0.1:${port}`]));
  });
});

describeWithPeers("our reader against a pymodbus server on a serial line", ["pymodbus", "socat"], () => {
  const cleanup = new Cleanup();

  test("says each value right over RTU", async () => {
    const [theirs, ours] = await startPtyPair(cleanup);
    await startPymodbusServer(cleanup, theirs);
    expectKnownReadings(await readJson([...READ_SDM630, "--serial", ours]));
  });
});
