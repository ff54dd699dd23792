/** `meterworks doctor` as people run it: before our own meters on TCP and on a pseudo terminal. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { describeWithPeers } from "../peers.ts";
import { CLI, freePort, type Program, runCli, startCli, temporaryDirectory } from "../programs.ts";

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function meter(...args: readonly string[]): Promise<Program> {
  const program = await startCli(["meter", "--fidelity", "second", ...args]);
  cleanup.push(() => program.stop());
  return program;
}

/** A meter on TCP; where it listens. */
async function onTcp(...args: readonly string[]): Promise<string> {
  const { ready } = await meter("--tcp", "127.0.0.1:0", ...args);
  return /127\.0\.0\.1:\d+/.exec(ready)?.[0] ?? "";
}

interface Told {
  readonly healthy: boolean;
  readonly findings: readonly { readonly cause: string; readonly evidence: string[]; readonly remedies: string[] }[];
  readonly line: { readonly format: string | null; readonly questions: number; readonly answers: number };
  readonly values: readonly { readonly measure: string; readonly value: string | null }[];
}

async function doctor(...args: readonly string[]): Promise<{ code: number | null; told: Told }> {
  const result = await runCli(["doctor", ...args, "--json"], { timeoutMs: 60_000 });
  expect(result.stdout, result.stderr).not.toBe("");
  return { code: result.code, told: JSON.parse(result.stdout) as Told };
}

function causes({ findings }: Told): string[] {
  return findings.map(({ cause }) => cause);
}

const MODEL = ["--model", "eastron-sdm630"];

describe("on TCP", () => {
  test("a sound meter is healthy, and its values are shown", async () => {
    const where = await onTcp(...MODEL, "--current", "5", "--angle", "20");
    const { code, told } = await doctor("--tcp", where, ...MODEL);
    expect({ code, causes: causes(told), healthy: told.healthy }).toEqual({
      code: 0,
      causes: ["healthy"],
      healthy: true,
    });
    expect(told.line).toMatchObject({ format: null, questions: 21, answers: 21 });
    expect(told.values).toContainEqual({ measure: "voltageL1", value: "230", unit: "V" });
  });

  test("power that flows back is named, with the values it rests on and what to try", async () => {
    const where = await onTcp(...MODEL, "--current", "5", "--angle", "190");
    const result = await runCli(["doctor", "--tcp", where, ...MODEL], { timeoutMs: 60_000 });
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/^ct-reversed \(possible\): /m);
    expect(result.stdout).toMatch(/^ {2}seen: activePowerL1 -1132\.\d+ W, /m);
    expect(result.stdout).toMatch(/^ {2}try: {2}turn it round/m);
    expect(result.stderr).toBe("");
  });

  test("the registers of another model are refused", async () => {
    const where = await onTcp(...MODEL);
    const { code, told } = await doctor("--tcp", where, "--model", "schneider-iem3155", "--unit", "1");
    expect([code, causes(told)]).toEqual([1, ["wrong-model"]]);
    // Without a model any answer is a good one.
    expect((await doctor("--tcp", where, "--unit", "1")).code).toBe(0);
  });

  test("IEC 62056-21: a meter that identifies itself is healthy", async () => {
    const where = await onTcp("--protocol", "iec62056-21");
    const { code, told } = await doctor("--tcp", where, "--protocol", "iec62056-21", "--questions", "4");
    expect([code, causes(told), told.line.answers]).toEqual([0, ["healthy"], 9]);
  });

  test("nobody listens there", async () => {
    const { code, told } = await doctor("--tcp", `127.0.0.1:${await freePort()}`, ...MODEL);
    expect([code, causes(told)]).toEqual([1, ["unreachable"]]);
    expect(told.findings[0]?.evidence.join()).toMatch(/ECONNREFUSED/);
  });

  test("a meter with another unit does not answer", async () => {
    const where = await onTcp(...MODEL, "--unit", "5");
    const { code, told } = await doctor("--tcp", where, ...MODEL, "--unit", "6");
    expect([code, causes(told)]).toEqual([1, ["no-traffic"]]);
  });
});

test("Ctrl-C ends it without a diagnosis, as one that did not come about", async () => {
  const where = await onTcp(...MODEL, "--unit", "5");
  const child = spawn(process.execPath, [CLI, "doctor", "--tcp", where, "--unit", "6"]);
  cleanup.push(() => child.kill("SIGKILL"));
  let stdout = "";
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  const code = new Promise((resolve) => child.once("close", resolve));
  // It is silent until it is over; a meter that does not answer takes it ten seconds.
  setTimeout(() => child.kill("SIGINT"), 2_500);
  expect(await code).toBe(1);
  expect(stdout).toBe("");
});

describeWithPeers("on a serial port", ["socat"], () => {
  test.each([
    [
      "Modbus RTU",
      ["--model", "meterworks-3p", "--unit", "9"],
      ["--model", "meterworks-3p", "--unit", "9"],
      "9600 8N1",
    ],
    ["DL/T 645", ["--protocol", "dlt645", "--unit", "9"], ["--protocol", "dlt645"], "2400 8E1"],
  ])("%s: a sound meter is healthy", async (_, served, asked, format) => {
    const directory = temporaryDirectory();
    cleanup.push(() => directory.remove());
    const path = join(directory.path, "meter");
    await meter("--pty", path, ...served);
    expect(existsSync(path)).toBe(true);
    const { code, told } = await doctor("--serial", path, ...asked);
    expect([code, causes(told)]).toEqual([0, ["healthy"]]);
    expect(told.line.format).toBe(format);
    expect(told.values.find(({ measure }) => measure === "voltageL1")?.value).toMatch(/^230/);
  });

  test("answers later than the timeout are a slow meter, on a line that keeps its pace", async () => {
    const directory = temporaryDirectory();
    cleanup.push(() => directory.remove());
    const path = join(directory.path, "meter");
    await meter("--pty", path, "--model", "meterworks-1p", "--baud", "1200", "--paced");
    const args = [
      "--serial",
      path,
      "--model",
      "meterworks-1p",
      "--baud",
      "1200",
      "--questions",
      "4",
      "--timeout",
      "10",
    ];
    const { code, told } = await doctor(...args);
    expect(code).toBe(1);
    expect(causes(told)).toContain("slow-meter");
    // At 1200 baud it takes half a minute of the line's own time.
  }, 90_000);
});
