/** Tables and parameters read and written through DL/T 645 at byte level, and what is left of them after a power cut. */
import { describe, expect, test } from "vitest";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { at, Bench } from "./dlt645-support.ts";

const HOUR = 3_600;
const DAY = 86_400;
const FOUR = { settings: { tariff: "four-rates" } };

describe("tariff tables", () => {
  test("are read as they are, entries low byte first", () => {
    const bench = new Bench("meterworks-3p", FOUR);
    expect(["01", "02", "03", "04", "05", "07"].map((n) => bench.read(`040002${n}`, 1))).toEqual([
      "02",
      "03",
      "08",
      "04",
      "0003",
      "02",
    ]);
    // From the wire's end: the second zone is 1 October with table 1, the first 1 April with table 2.
    expect(bench.read("04010000", 1)).toBe("1001010401" + "02");
    expect(bench.read("04010003", 1)).toBe("220004080003");
    expect(bench.read("04020003", 1)).toBe("220004080003");
    expect(bench.read("04010004", 1)).toBe("d1 02");
    expect(bench.read("04030001", 1)).toBe("00010103");
    expect([bench.read("04000801", 1), bench.read("04000802", 1)]).toEqual(["3e", "03"]);
    expect(bench.read("04000106", 1)).toBe("0000000000");
    expect([1, 2].map((n) => bench.read(`04000B0${n}`, 1))).toEqual(["0100", "9999"]);
    expect(bench.read("04050101", 1)).toBe("00009000");
    expect(bench.read("040501FF", 1)).toBe("00003000" + "00005000" + "00007500" + "00009000");
    expect(bench.read("04060001", 1)).toBe("00216000");
    expect(bench.read("040600FF", 1)).toBe("00420000" + "00216000");
    expect([1, 2, 3].map((n) => bench.read(`0406010${n}`, 1))).toEqual(["00000000", "00000500", "00003000"]);
  });

  test("a day table of the other set begins at its switch time, which freezes and is seen in word 3", () => {
    const bench = new Bench("meterworks-3p", FOUR);
    // New Year has table 3: in the second set all day sharp, filled up with its last entry as others do.
    expect(bench.write("04020003", "000001 000001 000001", 10)).toBe("94");
    expect(bench.read("04020003", 10)).toBe("000001");
    expect(bench.write("04000107", "2601010100", 20)).toBe("94");
    expect(bench.read("04000107", 20)).toBe("2601010100");
    // Night is valley (0.30) until one o'clock, sharp (0.90) from then on.
    expect([bench.read("02800020", HOUR - 1), bench.read("04000503", HOUR - 1)]).toEqual(["00003000", "0000"]);
    expect([bench.read("02800020", HOUR), bench.read("04000503", HOUR)]).toEqual(["00009000", "0001"]);
    expect(bench.read("05030001", HOUR)).toBe("2601010100");
    expect(bench.write("04000107", "0000000000", HOUR + 9)).toBe("94");
    expect([bench.read("02800020", HOUR + 10), bench.read("04000503", HOUR + 10)]).toEqual(["00009000", "0001"]);
  });

  test.each([
    ["a rate above those in use", "04010001", "000005", "d4 40"],
    ["slots out of order", "04010001", "000001 010002", "d4 01"],
    ["a time that is none", "04010001", "006001", "d4 01"],
    ["a zone of a table that is not there", "04010000", "010104", "d4 01"],
    ["a date that is none", "04010000", "023001", "d4 01"],
    ["half an entry", "04010000", "0101", "d4 01"],
    ["no BCD", "04010000", "01010A", "d4 01"],
    ["a table behind a gap", "04010005", "000001", "d4 01"],
    ["another number of zones than there are", "04000201", "03", "d4 01"],
    ["fewer tariffs than slots name", "04000204", "03", "d4 01"],
    ["a switch at a time that is none", "04000106", "2613010000", "d4 01"],
    ["a demand period that does not divide the hour", "04000103", "07", "d4 01"],
    ["a price of a tariff that is not there", "04050105", "00001000", "d4 02"],
    ["a settlement day that not every month has", "04000B01", "2900", "d4 01"],
    ["thresholds out of order", "04060002", "00100000", "d4 01"],
    ["a measure", "02010100", "2300", "d4 04"],
  ])("%s is refused, and everything is as it was", (_name, id, digits, reply) => {
    const bench = new Bench("meterworks-3p", FOUR);
    const before = bench.read(id, 10);
    expect(bench.write(id, digits, 10)).toBe(reply);
    expect(bench.read(id, 10)).toBe(before);
    expect(bench.read("03300000", 10)).toBe("000000");
  });

  test("what was written holds after a power cut, and goes before the file; each write has left its record", () => {
    const nvram = new MemoryNvram();
    const bench = new Bench("meterworks-3p", { ...FOUR, nvram });
    const written: readonly (readonly [string, string])[] = [
      ["04010000", "090102 030101"],
      ["04010001", "120003 000001"],
      ["04010004", "000002"],
      ["04030004", "26052003"],
      ["04000801", "3F"],
      ["04000802", "02"],
      ["04000B02", "1512"],
      ["04050202", "00012345"],
      ["04060003", "00500000"],
      ["04060304", "00004321"],
      ["04000103", "30"],
      ["04000104", "05"],
      ["04001401", "0003"],
      ["04000A03", "0015"],
      ["04001203", "0630"],
      ["04001202", "30"],
      ["04000108", "2602010000"],
    ];
    const refused = written.filter(([id, digits], i) => bench.write(id, digits, 10 + i) !== "94");
    // A step has a price only where it begins: the second set's fourth is not there.
    expect(refused.map(([id]) => id)).toEqual(["04060304"]);
    const kept = written.filter(([id]) => id !== "04060304");
    const after = new Bench("meterworks-3p", { ...FOUR, nvram, start: DAY });
    for (const [id, digits] of kept) expect(after.read(id, DAY), id).toBe(digits.replaceAll(" ", "").toLowerCase());
    expect(after.read("03300000", DAY)).toBe("000016");
    // Seen from the end: time, operator, then the identifier, and nine places without one.
    expect(after.read("03300001", DAY)).toBe(`${"f".repeat(72)}0400010812345678260101000026`);
    expect(after.read("0330000B", DAY)).toBe("d1 02");
  });

  test("more tariffs are free until they are priced", () => {
    const bench = new Bench("meterworks-3p", FOUR);
    expect(bench.write("04000204", "05", 10)).toBe("94");
    expect(bench.read("04050105", 10)).toBe("00000000");
    expect(bench.write("04010003", "000005", 11)).toBe("94");
    expect(bench.write("04050105", "00011111", 12)).toBe("94");
    expect(bench.read("02800020", 13)).toBe("00011111");
    expect(bench.read("0001FF00", 13)?.length).toBe(8 * 6);
  });
});

describe("authority", () => {
  test("five wrong passwords lock the wire, for the right one too, over a power cut", () => {
    const nvram = new MemoryNvram();
    const bench = new Bench("meterworks-3p", { nvram });
    const wrong = () => bench.ask("14", "03010004 04 000000 00000000 30", 10);
    expect([wrong(), wrong(), wrong(), wrong(), wrong()]).toEqual(Array(5).fill("d4 04"));
    expect(bench.write("04000103", "30", 11)).toBe("d4 04");
    const again = new Bench("meterworks-3p", { nvram, start: 100 });
    expect(again.write("04000103", "30", 101)).toBe("d4 04");
    expect(again.write("04000103", "30", 100 + 1_801)).toBe("94");
  });
});

describe("the zone", () => {
  test("is the meter's own unless told otherwise; records are on the clock that is shown", () => {
    const settings = { clock: { zoneMinutes: 480 } };
    const china = new Bench("meterworks-3p", { settings });
    expect(china.read("04000102", 3_661)).toBe("090101");
    china.meter.perform((functions, now) => functions.clearDemand(now), at(3_661));
    expect(china.read("03300201", 3_661)?.slice(-12)).toBe("260101090101");
    const shifted = new Bench("meterworks-3p", { settings, zone: 0 });
    expect(shifted.read("04000102", 3_661)).toBe("010101");
    shifted.meter.perform((functions, now) => functions.clearDemand(now), at(3_661));
    expect(shifted.read("03300201", 3_661)?.slice(-12)).toBe("260101010101");
    expect(shifted.write("04000106", "2601010300", 3_700)).toBe("94");
    expect(shifted.read("04000106", 3_700)).toBe("2601010300");
  });
});
