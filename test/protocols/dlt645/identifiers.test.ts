/** The table of identifiers, and the plan that reads measures by it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { combine } from "../../../protocols/dlt645/combination.ts";
import { parseIdentifier, showIdentifier } from "../../../protocols/dlt645/identifier.ts";
import { behindOf, blockOf, findItem } from "../../../protocols/dlt645/identifiers.ts";
import { itemSize } from "../../../protocols/dlt645/item.ts";
import { measuresOfStep, type PlanOptions, readPlanDlt645 } from "../../../protocols/dlt645/read-plan.ts";
import { scaled, toField } from "../../../protocols/dlt645/scale.ts";
import { TABLE } from "../../../protocols/dlt645/table.ts";
import { MEASURES, type MeasureKey } from "../../../src/core/measures.ts";
import { bytes } from "./vectors.ts";

const id = (text: string) => {
  const parsed = parseIdentifier(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const item = (text: string) => {
  const found = findItem(id(text));
  if (found === undefined) throw new Error(`${text} is not in the table`);
  return found;
};

describe("the table", () => {
  // Name, bytes and unit after the published copies of annex A.
  test.each([
    ["00000000", "combined active energy", 4, "kWh"],
    ["00010000", "forward active energy", 4, "kWh"],
    ["00013F0C", "forward active energy", 4, "kWh"],
    ["00050000", "quadrant I reactive energy", 4, "kvarh"],
    ["00080000", "quadrant IV reactive energy", 4, "kvarh"],
    ["003E0000", "phase C reverse active energy", 4, "kWh"],
    ["01010000", "forward active maximum demand", 8, "kW"],
    ["02010200", "phase B voltage", 2, "V"],
    ["02020300", "phase C current", 3, "A"],
    ["02030000", "total active power", 3, "kW"],
    ["02060100", "phase A power factor", 2, "1"],
    ["020A0115", "phase A voltage harmonic 21", 2, "%"],
    ["02800002", "frequency", 2, "Hz"],
    ["03010000", "voltage losses", 18, "1"],
    ["03300D00", "meter cover open count", 3, "1"],
    ["04000101", "date", 4, ""],
    ["04000102", "time", 3, ""],
    ["04000205", "public holidays", 2, "1"],
    ["04000401", "communication address", 6, ""],
    ["04000403", "asset code", 32, ""],
    ["04000409", "active constant", 3, "imp/kWh"],
    ["04000503", "status word 3", 2, ""],
    ["04001001", "alarm amount 1", 4, "yuan"],
    ["04010008", "daily slots", 3, ""],
    ["05060101", "daily freeze of forward active energy", 4, "kWh"],
    ["05010003", "time of the instant freeze", 5, ""],
    ["00900201", "overdraft amount", 4, "yuan"],
    ["1D000001", "trip count", 3, "1"],
  ])("%s is %s of %i bytes in %s", (text, name, size, unit) => {
    const found = item(text);
    expect([found.name, itemSize(found), found.parts[0]?.unit]).toEqual([name, size, unit]);
  });

  /** The rows of the published tables: identifiers, bytes of one, decimals where it is a number, unit. */
  test.each([
    ["00000000 00000100 00003F0C 00010000 00020000 00160000 002A0000 003E0000", 4, 2, "kWh"],
    ["00150000 00290000 003D0000", 4, 2, "kWh"],
    ["00030000 00040000 00050000 00060000 00070000 00080000", 4, 2, "kvarh"],
    ["00090000 000A0000", 4, 2, "kVAh"],
    ["01010000 01020100 0101000C", 8, 4, "kW"],
    ["02010100 02010200 02010300", 2, 1, "V"],
    ["02020100 02020200 02020300 02800001", 3, 3, "A"],
    ["02030000 02030100 02030200 02030300 02800003 02800004", 3, 4, "kW"],
    ["02040000 02040300 02800005", 3, 4, "kvar"],
    ["02050000 02050300 02800006", 3, 4, "kVA"],
    ["02060000 02060100 02060300", 2, 3, "1"],
    ["02070100 02070300", 2, 1, "deg"],
    ["02080100 02090300 020A0101 020A0315 020B0101", 2, 2, "%"],
    ["02800002", 2, 2, "Hz"],
    ["02800007", 2, 1, "°C"],
    ["02800008 02800009", 2, 2, "V"],
    ["0280000A", 4, 0, "min"],
    ["02800020 0280000B 04050101 0405023F 04060101 04060301", 4, 4, "yuan/kWh"],
    ["03010000", 18, 0, "1"],
    ["03300000 03300100 03300200 03300300 03300400 03300500 03300600 03300700 03300800", 3, 0, "1"],
    ["03300900 03300A00 03300B00 03300C00 03300D00 03300E00 1D000001 1E000001", 3, 0, "1"],
    ["03330201 03320201", 2, 0, "1"],
    ["03320601 00900100 00900101 04000F01 04000F02 04000F04", 4, 2, "kWh"],
    ["03330601 00900200 00900201 04001001 04001002", 4, 2, "yuan"],
    ["04000103 04000104", 1, 0, "min"],
    ["04000105", 2, 0, "ms"],
    ["04000106 04000107 05000001 05010001 05060001", 5, undefined, ""],
    ["04000201 04000202 04000203 04000204 04000206 04000301 04000303 04000304 04000305", 1, 0, "1"],
    ["04000205", 2, 0, "1"],
    ["04000302", 1, 0, "s"],
    ["04000401 04000402 04000404 04000405 04000406", 6, undefined, ""],
    ["04000403", 32, undefined, ""],
    ["04000407 04000408", 4, undefined, ""],
    ["04000409", 3, 0, "imp/kWh"],
    ["0400040A", 3, 0, "imp/kvarh"],
    ["0400040B 0400040C", 10, undefined, ""],
    ["0400040D", 16, undefined, ""],
    ["04000501 04000502 04000503 04000504 04000505 04000506 04000507", 2, undefined, ""],
    ["04000601 04000602 04000603 04000701 04000702 04000703 04000704 04000705", 1, undefined, ""],
    ["04000901 04000902 04000903 04000904 04000905 04000906", 1, undefined, ""],
    ["04010000 04010001 04010008", 3, 0, ""],
    ["05060101 05060201 05000101 05010101", 4, 2, "kWh"],
    ["03010101 03300501 06000000 06000001 06000002", undefined, undefined, undefined],
    ["07010101 07010201 1D000201 1E000201", undefined, undefined, undefined],
  ])("%s", (ids, bytes, decimals, unit) => {
    for (const text of ids.split(" ")) {
      const found = item(text);
      const [part] = found.parts;
      expect(itemSize(found), text).toBe(bytes);
      expect(part?.format.kind === "number" ? part.format.decimals : undefined, text).toBe(decimals);
      if (unit !== undefined) expect(part?.unit, text).toBe(unit);
    }
  });

  test.each(["00014000", "0001000D", "00010FFF", "02010000", "02010400", "020A0116", "09000000", "FFFFFFFF"])(
    "%s is nothing",
    (text) => {
      expect(findItem(id(text))).toBeUndefined();
    },
  );

  test("every row is found under its own pattern, at both ends of its classes", () => {
    const ends: Record<string, readonly [string, string]> = {
      TT: ["00", "3F"],
      SS: ["00", "0C"],
      PP: ["01", "03"],
      HH: ["01", "15"],
      QQ: ["01", "08"],
      RR: ["01", "3F"],
      NN: ["01", "FE"],
      XX: ["00", "FF"],
    };
    for (const row of TABLE) {
      for (const end of [0, 1] as const) {
        const text = (row.pattern.match(/../g) ?? []).map((byte) => ends[byte]?.[end] ?? byte).join("");
        const found = item(text);
        // A more particular row may stand before a wide one.
        if (found !== row) expect(TABLE.indexOf(found), text).toBeLessThan(TABLE.indexOf(row));
      }
    }
  });

  test("tariffs and settlements of an energy are not the energy", () => {
    const behind = (text: string) => behindOf(item(text), id(text));
    expect(behind("00010000")).toEqual({ kind: "measure", measure: "activeEnergyImport" });
    expect(behind("00010100")).toEqual({ kind: "function", function: "energy" });
    expect(behind("00010001")).toEqual({ kind: "function", function: "energy" });
    expect(behind("00150001")).toEqual({ kind: "absent", what: "settlements of phases" });
    expect(behind("00150000")).toEqual({ kind: "measure", measure: "activeEnergyImportL1" });
  });
});

describe("blocks", () => {
  const members = (text: string) => blockOf(id(text))?.members.map(showIdentifier);
  test("phases, totals with phases, status words", () => {
    expect(members("0201FF00")).toEqual(["02010100", "02010200", "02010300"]);
    expect(members("0203FF00")).toEqual(["02030000", "02030100", "02030200", "02030300"]);
    expect(members("040005FF")?.length).toBe(7);
  });

  test("tariffs and settlements, of which there may be fewer", () => {
    expect(members("0001FF00")?.length).toBe(64);
    expect(members("000100FF")?.length).toBe(13);
    expect([blockOf(id("0001FF00"))?.open, blockOf(id("0201FF00"))?.open]).toEqual([true, false]);
  });

  test.each(["0001FFFF", "FFFFFFFF", "00010000", "040004FF", "0400FF01", "050101FF", "1D0000FF"])(
    "%s is none",
    (text) => {
      expect(blockOf(id(text))).toBeUndefined();
    },
  );
});

describe("the plan", () => {
  const plan = (keys: readonly MeasureKey[], options?: PlanOptions) =>
    readPlanDlt645(keys, options).map((step) => [step.identifiers.map(showIdentifier).join(" "), ...step.measures]);

  test("a block where several of its members are wanted, else the one", () => {
    expect(plan(["voltageL1", "voltageL3", "frequency", "activePower"])).toEqual([
      ["02030000", "activePower"],
      ["02800002", "frequency"],
      ["0201FF00", "voltageL1", "voltageL3"],
    ]);
    expect(plan(["voltageL1", "voltageL3"], { blocks: false })).toEqual([
      ["02010100", "voltageL1"],
      ["02010300", "voltageL3"],
    ]);
  });

  test("the clock is read with its date on both sides; the relay is a bit", () => {
    expect(plan(["clock", "relayState"])).toEqual([
      ["04000503", "relayState"],
      ["04000101 04000102 04000101", "clock"],
    ]);
  });

  test("reactive import is what the combination word says it is", () => {
    const words = { active: 5, reactive1: 0x41, reactive2: 0x55 };
    const keys: MeasureKey[] = ["activeEnergySum", "reactiveEnergyImport", "reactiveEnergySum"];
    expect(plan(keys)).toEqual([["00030000", "reactiveEnergyImport"]]);
    expect(plan(keys, { combinations: words })).toEqual([
      ["00000000", "activeEnergySum"],
      ["00040000", "reactiveEnergySum"],
    ]);
    // + Q1 − Q4, and forward − reverse.
    expect([combine(0x81, [1, 20, 300, 4000]), combine(0x09, [5, 7])]).toEqual([-3999, -2]);
  });

  test("what the protocol has no place for is in no step, the rest in exactly one", () => {
    const all = MEASURES.map((m) => m.key);
    const read = readPlanDlt645(all).flatMap((step) => step.measures);
    expect(new Set(read).size).toBe(read.length);
    expect(all.filter((key) => !read.includes(key))).toEqual([
      "activeEnergySumL1",
      "activeEnergySumL2",
      "activeEnergySumL3",
      "voltageL12",
      "voltageL23",
      "voltageL31",
      "currentSum",
      "activeEnergySum",
      "reactiveEnergySum",
      "apparentEnergy",
      "fundamentalActivePower",
      "quadrant",
      ...["fundamentalActivePowerL1", "quadrantL1", "fundamentalActivePowerL2", "quadrantL2"],
      ...["fundamentalActivePowerL3", "quadrantL3", "voltageAngleL2", "voltageAngleL3", "phaseSequence"],
      ...["T1", "T2", "T3", "T4"].map((rate) => `activeEnergyImport${rate}`),
      ...["T1", "T2", "T3", "T4"].map((rate) => `activeEnergyExport${rate}`),
      "maximumDemandImport",
      "creditBalance",
    ]);
  });

  const take = (keys: readonly MeasureKey[], replies: readonly string[], options?: PlanOptions) => {
    const [step] = readPlanDlt645(keys, options);
    if (step === undefined) throw new Error("no step");
    return measuresOfStep(step, replies.map(bytes), options);
  };

  test("0.26 kWh is 260000 mWh, −1.2345 kW is −1234500 mW; V35 has one phase", () => {
    expect(take(["activeEnergyImport"], ["26000000"])).toEqual({ ok: true, value: { activeEnergyImport: 260_000 } });
    expect(take(["activePower"], ["452381"])).toEqual({ ok: true, value: { activePower: -1_234_500 } });
    expect(take(["voltageL1", "voltageL2"], ["5622 FFFF FFFF"])).toEqual({
      ok: true,
      value: { voltageL1: 225_600, voltageL2: null },
    });
    // A meter may also leave out the phases that it does not have.
    expect(take(["voltageL1", "voltageL3"], ["5622"])).toEqual({
      ok: true,
      value: { voltageL1: 225_600, voltageL3: null },
    });
  });

  test("a current against the power's direction is still a current", () => {
    expect(take(["currentL1"], ["005080"])).toEqual({ ok: true, value: { currentL1: 5_000_000 } });
  });

  test("clock and relay", () => {
    const clock = (replies: readonly string[], zone = 0) => take(["clock"], replies, { zone });
    expect(clock(["01110116", "060500", "01110116"])).toEqual({ ok: true, value: { clock: 1_452_470_706 } });
    expect(clock(["01110116", "060500", "01110116"], 480)).toEqual({ ok: true, value: { clock: 1_452_441_906 } });
    expect(clock(["01110116", "595923", "02120116"])).toEqual({ ok: true, value: { clock: null } });
    expect(clock(["01110116", "600500", "01110116"]).ok).toBe(false);
    expect(clock(["01110116", "0A0500", "01110116"]).ok).toBe(false);
    expect(take(["relayState"], ["1080"])).toEqual({ ok: true, value: { relayState: 0 } });
    expect(take(["relayState"], ["0000"])).toEqual({ ok: true, value: { relayState: 1 } });
    expect(take(["relayState"], ["FFFF"])).toEqual({ ok: true, value: { relayState: null } });
  });

  test.each([
    ["too short", ["260000"]],
    ["too long", ["2600000000"]],
    ["nothing", [""]],
    ["no BCD", ["2A000000"]],
    ["a reply too few", []],
  ])("data that is %s is a failure", (_name, replies) => {
    expect(take(["activeEnergyImport"], replies).ok).toBe(false);
  });
});

test("a measure is truncated to the digits of its field; an energy rolls over, what else does not fit has no value", () => {
  const field = (key: MeasureKey, text: string, value: number | null) => {
    const part = item(text).parts[0];
    if (part === undefined) throw new Error(text);
    return toField(value, scaled(key, part));
  };
  expect(field("activeEnergyImport", "00010000", 269_999)).toBe(26);
  expect(field("activeEnergyImport", "00010000", 999_999_999_999)).toBe(99_999_999);
  expect(field("activeEnergyImport", "00010000", 1_000_000_019_999)).toBe(1);
  expect(field("activePower", "02030000", -1_234_599)).toBe(-12_345);
  expect(field("activePower", "02030000", -99)).toBe(0);
  expect(field("activePower", "02030000", 79_999_999)).toBe(799_999);
  expect(field("activePower", "02030000", 80_000_000)).toBeNull();
  expect(field("powerFactor", "02060000", null)).toBeNull();
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (milliWattHours) => {
      const shown = field("activeEnergyImport", "00010000", milliWattHours);
      const digits = String(milliWattHours).padStart(20, "0").slice(0, -4);
      expect(shown).toBe(Number(digits.slice(-8)));
    }),
  );
});
