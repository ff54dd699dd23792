/** `meterworks conformance` of DL/T 645 and IEC 62056-21: our meters pass, a meter with a defect does not, on TCP and a terminal. */

import { writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Cleanup, startPtyMeter, startTcpMeter } from "../conformance/support.ts";
import { describeWithPeers } from "../peers.ts";
import { freePort, REPOSITORY, runCli } from "../programs.ts";

const ADDRESS = "000000000161";
const DLT645 = ["--protocol", "dlt645", "--address", ADDRESS, "--password", "123456", "--current", "5"];
const OPTICAL = ["--protocol", "iec62056-21", "--password", "42", "--current", "5"];
const LIMIT = { timeoutMs: 60_000 };

interface Report {
  readonly pass: boolean;
  readonly passed: number;
  readonly checks: readonly { readonly id: string; readonly verdict: string; readonly clause: string }[];
}

const conformance = (...args: readonly string[]) => runCli(["conformance", ...args], LIMIT);

describe("conformance over TCP", () => {
  const cleanup = new Cleanup();
  let dlt645 = "";
  let optical = "";
  let spoilt = "";
  beforeAll(async () => {
    const meters = await Promise.all([startTcpMeter(cleanup, DLT645), startTcpMeter(cleanup, OPTICAL)]);
    [dlt645, optical] = meters.map(({ port }) => `127.0.0.1:${port}`) as [string, string];
    spoilt = await spoiling(cleanup, meters[0].port);
  });

  test("asks a DL/T 645 meter for its address and finds nothing wrong with how it takes addresses", async () => {
    const { code, stdout, stderr } = await conformance("dlt645", "--tcp", dlt645, "--group", "addressing", "--json");
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as Report;
    expect([report.pass, report.passed]).toEqual([true, 9]);
    expect(report.checks[0]?.clause).toBe("DL/T 645-2007, 5.2.2");
  });

  test("writes what the map lets be written", async () => {
    const map = join(cleanup.directory(), "map.json");
    const password = { level: 4, digits: "123456" };
    writeFileSync(map, JSON.stringify({ protocol: "dlt645", write: ["04000103"], password }));
    const ids = ["write.same", "write.short", "write.wrong-password"].flatMap((id) => ["--check", id]);
    const { code, stdout } = await conformance("dlt645", "--tcp", dlt645, "--map", map, ...ids);
    expect(code, stdout).toBe(0);
    expect(stdout).toContain("3 checks: 2 passed, 0 failed, 1 skipped");
    expect(stdout).toContain("the map does not declare wrong-password");
  });

  test("takes the map of our own meter; load records that are not there yet are a skip", async () => {
    const map = join(REPOSITORY, "fixtures/conformance/meterworks-3p.dlt645.json");
    const ids = ["read.following", "write.control-guarded"].flatMap((id) => ["--check", id]);
    const { code, stdout } = await conformance("dlt645", "--tcp", dlt645, "--map", map, ...ids);
    expect(code, stdout).toBe(0);
    expect(stdout).toContain("what is behind 06000000 is not there yet");
  });

  test("names the clause and the bytes of a meter whose check code is wrong", async () => {
    const { code, stdout, stderr } = await conformance(
      ...["dlt645", "--tcp", spoilt, "--address", ADDRESS],
      ...["--check", "frame.checksum", "--check", "frame.end"],
    );
    expect(code).toBe(1);
    expect(stderr).toContain("1 of 2 checks failed");
    expect(stdout).toContain("FAIL  frame.checksum  Check code  [DL/T 645-2007, 5.2.6]");
    expect(stdout).toMatch(/< fe fe fe fe 68 61 01 00 00 00 00 68 91 08 33 33 34 33/);
    expect(stdout).toContain("pass  frame.end");
  });

  test("judges an optical head", async () => {
    const ids = ["sign-on.form", "readout.check", "programming.read"].flatMap((id) => ["--check", id]);
    const { code, stdout, stderr } = await conformance("iec62056-21", "--tcp", optical, ...ids);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain("3 checks: 3 passed, 0 failed, 0 skipped");
  });

  test("says so where nobody answers, and refuses a map that is none", async () => {
    const silent = await conformance("dlt645", "--tcp", dlt645, "--address", "000000000999");
    expect([silent.code, silent.stderr]).toEqual([
      1,
      expect.stringContaining("nothing answers as address 000000000999"),
    ]);
    const map = join(cleanup.directory(), "map.json");
    writeFileSync(map, JSON.stringify({ protocol: "iec62056-21", write: "1.8.0" }));
    const refused = await conformance("iec62056-21", "--tcp", optical, "--map", map);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('"write" is no list of addresses')]);
  });
});

describeWithPeers("conformance on a terminal", ["socat"], () => {
  const cleanup = new Cleanup();

  test("a pseudo terminal has neither rate nor parity: they are skips", async () => {
    const path = await startPtyMeter(cleanup, OPTICAL);
    const ids = ["character.even-parity", "choice.readout", "time.command"].flatMap((id) => ["--check", id]);
    const { code, stdout, stderr } = await conformance("iec62056-21", "--serial", path, ...ids);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain("3 checks: 2 passed, 0 failed, 1 skipped");
  });
});

/** A way to a meter on which every frame's check code comes out wrong. */
async function spoiling(cleanup: Cleanup, port: number): Promise<string> {
  const server: Server = cleanup.closing(
    createServer((client) => {
      const meter = connect(port, "127.0.0.1");
      client.on("data", (bytes) => meter.write(bytes)).on("close", () => meter.destroy());
      client.on("error", () => meter.destroy());
      meter.on("data", (bytes) => {
        bytes[bytes.length - 2] = ((bytes.at(-2) as number) + 1) & 0xff;
        client.write(bytes);
      });
      meter.on("error", () => client.destroy());
    }),
  );
  const own = await freePort();
  await new Promise<void>((resolve) => server.listen(own, "127.0.0.1", resolve));
  return `127.0.0.1:${own}`;
}
