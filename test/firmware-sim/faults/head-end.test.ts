/** Our own head-end before a misbehaving server: never a wrong value, never stuck, and reading again as soon as it behaves. */
import { describe, expect, test } from "vitest";
import { findMisbehaviour, type Misbehaviour, misbehaviours } from "../../../firmware-sim/faults/misbehaviour.ts";
import { FaultBench, type ModbusSpoken, SECOND } from "./bench.ts";

const NAMES = [...misbehaviours().map(([name]) => name), "exception-01", "exception-0b"];
const CASES = (["modbus-rtu", "modbus-ascii", "modbus-tcp"] as const).flatMap((spoken) =>
  NAMES.filter((name) => findMisbehaviour(name)?.spoken.includes(spoken)).flatMap((name) =>
    (["few", "alike"] as const).map((blocks) => [spoken, name, blocks] as const),
  ),
);
/** What a head-end must read through: the reply is good, only its delivery is not. In RTU a gap ends the frame. */
const harmless = (spoken: ModbusSpoken, name: string) =>
  ["slow", "dribble", "split"].includes(name) && !(spoken === "modbus-rtu" && name === "split");

const named = (name: string) => findMisbehaviour(name) as Misbehaviour;

function truth(spoken: ModbusSpoken) {
  const bench = new FaultBench(spoken, named("silent"), 1, "few");
  bench.run(5 * SECOND);
  expect(bench.polled.length).toBeGreaterThanOrEqual(2);
  expect(bench.failures).toEqual([]);
  return bench.polled[0];
}

describe.each(CASES)("%s, %s, %s blocks", (spoken, name, blocks) => {
  const expected = truth(spoken);

  test("each reply", () => {
    const bench = new FaultBench(spoken, named(name), 1, blocks);
    bench.rate = 1;
    bench.run(60 * SECOND);
    const { polled, failures } = bench;
    expect(polled.length + failures.length, "polls that ended").toBeGreaterThan(0);
    for (const values of polled) expect(values).toEqual(expected);
    if (harmless(spoken, name)) expect(failures).toEqual([]);
    bench.rate = 0;
    bench.run(70 * SECOND);
    expect(bench.polled.length, "reads again").toBeGreaterThan(polled.length === 0 ? 3 : 0);
    expect(bench.polled.at(-1)).toEqual(expected);
  });

  test.each([1, 2, 3])("some of the replies, seed %i", (seed) => {
    const bench = new FaultBench(spoken, named(name), seed, blocks);
    // Of thirty blocks each must come through for one poll.
    bench.rate = blocks === "few" ? 0.3 : 0.03;
    bench.run(120 * SECOND);
    expect(bench.polled.length).toBeGreaterThan(5);
    for (const values of bench.polled) expect(values).toEqual(expected);
    const before = bench.polled.length;
    bench.rate = 0;
    bench.run(70 * SECOND);
    expect(bench.polled.length).toBeGreaterThan(before);
    expect(bench.polled.at(-1)).toEqual(expected);
  });
});
