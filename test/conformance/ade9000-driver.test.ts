/**
 * The maker's own ADE9000 driver, unchanged, against our chip. Only where METERWORKS_ADE9000_DRIVER names a directory with its
 * ade9000.c and ade9000.h (docs/chips.md); vitest.config.ts leaves this file out otherwise.
 *
 * What the driver makes of the codes is expected with its own rounded constants: 707 mV for 1/√2 V, 80 for 80.1.
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Program, REPOSITORY, run, startCli } from "../programs.ts";
import { Cleanup, expectNear } from "./support.ts";

const { METERWORKS_ADE9000_DRIVER: DRIVER = "" } = process.env;
const C = join(REPOSITORY, "test/conformance/c");
const LOAD = ["--mains", "230,231,229", "--current", "5,4,3", "--pf", "0.5L", "--seed", "1"];
const VOLTS = [230, 231, 229];
const AMPERES = [5, 4, 3];
const LAG = Math.PI / 3;

const ROUNDED = 707 / (1e3 * Math.SQRT1_2);
const WATT = 20_694_066 / (0.5 * 801 * 300);
const RMS = 52_702_092 / Math.SQRT1_2;

const cleanup = new Cleanup();
let program: string;
let chip: Program;
let port: string;

beforeAll(async () => {
  program = join(cleanup.directory(), "ade9000-driver");
  const sources = [join(C, "ade9000-driver.c"), join(DRIVER, "ade9000.c")];
  const built = await run("cc", ["-I", join(C, "no-os"), "-I", DRIVER, "-o", program, ...sources], {
    timeoutMs: 60_000,
  });
  expect(built.code, built.stderr).toBe(0);
  chip = await startCli(["chip", "ade9000", "--tcp", "127.0.0.1:0", ...LOAD], { timeoutMs: 30_000 });
  port = /127\.0\.0\.1:(\d+)/.exec(chip.ready)?.[1] ?? "";
});

afterAll(async () => {
  expect(await chip.stop()).toBe(0);
});

/** The number of the last operation; every one before it must have gone well. */
async function drive(...operations: readonly string[]): Promise<readonly number[]> {
  const result = await run(program, [port, "init", "setup", ...operations], { timeoutMs: 30_000 });
  expect(result.code, result.stderr).toBe(0);
  return result.stdout
    .trimEnd()
    .split("\n")
    .slice(2)
    .filter((line) => line !== "ok")
    .flatMap((line) => line.split(" ").map(Number));
}

/** Two windows of ten cycles, the first of which begins inside a cycle, and the time to look. */
const SETTLED = "wait:900";

test("what setup writes stands in the registers", async () => {
  const registers = ["CONFIG1", "CONFIG2", "ZX_LP_SEL", "EP_CFG", "EGY_TIME", "WFB_CFG", "VLEVEL", "MASK0", "VERSION"];
  expect(await drive(...registers)).toEqual([
    0x0002, 0x0c00, 0x001e, 0x0011, 0x1f3f, 0x1000, 0x0022_ea28, 0x0200_0000, 0x00fe,
  ]);
});

test("volts, amperes, watts and the temperature", async () => {
  const values = await drive(SETTLED, "phase:0", "phase:1", "phase:2", "temp");
  for (const [p, volts] of VOLTS.entries()) {
    const amperes = AMPERES[p] as number;
    const [mV, mA, mW] = values.slice(3 * p, 3 * p + 3);
    expectNear(mV, volts * 1e3 * ROUNDED, 2e-5, `V of ${p}`);
    expectNear(mA, amperes * 1e3 * ROUNDED, 4e-4, `I of ${p}: whole mA`);
    expectNear(mW, (volts * amperes * 1e3 * Math.cos(LAG) * ROUNDED ** 2 * 80) / 80.1, 5e-5, `P of ${p}`);
  }
  expect(values[9]).toBe(25);
});

test("power, rms, angles and period of phase A", async () => {
  const names = ["AVAR", "AFVAR", "AVA", "AFWATT", "APF", "AIFRMS", "AVFRMS", "AIRMSONE", "AVRMS1012", "APERIOD"];
  const angles = ["ANGL_VA_VB", "ANGL_VB_VC", "ANGL_VA_VC", "ANGL_VB_IB", "ANGL_IA_IB"];
  const values = await drive(SETTLED, ...names, ...angles);
  const power = WATT * 1150;
  const expected = [
    power * Math.sin(LAG),
    power * Math.sin(LAG),
    power,
    power * Math.cos(LAG),
    2 ** 27 * Math.cos(LAG),
    (RMS / 300) * 5,
    (RMS / 801) * 230,
    (RMS / 300) * 5,
    (RMS / 801) * 230,
    (8000 * 65_536) / 50 - 1,
  ];
  for (const [k, name] of names.entries()) expectNear(values[k], expected[k] as number, 5e-5, name);
  // 1.024 MHz: 20480 to a turn at 50 Hz.
  const turns = [120, 120, 240, 60, 120].map((degrees) => (degrees / 360) * 20_480);
  for (const [k, name] of angles.entries())
    expectNear(values[names.length + k], turns[k] as number, 1.5 / 6826, `${name}`);
});

test("energy in the driver's three models", async () => {
  const perSecond = (WATT * 1150 * Math.cos(LAG) * 8000) / 8192;
  const [samples = 0, halfCycles = 0] = await drive(
    "energy:2:7999",
    "wait:2100",
    "AWATTHR_HI",
    "energy:1:99",
    "wait:2100",
    "AWATTHR_HI",
  );
  expectNear(samples, perSecond, 5e-5, "8000 samples");
  expectNear(halfCycles, perSecond, 5e-5, "100 half cycles");
  const [, second = 0, third = 0] = await drive(
    "energy:0:1",
    "wait:900",
    "AWATTHR_HI",
    "wait:1000",
    "AWATTHR_HI",
    "AWATTHR_HI",
  );
  // Windows of 200 ms: four to six of them in a second.
  expect(second).toBeGreaterThan(perSecond * 0.75);
  expect(second).toBeLessThan(perSecond * 1.25);
  expect(third, "reading it has cleared it").toBeLessThan(perSecond * 0.25);
});
