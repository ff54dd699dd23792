/**
 * `meter` and `read` at the two ends of a line that keeps its pace: every reply arrives cut into single bytes, and is read
 * as well as a whole one. What was cut is seen in the line's own record.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createPacedLine } from "../../src/platform/pacer.ts";
import { runCli, startCli, temporaryDirectory } from "../programs.ts";

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

const METER = ["--model", "meterworks-1p", "--fidelity", "second", "--mains", "231", "--current", "4"];

async function read(args: readonly string[]): Promise<Map<string, string | null>> {
  const result = await runCli(["read", "--model", "meterworks-1p", ...args, "--json"], { timeoutMs: 30_000 });
  expect(result, result.stderr).toMatchObject({ code: 0 });
  const rows = JSON.parse(result.stdout) as { measure: string; value: string | null }[];
  return new Map(rows.map(({ measure, value }) => [measure, value]));
}

test.each([
  ["modbus-rtu", 19_200, 11],
  ["modbus-rtu", 115_200, 11],
  ["modbus-ascii", 19_200, 10],
] as const)("%s at %i baud", async (protocol, baud, bitsPerChar) => {
  const directory = temporaryDirectory();
  cleanup.push(() => directory.remove());
  const log = join(directory.path, "bytes");
  const line = await createPacedLine({ baud, bitsPerChar, log });
  cleanup.push(() => line.end());
  const speed = ["--protocol", protocol, "--baud", String(baud), "--parity", "even"];
  const tcp = await startCli(["meter", ...METER, "--tcp", "127.0.0.1:0"]);
  cleanup.push(() => tcp.stop());
  const whole = await read(["--tcp", /127\.0\.0\.1:\d+/.exec(tcp.ready)?.[0] ?? ""]);
  const meter = await startCli(["meter", ...METER, ...speed, "--serial", line.b]);
  cleanup.push(() => meter.stop());
  const cut = await read([...speed, "--serial", line.a]);
  for (const key of ["voltageL1", "currentL1", "activePower", "frequency", "powerFactor", "relayState"])
    expect(cut.get(key), key).toBe(whole.get(key));
  expect([...cut.keys()]).toEqual([...whole.keys()]);
  await meter.stop();
  await line.end();
  const replies = readFileSync(log, "utf8")
    .split("\n")
    .filter((byte) => byte.startsWith("b "));
  const character = (bitsPerChar * 1e9) / baud;
  const [starts, heardAt] = [1, 2].map((column) => replies.map((byte) => Number(byte.split(" ")[column]))) as [
    number[],
    number[],
  ];
  expect(heardAt.length).toBeGreaterThan(150);
  // None is heard before it has ended, nor begins before the one ahead of it has; times are whole ns.
  for (const [i, start] of starts.entries()) {
    expect(heardAt[i]).toBeGreaterThan(start + character - 100);
    if (i > 0) expect(start - (starts[i - 1] as number)).toBeGreaterThan(character - 100);
  }
  // A busy machine without real-time priority hands some over late, and so together; never all of them.
  const apart = heardAt.slice(1).filter((at, i) => at - (heardAt[i] as number) > character / 2);
  expect(apart.length).toBeGreaterThan(10);
});

/** At 1200 baud a character of 8N1 takes 8.3 ms, and this map is read with more than 120 of them; without a pace it is some 10 ms. */
test("meter --paced takes the time of the wire", async () => {
  const directory = temporaryDirectory();
  cleanup.push(() => directory.remove());
  const path = join(directory.path, "meter");
  const speed = ["--baud", "1200", "--parity", "none"];
  const meter = await startCli(["meter", ...METER, ...speed, "--pty", path, "--paced"]);
  cleanup.push(() => meter.stop());
  const began = performance.now();
  const values = await read([...speed, "--serial", path, "--timeout", "5000"]);
  expect(performance.now() - began).toBeGreaterThan(900);
  expect(values.get("voltageL1")).toBe("231");
  await meter.stop();
  expect(existsSync(path)).toBe(false);
});
