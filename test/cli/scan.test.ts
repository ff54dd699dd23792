/** `meterworks scan` as people type it: on TCP and on pseudo terminals, to its end and stopped by Ctrl-C, and the bar that they see. */
import { spawnSync } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { describeWithPeers, requirePeer } from "../peers.ts";
import { CLI, type Program, runCli, start, startCli, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());
const programs: Program[] = [];
afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.stop()));
});

interface Told {
  readonly found: readonly { readonly protocol: string; readonly read: string; readonly [key: string]: unknown }[];
  readonly notes: readonly string[];
}

/** Starts a virtual meter; where it answers. */
async function meter(...flags: readonly string[]): Promise<string> {
  const program = await startCli(["meter", "--fidelity", "second", ...flags]);
  programs.push(program);
  return program.ready.replace(/^ready /, "").trim();
}

async function scanJson(...flags: readonly string[]): Promise<Told> {
  const { code, stdout, stderr } = await runCli(["scan", "--json", ...flags], { timeoutMs: 30_000 });
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

/** Types the command that the scan printed. */
async function readAsTold(command: string): Promise<Record<string, string>> {
  const [program, ...args] = command.split(" ");
  expect(program).toBe("meterworks");
  const { code, stdout } = await runCli([...args, "--json"]);
  expect(code).toBe(0);
  const rows = JSON.parse(stdout) as { measure: string; value: string }[];
  return Object.fromEntries(rows.map((row) => [row.measure, row.value]));
}

/** Accepts everything and says nothing. */
async function silentServer(): Promise<{ readonly at: string; close(): void }> {
  const server = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { at: `127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

describe("meterworks scan --tcp", () => {
  test("explains itself with examples", async () => {
    const { code, stdout } = await runCli(["scan", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Nothing is ever written to a meter[\s\S]*Examples:\n {2}meterworks scan/);
    expect(stdout).toMatch(/default: 1-10/);
  });

  test("finds a Modbus meter, and the command that it prints reads it", async () => {
    const at = await meter("--model", "eastron-sdm630", "--unit", "3", "--mains", "231", "--tcp", "127.0.0.1:0");
    const { found, notes } = await scanJson("--tcp", at, "--timeout", "300");
    expect(found.map(({ protocol, unit, model }) => [protocol, unit, model])).toEqual([
      ["modbus-tcp", 3, "eastron-sdm630"],
    ]);
    expect(notes).toEqual([]);
    expect((await readAsTold(found[0]?.read ?? ""))["voltageL1"]).toBe("231");
  });

  test("finds meters of DL/T 645 and IEC 62056-21, and the commands that it prints read them", async () => {
    const [first, second] = await Promise.all([
      meter("--protocol", "dlt645", "--address", "202611290007", "--tcp", "127.0.0.1:0"),
      meter("--protocol", "iec62056-21", "--tcp", "127.0.0.1:0"),
    ]);
    const [chinese, optical] = await Promise.all([scanJson("--tcp", first), scanJson("--tcp", second)]);
    expect(chinese.found.map(({ protocol, address }) => [protocol, address])).toEqual([["dlt645", "202611290007"]]);
    expect(optical.found.map(({ protocol, name }) => [protocol, name])).toEqual([["iec62056-21", "MWK meterworks-3p"]]);
    for (const { found } of [chinese, optical])
      expect(Number((await readAsTold(found[0]?.read ?? ""))["voltageL1"])).toBeCloseTo(230, 0);
  });

  test("says where nobody answers what to try, and where nothing listens", async () => {
    const silent = await silentServer();
    try {
      const flags = ["--protocols", "modbus-tcp", "--units", "1-3", "--timeout", "50"];
      const { code, stdout, stderr } = await runCli(["scan", "--tcp", silent.at, ...flags]);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(
        /^meterworks: no meter answered on 127[^;]*; leave out --protocols, try more units .*longer --timeout/,
      );
    } finally {
      silent.close();
    }
    const { code, stdout, stderr } = await runCli(["scan", "--tcp", silent.at, "--json"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/ECONNREFUSED.*check the address/);
  });

  test("stopped by Ctrl-C prints what was found until then, and fails only where that is nothing", async () => {
    const at = await meter("--model", "abb-b23", "--unit", "1", "--tcp", "127.0.0.1:0");
    const scan = await start(
      process.execPath,
      [CLI, "scan", "--tcp", at, "--protocols", "modbus-tcp", "--units", "1-200"],
      { ready: /read {2}meterworks read --model abb-b23/ },
    );
    expect(await scan.stop("SIGINT")).toBe(0);
    expect(scan.stdout()).toMatch(/unit 1: abb-b23[\s\S]*note: the scan was stopped before its end\n1 meter found\n$/);
    const silent = await silentServer();
    const { METERWORKS_LOG: _, ...env } = process.env as Record<string, string>;
    const nothing = await start(
      "sh",
      ["-c", `echo begun; exec ${process.execPath} ${CLI} scan --json --tcp ${silent.at}`],
      {
        ready: /begun/,
        env,
      },
    );
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await nothing.stop("SIGINT")).toBe(1);
    expect(nothing.stdout()).toMatch(/\{"found":\[\],"notes":\["the scan was stopped/);
    silent.close();
  });
});

describeWithPeers("meterworks scan --serial on pseudo terminals", ["socat", "tmux"], () => {
  test.each([
    ["modbus-rtu", ["--model", "chint-dtsu666", "--unit", "9"], "unit 9: chint-dtsu666"],
    ["dlt645", ["--protocol", "dlt645", "--address", "000000000161"], "000000000161"],
    ["iec62056-21", ["--protocol", "iec62056-21"], "MWK meterworks-3p"],
  ])(
    "finds a meter of %s in seconds: a line without speed is not searched through",
    async (protocol, flags, shown) => {
      const port = join(directory.path, protocol);
      await meter(...flags, "--pty", port);
      const { code, stdout, stderr } = await runCli(["scan", "--serial", port, "--units", "7-9"], {
        timeoutMs: 30_000,
      });
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain(shown);
      expect(stdout).toMatch(/note: the line has no speed of its own/);
      expect(stdout.match(/^1 meter found$/m)).not.toBeNull();
      const command = /read {2}(meterworks read .*)/.exec(stdout)?.[1] ?? "";
      expect(Number((await readAsTold(command))["voltageL1"])).toBeCloseTo(230, 0);
    },
    40_000,
  );

  test("shows in a terminal how far it is and how long it will take, and leaves the screen clean", async () => {
    const port = join(directory.path, "seen");
    await meter("--model", "eastron-sdm630", "--unit", "4", "--pty", port);
    const tmux = (...args: readonly string[]) =>
      spawnSync(requirePeer("tmux"), ["-L", `scan-${process.pid}`, ...args], { encoding: "utf8" }).stdout;
    const flags = "--units 4-20 --protocols modbus-rtu";
    try {
      tmux(
        "new-session",
        "-d",
        "-x",
        "80",
        "-y",
        "24",
        `${process.execPath} ${CLI} scan --serial ${port} ${flags}; sleep 60`,
      );
      const screen = () => tmux("capture-pane", "-p").trimEnd();
      await expect
        .poll(screen, { timeout: 10_000 })
        .toMatch(/^\[[#-]{24}\] +\d+ % +\d+:\d\d left {2}modbus-rtu 9600 8N1 {2}1 found$/m);
      expect(screen()).toMatch(/modbus-rtu 9600 8N1 unit 4: eastron-sdm630 \(90 % sure\)/);
      tmux("send-keys", "C-c");
      await expect.poll(screen, { timeout: 10_000 }).toMatch(/1 meter found$/);
      expect(screen()).not.toMatch(/% +\d+:\d\d left/);
    } finally {
      tmux("kill-server");
    }
  }, 40_000);
});
