/** A reader and a meter written in Python from the standard's rules, with no code of ours, before our meter and our reader. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeWithPeers, requirePeer } from "../peers.ts";
import { freePort, type Program, REPOSITORY, runCli, start, startCli } from "../programs.ts";
import { DSMR5, EHZ, ZMD120 } from "../protocols/iec62056-21/vectors.ts";
import { Cleanup } from "./support.ts";

const PY = join(REPOSITORY, "test/conformance/py");
const METER = ["meter", "--model", "meterworks-1p", "--fidelity", "second", "--protocol", "iec62056-21"];
const PASSWORD = ["--password", "1234"];
const READ = ["read", "--protocol", "iec62056-21", "--json"];

interface Conversation {
  readonly readout: {
    readonly identification: string;
    readonly data: string;
    readonly repeated: boolean;
    readonly times: { readonly identification: number; readonly switched: number; readonly answer: number };
  };
  readonly session: Readonly<Record<string, string | null>>;
}

/** Control characters by name, as they stand escaped in the JSON. */
const NAMES = { "\\u0001": "<SOH>", "\\u0002": "<STX>", "\\u0006": "<ACK>", "\\u0015": "<NAK>" };

function judge(json: string): Conversation {
  let text = json;
  for (const [code, name] of Object.entries(NAMES)) text = text.replaceAll(code, name);
  const conversation = JSON.parse(text) as Conversation;
  const { readout, session } = conversation;
  expect(readout.identification).toMatch(/^\/MWK5meterworks-1p\r\n$/);
  expect(readout.data).toMatch(/^<STX>.*\n1\.8\.0\(\d{6}\.\d{3}\*kWh\)\r\n.*\n!\r\n$/s);
  expect(readout.repeated).toBe(true);
  // The standard's reaction time, with what two processes and a loaded machine add.
  for (const time of [readout.times.identification, readout.times.answer]) {
    expect(time).toBeGreaterThan(195);
    expect(time).toBeLessThan(1500);
  }
  expect(session).toMatchObject({
    operand: "<SOH>P0<STX>()",
    read: expect.stringMatching(/^<STX>1\.8\.0\(\d{6}\.\d{3}\*kWh\)$/),
    read5: session["read"],
    unknown: "<STX>(ER01)",
    locked: "<STX>(ER03)",
    wrong: "<STX>(ER05)",
    password: "<ACK>",
    write: "<ACK>",
    write5: "<ACK>",
    date: expect.stringMatching(/^<STX>0\.9\.2\(300102\)$/),
    time: expect.stringMatching(/^<STX>0\.9\.1\(10111[2-9]\)$/),
    damaged: "<NAK>",
    "after break": null,
  });
  return conversation;
}

/** Our `read` on one of their meters: the decimal strings by OBIS code. */
async function read(where: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
  const result = await runCli([...READ, ...where], { timeoutMs: 40_000 });
  expect(result, result.stderr).toMatchObject({ code: 0 });
  const rows = JSON.parse(result.stdout) as { obis: string; value: string | null }[];
  return new Map(rows.map(({ obis, value }) => [obis, value]));
}

describeWithPeers("a Python reader before our meter", ["python3"], () => {
  const cleanup = new Cleanup();

  test("over TCP: sign-on, readout with its check, NAK, and a session that sets the clock", async () => {
    const port = await freePort();
    cleanup.program(await startCli([...METER, ...PASSWORD, "--tcp", `127.0.0.1:${port}`]));
    const reader = await start(
      requirePeer("python3"),
      [join(PY, "iec62056_reader.py"), "tcp", String(port), "00001234"],
      {
        ready: /^\{/,
        timeoutMs: 30_000,
      },
    );
    cleanup.program(reader);
    judge(reader.ready);
  });

  test("on a serial port, whose rate follows the option and returns to 300", async () => {
    const reader = spawn(requirePeer("python3"), [join(PY, "iec62056_reader.py"), "terminal", "00001234"]);
    cleanup.closing({ close: () => reader.kill() });
    let said = "";
    for (const stream of [reader.stdout, reader.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    const line = async (pattern: RegExp): Promise<string> => {
      for (let i = 0; i < 3000; i++) {
        const found = pattern.exec(said);
        if (found !== null) return found[1] as string;
        if (reader.exitCode !== null && i > 0) break;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error(`no ${pattern} in: ${said}`);
    };
    const path = await line(/^ready (\S+)\n/);
    cleanup.program(await startCli([...METER, ...PASSWORD, "--serial", path]));
    reader.stdin.write("go\n");
    const { readout } = judge(await line(/^(\{.*\})\n/m));
    expect(readout.times.switched).toBeLessThan(1_000);
  });
});

describeWithPeers("our reader before a Python meter", ["python3"], () => {
  const cleanup = new Cleanup();

  async function theirMeter(kind: string, where: "tcp" | "terminal", data: string, ...more: string[]) {
    const file = join(cleanup.directory(), "data");
    writeFileSync(file, data, "latin1");
    const args = [join(PY, "iec62056_meter.py"), kind, where, file, ...more];
    const program = cleanup.program(await start(requirePeer("python3"), args, { ready: /^ready / }));
    const at = program.ready.slice("ready ".length);
    return { program, at: where === "tcp" ? ["--tcp", `127.0.0.1:${at}`] : ["--serial", at] };
  }

  async function done(program: Program, what = /^done/m): Promise<void> {
    for (let i = 0; i < 300 && !what.test(program.stdout()) && !program.exited(); i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(program.stdout()).toMatch(what);
  }

  test.each(["tcp", "terminal"] as const)("mode C, single characters, a wrong check once, on %s", async (where) => {
    const { program, at } = await theirMeter("c", where, ZMD120);
    const values = await read(at);
    expect([values.get("1-0:1.8.0"), values.get("1-0:2.8.0")]).toEqual(["1846", "4329.6"]);
    await done(program);
  });

  test("modes A and B on a serial port", async () => {
    for (const kind of ["a", "b"]) {
      const { program, at } = await theirMeter(kind, "terminal", ZMD120);
      expect((await read(at)).get("1-0:2.8.0")).toBe("4329.6");
      await done(program);
    }
  });

  test("P1 at 115200 on a serial port and pushed on TCP, found without being told on TCP", async () => {
    const serial = await theirMeter("push", "terminal", DSMR5, "115200");
    const expected = ["773.454", "896.863", "469"];
    const shown = (values: ReadonlyMap<string, string | null>) =>
      ["1-0:1.8.0", "1-0:2.8.0", "1-0:16.7.0"].map((obis) => values.get(obis));
    expect(shown(await read([...serial.at, "--mode", "p1"]))).toEqual(expected);
    await done(serial.program, /heard at 115200/);
    const tcp = await theirMeter("push", "tcp", DSMR5);
    expect(shown(await read([...tcp.at, "--mode", "p1"]))).toEqual(expected);
    expect(shown(await read(tcp.at))).toEqual(expected);
  });

  test("mode D at 2400, and with parity made by us", async () => {
    const withUnits = EHZ.replace("032942.0231", "032942.0231*kWh").replace("1.8.1", "1.8.0");
    const { program, at } = await theirMeter("push", "terminal", withUnits, "2400");
    expect((await read([...at, "--mode", "d"])).get("1-0:1.8.0")).toBe("32942.0231");
    await done(program, /heard at 2400/);
    // Each character with even parity in its eighth bit, as an 8N1 port hears 7E1.
    const even = [...withUnits].map((character) => {
      const code = character.charCodeAt(0);
      const odd = code.toString(2).split("1").length % 2 === 0;
      return String.fromCharCode(odd ? code | 0x80 : code);
    });
    const soft = await theirMeter("push", "terminal", even.join(""), "2400");
    expect((await read([...soft.at, "--mode", "d", "--soft-parity"])).get("1-0:1.8.0")).toBe("32942.0231");
  });

  test("a damaged telegram and silence say what was wrong and what to try", async () => {
    const damaged = await theirMeter("push", "terminal", DSMR5.replace("000502.689", "000502.688"));
    const bad = await runCli([...READ, ...damaged.at, "--mode", "p1", "--wait", "1"]);
    expect(bad).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/the CRC is 4715, the telegram's is .*115200/s),
    });
    const silent = await theirMeter("a", "terminal", "");
    const none = await runCli([...READ, ...silent.at, "--mode", "d", "--wait", "0.5"]);
    expect(none).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no telegram was pushed within 0\.5 s.*2400 7E1/s),
    });
  });
});
