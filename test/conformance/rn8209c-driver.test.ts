/**
 * The maker's own driver for the RN8209C, as it is, on our chip (docs/chips.md). It is not in this repository:
 * METERWORKS_RN8209C_DRIVER names the folder with its rn8209c_u.c and rn8209c_u.h. Without it vitest.config.ts leaves this
 * file out: the driver is on no package server, so a missing one is nothing that `make peers` could bring.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Program, run, startCli } from "../programs.ts";
import { Cleanup, CONFORMANCE } from "./support.ts";

interface Report {
  readonly parameters: Readonly<Record<"GPQA" | "PhsA" | "APOSA" | "IARMSOS" | "Ku" | "Kia", number>>;
  readonly QPHSCAL: number;
  readonly volts?: number;
  readonly amperes?: number;
  readonly watts: number;
  readonly vars: number;
  readonly pulses?: number;
  readonly seconds?: number;
  /** What the driver said for itself. */
  readonly messages: string;
}

/** The board of docs/chips.md as the driver's parameters: divider 1/3000, shunt in µΩ. */
const BOARD = { KV: 1 / 3000, R: 500 };
/** LSB of current and voltage per unit on that board: rms × 2²³, 1/3000 × 4 and 0.5 mΩ × 16. */
const KU = (2 ** 23 * 4) / 3000;
const KIA = 2 ** 23 * 0.0005 * 16;

describe("the maker's driver on our RN8209C", { timeout: 120_000 }, () => {
  const cleanup = new Cleanup();
  let driver: string;

  beforeAll(async () => {
    const folder = process.env["METERWORKS_RN8209C_DRIVER"] ?? "";
    const source = join(folder, "rn8209c_u.c");
    if (!existsSync(source)) throw new Error(`METERWORKS_RN8209C_DRIVER: there is no ${source}`);
    const build = cleanup.directory();
    driver = join(build, "rn8209c-driver");
    const object = join(build, "driver.o");
    // Warnings about the maker's code are the maker's.
    const compiled = await run("cc", ["-w", "-c", "-o", object, source], { timeoutMs: 60_000 });
    expect(compiled.stderr).toBe("");
    const shim = join(CONFORMANCE, "c/rn8209c-driver.c");
    const flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-isystem", folder];
    const linked = await run("cc", [...flags, "-o", driver, shim, object, "-lm"], { timeoutMs: 60_000 });
    expect(linked.stderr).toBe("");
  });

  /** Switches a chip on with this load and lets the driver do a step; parameters of a former run are written first. */
  async function drive(
    load: { volts?: number; amperes: number; degrees?: number },
    step: readonly (string | number)[],
    parameters: Readonly<Record<string, number>> = {},
  ): Promise<Report> {
    const { volts = 220, amperes, degrees = 0 } = load;
    const mains = ["--mains", `${volts}`, "--current", `${amperes}`, "--angle", `${degrees}`, "--seed", "1"];
    const chip: Program = await startCli(["chip", "rn8209c", "--tcp", "127.0.0.1:0", ...mains], { timeoutMs: 30_000 });
    try {
      const port = /127\.0\.0\.1:(\d+)/.exec(chip.ready)?.[1] as string;
      const given = Object.entries({ ...BOARD, ...parameters }).map(([name, value]) => `${name}=${value}`);
      const result = await run(driver, [port, ...step.map(String), ...given], { timeoutMs: 60_000 });
      expect(result.code, result.stderr).toBe(0);
      return { ...(JSON.parse(result.stdout) as Report), messages: result.stderr };
    } finally {
      await chip.stop();
    }
  }

  const near = (value: number | undefined, wanted: number, relative: number) =>
    expect(Math.abs((value ?? Number.NaN) / wanted - 1)).toBeLessThan(relative);

  test("initialises it at the first try, and finds the board's volts and amperes per LSB", async () => {
    const { messages, parameters, volts, amperes, watts } = await drive({ amperes: 5 }, ["gains", 220_000, 50_000]);
    expect(messages).toContain("id success :820900");
    expect(messages).toContain("write calc crc success");
    // Each refused write or bad checksum would be one.
    expect(messages).not.toMatch(/error/);
    // The driver cuts to whole LSB.
    expect(parameters).toMatchObject({ Ku: Math.floor(KU), Kia: Math.floor(KIA) });
    near(volts, 220, 1e-4);
    near(amperes, 5, 1e-4);
    // 5369 for 5369.3: HFConst is whole.
    near(watts, 1_100, 1e-4);
  });

  test("current behind voltage by 60° is Q > 0; energy comes at the constant that it set", async () => {
    const { watts, vars, pulses, seconds } = await drive({ amperes: 60, degrees: 60 }, ["energy", 10_000], {
      EC: 32_000,
    });
    // HFConst 536.93 is cut to 536.
    const cut = Math.trunc((16.1079e11 * 64 * 0.0005) / 3000 / 32_000) / ((16.1079e11 * 64 * 0.0005) / 3000 / 32_000);
    near(watts, 6_600 / cut, 1e-3);
    near(vars, (6_600 * Math.sqrt(3)) / cut, 1e-3);
    // A window's end is seen late on a busy machine: up to 0.2 s of ten.
    near(((pulses ?? 0) * 3.6e6) / 32_000 / (seconds ?? 0), 6_600 / cut, 0.02);
  });

  test("its calibration of power, phase and offset holds at another load", async () => {
    // A divider that the driver believes 1 % smaller than it is, and currents that lag by 0.3° too much.
    const lag = 0.3;
    const board = { KV: BOARD.KV * 0.99 };
    const wrong = await drive({ volts: 230, amperes: 10, degrees: 60 + lag }, ["none"], board);
    near(wrong.watts, 1_150 * 1.0012, 2e-3);

    const gains = await drive({ amperes: 5, degrees: lag }, ["gains", 220_000, 50_000], board);
    const power = await drive({ amperes: 5, degrees: lag }, ["power_k"], { ...board, ...gains.parameters });
    // −0.01 / 1.01 in 1/32768, two's complement.
    expect(Math.abs(power.parameters.GPQA - (65_536 - 324))).toBeLessThan(8);
    near(power.watts, 1_100, 5e-4);
    const phase = await drive({ amperes: 5, degrees: 60 + lag }, ["phase", 5_500_000], {
      ...board,
      ...power.parameters,
    });
    expect([14, 15]).toContain(phase.parameters.PhsA);
    near(phase.watts, 550, 1e-3);
    const offset = await drive({ amperes: 0.25, degrees: lag }, ["offset", 550_000], { ...board, ...phase.parameters });
    near(offset.watts, 55, 5e-4);

    const right = await drive({ volts: 230, amperes: 10, degrees: 60 + lag }, ["none"], {
      ...board,
      ...offset.parameters,
    });
    near(right.watts, 1_150, 1e-3);
    near(right.volts, 230, 5e-4);
    near(right.amperes, 10, 5e-4);
    const capacitive = await drive({ volts: 230, amperes: 10, degrees: 300 + lag }, ["none"], {
      ...board,
      ...offset.parameters,
    });
    near(capacitive.watts, 1_150, 1e-3);
  });

  test("a phase that leads gets a negative register", async () => {
    const { parameters, watts } = await drive({ amperes: 5, degrees: 59.7 }, ["phase", 5_500_000]);
    expect([241, 242]).toContain(parameters.PhsA);
    near(watts, 550, 1e-3);
  });

  test("an offset is power in LSB, whatever its sign", async () => {
    for (const more of [0.05, -0.05]) {
      const { watts, parameters } = await drive({ amperes: 0.25 }, ["offset", Math.round((55 + more) * 1e4)]);
      expect(parameters.APOSA > 0x8000).toBe(more < 0);
      near(watts, 55 + more, 2e-4);
    }
  });

  test("its calibration of reactive power, and of the current that flows when none does", async () => {
    const reactive = await drive({ amperes: 5, degrees: 30.2 }, ["reactive", 5_500_000]);
    near(reactive.vars, 550, 2e-4);
    const none = await drive({ amperes: 0 }, ["current"], { Ku: Math.floor(KU), Kia: Math.floor(KIA) });
    expect(none.parameters.IARMSOS).toBeGreaterThan(0x8000);
    expect(none.amperes).toBe(0);
  });
});
