/** Scans of a simulated line by bits: who is found, how soon, with what certainty, and that nothing is written. */
import { describe, expect, test } from "vitest";
import { MODELS } from "../../../protocols/models/index.ts";
import { showLineFormat } from "../../../src/core/line-format.ts";
import type { FoundMeter } from "../../../src/field/scan/found.ts";
import { format, ScanBench, type Scanned, writes } from "./bench.ts";

const NINETY_SIX = format("9600 8N1");

function short({ protocol, format: at, unit, address, model }: FoundMeter): string {
  const who = unit === undefined ? address : `unit ${unit}`;
  return [protocol, at && showLineFormat(at), who, model].filter((part) => part !== undefined).join(" ");
}

function names({ report }: Scanned): string[] {
  return report.found.map(short).sort();
}

describe("a scan of a serial line", () => {
  test("finds three meters of two protocols at three speeds within a minute, and writes nothing", () => {
    const scanned = new ScanBench()
      .modbus("eastron-sdm120", 3, format("2400 8N1"))
      .dlt645("202611290007", format("2400 8E1"))
      .modbus("eastron-sdm630", 7, format("19200 8E1"))
      .scan();
    expect(names(scanned)).toEqual([
      "dlt645 2400 8E1 202611290007",
      "modbus-rtu 19200 8E1 unit 7 eastron-sdm630",
      "modbus-rtu 2400 8N1 unit 3 eastron-sdm120",
    ]);
    expect(scanned.found.map(({ meter }) => meter)).toEqual(scanned.report.found);
    for (const { seconds } of scanned.found) expect(seconds).toBeLessThan(60);
    expect(scanned.sent.length).toBeGreaterThan(100);
    expect(scanned.sent.map(writes).filter((why) => why !== undefined)).toEqual([]);
    expect(scanned.report.notes).toEqual([]);
  });

  test("finds a meter by its sign-on, reads it out, and leaves the line free for the others", () => {
    const scanned = new ScanBench().iec().modbus("chint-dtsu666", 10, NINETY_SIX).scan();
    expect(names(scanned)).toEqual([
      "iec62056-21 300 7E1 meterworks-1p-7",
      "modbus-rtu 9600 8N1 unit 10 chint-dtsu666",
    ]);
    expect(scanned.report.found[0]?.reason).toMatch(/\/MWK5meterworks-1p: mode C/);
    expect(scanned.sent.map(writes).filter((why) => why !== undefined)).toEqual([]);
  });

  test("waits for a meter of mode A to say everything at 300 baud", () => {
    const scanned = new ScanBench()
      .iec(300, format("300 7E1"), "A")
      .modbus("abb-b23", 2, NINETY_SIX)
      .scan({ first: false });
    expect(names(scanned)).toEqual(["iec62056-21 300 7E1 meterworks-1p-7", "modbus-rtu 9600 8N1 unit 2 abb-b23"]);
  });

  test("tells a meter that sends by itself from one that answered", () => {
    const lines = ["/MWK5P1", "", "1-0:1.8.0(000123.4*kWh)", "0-0:96.1.1(4B414C37)", "!"].join("\r\n");
    const telegram = Uint8Array.from(`${lines}\r\n`, (character) => character.charCodeAt(0));
    const at = format("9600 7E1");
    const scanned = new ScanBench().talker(telegram, 1_000_000, at).scan({ protocols: ["iec62056-21"], first: true });
    const [meter] = scanned.report.found;
    expect([meter?.name, meter?.pushes]).toEqual(["MWK P1", true]);
    expect(meter?.reason).toMatch(/sends \/MWK5P1 by itself/);
  });

  test("finds two meters on one unit address at two speeds, and one that has ASCII where that is asked for", () => {
    const scanned = new ScanBench()
      .modbus("eastron-sdm120", 1, NINETY_SIX)
      .modbus("eastron-sdm630", 1, format("9600 8E1"))
      .modbus("abb-b23", 1, format("9600 7E1"))
      .scan({ protocols: ["modbus-rtu", "modbus-ascii"] });
    expect(names(scanned)).toEqual([
      "modbus-ascii 9600 7E1 unit 1 abb-b23",
      "modbus-rtu 9600 8E1 unit 1 eastron-sdm630",
      "modbus-rtu 9600 8N1 unit 1 eastron-sdm120",
    ]);
  });

  test("finds a meter that takes 300 ms, and one that takes longer than it is given", () => {
    const scanned = new ScanBench()
      .modbus("eastron-sdm630", 4, NINETY_SIX, 300_000)
      .modbus("acrel-adw300", 6, format("19200 8N1"), 550_000)
      .scan();
    expect(names(scanned)).toContain("modbus-rtu 9600 8N1 unit 4 eastron-sdm630");
    expect(names(scanned)).toContain("modbus-rtu 19200 8N1 unit 6 acrel-adw300");
    expect(scanned.report.notes.join()).toMatch(/unit 6 takes longer to answer .* longer --timeout/);
  });

  test("waits as long as the standards let a meter take", () => {
    const scanned = new ScanBench().dlt645("202611290007", format("2400 8E1"), 500_000).scan({ protocols: ["dlt645"] });
    expect(names(scanned)).toEqual(["dlt645 2400 8E1 202611290007"]);
  });

  test("takes meters apart that answer a wildcard at once", () => {
    const at = format("2400 8E1");
    const bench = new ScanBench();
    for (const address of ["000000000161", "000000000261", "202611290007", "202611290008"]) bench.dlt645(address, at);
    const scanned = bench.scan({ protocols: ["dlt645"], bauds: [2_400], parities: ["even"] });
    expect(names(scanned).map((name) => name.split(" ").at(-1))).toEqual([
      "000000000161",
      "000000000261",
      "202611290007",
      "202611290008",
    ]);
    expect(scanned.report.notes).toContainEqual(
      expect.stringMatching(/^several DL.T 645 meters answer a wildcard at once/),
    );
    expect(scanned.sent.map(writes).filter((why) => why !== undefined)).toEqual([]);
  });

  test("says where two meters share a unit address", () => {
    const scanned = new ScanBench()
      .modbus("eastron-sdm630", 5, NINETY_SIX)
      .modbus("abb-b23", 5, NINETY_SIX, 1_500)
      .scan({ bauds: [9_600], parities: ["none"], protocols: ["modbus-rtu"] });
    expect(scanned.report.notes.join()).toMatch(/bytes that are no answer .* at 9600 8N1 unit 5/);
  });

  test("hears its own echo, and lumps of bytes, and takes neither for an answer", () => {
    const scanned = new ScanBench({}, { echo: true, lumps: true })
      .modbus("schneider-iem3155", 2, format("19200 8E1"))
      .dlt645("202611290007", format("2400 8E1"))
      .scan();
    expect(names(scanned)).toEqual(["dlt645 2400 8E1 202611290007", "modbus-rtu 19200 8E1 unit 2 schneider-iem3155"]);
    expect(scanned.report.notes.join()).toMatch(/hears itself/);
  });

  test("finds them all the same on a noisy line", () => {
    let [found, sought] = [0, 0];
    for (let seed = 1; seed <= 20; seed++) {
      const scanned = new ScanBench({ noise: 200, flipped: 20, stray: 200, turnaround: 50 }, {}, seed)
        .modbus("eastron-sdm630", 3, NINETY_SIX)
        .dlt645("202611290007", format("2400 8E1"))
        .modbus("abb-b23", 9, format("19200 8E1"))
        .scan();
      sought += 3;
      found += names(scanned).length;
      for (const { model } of scanned.report.found) expect([undefined, "eastron-sdm630", "abb-b23"]).toContain(model);
    }
    expect(found).toBeGreaterThanOrEqual(0.95 * sought);
    expect(found).toBeLessThanOrEqual(sought);
  });

  test("ends with the first meter where that is enough", () => {
    const scanned = new ScanBench()
      .modbus("eastron-sdm630", 3, NINETY_SIX)
      .modbus("eastron-sdm630", 4, NINETY_SIX)
      .scan({ first: true });
    expect(names(scanned)).toEqual(["modbus-rtu 9600 8N1 unit 3 eastron-sdm630"]);
    expect(scanned.seconds).toBeLessThan(6);
  });

  test("comes to its end where nobody is, as soon as it said from the start", () => {
    const { report, progress, seconds, found } = new ScanBench().scan();
    expect([report.found, report.notes, found]).toEqual([[], [], []]);
    const first = progress[0];
    const last = progress.at(-1);
    expect((first?.left ?? 0) / 1e6).toBeGreaterThan(0.95 * seconds);
    expect((first?.left ?? 0) / 1e6).toBeLessThan(1.05 * seconds);
    expect((last?.left ?? 1e9) / 1e6).toBeLessThan(1);
    expect(seconds).toBeLessThan(180);
  });
});

describe("the model of a meter", () => {
  test.each(MODELS.map((model) => [model.id, model] as const))("%s is told, with the reason", (id, model) => {
    const scanned = new ScanBench()
      .modbus(id, 1, NINETY_SIX)
      .scan({ bauds: [9_600], parities: ["none"], protocols: ["modbus-rtu"] });
    const [meter] = scanned.report.found;
    const candidates = [meter?.model, ...(meter?.alternatives ?? [])];
    expect(candidates).toContain(id);
    if (model.modbus.functions?.includes(0x2b))
      expect(meter?.reason).toMatch(/2B\/0E\) says ".*and its registers agree/);
    expect(meter?.confidence).toBeGreaterThanOrEqual(candidates.length > 1 ? 50 : 80);
    expect(meter?.reason).toMatch(/voltageL1 230 V/);
  });
});

describe("a meter on a test bench", () => {
  const one = { bauds: [9_600], parities: ["none"], protocols: ["modbus-rtu"] } as const;

  test("with one live phase fits in part, and without voltage is found all the same", () => {
    const partly = new ScanBench().modbus("abb-b23", 1, NINETY_SIX, 0, [230, 0, 0]).scan(one).report.found[0];
    expect([partly?.model, partly?.confidence]).toEqual(["abb-b23", 60]);
    const dead = new ScanBench().modbus("abb-b23", 1, NINETY_SIX, 0, 0).scan(one).report.found[0];
    expect([dead?.unit, dead?.model, dead?.confidence]).toEqual([1, undefined, 0]);
    expect(dead?.reason).toMatch(/no known map shows a mains voltage/);
  });
});

describe("the check that nothing is written", () => {
  test.each([
    ["Modbus function 6", [1, 6, 0, 0, 0, 1, 0x48, 0x0a]],
    ["Modbus function 16", [1, 16, 0, 0, 0, 1, 2, 0, 1, 0, 0]],
    ["DL/T 645 control 20", [0xfe, 0x68, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0x68, 0x14, 0, 0, 0x16]],
    ["Modbus function 48", [6, 0x30, 0x35, 0x31, 13, 10]],
  ])("tells %s", (why, bytes) => {
    expect(writes(Uint8Array.from(bytes))).toBe(why);
  });
});
