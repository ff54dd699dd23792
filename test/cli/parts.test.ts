/** `meter --parts real`: calibrated at the first power on, the same meter ever after; `--uncalibrated` reads wrong. */
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runCli, startCli, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());

const METER = ["meter", "--model", "meterworks-3p", "--pf", "0.5", "--tcp", "127.0.0.1:0"];

/** Starts a meter, reads its total active power, stops it. 230 V, 5 A, PF 0.5 on three phases are 1725 W. */
async function watts(...flags: string[]): Promise<number> {
  const meter = await startCli([...METER, ...flags]);
  try {
    const where = /127\.0\.0\.1:\d+/.exec(meter.ready)?.[0] as string;
    const read = await runCli(["read", "--model", "meterworks-3p", "--tcp", where, "--json"]);
    const readings = JSON.parse(read.stdout) as { measure: string; value: string; unit: string }[];
    const power = readings.find(({ measure }) => measure === "activePower");
    return Number(power?.value) * (power?.unit === "kW" ? 1_000 : 1);
  } finally {
    await meter.stop();
  }
}

const deviation = (power: number) => Math.abs(power / 1725 - 1);

test.each(["sample", "second"])("fidelity %s: calibrated within class D, as assembled far off", async (fidelity) => {
  const flags = ["--fidelity", fidelity, "--seed", "11"];
  const state = ["--state", join(directory.path, fidelity)];
  expect(deviation(await watts(...flags, ...state, "--parts", "real"))).toBeLessThan(0.003);
  expect(deviation(await watts(...flags, "--uncalibrated"))).toBeGreaterThan(0.015);
});

test("the parts are those of the state, whatever is drawn now: constants on other parts would be percents off", async () => {
  const flags = ["--fidelity", "second", "--state", join(directory.path, "second")];
  expect(deviation(await watts(...flags))).toBeLessThan(0.003);
  expect(deviation(await watts(...flags, "--parts", "real", "--seed", "12"))).toBeLessThan(0.003);
});

test("a state says what it is a meter of", async () => {
  const state = ["--state", join(directory.path, "second")];
  const ideal = await runCli([...METER, ...state, "--parts", "ideal"]);
  expect(ideal.code).toBe(1);
  expect(ideal.stderr).toMatch(/built from real parts, and ideal ones were asked for.*--state/);
  const bare = await runCli([...METER, ...state, "--uncalibrated"]);
  expect(bare.code).toBe(2);
  expect(bare.stderr).toMatch(/is calibrated: its --state holds the constants.*new meter/);
  const nothing = await runCli([...METER, "--parts", "ideal", "--uncalibrated"]);
  expect(nothing.code).toBe(2);
  expect(nothing.stderr).toMatch(/ideal have nothing to calibrate/);
});
