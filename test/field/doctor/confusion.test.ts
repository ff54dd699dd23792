/**
 * Each fault on the simulated line, and what the doctor says of it, over many seeds: a table of what was there against what
 * was found. METERWORKS_DOCTOR_SEEDS sets how many seeds.
 */
import { expect, test } from "vitest";
import { Random } from "../../../src/core/random.ts";
import type { Cause } from "../../../src/field/doctor/finding.ts";
import { diagnose } from "./bench.ts";
import { SCENARIOS } from "./scenarios.ts";

const SEEDS = Number(process.env["METERWORKS_DOCTOR_SEEDS"] ?? 200);

/** What was found, with how often. */
const table = new Map<string, Map<string, number>>();

test.each(Object.entries(SCENARIOS))(
  "%s",
  (cause, draw) => {
    const found = new Map<string, number>();
    table.set(cause, found);
    const wrong: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { findings } = diagnose(draw(new Random(seed).fork(cause)), seed);
      const said = findings.map((finding): Cause => finding.cause).join("+");
      found.set(said, (found.get(said) ?? 0) + 1);
      if (said !== cause) wrong.push(`seed ${seed}: ${said}`);
    }
    console.info(`${cause}: ${[...found].map(([said, times]) => `${said} ${times}`).join(", ")}`);
    expect(wrong.length, wrong.join("\n")).toBeLessThanOrEqual(0.05 * SEEDS);
  },
  120_000,
);
