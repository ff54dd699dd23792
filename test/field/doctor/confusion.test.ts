/**
 * Each fault on the simulated line, and what the doctor says of it, over many seeds: a table of what was there against what
 * was found. METERWORKS_DOCTOR_SEEDS sets how many seeds.
 */
import { afterAll, describe, expect, test } from "vitest";
import { table } from "../../../src/cli/output.ts";
import { Random } from "../../../src/core/random.ts";
import type { Cause } from "../../../src/field/doctor/finding.ts";
import { type Case, diagnose } from "./bench.ts";
import { ON_DLT645, ON_IEC62056, onIec62056, SCENARIOS } from "./scenarios.ts";

const SEEDS = Number(process.env["METERWORKS_DOCTOR_SEEDS"] ?? 200);
const ENOUGH = 0.95;
/** Meters of the other protocols take ten times as long to simulate, and the rules are the same. */
const FEW_SEEDS = Math.ceil(SEEDS / 40);

type Draw = (random: Random) => Case;

/** Of one protocol: what was there, what was said of it, and how often. */
class Confusion {
  readonly #seeds: number;
  readonly #rows = new Map<string, Map<string, number>>();

  constructor(seeds: number) {
    this.#seeds = seeds;
  }

  /** Fails where too few seeds are named rightly and with nothing else beside it. */
  judge(cause: Cause, draw: Draw): void {
    const said = new Map<string, number>();
    this.#rows.set(cause, said);
    const wrong: string[] = [];
    for (let seed = 1; seed <= this.#seeds; seed++) {
      const { findings } = diagnose(draw(new Random(seed).fork(cause)), seed);
      const found = findings.map((finding) => finding.cause).join("+");
      said.set(found, (said.get(found) ?? 0) + 1);
      if (found !== cause) wrong.push(`seed ${seed}: ${found}`);
    }
    expect(wrong.length, wrong.join("\n")).toBeLessThanOrEqual((1 - ENOUGH) * this.#seeds);
  }

  toString(): string {
    const head = ["what is wrong", "seeds", "named", "and else"];
    const rows = [...this.#rows].map(([cause, said]) => {
      const all = [...said.values()].reduce((sum, times) => sum + times, 0);
      const others = [...said].filter(([found]) => found !== cause).map(([found, times]) => `${found} ${times}`);
      return [cause, String(all), `${((100 * (said.get(cause) ?? 0)) / all).toFixed(1)} %`, others.join(", ")];
    });
    return table([head, ...rows], [1, 2]);
  }
}

const CASES = Object.entries(SCENARIOS) as [Cause, Draw][];

/** The same faults of the line before meters that speak another protocol. */
function spoken(causes: readonly Cause[], change: (what: Case) => Case): [Cause, Draw][] {
  const cases = CASES.filter(([cause]) => causes.includes(cause));
  return cases.map(([cause, draw]) => [cause, (random) => change(draw(random))]);
}

describe.each([
  ["Modbus RTU", SEEDS, CASES],
  ["DL/T 645", FEW_SEEDS, spoken(ON_DLT645, (what) => ({ ...what, protocol: "dlt645" }))],
  ["IEC 62056-21", FEW_SEEDS, spoken(ON_IEC62056, onIec62056)],
])("%s", (protocol, seeds, cases) => {
  const confusion = new Confusion(seeds);
  afterAll(() => console.info(`The doctor on ${protocol}\n${confusion}`));
  test.each(cases)("%s", (cause, draw) => confusion.judge(cause, draw), 120_000);
});
