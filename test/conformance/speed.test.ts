/** `--speed 3600`: an hour of energy in a second of wall time. METERWORKS_SPEED_SECONDS=20 runs the long version. */
import { beforeAll, describe, expect, test } from "vitest";
import { addressOf, LOAD } from "./sdm630.ts";
import { Cleanup, startTcpMeter } from "./support.ts";
import { TcpAsker } from "./wire.ts";

const { METERWORKS_SPEED_SECONDS = "4" } = process.env;
const SECONDS = Number(METERWORKS_SPEED_SECONDS);
// Reading the register twice blurs each end by some ms of a busy machine, which weighs less the longer it runs.
const TOLERANCE = SECONDS >= 20 ? 0.005 : 0.01;
/** 3 x 230 V x 5 A x 0.8 = 2.76 kW: at speed 3600 so many kWh per second. */
const KWH_PER_SECOND = 2.76;

describe("our meter at speed 3600", () => {
  const cleanup = new Cleanup();
  let asker: TcpAsker;

  beforeAll(async () => {
    const { port } = await startTcpMeter(cleanup, ["--model", "eastron-sdm630", "--speed", "3600", ...LOAD]);
    asker = cleanup.closing(await TcpAsker.open(port));
  });

  const readAt = async (measure: string): Promise<{ value: number; at: number }> => {
    const asked = performance.now();
    const value = await asker.readFloat(1, addressOf(measure));
    return { value, at: (asked + performance.now()) / 2_000 };
  };

  test(
    `imports 2.76 kWh per second over ${SECONDS} s`,
    async () => {
      await readAt("activeEnergyImport");
      const before = await readAt("activeEnergyImport");
      await new Promise((resolve) => setTimeout(resolve, SECONDS * 1_000));
      const after = await readAt("activeEnergyImport");
      const rate = (after.value - before.value) / (after.at - before.at);
      expect(Math.abs(rate / KWH_PER_SECOND - 1), `${rate} kWh/s`).toBeLessThanOrEqual(TOLERANCE);
    },
    (SECONDS + 30) * 1_000,
  );

  test("shows the same instantaneous power as at speed 1, and exports nothing", async () => {
    const { value } = await readAt("activePower");
    expect(Math.abs(value / 2760 - 1)).toBeLessThanOrEqual(0.005);
    expect((await readAt("activeEnergyExport")).value).toBe(0);
  });
});
