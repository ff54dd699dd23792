/** The whole meter with the power cut at every write of its memory; and memories with defects, which must be found. */
import { describe, expect, test } from "vitest";
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { runPowerCuts } from "../../../src/simulation/power/campaign.ts";
import { runHistory } from "../../../src/simulation/power/history.ts";

const FIRST = 1_000;

test("nothing is lost and nothing is doubled, wherever the power goes", () => {
  const { failed, writes, restarts } = runPowerCuts(FIRST, 25);
  expect(failed?.verdict.violations).toBeUndefined();
  expect(writes).toBeGreaterThan(500);
  expect(restarts).toBeGreaterThan(writes);
});

test("the same seed is the same history", () => {
  expect(runHistory(7)).toEqual(runHistory(7));
  expect(runHistory(7).writes).not.toBe(runHistory(8).writes);
});

/** Says that a write is done while it is still on its way: it comes with the next one. */
class LateNvram extends MemoryNvram {
  #late: (() => void) | undefined;

  override write(cell: string, bytes: Uint8Array): void {
    this.#late?.();
    const copy = bytes.slice();
    this.#late = () => super.write(cell, copy);
  }
}

/** Loses what is written into cells, as a part does whose second chip is not fitted. */
class WithoutRecords extends MemoryNvram {
  override writeAt(): void {}
}

/** Has one place where a checkpoint should have two. */
class OneSlot extends MemoryNvram {
  override write(cell: string, bytes: Uint8Array): void {
    super.write(cell.replace(/b$/, "a"), bytes);
  }

  override read(cell: string): Uint8Array | undefined {
    return super.read(cell.replace(/b$/, "a"));
  }
}

describe("a memory with a defect is found", () => {
  test.each<[string, () => Nvram]>([
    ["writes late", () => new LateNvram()],
    ["loses records", () => new WithoutRecords()],
    ["has one slot", () => new OneSlot()],
  ])("one that %s", (_name, memory) => {
    expect(runPowerCuts(FIRST, 10, undefined, { memory }).failed).toBeDefined();
  });
});
