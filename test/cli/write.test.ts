/** `meterworks write` on running meters: each setting is read back by other means than the command's own word. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { describeWithPeers } from "../peers.ts";
import { CLI, freePort, type Program, run, runCli, startCli, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
let meter: Program | undefined;
let modbus: readonly string[] = [];
let dlt645: readonly string[] = [];
let optical: readonly string[] = [];

beforeAll(async () => {
  const [a, b] = [await freePort(), await freePort()];
  meter = await startCli(
    [
      ...["meter", "--model", "meterworks-1p", "--tcp", "127.0.0.1:0", "--fidelity", "second", "--password", "123456"],
      ...["--face", `iec62056-21@127.0.0.1:${a}`, "--face", `dlt645@127.0.0.1:${b}`],
      ...["--address", "000000000161", "--dlt645", "key=pressed"],
    ],
    { timeoutMs: 30_000 },
  );
  const at = /127\.0\.0\.1:\d+/.exec(meter.ready)?.[0] ?? "";
  modbus = ["--model", "meterworks-1p", "--tcp", at];
  optical = ["--protocol", "iec62056-21", "--tcp", `127.0.0.1:${a}`];
  dlt645 = ["--protocol", "dlt645", "--tcp", `127.0.0.1:${b}`];
});

afterAll(async () => {
  await meter?.stop();
  directory.remove();
});

interface Row {
  readonly what: string;
  readonly before: string | null;
  readonly now: string | null;
  readonly ok: boolean;
  readonly reason?: string;
}

async function write(args: readonly string[]) {
  const result = await runCli(["write", ...args, "--yes", "--json"], { timeoutMs: 30_000 });
  const changes = (result.stdout === "" ? [] : JSON.parse(result.stdout).changes) as readonly Row[];
  return { ...result, changes };
}

async function measured(obis: string): Promise<string | null | undefined> {
  const result = await runCli(["read", ...modbus, "--json"]);
  const rows = JSON.parse(result.stdout) as readonly { readonly obis: string; readonly value: string | null }[];
  return rows.find((row) => row.obis === obis)?.value;
}

function file(name: string, content: unknown): string {
  const path = join(directory.path, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

describe("Modbus", () => {
  test("relay and clock as orders", async () => {
    const clock = ["--clock", "2030-01-02T03:04:05Z"];
    const result = await write([...modbus, "--password", "123456", "--relay", "open", ...clock]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(result.changes.map(({ what, before, now }) => [what, before === now, now])).toEqual([
      ["clock", false, expect.stringMatching(/^2030-01-02T03:04:0\dZ$/)],
      ["relay", false, "open"],
    ]);
    expect(await measured("0-0:96.3.10")).toBe("0");
    expect((await write([...modbus, "--password", "123456", "--relay", "close", "--clock", "now"])).code).toBe(0);
    expect(await measured("0-0:96.3.10")).toBe("1");
  });

  test("a wrong password changes nothing and says so", async () => {
    const result = await write([...modbus, "--password", "1", "--relay", "open"]);
    expect(result.code).toBe(1);
    expect(result.changes).toMatchObject([{ what: "relay", now: "closed", ok: false }]);
    expect(result.stderr).toMatch(/the password is not taken/);
    expect(await measured("0-0:96.3.10")).toBe("1");
  });

  test("registers: what the meter takes is read back, what it refuses is told", async () => {
    // 1050 hex is the selector of the native models: age of a settlement, kind, phase and age of an event.
    const good = file("good.json", [{ address: 0x1051, encoding: "uint16", value: 3 }]);
    expect(await write([...modbus, "--table", good])).toMatchObject({ code: 0, changes: [{ now: "3", ok: true }] });
    const bad = file("bad.json", [
      { address: 0x0000, encoding: "uint16", value: 3 },
      { address: 0x1051, encoding: "uint16", value: 4 },
    ]);
    const refused = await write([...modbus, "--table", bad]);
    expect(refused.code).toBe(1);
    expect(refused.changes[0]?.reason).toMatch(/illegal data address/);
    expect(refused.changes[1]).toMatchObject({
      now: null,
      ok: false,
      reason: expect.stringMatching(/not tried after/),
    });
  });

  test("a unit that is not there is told before anything is asked", async () => {
    const result = await write([...modbus, "--unit", "9", "--relay", "open", "--timeout", "100"]);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/unit 9 does not answer/);
  });
});

describeWithPeers("the meter's own line", ["socat"], () => {
  test("unit and rate of an SDM120 are read back where they have gone", async () => {
    const path = join(directory.path, "line");
    const model = ["--model", "eastron-sdm120"];
    const other = await startCli(["meter", ...model, "--pty", path, "--fidelity", "second"], { timeoutMs: 30_000 });
    onTestFinished(async () => void (await other.stop()));
    const result = await write([...model, "--serial", path, "--set", "baud=2400", "--set", "unit=3"]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(result.changes.map(({ what, before, now }) => [what, before, now])).toEqual([
      ["unit", "1", "3"],
      ["baud", "9600", "2400"],
    ]);
    const read = ["read", ...model, "--serial", path, "--timeout", "200", "--retries", "0"];
    expect((await runCli([...read, "--unit", "3", "--baud", "2400"])).code).toBe(0);
    expect((await runCli([...read, "--unit", "1"])).code).toBe(1);
  });
});

describeWithPeers("a DL/T 645 line", ["socat"], () => {
  test("its rate is changed by 17H and read back there; one that the standard does not have is refused", async () => {
    const path = join(directory.path, "dlt645");
    const line = ["--protocol", "dlt645", "--serial", path];
    const other = await startCli(["meter", "--protocol", "dlt645", "--pty", path, "--fidelity", "second"]);
    onTestFinished(async () => void (await other.stop()));
    const result = await write([...line, "--set", "baud=9600"]);
    expect(result, result.stderr).toMatchObject({ code: 0, changes: [{ what: "baud", before: "2400", now: "9600" }] });
    const word = await write([...line, "--baud", "9600", "--set", "04000703=04"]);
    // The word of the port shows the rate (bit 5 is 9600) and is no parameter that 14H writes.
    expect(word.changes).toMatchObject([{ before: "20", ok: false }]);
    expect((await write([...line, "--set", "baud=1000"])).code).toBe(2);
  });
});

test("unit and rate of a native meter, over TCP and with its password", async () => {
  const settings = ["--set", "unit=7", "--set", "baud=19200"];
  const refused = await write([...modbus, "--password", "5", ...settings]);
  expect(refused.changes[0]).toMatchObject({ what: "unit", now: "1", ok: false });
  const result = await write([...modbus, "--password", "123456", ...settings]);
  expect(result.changes.map(({ what, now, ok }) => [what, now, ok])).toEqual([
    ["unit", "7", true],
    ["baud", "19200", true],
  ]);
  const back = await write([...modbus, "--unit", "7", "--password", "123456", "--set", "unit=1"]);
  expect(back).toMatchObject({ code: 0, changes: [{ before: "7", now: "1" }] });
});

describe("DL/T 645", () => {
  const password = ["--password", "123456"];

  test("parameters, clock, relay and address; the address is read back at the new one", async () => {
    const settings = ["--set", "04000103=30", "--clock", "now", "--relay", "open", "--set", "address=000000000162"];
    const result = await write([...dlt645, ...password, ...settings]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(result.changes.map(({ what, now }) => [what, now])).toEqual([
      ["04000103 demand period", "30"],
      ["clock", expect.stringMatching(/^20\d\d-/)],
      ["relay", "open"],
      ["address", "000000000162"],
    ]);
    expect(await measured("0-0:96.3.10")).toBe("0");
    const old = await runCli(["read", ...dlt645, "--address", "000000000161", "--timeout", "100", "--retries", "0"]);
    expect(old.code).toBe(1);
    const back = await write([...dlt645, ...password, "--relay", "close", "--set", "address=000000000161"]);
    expect(back.changes.map(({ before, now }) => [before, now])).toEqual([
      ["open", "closed"],
      ["000000000162", "000000000161"],
    ]);
  });

  test("a tariff table from a file", async () => {
    const slots = {
      "04010001": [
        [1, "0000"],
        [1, "0800"],
      ],
    };
    const result = await write([...dlt645, ...password, "--table", file("slots.json", slots)]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(result.changes[0]).toMatchObject({ what: "04010001 daily slots", now: "1 00:00 1 08:00" });
    const wrong = await write([...dlt645, ...password, "--table", file("rates.json", { "04010001": [[9, "0000"]] })]);
    expect(wrong.code).toBe(1);
    expect(wrong.changes[0]).toMatchObject({
      now: "1 00:00 1 08:00",
      reason: expect.stringMatching(/too many tariffs/),
    });
  });

  test("a wrong password", async () => {
    const result = await write([...dlt645, "--password", "654321", "--set", "04000103=15"]);
    expect(result.code).toBe(1);
    expect(result.changes[0]).toMatchObject({
      before: "30",
      now: "30",
      reason: expect.stringMatching(/password wrong/),
    });
  });

  test("the broadcast time moves the clock by less than five minutes, and not by more", async () => {
    const shift = (seconds: number) => new Date(Date.now() + 1000 * seconds).toISOString();
    const near = await write([...dlt645, "--clock", shift(120), "--broadcast"]);
    expect(near, near.stderr).toMatchObject({ code: 0 });
    const far = await write([...dlt645, "--clock", shift(3600), "--broadcast"]);
    expect(far).toMatchObject({ code: 1, changes: [{ ok: false, reason: "the meter has another value" }] });
  });
});

/** Runs a command on a terminal of its own and types an answer when it is asked; prints the exit code last. */
const TYPIST = `
import os, pty, select, sys, time
answer, command = sys.argv[1].encode().decode("unicode_escape").encode("latin1"), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0: os.execvp(command[0], command)
shown, typed, end = b"", False, time.time() + 10
while time.time() < end:
    if not select.select([terminal], [], [], 0.2)[0]: continue
    try: chunk = os.read(terminal, 1000)
    except OSError: break
    if not chunk: break
    shown += chunk
    if b"[y/N]" in shown and not typed:
        typed = True
        os.write(terminal, answer)
print(shown.decode())
print("exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

describeWithPeers("on a terminal", ["python3"], () => {
  async function answer(typed: string) {
    const command = [process.execPath, CLI, "write", ...modbus, "--password", "123456", "--relay", "close"];
    return (await run("python3", ["-c", TYPIST, typed, ...command])).stdout;
  }

  test("names meter, old and new value, and changes nothing without a yes", async () => {
    await write([...modbus, "--password", "123456", "--relay", "open"]);
    for (const no of ["n\\n", "\\n", "\\x03", "\\x04"]) {
      const shown = await answer(no);
      expect(shown).toMatch(/meterworks-1p, unit 1 on .*\r?\n +relay +open +-> +closed/);
      expect(shown).toMatch(/nothing was changed\s+exit 1/);
    }
    expect(await measured("0-0:96.3.10")).toBe("0");
    expect(await answer("y\\n")).toMatch(/relay +closed +ok\s+exit 0/);
    expect(await measured("0-0:96.3.10")).toBe("1");
  });
});

describe("IEC 62056-21", () => {
  test("the clock, in programming mode", async () => {
    const clock = ["--clock", "2031-05-06T07:08:09Z"];
    const result = await write([...optical, "--password", "00123456", ...clock]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(result.changes[0]?.now).toMatch(/^2031-05-06T07:08:\d\dZ$/);
    expect(result.changes[0]?.before).not.toMatch(/^2031/);
  });

  test("what is read-only, and a wrong password", async () => {
    const result = await write([...optical, "--password", "00123456", "--set", "1.8.0=5"]);
    expect(result.changes[0]).toMatchObject({ ok: false, reason: expect.stringMatching(/ER\d\d/) });
    expect(result.changes[0]?.now).toMatch(/^\d{6}\.\d{3}$/);
    expect(result.code).toBe(1);
    const wrong = await write([...optical, "--password", "1", "--clock", "now"]);
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
  });
});
