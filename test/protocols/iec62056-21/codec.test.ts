import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseClock, parseTimestamp } from "../../../protocols/iec62056-21/clock.ts";
import { formatDataBlock, parseDataSets } from "../../../protocols/iec62056-21/dataset.ts";
import {
  addParity,
  blockCheck,
  buildBlock,
  DAMAGED,
  evenParity,
  stripParity,
  wireTime,
} from "../../../protocols/iec62056-21/frame.ts";
import {
  addresses,
  buildBreak,
  buildCommand,
  buildOption,
  buildRequest,
  parseIdentification,
  parseOption,
  parseRequest,
} from "../../../protocols/iec62056-21/message.ts";
import { normalObis } from "../../../protocols/iec62056-21/obis.ts";
import { measuresOf, readingsOf } from "../../../protocols/iec62056-21/readings.ts";
import { type Expecting, Scanner, type Token } from "../../../protocols/iec62056-21/scanner.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { toIso } from "../../../src/core/time.ts";
import { ACE0, ACE0_CHECK, ascii, BREAK, block, DSMR5, EHZ, latin, ZMD120, ZMD120_CHECK } from "./vectors.ts";

const setsOf = (text: string) => {
  const sets = parseDataSets(text);
  if (!sets.ok) throw new Error(JSON.stringify(sets.error));
  return sets.value;
};

function scan(bytes: Uint8Array, expecting: Expecting, limit = 4096): Token[] {
  const scanner = new Scanner(limit);
  scanner.expecting = expecting;
  return [...bytes].flatMap((byte) => scanner.feed(byte) ?? []);
}

describe("check character and parity", () => {
  test("pwitab/iec62056-21 tests/test_bcc.py, and the break", () => {
    expect(toHex(buildBlock("P0", "(1234567)"))).toBe("01503002283132333435363729" + "0350");
    expect(toHex(buildCommand({ operation: "W2", address: "C003", value: "910324092239" }))).toBe(
      "01573202433030332839313033323430393232333929031b",
    );
    expect(latin(buildBreak())).toBe(BREAK);
  });
  test("the readouts of ZMD120 and ACE0", () => {
    expect(buildBlock(undefined, ZMD120).at(-1)).toBe(ZMD120_CHECK);
    expect(buildBlock(undefined, ACE0).at(-1)).toBe(ACE0_CHECK);
  });
  test("parity: known characters, and one flipped bit is seen (property)", () => {
    // 7E1: A = 41 has two ones, C = 43 three.
    expect(toHex(addParity(ascii("AC/?!")))).toBe("41c3af3f21");
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 127 }), fc.integer({ min: 0, max: 7 }), (character, bit) => {
        const sent = addParity(Uint8Array.of(character));
        expect(stripParity(sent)[0]).toBe(character);
        expect(stripParity(Uint8Array.of((sent[0] as number) ^ (1 << bit)))[0]).toBe(DAMAGED);
        expect(evenParity(sent[0] as number)).toBe(true);
      }),
    );
  });
  test("ten bits a character", () => {
    expect(wireTime(300, 3)).toBe(100_000);
    expect(blockCheck(Uint8Array.of(1, 2, 4), 1, 3)).toBe(6);
  });
});

describe("messages", () => {
  test("request with and without address", () => {
    expect(latin(buildRequest(""))).toBe("/?!\r\n");
    expect(latin(buildRequest("00123"))).toBe("/?00123!\r\n");
    expect(parseRequest("/?12345678!")).toBe("12345678");
    expect(parseRequest("/?!")).toBe("");
    expect(parseRequest("/LGZ5")).toBeUndefined();
    expect(parseRequest(`/?${"1".repeat(33)}!`)).toBeUndefined();
  });
  test("leading zeros of an address say nothing", () => {
    expect(addresses("", "77")).toBe(true);
    expect(addresses("0077", "77")).toBe(true);
    expect(addresses("77", "0077")).toBe(true);
    expect(addresses("78", "77")).toBe(false);
    expect(addresses("0", "77")).toBe(false);
  });
  test.each([
    ["/LGZ52ZMD120APt.G03", { manufacturer: "LGZ", mode: "C", baud: 9600, enhanced: "", ident: "2ZMD120APt.G03" }],
    ["/ACE0\\3k260V01.18", { manufacturer: "ACE", mode: "C", baud: 300, enhanced: "3", ident: "k260V01.18" }],
    ["/HAg5eHZ010C_EHZ1vA02", { manufacturer: "HAg", mode: "C", baud: 9600, reaction: 20_000 }],
    ["/SIE3", { manufacturer: "SIE", mode: "C", baud: 2400, ident: "", reaction: 200_000 }],
    ["/CTA5ZIV-METER", { manufacturer: "CTA", mode: "C", ident: "ZIV-METER" }],
    ["/ABCC\\2X", { mode: "B", baud: 2400, enhanced: "2", ident: "X" }],
    ["/ABC-X", { mode: "A", baud: 300, ident: "X" }],
    ["/ABC7X", { mode: "A", baud: 300 }],
    ["/ABCFX", { mode: "B", baud: 19_200 }],
    ["/ABC6X", { mode: "C", baud: 19_200 }],
  ])("identification %s", (line, expected) => {
    expect(parseIdentification(line)).toMatchObject({ ok: true, value: expected });
  });
  test.each(["", "/", "/?!", "/AB", "/1BC5x", "ABC5x", "/ABC5\x01"])("no identification: %j", (line) => {
    expect(parseIdentification(line).ok).toBe(false);
  });
  test("option select as vzlogger and smartmeter-obis expect it", () => {
    expect(toHex(buildOption("5", "readout"))).toBe("063035300d0a");
    expect(toHex(buildOption("3", "readout"))).toBe("063033300d0a");
    expect(toHex(buildOption("0", "readout"))).toBe("063030300d0a");
    expect(toHex(buildOption("5", "programming"))).toBe("063035310d0a");
    expect(parseOption("051")).toEqual({ baud: 9600, mode: "programming" });
    expect(parseOption("000")).toEqual({ baud: 300, mode: "readout" });
    for (const text of ["250", "150", "056", "0A0", "070", "05"]) expect(parseOption(text)).toBeUndefined();
  });
});

describe("data sets", () => {
  test("ZMD120 reads and builds back to the same bytes", () => {
    const sets = setsOf(ZMD120);
    expect(sets).toHaveLength(8);
    expect(sets[1]).toMatchObject({ address: "0.0.0", groups: [{ value: " 20000", unit: undefined }] });
    expect(sets[2]).toMatchObject({ address: "1.8.1", groups: [{ value: "001846.0", unit: "kWh" }], offset: 30 });
    expect(formatDataBlock(sets)).toBe(ZMD120);
  });
  test("ACE0, eHZ and DSMR 5 build back to the same bytes too", () => {
    expect(formatDataBlock(setsOf(ACE0))).toBe(ACE0);
    for (const telegram of [EHZ, DSMR5]) {
      const data = telegram.slice(telegram.indexOf("\r\n\r\n") + 4, telegram.lastIndexOf("!"));
      expect(formatDataBlock(setsOf(data))).toBe(`${data}!\r\n`);
    }
  });
  test("several on a line, several groups, empty groups, no line end before the !", () => {
    expect(setsOf("6.8(001*GJ)6.26(01*m3)9.21(66*x)!").map((s) => s.address)).toEqual(["6.8", "6.26", "9.21"]);
    expect(setsOf("0-0:96.13.0()")[0]?.groups).toEqual([{ value: "", unit: undefined }]);
    expect(setsOf("1-0:1.6.0(1*kW)(2105)")[0]?.groups).toHaveLength(2);
  });
  test("a line without address belongs to the set before it", () => {
    const sets = setsOf("0-1:24.3.0(1)(m3)\r\n(00024.123)\r\n0-1:24.4.0(1)\r\n!");
    expect(sets.map((s) => [s.address, s.groups.length])).toEqual([
      ["0-1:24.3.0", 3],
      ["0-1:24.4.0", 1],
    ]);
  });
  test.each([
    ["1.8.0", 5, "an address without a value"],
    ["1.8.0(12", 8, "a value ends without )"],
    ["1.8.0(1)\r\n)", 10, "no data set begins here"],
    ["1.8.0((1))", 6, "a value ends without )"],
    ["1.8.0(1\x002)", 7, "a value ends without )"],
    ["1.8.0(1\xff)", 7, "a value ends without )"],
    [`${"1".repeat(41)}(1)`, 0, "an address of more than 40 characters"],
  ])("%j is refused with its place", (text, offset, detail) => {
    expect(parseDataSets(text)).toEqual({ ok: false, error: { kind: "bad-data", offset, detail } });
  });
});

describe("identification codes", () => {
  test.each([
    ["1-0:1.8.0*255", "1-0:1.8.0"],
    ["1-0:1.8.0", "1-0:1.8.0"],
    ["1.8.0", "1-0:1.8.0"],
    ["6.8", "1-0:6.8.0"],
    ["1.8.0*1", "1-0:1.8.0*1"],
    ["1.6.1*01", "1-0:1.6.1*1"],
    ["C.1.0", "0-0:96.1.0"],
    ["C.1", "0-0:96.1.0"],
    ["F.F", "0-0:97.97.0"],
    ["P.01", "0-0:99.1.0"],
    ["131.7.0", "1-0:131.7.0"],
    ["128.8.0", "1-0:128.8.0"],
    ["0.9.1", "1-0:0.9.1"],
    ["0-1:24.2.1", "0-1:24.2.1"],
    ["C003", undefined],
    ["1.8", "1-0:1.8.0"],
    ["1-0:256.8.0", undefined],
    ["X.1.0", undefined],
    ["", undefined],
  ])("%s is %s", (address, code) => {
    expect(normalObis(address)).toBe(code);
  });
});

describe("from data sets to values", () => {
  test("ZMD120", () => {
    expect(measuresOf(setsOf(ZMD120))).toEqual({
      ...{ activeEnergyImport: 1_846_000_000, activeEnergyImportT1: 1_846_000_000, activeEnergyImportT2: 0 },
      ...{ activeEnergyExport: 4_329_600_000, activeEnergyExportT1: 4_329_600_000, activeEnergyExportT2: 0 },
    });
    expect(readingsOf(setsOf(ZMD120))[1]).toEqual({ id: "0.0.0", obis: "1-0:0.0.0", value: "20000", unit: "" });
    expect(readingsOf(setsOf(ZMD120))[7]).toEqual({ id: "2.8.0", obis: "1-0:2.8.0", value: "4329.6", unit: "kWh" });
  });
  test("P1 phases, and net power from import and export", () => {
    const data = DSMR5.slice(DSMR5.indexOf("\r\n"));
    expect(measuresOf(setsOf(data))).toMatchObject({
      ...{ voltageL1: 230_000, voltageL2: 227_000, voltageL3: 232_000, currentL1: 1_000_000, currentL2: 0 },
      ...{ activePower: 469_000, activePowerL1: 249_000, activePowerL2: 140_000, activePowerL3: 104_000 },
    });
    expect(measuresOf(setsOf("2.7.0(1.5*kW)1.7.0(0.5*kW)")).activePower).toBe(-1_000_000);
    expect(measuresOf(setsOf("2.7.0(1.5*kW)")).activePower).toBeUndefined();
    const gas = readingsOf(setsOf(data)).at(-1);
    expect(gas).toEqual({ id: "0-1:24.2.1", obis: "0-1:24.2.1", value: "521.908", unit: "m3" });
  });
  test("P1 shows no totals: they are the sums of the tariffs, to the last digit", () => {
    const totals = measuresOf(setsOf(DSMR5.slice(DSMR5.indexOf("\r\n"))));
    // 502.689 + 270.765 and 294.455 + 602.408 kWh, in mWh.
    expect(totals).toMatchObject({ activeEnergyImport: 773_454_000, activeEnergyExport: 896_863_000 });
    const sum = (text: string) => measuresOf(setsOf(text)).activeEnergyImport;
    // Each part cut by itself would lose the seventh decimals, which make a mWh together.
    expect(sum("1.8.1(0.0000006*kWh)1.8.2(0.0000005*kWh)")).toBe(1);
    // In binary floating point 0.1 + 0.2 + 1000000.7 is not 1000001.
    expect(sum("1.8.1(0.1*kWh)1.8.2(0.2*kWh)1.8.3(1000000.7*kWh)")).toBe(1_000_001_000_000);
    expect(sum("1.8.1(1*kWh)1.8.2(500*Wh)")).toBe(1_500_000);
  });
  test("no total from a total that is given, a single tariff, a gap, or a tariff that can't be read", () => {
    const sum = (text: string) => measuresOf(setsOf(text)).activeEnergyImport;
    expect(sum("1.8.0(5*kWh)1.8.1(1*kWh)1.8.2(2*kWh)")).toBe(5_000_000);
    expect(sum("1.8.0()1.8.1(1*kWh)1.8.2(2*kWh)")).toBeNull();
    expect(sum("1.8.0(5)1.8.1(1*kWh)1.8.2(2*kWh)")).toBeUndefined();
    for (const text of [
      "1.8.1(1*kWh)",
      "1.8.1(1*kWh)1.8.3(1*kWh)",
      "1.8.2(1*kWh)1.8.3(1*kWh)",
      "1.8.1(1*kWh)1.8.2()",
      "1.8.1(1*kWh)1.8.2(2)",
      "1.8.1(1*kWh)1.8.2*1(2*kWh)",
    ])
      expect(sum(text)).toBeUndefined();
  });
  test("a value without unit, of another unit, or of a former period is no measure", () => {
    const data = EHZ.slice(EHZ.indexOf("\r\n"));
    expect(measuresOf(setsOf(data))).toEqual({});
    expect(measuresOf(setsOf("1.8.0(5*m3)1.8.0*1(7*kWh)2.8.0(9)32.7.0(x*V)"))).toEqual({});
    expect(readingsOf(setsOf(data))[1]).toMatchObject({ obis: "1-0:1.8.1", value: "32942.0231" });
    expect(readingsOf(setsOf(data))[3]).toMatchObject({ value: "0000680476" });
  });
  test("decimals beyond the measure's are cut, empty is null, units scale", () => {
    expect(measuresOf(setsOf("32.7.0(230.12399*V)16.7.0(-0.0000019*kW)1.8.0(12345*Wh)13.7.0()"))).toEqual({
      voltageL1: 230_123,
      activePower: -1,
      activeEnergyImport: 12_345_000,
      powerFactor: null,
    });
    expect(measuresOf(setsOf("31.7.0(1234.5679*mA)"))).toEqual({ currentL1: 1_234_567 });
  });
  test("old P1 gas on a continuation line", () => {
    const sets = setsOf("0-1:24.3.0(121030140000)(00)(16)(60)(0-1:24.2.1)(m3)\r\n(00024.123)\r\n!");
    expect(readingsOf(sets)).toEqual([{ id: "0-1:24.2.1", obis: "0-1:24.2.1", value: "24.123", unit: "m3" }]);
  });
  test("a maximum with its time is the maximum", () => {
    expect(readingsOf(setsOf("1.6.0(12.5*kW)(2105241200)"))[0]).toMatchObject({ value: "12.5", unit: "kW" });
  });
  test("the clock needs its zone", () => {
    const sets = setsOf("0.9.1(211943)0.9.2(210524)");
    expect(measuresOf(sets)).toEqual({});
    // Oracle: date -u -d '2021-05-24 21:19:43' +%s
    expect(measuresOf(sets, { clockOffset: 0 })).toEqual({ clock: 1_621_891_183 });
    const p1 = setsOf("0-0:1.0.0(210524211943S)");
    expect(measuresOf(p1, { clockOffset: 3600 })).toEqual({ clock: 1_621_891_183 - 7200 });
    expect(toIso(parseTimestamp("201029040354W", 3600) ?? (0 as never))).toBe("2020-10-29T03:03:54Z");
    expect(parseClock("21-02-29", "00:00:00", 0)).toBeUndefined();
    expect(parseClock("24-02-29", "23:59:59", 0)).toBe(1_709_251_199_000_000);
  });
});

describe("scanner", () => {
  test("a block, its check, and a wrong one", () => {
    const [good] = scan(ascii(block(ZMD120)), "data");
    expect(good).toMatchObject({ kind: "block", good: true, command: undefined, data: ZMD120, found: ZMD120_CHECK });
    const bad = ascii(block(ZMD120));
    bad[bad.length - 1] = 0x2b;
    expect(scan(bad, "data")[0]).toMatchObject({ good: false, found: 0x2b, computed: ZMD120_CHECK });
  });
  test("two damaged characters that cancel out are still damage", () => {
    expect(scan(Uint8Array.of(2, DAMAGED, DAMAGED, 3, 3), "data")[0]).toMatchObject({ good: false });
  });
  test("EOT ends a partial block", () => {
    expect(scan(Uint8Array.of(2, 0x41, 4, 0x41 ^ 4), "frames")[0]).toMatchObject({ partial: true, good: true });
  });
  test("garbage before a message is skipped, an echo is a line of its own", () => {
    const tokens = scan(ascii("\x7f\x7f\0/?!\r\n/LG/LGZ52ZMD120APt.G03\r\n"), "sign-on");
    expect(tokens).toEqual([
      { kind: "line", text: "/?!" },
      { kind: "line", text: "/LGZ52ZMD120APt.G03" },
    ]);
  });
  test("data without STX up to the ! outside of parentheses, with or without a line end before", () => {
    expect(scan(ascii(ZMD120), "data")).toEqual([{ kind: "plain", text: ZMD120.slice(0, -2) }]);
    expect(scan(ascii("1.8.0(a!b)!"), "data")).toEqual([{ kind: "plain", text: "1.8.0(a!b)!" }]);
  });
  test("what is longer than the limit is told, and memory stays at the limit", () => {
    const tokens = scan(ascii(`\x02${"1".repeat(1000)}`), "data", 300);
    expect(tokens.map((t) => t.kind)).toContain("overflow");
  });
  test("ACK alone and ACK with an option are told apart by what is expected", () => {
    expect(scan(ascii("\x06050\r\n"), "option")).toEqual([{ kind: "option", text: "050" }]);
    expect(scan(ascii("\x06\x15"), "frames")).toEqual([{ kind: "ack" }, { kind: "nak" }]);
    expect(scan(ascii("\x0605/?!\r\n"), "option")).toEqual([{ kind: "line", text: "/?!" }]);
  });
  test("1,000 bytes of garbage before a block cost only what they touch (property)", () => {
    const frame = block("1.8.0(1*kWh)", "R1");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1000, maxLength: 1000 }), (garbage) => {
        const tokens = scan(Uint8Array.of(...garbage, ...ascii(frame)), "frames");
        expect(tokens.filter((t) => t.kind === "block" && t.good && t.command === "R1")).toHaveLength(1);
      }),
      // An ETX right before the frame may take the frame's first byte for its check character; where 05h EOT come before,
      // SOH is even the right one.
      {
        numRuns: 2_000,
        examples: [
          [new Uint8Array(1000).fill(0x02, 998, 999).fill(0x03, 999)],
          [Uint8Array.of(...new Uint8Array(997), 0x02, 0x05, 0x04)],
        ],
      },
    );
  });
  test("one changed byte of a block never brings other data: a check character that fits by chance leaves half a data set", () => {
    const frame = ascii(block(ACE0));
    let lucky = 0;
    for (let at = 0; at < frame.length; at++) {
      for (let flip = 1; flip < 256; flip++) {
        const damaged = Uint8Array.from(frame);
        damaged[at] = (damaged[at] as number) ^ flip;
        for (const token of scan(damaged, "data")) {
          if (token.kind !== "block" || !token.good) continue;
          lucky += 1;
          expect(parseDataSets(token.data).ok, `byte ${at} ^ ${flip}`).toBe(false);
        }
      }
    }
    // A byte became ETX, and the one behind it happens to be the sum of what came before.
    expect(lucky).toBe(1);
  });
});
