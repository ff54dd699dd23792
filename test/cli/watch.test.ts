/** `watch` as a person sees it: its picture in a terminal, an adapter unplugged and plugged in again; and as programs get it. */
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { describeWithPeers } from "../peers.ts";
import { freePort, type Program, runCli, startCli, temporaryDirectory } from "../programs.ts";
import { Terminal } from "./watch-terminal.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());

const MODEL = ["--model", "eastron-sdm630"];
const LOAD = ["--mains", "230,228,233", "--current", "5,3,8", "--pf", "0.8"];

function meterOn(link: string): Promise<Program> {
  return startCli(["meter", ...MODEL, "--pty", link, ...LOAD]);
}

/** What passes with time is told by its shape alone; the last digits and eighths move with noise. */
function lasting(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "YYYY-MM-DD hh:mm:ss")
    .replace(/reading \d+/, "reading #")
    .replace(/requests \d+.*/, "requests #  reply p50 # ms  p99 # ms")
    .replace(/(?<=[+−][AR] )[\d.]+/g, "#")
    .replaceAll(directory.path, "/tmp")
    .replace(/\d+\.\d+/g, (number) => String(Number(Number(number).toPrecision(3))).padEnd(number.length, "#"))
    .replace(/[▏▎▍▌▋▊▉]/g, "▌");
}

describeWithPeers("watch in a terminal", ["tmux", "socat"], () => {
  test.each([
    [80, 24],
    [120, 40],
  ])(
    "of %i by %i draws the meter, pauses, and leaves the terminal as it was",
    async (columns, rows) => {
      const link = join(directory.path, `line-${columns}`);
      const meter = await meterOn(link);
      const terminal = await Terminal.open(`mw-${process.pid}-${columns}`, columns, rows);
      try {
        await terminal.meterworks(["watch", ...MODEL, "--serial", link, "--every", "0.5"]);
        const text = await terminal.shows(/good, reading [3-9]/);
        const lines = text.split("\n");
        expect(lines.length).toBe(rows);
        expect(Math.max(...lines.map((line) => line.length))).toBe(columns);
        await expect(`${lasting(text)}\n`).toMatchFileSnapshot(`watch-${columns}x${rows}.txt`);
        await terminal.key("Space");
        await terminal.shows(/‖ paused/);
        await terminal.key("Space");
        await terminal.shows(/good, reading \d+/);
        await terminal.key("q");
        const after = await terminal.shows(/prompt:\s*$/);
        expect(after).not.toMatch(/Quality|─/);
      } finally {
        await terminal.close();
        await meter.stop();
      }
    },
    30_000,
  );

  test("follows the terminal's size, and Ctrl-C leaves it as it was", async () => {
    const link = join(directory.path, "resized");
    const meter = await meterOn(link);
    const terminal = await Terminal.open(`mw-${process.pid}-r`, 120, 40);
    try {
      await terminal.meterworks(["watch", ...MODEL, "--serial", link]);
      await terminal.shows(/good, reading/);
      await terminal.resize(90, 30);
      await expect.poll(async () => (await terminal.text()).split("\n")[2]?.length).toBe(90);
      expect((await terminal.text()).split("\n")[3]).toMatch(/ U1 .*L1 U {3}230.00 V/);
      await terminal.key("C-c");
      await terminal.shows(/prompt:\s*$/);
    } finally {
      await terminal.close();
      await meter.stop();
    }
  }, 30_000);

  test("says since when an unplugged adapter is gone, and goes on when it is back", async () => {
    const link = join(directory.path, "unplugged");
    const meter = await meterOn(link);
    const terminal = await Terminal.open(`mw-${process.pid}-u`, 80, 24);
    let again: Program | undefined;
    try {
      await terminal.meterworks(["watch", ...MODEL, "--serial", link, "--every", "0.5"]);
      await terminal.shows(/good, reading/);
      await meter.stop();
      const lost = await terminal.shows(/✗ line down: .* since \d\d:\d\d:\d\d \([2-9] s\); values are old/);
      expect(lost).toMatch(/P {3}9(20\.0|19\.9)\d W/);
      again = await meterOn(link);
      const back = await terminal.shows(/● good, reading \d+/, 15_000);
      expect(back).toMatch(/Errors {3}line down 1/);
      await terminal.key("q");
      await terminal.shows(/prompt:\s*$/);
    } finally {
      await terminal.close();
      await again?.stop();
    }
  }, 40_000);
});

describeWithPeers("watch on a serial line", ["socat"], () => {
  test("goes on after the line was lost, in the same run and the same recording", async () => {
    const link = join(directory.path, "lines");
    const meter = await meterOn(link);
    const record = join(directory.path, "lost.pcapng");
    const watching = startCli(["watch", ...MODEL, "--serial", link, "--every", "0.3", "--json", "--record", record], {
      ready: /"line":"up"/,
      timeoutMs: 20_000,
    });
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await meter.stop();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const again = await meterOn(link);
    const program = await watching;
    await expect.poll(() => program.stdout(), { timeout: 5_000 }).toMatch(/"line":"up"\}\n\{[^\n]*"ok":true/);
    const kinds = program
      .stdout()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { ok?: boolean; line?: string })
      .map(({ ok, line }) => line ?? (ok === true ? "good" : "failed"));
    expect(kinds.filter((kind, i) => kind !== kinds[i - 1] && kind !== "failed")).toEqual([
      "good",
      "down",
      "up",
      "good",
    ]);
    expect(await program.stop("SIGINT")).toBe(0);
    await again.stop();
    const replay = await runCli(["replay", record, "--json"]);
    const { frames } = JSON.parse(replay.stdout) as { frames: readonly { ok: boolean; direction: string }[] };
    expect(frames.every((frame) => frame.ok)).toBe(true);
    // Four reads make a reading.
    const replies = frames.filter((frame) => frame.direction === "reply").length;
    expect(replies).toBeGreaterThanOrEqual(4 * kinds.filter((kind) => kind === "good").length);
  }, 30_000);
});

test("without a terminal it prints a line per reading, JSON or CSV, and ends by itself", async () => {
  const port = await freePort();
  const meter = await startCli(["meter", ...MODEL, "--tcp", `127.0.0.1:${port}`, ...LOAD]);
  const watch = ["watch", ...MODEL, "--tcp", `127.0.0.1:${port}`, "--every", "0.5", "--seconds", "2"];
  const [lines, json, csv] = [
    await runCli(watch),
    await runCli([...watch, "--json"]),
    await runCli([...watch, "--csv"]),
  ];
  await meter.stop();
  expect(lines.stdout).toMatch(/^(\d\d:\d\d:\d\d {2}P 2958\.\d+ W {2}U 230\/228\/233 V {2}I .* kWh\n){3,5}$/);
  expect(lines.stdout).not.toContain("\x1b");
  const readings = json.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(readings.length).toBeGreaterThan(2);
  for (const { ok, values } of readings)
    expect([ok, values.find((v: { measure: string }) => v.measure === "voltageL2").value]).toEqual([true, "228"]);
  const rows = csv.stdout
    .trim()
    .split("\n")
    .map((row) => row.split(","));
  expect(rows[0]?.slice(0, 2)).toEqual(["time", "activePower [W]"]);
  expect(new Set(rows.map((row) => row.length)).size).toBe(1);
  expect(rows[1]?.[rows[0]?.indexOf("voltageL3 [V]") ?? 0]).toBe("233");
  expect([lines.code, json.code, csv.code]).toEqual([0, 0, 0]);
});

test("a meter that never answers ends as a failure with what to do", async () => {
  const port = await freePort();
  const meter = await startCli(["meter", ...MODEL, "--tcp", `127.0.0.1:${port}`]);
  const where = ["--tcp", `127.0.0.1:${port}`, "--unit", "9", "--timeout", "100", "--retries", "1"];
  const watch = await runCli(["watch", ...MODEL, ...where, "--seconds", "1.5", "--json"]);
  await meter.stop();
  expect(watch.code).toBe(1);
  expect(JSON.parse(watch.stdout.split("\n")[0] as string)).toMatchObject({
    ok: false,
    reason: expect.stringMatching(/unit 9/),
  });
  expect(watch.stderr).toMatch(/unit 9 on .*; check --unit/);
});
