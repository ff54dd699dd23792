/** What values say of the wiring: cases worked out by hand from a load of 1000 W and 364 var (20° inductive) on each phase. */
import { describe, expect, test } from "vitest";
import type { MeasureValues } from "../../../src/core/measures.ts";
import { wiringFindings } from "../../../src/field/doctor/electrical.ts";

const THREE = { phases: 3, pfSign: "direction", leastCurrent: 0.1 } as const;
const VA = 1_064;

/** Active and reactive power of currents that are so many degrees behind their voltages. */
function powers(...degrees: readonly number[]): MeasureValues {
  const values: MeasureValues = {};
  for (const [i, angle] of degrees.entries()) {
    const phase = (i + 1) as 1 | 2 | 3;
    values[`activePowerL${phase}`] = Math.round(VA * 1e3 * Math.cos((angle * Math.PI) / 180));
    values[`reactivePowerL${phase}`] = Math.round(VA * 1e3 * Math.sin((angle * Math.PI) / 180));
  }
  return values;
}

function found(values: MeasureValues, model: Parameters<typeof wiringFindings>[1] = THREE): string[] {
  return wiringFindings(values, model).map(({ cause, confidence }) => `${cause} ${confidence}`);
}

describe("current transformers", () => {
  test.each([
    ["as they should be", [20, 20, 20], []],
    ["capacitive loads", [-35, -30, -20], []],
    ["one turned round", [20, 200, 20], ["ct-reversed likely"]],
    ["two turned round", [200, 25, 195], ["ct-reversed likely"]],
    ["all turned round, or power fed back", [200, 200, 200], ["ct-reversed possible"]],
    ["power fed back at a power factor near one", [178, 183, 180], ["ct-reversed possible"]],
    ["L1 and L2 exchanged", [140, 260, 20], ["ct-wrong-phase likely"]],
    ["L1 and L3 exchanged", [260, 20, 140], ["ct-wrong-phase likely"]],
    ["each on the next phase", [140, 140, 140], ["ct-wrong-phase likely"]],
    ["each on the one before", [260, 260, 260], ["ct-wrong-phase likely"]],
    ["exchanged, and one of them turned round", [140, 80, 20], ["ct-wrong-phase likely", "ct-reversed likely"]],
  ])("%s: %j", (_, angles, expected) => {
    expect(found(powers(...angles))).toEqual(expected);
  });

  test("which transformer sees which phase is named", () => {
    const [finding] = wiringFindings(powers(20, 140, 260), THREE);
    expect(finding?.evidence).toContain("L2 sees the current of L3");
    expect(finding?.evidence).toContain("L3 sees the current of L2");
  });

  test("from a power factor whose sign is inductive or capacitive, without reactive power", () => {
    const values: MeasureValues = {
      ...{ activePowerL1: 1_000_000, activePowerL2: -1_000_000, activePowerL3: 1_000_000 },
      ...{ powerFactorL1: 940_000, powerFactorL2: 940_000, powerFactorL3: 940_000 },
    };
    expect(found(values, { ...THREE, pfSign: "inductive" })).toEqual(["ct-reversed likely"]);
  });

  test("from active power alone a phase that runs backwards is merely possible", () => {
    const values = { activePowerL1: 1_000_000, activePowerL2: -1_000_000, activePowerL3: 1_000_000 };
    expect(found(values, { ...THREE, pfSign: "none" })).toEqual(["ct-reversed possible"]);
    expect(found({ ...values, activePowerL2: 0 }, { ...THREE, pfSign: "none" })).toEqual([]);
  });

  test("hardly any current may have any angle, as that of a filter", () => {
    const idle = { currentL1: 40_000, currentL2: 40_000, currentL3: 40_000 };
    expect(found({ ...powers(-85, -80, -88), ...idle })).toEqual([]);
    expect(found({ ...powers(-85, -80, -88), ...idle, currentL1: 4_000_000 })).toEqual([]);
    expect(found({ ...powers(20, 200, -85), currentL1: 4_000_000, currentL2: 4_000_000, currentL3: 40_000 })).toEqual([
      "ct-reversed possible",
    ]);
  });

  test("a meter without load, and one with one phase, are not judged", () => {
    expect(found({ activePowerL1: 0, reactivePowerL1: 0, activePowerL2: 0, reactivePowerL2: 0 })).toEqual([]);
    expect(found(powers(200), { ...THREE, phases: 1 })).toEqual([]);
  });
});

describe("voltages", () => {
  const star = (...volts: readonly [number, number, number]): MeasureValues => ({
    ...{ voltageL1: volts[0] * 1e3, voltageL2: volts[1] * 1e3, voltageL3: volts[2] * 1e3 },
  });
  const between: MeasureValues = { voltageL12: 400_000, voltageL23: 399_000, voltageL31: 401_000 };

  test("a star point that drifts is a lost neutral", () => {
    expect(found({ ...star(180, 262, 258), ...between })).toEqual(["neutral-lost certain"]);
    expect(found(star(175, 270, 262))).toEqual(["neutral-lost possible"]);
  });

  test("ordinary unbalance, and mains that differ between phases too, are none", () => {
    expect(found({ ...star(226, 233, 230), ...between })).toEqual([]);
    expect(found({ ...star(150, 231, 230), voltageL12: 330_000, voltageL23: 399_000, voltageL31: 332_000 })).toEqual(
      [],
    );
  });

  test("a phase that sags while no other rises is none, where the voltages between phases are not known", () => {
    expect(found(star(185, 231, 230))).toEqual([]);
  });

  test("the order of the phases, by the meter's word or by the angle of L2", () => {
    expect(found({ phaseSequence: 2 })).toEqual(["phase-order certain"]);
    expect(found({ voltageAngleL2: 240_000, voltageAngleL3: 120_000 })).toEqual(["phase-order certain"]);
    expect(found({ phaseSequence: 1, voltageAngleL2: 120_000 })).toEqual([]);
  });
});
