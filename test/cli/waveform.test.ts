/** `meter` with harmonics in its load, read by `read --harmonics`; its pulses as lines. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runCli, startCli, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());

const METER = ["meter", "--model", "meterworks-3p", "--tcp", "127.0.0.1:0"];
interface Row {
  readonly measure: string;
  readonly obis: string;
  readonly value: string | null;
  readonly unit: string;
}

/** Reads a meter with this load while it runs. */
async function readings(load: readonly string[], read: readonly string[] = []): Promise<Map<string, Row>> {
  const meter = await startCli([...METER, ...load]);
  try {
    const where = /127\.0\.0\.1:\d+/.exec(meter.ready)?.[0] as string;
    const result = await runCli(["read", "--model", "meterworks-3p", "--tcp", where, "--json", ...read]);
    return new Map((JSON.parse(result.stdout) as Row[]).map((row) => [row.measure, row]));
  } finally {
    await meter.stop();
  }
}

test.each(["sample", "cycle"])("fidelity %s: harmonics and THD of the load, sequence, quadrant", async (f) => {
  const load = ["--fidelity", f, "--voltage-harmonics", "3:3,5:4", "--current-harmonics", "3:30@90", "--pf", "0.5C"];
  const rows = await readings(load, ["--harmonics"]);
  expect(Number(rows.get("voltageThdL1")?.value)).toBeCloseTo(5, 2);
  expect(rows.get("voltageThdL1")).toMatchObject({ obis: "1-0:32.7.124", unit: "%" });
  expect(Number(rows.get("voltageHarmonic5L3")?.value)).toBeCloseTo(4, 2);
  expect(Number(rows.get("currentHarmonic3L2")?.value)).toBeCloseTo(30, 2);
  expect(rows.get("phaseSequence")?.value).toBe("1");
  expect(rows.get("quadrant")?.value).toBe("4");
});

test("without --harmonics single orders are left out, the distortion is not", async () => {
  const rows = await readings(["--fidelity", "second"]);
  expect(rows.has("voltageThdL1")).toBe(true);
  expect([...rows.keys()].some((key) => /Harmonic/.test(key))).toBe(false);
});

test("--reactive classic counts the harmonics' share", async () => {
  // At PF 1 only the fifth has reactive power: 230 V × 5 A × 4 % × sin 90°, three times.
  const load = ["--fidelity", "second", "--voltage-harmonics", "5:10@90", "--current-harmonics", "5:40"];
  const reactive = async (...flags: string[]) =>
    Number((await readings([...load, ...flags])).get("reactivePower")?.value);
  expect(await reactive()).toBeCloseTo(0, 1);
  expect(await reactive("--reactive", "classic")).toBeCloseTo(3 * 230 * 5 * 0.04, 1);
});

test("--pulses writes the edges, their distance that of the load", async () => {
  const file = join(directory.path, "pulses");
  const meter = await startCli([...METER, "--current", "60", "--pf", "0.5", "--pulses", file]);
  const lines = () =>
    readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .filter((line) => line !== "");
  try {
    for (let i = 0; i < 200 && lines().length < 30; i++) await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    await meter.stop();
  }
  const edges = lines().map((line) => /^(\d{16}) (active|reactive)$/.exec(line) ?? expect.fail(line));
  for (const [name, power] of [
    ["active", 20_700],
    ["reactive", 20_700 * Math.sqrt(3)],
  ] as const) {
    const times = edges.filter((edge) => edge[2] === name).map((edge) => Number(edge[1]));
    expect(times.length).toBeGreaterThan(5);
    // 1000 imp/kWh and imp/kvarh: 3600 J a pulse.
    for (const [k, time] of times.entries())
      expect(Math.abs(time - (times[0] as number) - (k * 3.6e9) / power)).toBeLessThan(250);
  }
});

test("flags that say nothing sensible are refused in a line", { timeout: 120_000 }, async () => {
  const meter = (...flags: string[]) => [...METER, ...flags];
  const refused: readonly (readonly [readonly string[], number, RegExp])[] = [
    [meter("--voltage-harmonics", "5"), 2, /"5" is no ORDER:PERCENT/],
    [meter("--current-harmonics", "1:5"), 2, /order 2 to 40/],
    [meter("--current-harmonics", "3:5,3:6"), 2, /an order twice/],
    [meter("--reactive", "both"), 2, /--reactive "both" is unknown; one of: fundamental, classic/],
    [meter("--count", "2", "--pulses", "-"), 2, /--pulses is of one meter/],
    [meter("--profile", "fixtures/household-day.csv", "--voltage-harmonics", "5:6"), 2, /--profile has no harmonics/],
    [meter("--pulses", join(directory.path, "no", "file")), 1, /--pulses .*ENOENT/],
    [["read", "--protocol", "iec62056-21", "--tcp", "127.0.0.1:1", "--harmonics"], 2, /no single harmonics/],
  ];
  for (const [args, code, reason] of refused) {
    const result = await runCli(args);
    expect([args, result.code]).toEqual([args, code]);
    expect(result.stderr).toMatch(reason);
  }
});
