/** Freezes, load records, events and clears through DL/T 645 at byte level. */
import { describe, expect, test } from "vitest";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { at, Bench } from "./dlt645-support.ts";

const HOUR = 3_600;
const DAY = 86_400;
const AUTH = "02 563412 78563412";

const near = (actual: string | undefined, expected: number) =>
  expect(Math.abs(Number(actual) - expected), `${actual} is not near ${expected}`).toBeLessThanOrEqual(2);

describe("freezes by the clock", () => {
  test("hourly ones have totals, daily ones the tariffs too", () => {
    const bench = new Bench("meterworks-1p", {}, { voltage: 230, current: 5 });
    expect(bench.read("05040001", DAY + 30)).toBe("2601020000");
    expect(bench.read("05040003", DAY + 30)).toBe("2601012200");
    // 0.92 kW.
    near(bench.read("05040103", DAY + 30), 2024);
    expect(bench.read("05060001", DAY + 30)).toBe("2601020000");
    const daily = bench.read("05060101", DAY + 30) ?? "";
    near(daily.slice(0, 8), 2208);
    near(daily.slice(8), 2208);
    near(bench.read("05060501", DAY + 30)?.slice(8), 1656);
    near(bench.read("05060301", DAY + 30)?.slice(8), 1656);
    expect(bench.read("05060002", DAY + 30)).toBe("d1 02");
  });
});

/** A record by the rules of its marks alone. */
function taken(hex: string) {
  const bytes = (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
  expect(bytes.slice(0, 2)).toEqual([0xa0, 0xa0]);
  const length = bytes[2] ?? 0;
  const end = 3 + length;
  expect(bytes.slice(0, end).reduce((sum, byte) => sum + byte, 0) & 0xff).toBe(bytes[end]);
  expect(bytes[end + 1]).toBe(0xe5);
  return { time: hex.slice(6, 16), inside: hex.slice(16, 2 * end), rest: hex.slice(2 * (end + 2)) };
}

describe("load records", () => {
  const bench = new Bench("meterworks-3p", {}, { voltage: 230, current: 5 });
  /** The data behind the identifier, as it is on the wire; long ones are joined. */
  const load = (id: string, seconds: number, more = ""): string => {
    const di = (id.match(/../g) ?? []).reverse().join("");
    let reply = bench.ask("11", `${di} ${more}`, seconds) ?? "";
    if (!/^[9b]1/.test(reply)) return reply;
    let data = reply.slice(11);
    for (let sequence = 1; reply.startsWith("b"); sequence++) {
      reply = bench.ask("12", `${di} ${sequence.toString(16).padStart(2, "0")}`, seconds) ?? "";
      data += reply.slice(11, -2);
    }
    return data;
  };

  test("the latest of all classes: each block behind the other, AA between", () => {
    const { time, inside, rest } = taken(load("06000002", HOUR + 10));
    expect([time, rest]).toEqual(["0001010126", ""]);
    const blocks = [17, 24, 8, 16, 16, 6];
    let place = 0;
    const found = blocks.map((bytes) => {
      const block = inside.slice(place, place + 2 * bytes);
      expect(inside.slice(place + 2 * bytes, place + 2 * bytes + 2)).toBe("aa");
      place += 2 * bytes + 2;
      return block;
    });
    expect(place).toBe(inside.length);
    const [currents, powers, factors, energies, quadrants, demands] = found.map((block) => block ?? "");
    expect(currents).toMatch(/^(0023|9922){3}.{18}0050$/);
    near(digitsOf(currents?.slice(12, 18)), 5_000);
    // 2.76 kW, 2.07 kvar: low byte first.
    near(digitsOf(powers?.slice(0, 6)), 27_600);
    near(digitsOf(powers?.slice(24, 30)), 20_700);
    near(digitsOf(factors?.slice(0, 4)), 800);
    near(digitsOf(energies?.slice(0, 8)), 276);
    near(digitsOf(energies?.slice(16, 24)), 207);
    near(digitsOf(quadrants?.slice(0, 8)), 207);
    near(digitsOf(demands?.slice(0, 6)), 27_600 * (14 / 15));
  });

  test("one class, the earliest, from a time on, as many as asked for", () => {
    const first = taken(load("06030000", HOUR + 10));
    expect([first.time, first.inside]).toEqual(["0500010126", `aaaa${"0008".repeat(4)}aaaaaaaa`]);
    const from = taken(load("06030001", HOUR + 10, "02 20 00 01 01 26"));
    expect(from.time).toBe("2000010126");
    const second = taken(from.rest);
    expect([second.time, second.rest]).toEqual(["2500010126", ""]);
    const latest = taken(load("06030002", HOUR + 10, "03"));
    expect([latest.time, taken(latest.rest).time]).toEqual(["0001010126", "5500010126"]);
    let rest = load("06000000", HOUR + 10, "12");
    let records = 0;
    for (; rest !== ""; records++) ({ rest } = taken(rest));
    expect(records).toBe(12);
  });

  test("none from a time on that is ahead, and no time at all, are no such data", () => {
    expect(load("06030001", HOUR + 10, "01 00 02 01 01 26")).toBe("d1 02");
    expect(load("06030001", HOUR + 10)).toBe("d1 02");
    expect(load("06070002", HOUR + 10)).toBe("d1 02");
  });
});

function digitsOf(hex: string | undefined): string {
  return (hex?.match(/../g) ?? []).reverse().join("");
}

describe("events", () => {
  test("counts, times and records by phase, with the energies of both ends; a clear takes one kind or all", () => {
    const bench = new Bench("meterworks-3p", {}, { angle: 180 });
    bench.read("02010100", HOUR);
    // Reversal runs since the first minute: nothing has ended.
    expect(bench.read("1B010001", HOUR)).toBe("000001");
    expect(bench.read("1B010002", HOUR + 60)).toBe("000060");
    expect(bench.read("1B010101", HOUR)).toBe("d1 02");
    bench.meter.perform((functions, now) => functions.input("coverOpen", true, now), at(HOUR + 100));
    bench.meter.perform((functions, now) => functions.input("coverOpen", false, now), at(HOUR + 160));
    expect(bench.read("03300D00", HOUR + 200)).toBe("000001");
    // From the end: when it ended, when it began.
    expect(bench.read("03300D01", HOUR + 200)).toBe("260101010240" + "260101010140");
    expect(bench.ask("1B", `${AUTH} 000D3003`, HOUR + 210)).toBe("9b");
    expect(bench.read("03300D00", HOUR + 220)).toBe("000000");
    expect(bench.read("03300D01", HOUR + 220)).toBe("d1 02");
    expect(bench.read("03300300", HOUR + 220)).toBe("000001");
    expect(bench.read("03300301", HOUR + 220)).toBe("03300d00" + "12345678" + "260101010330");
    // What goes on counts as the first.
    expect(bench.ask("1B", `${AUTH} FFFFFFFF`, HOUR + 230)).toBe("9b");
    expect(bench.read("1B010001", HOUR + 240)).toBe("000001");
    expect(bench.read("03300300", HOUR + 240)).toBe("000002");
  });

  test("an event that has ended has times and energies; a power cut is one too", () => {
    const nvram = new MemoryNvram();
    const first = new Bench("meterworks-3p", { nvram }, { angle: 180 });
    first.read("02010100", HOUR);
    const bench = new Bench("meterworks-3p", { nvram, start: 2 * HOUR }, { angle: 36.8699 });
    const later = 2 * HOUR + 100;
    expect(bench.read("1B010101", later)).toBe("260101000100");
    expect(bench.read("1B012501", later)).toBe("260101020100");
    expect(bench.read("1B010201", later)).toBe("00000000");
    near(bench.read("1B012701", later), 345);
    expect(bench.read("03110000", later)).toBe("000001");
    expect(bench.read("1B010102", later)).toBe("d1 02");
  });

  test("a clock that is set leaves both times", () => {
    const bench = new Bench("meterworks-3p");
    expect(bench.write("04000102", "020000", HOUR)).toBe("94");
    expect(bench.read("03300401", HOUR)).toBe("260101020000" + "260101010000" + "00000000");
  });
});

test("a meter clear: everything counted is zero and counts on; the record says who", () => {
  const nvram = new MemoryNvram();
  const bench = new Bench("meterworks-1p", { nvram }, { voltage: 230, current: 5 });
  near(bench.read("00010000", 10 * HOUR), 920);
  expect(bench.ask("1A", "04 563412 00000000", 10 * HOUR)).toBe("da 04");
  expect(bench.ask("1A", AUTH, 10 * HOUR)).toBe("9a");
  for (const id of ["00010000", "00010100", "00050000"]) expect(bench.read(id, 10 * HOUR)).toBe("00000000");
  expect(bench.read("01010000", 10 * HOUR)).toBe("0".repeat(16));
  expect(bench.read("06000002", 10 * HOUR)).toBe("d1 02");
  expect(bench.read("03300101", 10 * HOUR)).toBe("12345678" + "260101100000");
  near(bench.read("00010100", 11 * HOUR), 92);
  const after = new Bench("meterworks-1p", { nvram, start: 12 * HOUR });
  near(after.read("00010000", 12 * HOUR), 92);
});
