/** Three meters drawn at random, heard through adapters of several kinds: all are found, each as what it is. */
import { describe, expect, test } from "vitest";
import { MODELS } from "../../../protocols/models/index.ts";
import { type LineFormat, showLineFormat } from "../../../src/core/line-format.ts";
import { Random } from "../../../src/core/random.ts";
import { ScanBench, writes } from "./bench.ts";

const SEEDS = 25;
const BAUDS = [1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200] as const;
const PARITIES = ["none", "even", "odd"] as const;

/** What is put on the line of a seed, and what the scan must say of it. */
function lineOf(seed: number): {
  readonly bench: ScanBench;
  readonly expected: readonly (readonly [string, string])[];
} {
  const random = new Random(seed);
  const bench = new ScanBench({}, { lumps: random.chance(1, 2), echo: random.chance(1, 4) }, seed);
  const bauds = new Set<number>();
  while (bauds.size < 3) bauds.add(random.pick(BAUDS));
  const expected = [...bauds].map((baud, i): readonly [string, string] => {
    if (i === 0 && baud <= 19_200) {
      const at: LineFormat = { baud, dataBits: 8, parity: "even", stopBits: 1 };
      const address = String(random.between(1, 999_999)).padStart(12, "0");
      bench.dlt645(address, at, random.between(20_000, 500_000));
      return [`dlt645 ${showLineFormat(at)} ${address}`, ""];
    }
    const at: LineFormat = { baud, dataBits: 8, parity: random.pick(PARITIES), stopBits: 1 };
    const model = random.pick(MODELS).id;
    const unit = random.between(1, 10);
    bench.modbus(model, unit, at, random.between(0, 300_000));
    return [`modbus-rtu ${showLineFormat(at)} ${unit}`, model];
  });
  return { bench, expected };
}

describe("scans of random lines", () => {
  test(`of ${SEEDS} lines find every meter`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { bench, expected } = lineOf(seed);
      const { report, sent } = bench.scan();
      const found = report.found.map(({ protocol, format, unit, address, model, alternatives }) => ({
        name: `${protocol} ${format === undefined ? "" : showLineFormat(format)} ${unit ?? address}`,
        models: [model ?? "", ...alternatives],
      }));
      expect([seed, found.map(({ name }) => name).sort()]).toEqual([seed, expected.map(([name]) => name).sort()]);
      for (const [name, model] of expected) expect(found.find((one) => one.name === name)?.models).toContain(model);
      expect(sent.map(writes).filter((why) => why !== undefined)).toEqual([]);
    }
  }, 60_000);
});
