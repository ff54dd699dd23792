/** modbus-serial, the common Modbus package of npm, against our meter and our reader. Its TCP side only: see its defects. */
import ModbusSerial, { ServerTCP } from "modbus-serial";
import { beforeAll, describe, expect, test } from "vitest";
import { freePort, runCli } from "../programs.ts";
import { addressOf, EXPECTED_UNDER_LOAD, knownFloats, LOAD } from "./sdm630.ts";
import { Cleanup, expectKnownReadings, expectNear, readJson, startTcpMeter } from "./support.ts";
import { floatFromWords, floatWords } from "./wire.ts";

describe("a modbus-serial client against our meter", () => {
  const cleanup = new Cleanup();
  const client = new ModbusSerial.default();

  beforeAll(async () => {
    const { port } = await startTcpMeter(cleanup, ["--model", "eastron-sdm630", "--unit", "1", ...LOAD]);
    await client.connectTCP("127.0.0.1", { port });
    cleanup.closing({ close: () => new Promise<void>((resolve) => client.close(() => resolve())) });
    client.setID(1);
    client.setTimeout(2_000);
  });

  test("reads the load", async () => {
    for (const [measure, value] of EXPECTED_UNDER_LOAD) {
      const { data } = await client.readInputRegisters(addressOf(measure), 2);
      expectNear(floatFromWords(data), value, 0.005, measure);
    }
  });

  test("gets exceptions with their code", async () => {
    await expect(client.readInputRegisters(0xfffe, 2)).rejects.toMatchObject({ modbusCode: 2 });
    await expect(client.readInputRegisters(0, 81)).rejects.toMatchObject({ modbusCode: 3 });
    await expect(client.writeRegister(0, 1)).rejects.toHaveProperty("modbusCode");
  });

  test("gets each of fifty overlapping requests answered with its own values", async () => {
    const addresses = Array.from({ length: 50 }, (_, i) => (i % 3) * 6);
    const replies = await Promise.all(addresses.map((address) => client.readInputRegisters(address, 2)));
    for (const [index, address] of addresses.entries()) {
      expectNear(
        floatFromWords(replies[index]?.data ?? []),
        { 0: 230, 6: 5, 12: 920 }[address] ?? 0,
        0.005,
        `${address}`,
      );
    }
  });
});

describe("our reader against a modbus-serial server", () => {
  const cleanup = new Cleanup();

  async function serve(registers: ReadonlyMap<number, number>): Promise<number> {
    const port = await freePort();
    const words = new Map([...registers].flatMap(([at, value]) => floatWords(value).map((word, i) => [at + i, word])));
    const server = new ServerTCP(
      {
        getMultipleInputRegisters: (address: number, length: number) =>
          Array.from({ length }, (_, i) => words.get(address + i) ?? 0),
      },
      { host: "127.0.0.1", port, unitID: 1 },
    );
    cleanup.closing({ close: () => new Promise<void>((resolve) => server.close(() => resolve())) });
    await new Promise<void>((resolve) => server.on("initialized", () => resolve()));
    return port;
  }
  const read = (port: number) => ["--model", "eastron-sdm630", "--unit", "1", "--tcp", `127.0.0.1:${port}`];

  test("says each value right", async () => {
    expectKnownReadings(await readJson(read(await serve(knownFloats()))));
  });

  test("says that a NaN is no value, never zero", async () => {
    const floats = new Map([...knownFloats(), [addressOf("voltageL2"), Number.NaN]]);
    const readings = await readJson(read(await serve(floats)));
    const voltage = readings.find(({ measure }) => measure === "voltageL2");
    expect(voltage?.value).toBeNull();
    expect(["invalid", "missing"]).toContain(voltage?.quality);
    expect(readings.find(({ measure }) => measure === "voltageL1")?.value).toBe("230.5");
  });

  test("fails with one clear line where nothing answers", async () => {
    const port = await freePort();
    const result = await runCli(["read", ...read(port), "--json"]);
    expect(result.code).toBe(1);
    expect(result.stdout).not.toContain('"value"');
    expect(result.stderr).toContain(`127.0.0.1:${port}`);
    expect(result.stderr.trim().split("\n").length).toBeLessThanOrEqual(3);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });
});
