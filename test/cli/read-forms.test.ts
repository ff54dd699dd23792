/** `read --csv` and `read --second-opinion`. */
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findModel } from "../../protocols/models/index.ts";
import type { RegisterEntry } from "../../protocols/models/model.ts";
import { agrees } from "../../src/cli/second-opinion.ts";
import type { MeasureKey } from "../../src/core/measures.ts";
import { describeWithPeers } from "../peers.ts";
import { freePort, type Program, runCli, startCli, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());

const MODEL = ["--model", "eastron-sdm630"];
const COLUMNS = "measure,obis,value,unit,time,quality";

describe("of a steady meter", () => {
  let meter: Program;
  let where: readonly string[];

  beforeAll(async () => {
    const port = await freePort();
    where = ["read", ...MODEL, "--tcp", `127.0.0.1:${port}`];
    meter = await startCli(["meter", ...MODEL, "--tcp", `127.0.0.1:${port}`, "--current", "5", "--pf", "0.8"]);
  });
  afterAll(() => meter.stop());

  test("CSV has a heading and a row per register, the values of JSON", async () => {
    const csv = await runCli([...where, "--csv"]);
    const [heading, ...rows] = csv.stdout.trim().split("\n");
    expect(heading).toBe(COLUMNS);
    expect(rows.length).toBe(53);
    expect(rows.find((row) => row.startsWith("voltageL1,"))).toMatch(
      /^voltageL1,1-0:32\.7\.0,230,V,20[\dT:.-]+Z,good$/,
    );
  });

  test("another stack's reading agrees, read by read", async () => {
    const read = await runCli([...where, "--second-opinion"]);
    expect(read.stderr).toBe("");
    expect(read.code).toBe(0);
    expect(read.stdout).toMatch(/second opinion, by modbus-serial:\n04h registers 0\.\.79 +31 values +✓ agree/);
    expect(read.stdout.match(/✓ agree/g)?.length).toBe(4);
    const json = await runCli([...where, "--second-opinion", "--json"]);
    const rows = JSON.parse(json.stdout) as readonly { measure: string; secondOpinion: string; agrees: boolean }[];
    expect(rows.find((row) => row.measure === "voltageL1")).toMatchObject({ secondOpinion: "230", agrees: true });
    expect(rows.every((row) => row.agrees)).toBe(true);
    const csv = await runCli([...where, "--second-opinion", "--csv"]);
    expect(csv.stdout.split("\n")[0]).toBe(`${COLUMNS},secondOpinion,agrees`);
  });

  test("is not had where it can't be, nor two forms at once", async () => {
    const dlt = await runCli(["read", "--protocol", "dlt645", "--tcp", "127.0.0.1:1", "--second-opinion"]);
    expect([dlt.code, dlt.stderr]).toEqual([2, expect.stringMatching(/--second-opinion is for Modbus/)]);
    const two = await runCli([...where, "--csv", "--json"]);
    expect([two.code, two.stderr]).toEqual([2, expect.stringMatching(/--json and --csv are two forms/)]);
  });
});

describeWithPeers("on a serial line", ["socat"], () => {
  test.each(["modbus-rtu", "modbus-ascii"])("another stack's reading agrees by %s", async (protocol) => {
    const link = join(directory.path, protocol);
    const meter = await startCli(["meter", ...MODEL, "--pty", link, "--protocol", protocol, "--current", "5"]);
    const read = await runCli(["read", ...MODEL, "--serial", link, "--protocol", protocol, "--second-opinion"]);
    await meter.stop();
    expect([read.code, read.stderr]).toEqual([0, ""]);
    expect(read.stdout.match(/✓ agree/g)?.length).toBe(4);
  });
});

describe("of a meter that says something else to the second one", () => {
  let server: Server;
  let port = 0;
  let connections = 0;

  /** Every register pair is this float: 230 for the first connection, 115 for the others. */
  beforeAll(async () => {
    server = createServer((socket) => {
      connections += 1;
      const words = connections === 1 ? [0x43, 0x66, 0, 0] : [0x42, 0xe6, 0, 0];
      socket.on("data", (request) => {
        const count = request.readUInt16BE(10);
        const data = Array.from({ length: 2 * count }, (_, i) => words[i % 4] as number);
        const head = Buffer.from([
          ...request.subarray(0, 4),
          0,
          3 + data.length,
          ...request.subarray(6, 8),
          data.length,
        ]);
        socket.write(Buffer.concat([head, Buffer.from(data)]));
      });
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    port = typeof address === "object" && address !== null ? address.port : 0;
  });
  afterAll(() => server.close());

  test("it differs, both values are shown, and the command fails", async () => {
    const read = await runCli(["read", ...MODEL, "--tcp", `127.0.0.1:${port}`, "--second-opinion"]);
    expect(read.code).toBe(1);
    expect(read.stdout).toMatch(/04h registers 0\.\.79 +31 values +✗ 31 differ/);
    expect(read.stdout).toMatch(/✗ Voltage L1[^:]*: 230 V here, 115 V there/);
    expect(read.stderr).toMatch(/second opinion differs in 4 of 4 reads; read once more/);
  });
});

describe("two readings agree", () => {
  const sdm = findModel("eastron-sdm630")?.modbus;
  const integers = findModel("acrel-adw300")?.modbus;
  const entry = (map: typeof sdm, measure: MeasureKey) =>
    map?.registers.find((r) => r.measure === measure) as RegisterEntry;
  const still = { apart: 0, load: 0 };
  const judge = (map: typeof sdm, key: MeasureKey, a: number | null, b: number | null, meanwhile = still) =>
    agrees(entry(map, key), map as NonNullable<typeof sdm>, a, b, meanwhile);

  test.each([
    ["a live value that moved a little", judge(sdm, "voltageL1", 230_000, 231_500), true],
    ["a live value of half the size", judge(sdm, "voltageL1", 230_000, 115_000), false],
    ["an energy that is the same", judge(sdm, "activeEnergyImport", 5_000_000, 5_000_000), true],
    ["an energy further on without a load", judge(sdm, "activeEnergyImport", 5_000_000, 5_001_000), false],
    [
      "an energy further on by what the load adds",
      judge(sdm, "activeEnergyImport", 5_000_000, 5_001_000, { apart: 1e6, load: 3_600 }),
      true,
    ],
    ["an energy one step of its integer further", judge(integers, "activeEnergyImport", 5e6, 5e6 + 10_000), true],
    ["an energy two steps of its integer further", judge(integers, "activeEnergyImport", 5e6, 5e6 + 20_000), false],
    ["a value that one of them does not have", judge(sdm, "voltageL1", 230_000, null), false],
    ["a value that neither has", judge(sdm, "voltageL1", null, null), true],
  ])("or not: %s", (_, agreed, expected) => {
    expect(agreed).toBe(expected);
  });
});
