/** `--record` and `replay`: the same values as the reading, and what Wireshark's tshark makes of the file. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { describeWithPeers, requirePeer } from "../peers.ts";
import { freePort, run, runCli, startCli, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());

interface Row {
  readonly measure: string;
  readonly value: string | null;
}
interface Frame {
  readonly direction: string;
  readonly ok: boolean;
  readonly readings: readonly { readonly id: string; readonly value: string | null }[];
}

const MODEL = ["--model", "eastron-sdm630"];

function values(rows: readonly (readonly [string, string | null])[]): Record<string, string | null> {
  return Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function readAndReplay(where: readonly string[], file: string) {
  const read = await runCli(["read", ...MODEL, ...where, "--json", "--record", file]);
  expect(read.stderr).toBe("");
  const replay = await runCli(["replay", file, ...MODEL, "--json"]);
  const { frames } = JSON.parse(replay.stdout) as { frames: readonly Frame[] };
  expect(frames.filter((frame) => !frame.ok)).toEqual([]);
  const rows = JSON.parse(read.stdout) as readonly Row[];
  return {
    read: values(rows.map((row) => [row.measure, row.value])),
    replayed: values(frames.flatMap((frame) => frame.readings.map((r) => [r.id, r.value] as const))),
  };
}

async function tsharkRows(file: string, fields: readonly string[]): Promise<readonly string[]> {
  const options = fields.flatMap((field) => ["-e", field]);
  const out = await run(requirePeer("tshark"), ["-r", file, "-T", "fields", "-E", "separator=,", ...options]);
  expect(out.code).toBe(0);
  return out.stdout.trim().split("\n");
}

describeWithPeers("a recording", ["tshark", "socat"], () => {
  test("of Modbus TCP replays as the values that were read, and tshark decodes it", async () => {
    const port = await freePort();
    const meter = await startCli(["meter", ...MODEL, "--tcp", `127.0.0.1:${port}`, "--current", "5", "--pf", "0.8"]);
    const file = join(directory.path, "tcp.pcapng");
    const { read, replayed } = await readAndReplay(["--tcp", `127.0.0.1:${port}`], file);
    await meter.stop();
    expect(Object.keys(read).length).toBeGreaterThan(50);
    expect(replayed).toEqual(read);
    const rows = await tsharkRows(file, ["_ws.col.Protocol", "tcp.flags.syn", "mbtcp.trans_id", "modbus.func_code"]);
    expect(rows.slice(0, 4)).toEqual(["TCP,1,,", "TCP,1,,", "TCP,0,,", "Modbus/TCP,0,1,4"]);
    expect(rows.filter((row) => row.startsWith("Modbus/TCP")).length).toBeGreaterThan(6);
    const wrong = await run(requirePeer("tshark"), ["-r", file, "-o", "tcp.check_checksum:TRUE", "-Y", "_ws.expert"]);
    expect(wrong.stdout.split("\n").filter((line) => /checksum|retransmission|unseen|malformed/i.test(line))).toEqual(
      [],
    );
  });

  test("of a serial line replays as the values that were read, and tshark decodes it", async () => {
    const link = join(directory.path, "line");
    const meter = await startCli(["meter", ...MODEL, "--pty", link, "--current", "5"]);
    const file = join(directory.path, "rtu.pcapng");
    const { read, replayed } = await readAndReplay(["--serial", link], file);
    // A second command goes on in the same file.
    await runCli(["read", ...MODEL, "--serial", link, "--record", file]);
    await meter.stop();
    expect(replayed).toEqual(read);
    const rows = await tsharkRows(file, ["_ws.col.Protocol", "modbus.func_code", "modbus.reference_num"]);
    expect(rows[0]).toBe("Modbus RTU,4,0");
    expect(rows.length).toBe(16);
    expect(rows.every((row) => row.startsWith("Modbus RTU,4"))).toBe(true);
    const text = await runCli(["replay", file]);
    expect(text.stdout).toMatch(/→ {4}8 B {2}unit 1, 04h read input registers, address 0000h \(0\), quantity 80/);
    expect(text.stderr).toMatch(/16 frame\(s\) on 2 line\(s\), 0 broken/);
  });

  test("of a DL/T 645 and of an IEC 62056-21 meter replay with their values", async () => {
    for (const protocol of ["dlt645", "iec62056-21"]) {
      const link = join(directory.path, protocol);
      const meter = await startCli(["meter", "--model", "meterworks-3p", "--pty", link, "--protocol", protocol]);
      const file = join(directory.path, `${protocol}.pcapng`);
      const where = ["--protocol", protocol, "--serial", link];
      const read = await runCli(["read", ...where, "--json", "--record", file]);
      await meter.stop();
      const rows = JSON.parse(read.stdout) as readonly { obis: string; value: string | null }[];
      const voltage = rows.find((row) => row.obis === "1-0:32.7.0")?.value ?? "none";
      const replay = await runCli(["replay", file, "--json"]);
      const { frames } = JSON.parse(replay.stdout) as { frames: readonly Frame[] };
      expect(frames.length).toBeGreaterThan(2);
      const replayedValues = frames.flatMap((frame) => frame.readings.map((r) => Number(r.value)));
      expect(replayedValues, protocol).toContain(Number(voltage));
    }
  }, 40_000);

  test("that is no recording, is cut, or is another file is refused with what to do", async () => {
    const text = join(directory.path, "text.txt");
    writeFileSync(text, "no recording");
    const replay = await runCli(["replay", text]);
    expect([replay.code, replay.stderr]).toEqual([
      1,
      expect.stringMatching(/neither pcapng nor pcap.*is it a recording/),
    ]);
    const none = await runCli(["replay", join(directory.path, "none")]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringMatching(/can't be read.*name a recording/)]);
    const over = await runCli(["read", ...MODEL, "--tcp", "127.0.0.1:1", "--record", text]);
    expect([over.code, over.stderr]).toEqual([2, expect.stringMatching(/text.txt is there and no file of this kind/)]);
  });

  test("on a full disk is told, and the command fails though the reading is there", async () => {
    const port = await freePort();
    const meter = await startCli(["meter", ...MODEL, "--tcp", `127.0.0.1:${port}`]);
    const read = await runCli(["read", ...MODEL, "--tcp", `127.0.0.1:${port}`, "--record", "/dev/full"]);
    await meter.stop();
    expect(read.code).toBe(1);
    expect(read.stderr).toMatch(/no space left for \/dev\/full.*record.stopped/);
    expect(read.stdout).toMatch(/Active power/);
  });
});
