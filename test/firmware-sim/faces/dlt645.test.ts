/** The DL/T 645 face at byte level: requests are written by hand, replies read as digits; none of our values in between. */
import { describe, expect, test } from "vitest";
import { addressOfUnit } from "../../../firmware-sim/faces/dlt645.ts";
import { showIdentifier } from "../../../protocols/dlt645/identifier.ts";
import { measuresOfStep, readPlanDlt645 } from "../../../protocols/dlt645/read-plan.ts";
import { linkId } from "../../../src/core/actor.ts";
import { fromHex, toHex } from "../../../src/core/bytes.ts";
import { MEASURES, type Measure, measure } from "../../../src/core/measures.ts";
import { civil, mono, parseIso, toIso } from "../../../src/core/time.ts";
import { bytes, vector } from "../../protocols/dlt645/vectors.ts";
import { ADDRESS, at, Bench, frame, LINK, START } from "./dlt645-support.ts";

/** Integers of a measure in the last digit on the wire, by unit; a status has no digits to lose. */
const LAST_DIGIT: Readonly<Record<string, number>> = { V: 100, A: 1_000, W: 100, var: 100, VA: 100, deg: 100, Hz: 10 };

function lastDigit(m: Measure): number {
  if (m.kind === "energy") return 10_000;
  return m.key.startsWith("powerFactor") ? 1_000 : (LAST_DIGIT[m.unit] ?? 1);
}

describe("measures", () => {
  const bench = new Bench();
  // 3 x 230 V, 5 A, PF 0.8 inductive: 2760 W, 2070 var, 3450 VA; energies after two hours.
  test.each([
    ["02010100", "2300"],
    ["02010200", "2300"],
    ["02020300", "005000"],
    ["02030000", "027600"],
    ["02030100", "009200"],
    ["02040000", "020700"],
    ["02050000", "034500"],
    ["02060000", "0800"],
    ["02070100", "0369"],
    ["02800002", "5000"],
    ["00010000", "00000552"],
    ["00020000", "00000000"],
    ["00000000", "00000552"],
    ["00030000", "00000414"],
    ["00050000", "00000414"],
    ["00060000", "00000000"],
    ["00150000", "00000184"],
    ["00290000", "00000184"],
  ])("%s is %s to its last digit", (id, digits) => {
    const shown = Number(bench.read(id, 7_200));
    expect(Math.abs(shown - Number(digits))).toBeLessThanOrEqual(1);
    expect(bench.read(id, 7_200)?.length).toBe(digits.length);
  });

  test("export has its sign in the top bit, and combined energy is forward − reverse", () => {
    const exporting = new Bench("meterworks-3p", {}, { angle: 180 });
    expect(Math.abs(Number(exporting.read("02030000", 3_600)) - 834_500)).toBeLessThanOrEqual(1);
    expect(exporting.read("02030000", 3_600)?.[0]).toBe("8");
    expect(exporting.read("00000000", 3_600)?.[0]).toBe("8");
    const summed = new Bench(
      "meterworks-3p",
      { combinations: { active: 5, reactive1: 5, reactive2: 80 } },
      { angle: 180 },
    );
    expect(summed.read("00000000", 3_600)?.[0]).toBe("0");
  });

  test("without load the power factor has no value", () => {
    expect(new Bench("meterworks-3p", {}, { current: 0 }).read("02060000", 10)).toBe("ffff");
  });

  test("a block has every phase; the absent ones of a single-phase meter are FF, alone they are no such data", () => {
    expect(bench.read("0201FF00", 10)?.length).toBe(12);
    const single = new Bench("meterworks-1p");
    expect(single.read("0201FF00", 10)).toBe("ffffffff2300");
    expect(single.read("02010200", 10)).toBe("d1 02");
    expect(single.read("0203FF00", 10)).toMatch(/^f{12}/);
  });

  test("a block of tariffs has the total and the meter's one tariff; the status words are quiet", () => {
    expect(bench.read("0001FF00", 7_200)?.length).toBe(16);
    expect(bench.read("040005FF", 10)).toBe("0".repeat(28));
  });
});

describe("what the meter does not have is no such data", () => {
  test.each([
    ["a tariff that is not in use", "00010200"],
    ["a settlement that has not been", "00010001"],
    ["settlements of a phase", "00150001"],
    ["the maximum demand of such a settlement", "01010001"],
    ["the mean demand of one minute", "02800003"],
    ["a record of an event that has not been", "03300001"],
    ["programming of a table of its own", "03300500"],
    ["prepaid amount", "00900200"],
    ["a limit of credit", "04001001"],
    ["a purchase", "03330201"],
    ["a load record before there was one", "06000002"],
    ["daily freeze", "05060101"],
    ["an instant freeze not taken", "05010101"],
    ["apparent energy by direction", "00090000"],
    ["the rate of a line, over TCP", "04000703"],
    ["nothing of the standard", "0A0B0C0D"],
    ["a reversed identifier", "00000302"],
  ])("%s", (_name, id) => {
    expect(new Bench().read(id, 10)).toBe("d1 02");
  });
});

describe("identity", () => {
  const text = (hex: string | undefined) =>
    (hex?.match(/../g) ?? [])
      .map((byte) => String.fromCharCode(Number.parseInt(byte, 16)))
      .join("")
      .trimEnd();

  test("address, plate and model", () => {
    const bench = new Bench("meterworks-1p", { baud: 9600 });
    expect(bench.read("04000401", 1)).toBe(ADDRESS);
    expect(text(bench.read("04000403", 1))).toBe("meterworks-1p");
    expect(text(bench.read("04000404", 1))).toBe("230V");
    expect(text(bench.read("04000405", 1))).toBe("5A");
    expect(text(bench.read("04000406", 1))).toBe("60A");
    expect(text(bench.read("04000407", 1))).toBe("B");
    expect(bench.read("04000409", 1)).toBe("001600");
    expect(text(bench.read("0400040D", 1))).toBe("DL/T645-2007");
    expect(bench.read("04000601", 1)).toBe("09");
    expect(bench.read("04000703", 1)).toBe("20");
  });

  test("a read to any meter tells the address; another meter's is not answered", () => {
    const bench = new Bench();
    expect(bench.ask("13", "", 1, "AAAAAAAAAAAA")).toBe("93 070000000000");
    expect(bench.ask("13", "", 1, "000000000008")).toBeUndefined();
    expect(addressOfUnit(7)).toBe(ADDRESS);
  });
});

const AUTH = "02 563412 00000000";
/** An order of function 1C that holds until 2026-01-01 01:00:00. */
const control = (operation: string) => `${AUTH} ${operation} 00 000001010126`;

describe("relay", () => {
  test("trip, and close again: the load is off and on, and the status word says so", () => {
    const bench = new Bench("meterworks-1p");
    expect(bench.ask("1C", control("1A"), 10)).toBe("9c");
    expect(bench.meter.relayClosed).toBe(false);
    expect(bench.read("04000503", 11)).toBe("8050");
    expect(bench.ask("1C", control("1C"), 20)).toBe("9c");
    expect(bench.meter.relayClosed).toBe(true);
    expect(bench.read("04000503", 21)).toBe("0000");
  });

  test.each([
    ["a wrong password", "02 000000 00000000 1A00 000001010126", "dc 04"],
    ["a level that may only write", "04 563412 00000000 1A00 000001010126", "dc 04"],
    ["a time that is over", `${AUTH} 1A00 090000010126`, "dc 01"],
    ["a time that is none", `${AUTH} 1A00 000001321326`, "dc 01"],
    ["an operation that is none", `${AUTH} 4400 000001010126`, "dc 01"],
  ])("%s: refused, the relay stays", (_name, data, reply) => {
    const bench = new Bench("meterworks-1p");
    expect(bench.ask("1C", data, 10)).toBe(reply);
    expect(bench.meter.relayClosed).toBe(true);
  });

  test("a trip while power is to be kept is refused until that is released", () => {
    const bench = new Bench("meterworks-1p");
    const answers = ["3A", "1A", "3B", "1A"].map((operation) => bench.ask("1C", control(operation), 10));
    expect(answers).toEqual(["9c", "dc 01", "9c", "9c"]);
    expect(bench.meter.relayClosed).toBe(false);
  });

  test("a close that is only allowed waits for the key, where nobody presses it at once", () => {
    const closed = (keyPressed: boolean) => {
      const bench = new Bench("meterworks-1p", { keyPressed });
      bench.ask("1C", control("1A"), 10);
      expect(bench.ask("1C", control("1B"), 20)).toBe("9c");
      return bench.meter.relayClosed;
    };
    expect([closed(true), closed(false)]).toEqual([true, false]);
  });

  test("an alarm is on until it is taken back", () => {
    const bench = new Bench("meterworks-1p");
    expect(bench.ask("1C", control("2A"), 10)).toBe("9c");
    expect(bench.read("04000503", 10)).toBe("0080");
    expect(bench.ask("1C", control("2B"), 10)).toBe("9c");
    expect(bench.read("04000503", 10)).toBe("0000");
  });

  test("a meter without a relay has no such function, nor a trip delay", () => {
    const bench = new Bench("eastron-sdm120");
    for (const operation of ["1A", "1B", "1C", "2A", "3A"])
      expect(bench.ask("1C", control(operation), 10)).toBe("dc 02");
    expect(bench.read("04001401", 10)).toBe("d1 02");
    expect(bench.ask("14", "01140004 04 563412 00000000 0500", 10)).toBe("d4 02");
    expect(bench.read("04000503", 10)).toBe("0000");
  });
});

describe("clock", () => {
  test("date with weekday and time; in China eight hours on", () => {
    const bench = new Bench();
    expect(bench.read("04000101", 3_661)).toBe("26010104");
    expect(bench.read("04000102", 3_661)).toBe("010101");
    const china = new Bench("meterworks-3p", { zone: 480 });
    expect(china.read("04000102", 3_661)).toBe("090101");
  });

  test("written with the password, date and time one after the other", () => {
    const bench = new Bench();
    expect(bench.ask("14", "02010004 04 563412 00000000 302010", 10)).toBe("94");
    expect(bench.read("04000102", 10)).toBe("102030");
    expect(bench.ask("14", "01010004 04 563412 00000000 00291224", 11)).toBe("94");
    expect(bench.read("04000101", 12)).toBe("24122900");
    expect(bench.read("04000102", 12)).toBe("102032");
  });

  test.each([
    ["a wrong password", "02010004 04 000000 00000000 302010", "d4 04"],
    ["a time that is none", "02010004 04 563412 00000000 306010", "d4 01"],
    ["a time of a wrong length", "02010004 04 563412 00000000 3020", "d4 01"],
    ["a date that is none", "01010004 04 563412 00000000 00300226", "d4 01"],
    ["data that may only be read", "00000100 04 563412 00000000 00000000", "d4 04"],
    ["data that the meter does not have", "06020004 04 563412 00000000 02", "d4 02"],
  ])("%s is refused, the clock stays", (_name, data, reply) => {
    const bench = new Bench();
    expect(bench.ask("14", data, 10)).toBe(reply);
    expect(bench.read("04000102", 10)).toBe("000010");
  });

  test("broadcast time: within five minutes and once a day, and nobody answers", () => {
    const bench = new Bench();
    const to = (time: string, seconds: number) => bench.ask("08", `${time} 010126`, seconds, "999999999999");
    expect(to("110600", 60)).toBeUndefined();
    expect(bench.read("04000102", 60)).toBe("000100");
    expect(to("000600", 60)).toBeUndefined();
    expect(bench.read("04000102", 60)).toBe("000600");
    to("000700", 61);
    expect(bench.read("04000102", 61)).toBe("000601");
    // The next day it may be set again.
    bench.ask("08", "000300 020126", 86_400 - 300, "999999999999");
    expect(bench.read("04000102", 86_400 - 300)).toBe("000300");
  });

  test("broadcast fields that are no date are not carried out", () => {
    const bench = new Bench();
    bench.ask("08", "251102123456", 60, "999999999999");
    expect(bench.read("04000102", 60)).toBe("000100");
  });
});

describe("captured orders, at a meter whose clock is near their time", () => {
  /** Hears a captured frame; the reply without its FE. */
  const hear = (bench: Bench, name: string, seconds: number) => {
    bench.face.handle({ kind: "bytes", link: LINK, bytes: bytes(vector(name).hex) }, at(seconds));
    const later = { mono: mono(seconds * 1e6 + 30_000), civil: civil((START + seconds) * 1e6 + 30_000) };
    const [sent] = bench.face.wake(later).flatMap((effect) => (effect.kind === "send" ? [effect.bytes] : []));
    return sent === undefined ? undefined : toHex(sent).toUpperCase();
  };
  const on = (address: string, iso: string, password = 0) => {
    const bench = new Bench("meterworks-1p", { password, address });
    const clock = parseIso(iso);
    if (!clock.ok) throw new Error(iso);
    bench.meter.setClock(clock.value, at(10));
    return bench;
  };

  test("V18 trips until its time is over, and is answered with V19", () => {
    const bench = on("558890213594", "2021-07-09T23:59:00Z");
    expect(hear(bench, "V18", 11)).toBe(vector("V19").hex);
    expect(bench.meter.relayClosed).toBe(false);
    const late = on("558890213594", "2021-07-10T00:00:00Z");
    expect(hear(late, "V18", 11)).toMatch(/^FEFEFEFE6894352190885568DC0134/);
    expect(late.meter.relayClosed).toBe(true);
  });

  test.each([
    ["V42", "201000000012", "2017-06-05T10:20:00Z", "2017-06-05T10:22:51Z"],
    ["V43", "111111111111", "2017-06-05T10:45:00Z", "2017-06-05T10:40:25Z"],
    ["V44", "201000000012", "2017-06-05T10:45:00Z", "2017-06-05T10:45:01Z"],
  ])("%s, the clock at %s %s, makes it %s, and nobody answers", (name, address, before, after) => {
    const bench = on(address, before);
    expect(hear(bench, name, 11)).toBeUndefined();
    expect(toIso(bench.meter.clock(at(11)))).toMatch(after.replace("Z", ""));
  });
});

describe("freezes", () => {
  test("the last three instant ones are kept with their time", () => {
    const bench = new Bench();
    for (const hour of [1, 2, 3, 4]) expect(bench.ask("16", "99999999", 3_600 * hour)).toBe("96");
    expect(bench.read("05010001", 20_000)).toBe("2601010400");
    expect(bench.read("05010003", 20_000)).toBe("2601010200");
    expect(bench.read("05010004", 20_000)).toBe("d1 02");
    // Data are read high byte first: the total, which comes first on the wire, is last.
    const frozen = ["05010101", "05010102", "05010103"].map((id) => bench.read(id, 20_000) ?? "");
    for (const digits of frozen) expect(digits.slice(0, 8)).toBe(digits.slice(8));
    const energies = frozen.map((digits) => Number(digits.slice(8)));
    for (const [i, hundredths] of [1104, 828, 552].entries())
      expect(Math.abs((energies[i] ?? 0) - hundredths)).toBeLessThanOrEqual(1);
    expect(bench.read("05010501", 20_000)?.length).toBe(16);
  });

  test("a broadcast one is carried out and not answered; one with a pattern comes when it fits", () => {
    const bench = new Bench();
    expect(bench.ask("16", "99999999", 60, "999999999999")).toBeUndefined();
    expect(bench.read("05010001", 60)).toBe("2601010001");
    // Every day at 00:30.
    expect(bench.ask("16", "30009999", 60)).toBe("96");
    expect(bench.read("05000001", 1_799)).toBe("d1 02");
    expect(bench.read("05000001", 1_800)).toBe("2601010030");
    expect(bench.read("05000001", 86_400 + 1_800)).toBe("2601020030");
    expect(bench.read("05000002", 86_400 + 1_800)).toBe("2601010030");
    for (const never of ["99009999", "61009999", "00249999", "00003102"])
      expect(bench.ask("16", never, 90_000)).toBe("d6 01");
  });
});

describe("the rest", () => {
  test("what the meter can't clear, authenticate or change says so", () => {
    const bench = new Bench();
    expect(bench.ask("1B", `${AUTH} 00000009`, 1)).toBe("db 02");
    expect(bench.ask("1A", "02 000000 00000000", 1)).toBe("da 04");
    expect(bench.ask("03", "FF000007 00000000", 1)).toBe("c3 02");
    expect(bench.ask("17", "08", 1)).toBe("d7 08");
  });

  test("17: on a serial line the rate changes behind the reply that agrees, and the baud word tells it", () => {
    const bench = new Bench("meterworks-1p", { baud: 2400 });
    expect(bench.read("04000703", 1)).toBe("08");
    bench.face.handle({ kind: "bytes", link: LINK, bytes: frame("17", "20") }, at(2));
    const effects = bench.face.wake(at(2.1)).filter(({ kind }) => kind !== "log");
    expect(effects).toMatchObject([
      { kind: "send", link: LINK },
      { kind: "baud", link: LINK, rate: 9600 },
    ]);
    expect(bench.read("04000703", 3)).toBe("20");
    expect(bench.face.wake(at(4)).some(({ kind }) => kind === "baud")).toBe(false);
    expect(bench.ask("17", "03", 5)).toBe("d7 08");
  });

  test("17: a reply that never left changes nothing", () => {
    const bench = new Bench("meterworks-1p", { baud: 2400 });
    bench.face.handle({ kind: "bytes", link: LINK, bytes: frame("17", "20") }, at(2));
    bench.face.handle({ kind: "bytes", link: LINK, bytes: frame("11", "00000100", "999999999998") }, at(2.01));
    expect(bench.face.wake(at(3)).filter(({ kind }) => kind !== "log")).toEqual([]);
    expect(bench.read("04000703", 4)).toBe("08");
  });

  test("two connections do not mix their bytes, and a closed one is forgotten", () => {
    const { face } = new Bench();
    const other = linkId("other");
    const request = frame("11", "00000100");
    face.handle({ kind: "bytes", link: LINK, bytes: request.subarray(0, 9) }, at(1));
    face.handle({ kind: "bytes", link: other, bytes: request }, at(1));
    face.handle({ kind: "bytes", link: LINK, bytes: request.subarray(9) }, at(1));
    const sent = face.wake({ mono: mono(1_030_000), civil: at(1).civil }).filter((e) => e.kind === "send");
    expect(sent.map((e) => e.link)).toEqual([LINK, other]);
    face.handle({ kind: "bytes", link: other, bytes: request }, at(2));
    face.handle({ kind: "closed", link: other, reason: "test" }, at(2));
    expect(face.nextWake().mono).toBe(Number.POSITIVE_INFINITY);
  });

  test("a plan read from the face gives the meter's own values, truncated to the wire's digits", () => {
    const bench = new Bench();
    const keys = MEASURES.map((m) => m.key);
    const steps = readPlanDlt645(keys);
    let compared = 0;
    for (const step of steps) {
      const replies = step.identifiers.map((id) => {
        const data = fromHex(bench.read(showIdentifier(id), 7_200) ?? "");
        if (!data.ok) throw new Error(`${showIdentifier(id)}: ${data.error}`);
        return data.value.reverse();
      });
      const values = measuresOfStep(step, replies);
      if (!values.ok) throw new Error(values.error);
      for (const key of step.measures) {
        const own = bench.meter.value(key);
        const read = values.value[key];
        compared++;
        if (own === null || read === null || read === undefined) expect(read, key).toBe(own);
        else {
          const digit = lastDigit(measure(key));
          expect(read, key).toBe(Math.trunc(own / digit) * digit);
        }
      }
    }
    expect(compared).toBeGreaterThan(30);
  });
});
