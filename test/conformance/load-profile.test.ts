/** pymodbus reads the load profile of a virtual meter: what lies between two records is what its constant load makes of it. */
import { expect, test } from "vitest";
import { describeWithPeers } from "../peers.ts";
import { askWithPymodbus, Cleanup, type Operation, startTcpMeter } from "./support.ts";

const MODEL = ["--model", "meterworks-1p", "--unit", "1"];
/** 2300 W, at ten minutes of the meter's time a second. */
const LOAD = ["--mains", "230", "--current", "10", "--speed", "600"];
const SELECTOR = 0x1200;
const WINDOW = 0x1218;
const FIVE_MINUTES = 300;
/** mWh that 2300 W are in five minutes. */
const GROWTH = (2_300_000 * FIVE_MINUTES) / 3_600;

interface Entry {
  readonly time: number;
  readonly status: number;
  readonly imported: number;
}

/** Selects class 4, +A alone, and reads: function 17 where `selector` is given. */
const select = (how: number, start: number) => [4, 1, 0, how, Math.floor(start / 65_536), start % 65_536];
const ask = (how: number, start: number, registers: number): Operation =>
  [23, 1, WINDOW, [registers, SELECTOR, select(how, start)]] as unknown as Operation;

function entries([count = 0, width = 0, ...words]: readonly number[]): Entry[] {
  return Array.from({ length: Math.min(count, Math.floor(words.length / width)) }, (_, i) => {
    const [high = 0, low = 0, status = 0, ...value] = words.slice(i * width, (i + 1) * width);
    const imported = value.reduce((sum, word) => sum * 65_536 + word, 0);
    return { time: high * 65_536 + low, status, imported };
  });
}

describeWithPeers("the load profile, read by pymodbus", ["pymodbus"], () => {
  const cleanup = new Cleanup();

  test("by age and by time, in one request and in two, and refusals", { timeout: 20_000 }, async () => {
    const { port } = await startTcpMeter(cleanup, [...MODEL, ...LOAD]);
    let newest: Entry | undefined;
    let found: Entry[] = [];
    // Half an hour of the meter's time is three seconds.
    while (found.length < 6) {
      const [reply] = await askWithPymodbus(port, [ask(0, 5, 2 + 6 * 7)]);
      found = entries(reply?.registers ?? []);
    }
    newest = found[0];
    expect(found.map(({ time }) => time)).toEqual(found.map((_, i) => (newest?.time as number) + FIVE_MINUTES * i));
    expect(found.every(({ time, status }) => time % FIVE_MINUTES === 0 && status === 0)).toBe(true);
    for (let i = 1; i < found.length; i++)
      expect(Math.abs((found[i]?.imported ?? 0) - (found[i - 1]?.imported ?? 0) - GROWTH)).toBeLessThanOrEqual(
        GROWTH / 1_000,
      );
    const from = found[2]?.time as number;
    const [written, read, refused, tooLong] = await askWithPymodbus(port, [
      [16, 1, SELECTOR, select(1, from)],
      [3, 1, WINDOW, 2 + 7],
      [16, 1, SELECTOR, [9, 0, 0, 0, 0, 0]],
      [3, 1, WINDOW, 843],
    ] as Operation[]);
    expect(written).toEqual({ written: true });
    expect(entries(read?.registers ?? [])).toEqual([found[2]]);
    expect(refused).toEqual({ exception: 3 });
    expect(tooLong?.registers).toBeUndefined();
  });
});
