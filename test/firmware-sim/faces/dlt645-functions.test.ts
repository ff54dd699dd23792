/** The meter's functions at byte level through DL/T 645: requests by hand, replies read as digits. */
import { describe, expect, test } from "vitest";
import { at, Bench } from "./dlt645-support.ts";

const HOUR = 3_600;
const DAY = 86_400;
const AUTH = "02 563412 78563412";
const control = (operation: string) => `${AUTH} ${operation} 00 000001010126`;

/** Two rates of twelve hours each, 0.50 and 0.25 a kWh, a step of 0.10 more from 10 kWh on. */
const TWO_RATES = {
  tariff: {
    tables: {
      rates: 2,
      zones: { first: [{ month: 1, day: 1, table: 1 }], second: [{ month: 1, day: 1, table: 1 }], runs: 1 },
      days: {
        first: [
          [
            { hour: 0, minute: 0, rate: 2 },
            { hour: 12, minute: 0, rate: 1 },
          ],
        ],
        second: [[{ hour: 0, minute: 0, rate: 1 }]],
        runs: 1,
      },
      holidays: [{ month: 5, day: 1, table: 1 }],
      workdays: 0x3e,
      weekendTable: 1,
    },
    prices: { first: [50_000_000, 25_000_000], second: [60_000_000, 30_000_000], runs: 1 },
    steps: {
      first: {
        steps: [
          { from: 0, price: 0 },
          { from: 10_000_000, price: 10_000_000 },
        ],
        yearly: [],
      },
      second: { steps: [], yearly: [] },
      runs: 1,
    },
    settlementDays: [{ day: 2, hour: 0 }],
  },
};

/** Fields of so many digits, the last one on the wire first: as the wire has them, turned back. */
function fields(digits: string | undefined, length: number): string[] {
  return (digits?.match(new RegExp(`.{${length}}`, "g")) ?? []).reverse();
}
const near = (actual: string | undefined, expected: number) =>
  expect(Math.abs(Number(actual) - expected), `${actual} is not near ${expected}`).toBeLessThanOrEqual(2);

describe("energies by tariff and settlement", () => {
  const bench = new Bench("meterworks-1p", { settings: TWO_RATES }, { voltage: 230, current: 5, angle: 36.8699 });

  test("each tariff has its hours, and the block has total and both", () => {
    // 0.92 kW: twelve hours of rate 2, six of rate 1.
    const block = fields(bench.read("0001FF00", 18 * HOUR), 8);
    expect(block.length).toBe(3);
    for (const [i, hundredths] of [1656, 552, 1104].entries()) near(block[i], hundredths);
    near(bench.read("00010100", 18 * HOUR), 552);
    near(bench.read("00050200", 18 * HOUR), 828);
    near(bench.read("00000200", 18 * HOUR), 1104);
    near(bench.read("00030100", 18 * HOUR), 414);
    expect(bench.read("00010300", 18 * HOUR)).toBe("d1 02");
  });

  test("the last settlement keeps what they were, and its block has the present too", () => {
    const later = DAY + 2 * HOUR;
    near(bench.read("00010001", later), 2208);
    near(bench.read("00010101", later), 1104);
    const block = fields(bench.read("000101FF", later), 8);
    expect(block.length).toBe(2);
    near(block[0], 1104);
    near(bench.read("00010200", later), 1288);
    expect(bench.read("00010002", later)).toBe("d1 02");
    expect(bench.read("00010301", later)).toBe("d1 02");
  });

  test("maximum demand with its time, of the period that runs and of the one before", () => {
    const later = DAY + 3 * HOUR;
    const demand = bench.read("01010000", later) ?? "";
    // The first whole window of the new day ends at 00:15.
    expect(demand.slice(0, 10)).toBe("2601020015");
    near(demand.slice(10), 9200);
    expect(bench.read("01010100", later)).toBe("0".repeat(16));
    const before = bench.read("01010101", later) ?? "";
    expect(before.slice(0, 10)).toBe("2601011215");
    near(before.slice(10), 9200);
    near(bench.read("01050001", later)?.slice(10), 6900);
    expect(fields(bench.read("0101FF00", later), 16).length).toBe(3);
    // Of the running window 14 minutes and a half are over.
    const share = 14.5 / 15;
    near(bench.read("02800004", later + 30), Math.floor(9200 * share));
    near(bench.read("02800005", later + 30), Math.floor(6900 * share));
    near(bench.read("02800006", later + 30), Math.floor(11_500 * share));
  });

  test("demand clear takes the password of level 02, and is an event with its operator", () => {
    const later = DAY + 4 * HOUR;
    expect(bench.ask("19", "04 563412 00000000", later)).toBe("d9 04");
    expect(bench.ask("19", AUTH, later)).toBe("99");
    expect(bench.read("01010000", later)).toBe("0".repeat(16));
    near(bench.read("01010001", later)?.slice(10), 9200);
    expect(bench.read("03300200", later)).toBe("000001");
    // Operator first, since the data are read high byte first, then the time.
    expect(bench.read("03300201", later)).toBe("12345678260102040000");
  });

  test("the price that runs: the rate's and the step's", () => {
    const fresh = new Bench("meterworks-1p", { settings: TWO_RATES });
    expect([fresh.read("02800020", 10), fresh.read("0280000B", 10)]).toEqual(["00002500", "00000000"]);
    // 11 kWh before noon: the second step.
    expect([fresh.read("02800020", 11.99 * HOUR), fresh.read("0280000B", 11.99 * HOUR)]).toEqual([
      "00003500",
      "00001000",
    ]);
    expect(fresh.read("02800020", 12 * HOUR)).toBe("00006000");
  });
});

describe("credit", () => {
  const bench = () => new Bench("meterworks-1p", { settings: { ...TWO_RATES, credit: { opening: 100 } } });

  test("what remains, what was bought, what may be owed", () => {
    const meter = bench();
    expect(meter.read("00900200", 1)).toBe("00000099");
    expect(meter.read("00900201", 1)).toBe("00000000");
    expect(meter.read("00900100", 1)).toBe("d1 02");
    expect(meter.meter.execute({ id: 7 as never, operation: "credit-add", argument: 12_345 }, at(2)).status).toBe(
      "done",
    );
    expect(meter.read("00900200", 2)).toBe("00012444");
    expect(
      ["03330101", "03330201", "03330301", "03330401", "03330501", "03330601"].map((id) => meter.read(id, 3)),
    ).toEqual(["2601010000", "0001", "00012345", "00000099", "00012444", "00012445"]);
    expect(meter.read("03330102", 3)).toBe("d1 02");
    expect(meter.read("03320201", 3)).toBe("d1 02");
  });

  test("limits are read and written, one that makes no sense is refused", () => {
    const meter = bench();
    expect([1, 2, 3, 4, 5].map((n) => meter.read(`0400100${n}`, 1))).toEqual([
      "00001000",
      "00000500",
      "00000000",
      "99999999",
      "00000000",
    ]);
    expect(meter.write("04001003", "00002000", 2)).toBe("94");
    expect(meter.read("04001003", 2)).toBe("00002000");
    // Alarm 2 above alarm 1.
    expect(meter.write("04001002", "00001001", 3)).toBe("d4 01");
    expect(meter.write("04000F01", "00001001", 3)).toBe("d4 02");
    // Off.
    expect(meter.write("04001002", "FFFFFFFF", 4)).toBe("94");
    expect(meter.read("04001002", 4)).toBe("ffffffff");
  });

  test("word 3 says that it is money, and a close that credit forbids is refused", () => {
    const meter = bench();
    expect(meter.read("04000503", 1)?.slice(1, 2)).toBe("2");
    // 1.00 lasts some hours; then the relay opens by itself.
    expect(meter.read("04000503", 12 * HOUR)).toBe("4250");
    expect(meter.ask("1C", `${AUTH} 1C 00 595923010126`, 12 * HOUR)).toBe("dc 01");
  });
});

describe("relay", () => {
  test("a trip waits its delay under a warning, and the customer's button closes what may be closed", () => {
    const bench = new Bench("meterworks-1p", { keyPressed: false });
    expect(bench.ask("14", "01140004 04 563412 00000000 0500", 10)).toBe("94");
    expect(bench.read("04001401", 10)).toBe("0005");
    expect(bench.ask("1C", control("1A"), 20)).toBe("9c");
    // Ordered, warning, still closed.
    expect(bench.read("04000503", 319)).toBe("00c0");
    expect(bench.read("04000503", 321)).toBe("8050");
    expect(bench.ask("1C", control("1B"), 330)).toBe("9c");
    expect(bench.read("04000503", 330)).toBe("8010");
    expect(bench.meter.pressButton(at(340))).toBe(true);
    expect(bench.read("04000503", 341)).toBe("0000");
    expect([bench.read("1D000001", 342), bench.read("1E000001", 342)]).toEqual(["000001", "000001"]);
    expect(bench.read("1D000101", 342)).toBe("260101000520");
  });
});

describe("status words", () => {
  test("directions, and events as they are", () => {
    const exporting = new Bench("meterworks-3p", {}, { angle: 200 });
    expect(exporting.read("04000501", 10)).toBe("0030");
    expect(exporting.read("04000502", 10)).toBe("0077");
    expect(exporting.read("04000504", 10)).toBe("0000");
    // Reversal of each phase after its minute.
    expect(exporting.read("04000504", 120)).toBe("0040");
    expect(exporting.read("04000506", 120)).toBe("0040");
    expect(exporting.read("030E0000", 185)).toBe("000002000001".repeat(3));
  });
});
