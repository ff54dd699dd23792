/** Checks of what stands behind identifiers: their length, BCD, and values that can be. */
import { type DecodedPart, decodeData } from "../../../../protocols/dlt645/decode.ts";
import { digitsAt } from "../../../../protocols/dlt645/frame.ts";
import { identifier, showIdentifier } from "../../../../protocols/dlt645/identifier.ts";
import { bcdByte } from "../../../../protocols/dlt645/values.ts";
import { toHex } from "../../../core/bytes.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, skip, type Verdict } from "../check.ts";
import type { Dlt645Check } from "./check.ts";
import { readData } from "./judge.ts";
import type { Dlt645Context } from "./talk.ts";

const group = "values";

/** What is wrong with the parts of a read beyond their length and digits. */
type Judge = (parts: readonly DecodedPart[], data: Uint8Array, context: Dlt645Context) => string | undefined;
const anything: Judge = () => undefined;

/** A check that the identifiers which the meter has are as long as the standard says, and BCD. */
function values(id: string, title: string, ids: readonly number[], expectation: string, judge = anything): Dlt645Check {
  const names = ids.map((value) => showIdentifier(identifier(value)));
  const request = `11H read ${names.join(", ")}`;
  return {
    ...{ id: `value.${id}`, group, clause: "Annex A", title, request, expectation },
    *run(context) {
      let had = 0;
      for (const value of ids) {
        const read = yield* readData(context.address, identifier(value));
        if ("wrong" in read) return read.wrong;
        if ("refused" in read) continue;
        had++;
        const parts = decodeData(identifier(value), read.data);
        const why = parts.find((part) => part.fault !== undefined)?.fault ?? judge(parts, read.data, context);
        if (why !== undefined) return fail(`${showIdentifier(identifier(value))} is ${toHex(read.data, " ")}`, why);
      }
      return had > 0 ? PASS : skip(`the meter has none of ${names.join(", ")}`);
    },
  };
}

const span = (from: number, count: number, step: number) => Array.from({ length: count }, (_, i) => from + i * step);

/** Fields of a date or time, by their places in the data; each between its limits. */
function within(...limits: readonly (readonly [name: string, from: number, to: number])[]): Judge {
  return (_, data) => {
    for (const [i, [name, from, to]] of limits.entries()) {
      const value = bcdByte(data[i] as number);
      if (value === undefined || value < from || value > to) return `${name} is not ${from} to ${to}`;
    }
    return undefined;
  };
}

/** The first member of a block is what is behind its own identifier, give or take what is counted between two reads. */
function* block({ address }: Dlt645Context): Probe<Verdict> {
  const whole = yield* readData(address, identifier(0x0201_ff00));
  if ("wrong" in whole) return whole.wrong;
  if ("refused" in whole) return skip("the meter has no block 0201FF00");
  const { data } = whole;
  if (data.length !== 6)
    return fail(toHex(data, " "), `the block has ${data.length} bytes, expected 6: FF for a phase it does not have`);
  for (const [phase, id] of span(0x0201_0100, 3, 0x100).entries()) {
    const single = yield* readData(address, identifier(id));
    if ("wrong" in single) return single.wrong;
    const member = data.subarray(2 * phase, 2 * phase + 2);
    const blank = member.every((byte) => byte === 0xff);
    const there = "data" in single && single.data.some((byte) => byte !== 0xff);
    if (there === blank)
      return fail(
        `phase ${phase + 1} is ${toHex(member, " ")} in the block`,
        `${there ? "it has" : "it has no"} such phase`,
      );
  }
  return PASS;
}

/** The total of a block of tariffs is the sum of its tariffs, give or take the last digits. */
function* tariffs({ address }: Dlt645Context): Probe<Verdict> {
  const read = yield* readData(address, identifier(0x0001_ff00));
  if ("wrong" in read) return read.wrong;
  if ("refused" in read) return skip("the meter has no block 0001FF00");
  const { data } = read;
  if (data.length === 0 || data.length % 4 !== 0)
    return fail(toHex(data, " "), `${data.length} bytes: not a multiple of 4`);
  const energies = Array.from({ length: data.length / 4 }, (_, i) => Number(digitsAt(data, 4 * i, 4)));
  if (energies.some(Number.isNaN)) return fail(toHex(data, " "), "it is no BCD");
  const [total = 0, ...rates] = energies;
  const sum = rates.reduce((all, energy) => all + energy, 0);
  if (rates.length === 0 || Math.abs(total - sum) <= rates.length) return PASS;
  return fail(toHex(data, " "), `the total is ${total / 100} kWh, its tariffs are ${sum / 100} kWh together`);
}

/** An energy does not run backwards. */
function* forward({ address }: Dlt645Context): Probe<Verdict> {
  let before = -1;
  for (let round = 0; round < 3; round++) {
    const read = yield* readData(address, identifier(0x0001_0000));
    if ("wrong" in read) return read.wrong;
    if ("refused" in read) return fail("D1H", "every meter has 00010000");
    const energy = Number(digitsAt(read.data, 0, read.data.length));
    if (energy < before)
      return fail(`${before / 100} kWh, then ${energy / 100} kWh`, "an energy does not run backwards");
    before = energy;
  }
  return PASS;
}

const ownAddressTold: Judge = (_, data, { address }) => {
  const told = digitsAt(data, 0, data.length);
  return told === address ? undefined : `the meter's address is ${address}`;
};

const BCD = "each identifier that the meter has is as long as the standard says and BCD, or FF where there is no value";

export const VALUES: readonly Dlt645Check[] = [
  values("energies", "Energies, present", span(0x0000_0000, 11, 0x1_0000), BCD),
  values("energies-settled", "Energies, last settlement", span(0x0000_0001, 9, 0x1_0000), BCD),
  values("demands", "Maximum demands with their times", [0x0101_0000, 0x0102_0000], BCD),
  values("voltages", "Voltages", span(0x0201_0100, 3, 0x100), BCD),
  values("currents", "Currents", span(0x0202_0100, 3, 0x100), BCD),
  values(
    "powers",
    "Powers",
    [...span(0x0203_0000, 4, 0x100), ...span(0x0204_0000, 4, 0x100), ...span(0x0205_0000, 4, 0x100)],
    BCD,
  ),
  values("power-factors", "Power factors", span(0x0206_0000, 4, 0x100), `${BCD}; no more than 1.000`, (_, data) => {
    const digits = digitsAt(data, 0, 2);
    return digits === "FFFF" || Number(digits) % 8000 <= 1000 ? undefined : "more than 1";
  }),
  values("frequency", "Frequency", [0x0280_0002], `${BCD}; 40 to 70 Hz`, (_, data) => {
    const hertz = Number(digitsAt(data, 0, 2)) / 100;
    return Number.isNaN(hertz) || (hertz >= 40 && hertz <= 70) ? undefined : `${hertz} Hz`;
  }),
  values(
    "date",
    "Day, month, year and weekday",
    [0x0400_0101],
    "weekday 0 to 6, day, month and year of a date",
    within(["the weekday", 0, 6], ["the day", 1, 31], ["the month", 1, 12]),
  ),
  values(
    "time",
    "Time",
    [0x0400_0102],
    "second, minute and hour of a time",
    within(["the second", 0, 59], ["the minute", 0, 59], ["the hour", 0, 23]),
  ),
  values(
    "address",
    "Communication address as a parameter",
    [0x0400_0401],
    "the address that the meter answers with",
    ownAddressTold,
  ),
  values("status", "Running status words", span(0x0400_0501, 7, 1), "two bytes each"),
  {
    ...{
      id: "value.block",
      group,
      clause: "6.1",
      title: "Block of three phases",
      request: "11H read 0201FF00, 02010100, 02010200, 02010300",
    },
    expectation: "six bytes, FF FF for a phase that the meter does not have",
    run: block,
  },
  {
    ...{ id: "value.tariffs", group, clause: "6.1", title: "Block of tariffs", request: "11H read 0001FF00" },
    expectation: "four bytes each, the total first; the tariffs add up to it",
    run: tariffs,
  },
  {
    ...{
      id: "value.forward",
      group,
      clause: "Annex A",
      title: "An energy only grows",
      request: "11H read 00010000, three times",
    },
    expectation: "no value below the one before",
    run: forward,
  },
];
