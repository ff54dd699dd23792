/** Serial ports of another machine: pyserial's RFC 2217 server before our meter's pseudo terminal. */
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { describeWithPeers, requirePeer } from "../peers.ts";
import { freePort, REPOSITORY, runCli, start } from "../programs.ts";
import { Cleanup, startPtyMeter } from "./support.ts";

const SERVER = join(REPOSITORY, "test/conformance/py/rfc2217_server.py");
const METER = ["--model", "eastron-sdm120", "--fidelity", "second", "--current", "5"];

async function serve(cleanup: Cleanup, meter: readonly string[]) {
  const path = await startPtyMeter(cleanup, meter);
  const port = await freePort();
  const server = await start(requirePeer("pyserial"), [SERVER, path, String(port)], { ready: /^ready/ });
  onTestFinished(async () => {
    await server.stop();
  });
  return { server, where: ["--serial", `rfc2217://127.0.0.1:${port}`] };
}

const settingsOf = (text: string) => [...text.matchAll(/^settings (.*)$/gm)].map((m) => m[1]);

describeWithPeers("RFC 2217", ["pyserial", "socat"], () => {
  const cleanup = new Cleanup();

  test("a reading through pyserial's server, with the settings asked for", async () => {
    const { server, where } = await serve(cleanup, METER);
    const model = ["--model", "eastron-sdm120"];
    for (const line of [
      ["--baud", "2400"],
      ["--baud", "9600", "--parity", "even"],
    ]) {
      const result = await runCli(["read", ...model, ...where, ...line, "--json"]);
      expect(result, result.stderr).toMatchObject({ code: 0 });
      const rows = JSON.parse(result.stdout) as { readonly obis: string; readonly value: string }[];
      expect(Number(rows.find(({ obis }) => obis === "1-0:32.7.0")?.value)).toBeCloseTo(230, 0);
    }
    await expect.poll(() => settingsOf(server.stdout())).toEqual(["2400 8 N 1", "9600 8 E 1"]);
  });

  test("the change of rate of an optical head happens at the far port", async () => {
    const { server, where } = await serve(cleanup, [
      ...["--model", "meterworks-1p", "--fidelity", "second", "--protocol", "iec62056-21"],
    ]);
    const result = await runCli(["read", "--protocol", "iec62056-21", ...where, "--json"], { timeoutMs: 30_000 });
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const rates = [...server.stdout().matchAll(/^rate (\d+)$/gm)].map((m) => Number(m[1]));
    const changes = rates.filter((rate, i) => rate !== rates[i - 1]);
    expect(changes).toEqual([9600, 300, 9600, 300]);
    await expect.poll(() => settingsOf(server.stdout())).toEqual(["300 7 E 1"]);
  });
});

test("what is no such server is named as what it may be", async () => {
  const silent = createServer((socket) => socket.on("error", () => {}));
  const port = await new Promise<number>((resolve) =>
    silent.listen(0, "127.0.0.1", () => resolve((silent.address() as { port: number }).port)),
  );
  onTestFinished(() => void silent.close());
  const read = ["read", "--model", "eastron-sdm120", "--serial"];
  const result = await runCli([...read, `rfc2217://127.0.0.1:${port}`]);
  expect(result).toMatchObject({ code: 2, stdout: "" });
  expect(result.stderr).toMatch(/is no RFC 2217 server.*a raw port is --tcp HOST:PORT/);
  const nobody = await runCli([...read, `rfc2217://127.0.0.1:${await freePort()}`]);
  expect(nobody.stderr).toMatch(/ECONNREFUSED.*check the address/);
});
