/** The order in which settings are tried, and how bytes heard at a wrong one change it. */
import { describe, expect, test } from "vitest";
import { type LineFormat, showLineFormat } from "../../../src/core/line-format.ts";
import { looksSlower, planScan, reorder, type Visit } from "../../../src/field/scan/plan.ts";
import { DEFAULTS, format, ScanBench } from "./bench.ts";

function show({ protocol, format: at }: Visit): string {
  return at === undefined ? protocol : `${protocol} ${showLineFormat(at)}`;
}

describe("the plan of a scan", () => {
  test("begins with the wildcards and the settings that meters leave the factory with", () => {
    const plan = planScan(DEFAULTS).map(show);
    expect(plan.slice(0, 3)).toEqual(["dlt645 2400 8E1", "iec62056-21 300 7E1", "modbus-rtu 9600 8N1"]);
    expect(plan.slice(0, 9)).toContain("modbus-rtu 19200 8E1");
    expect(plan.indexOf("modbus-rtu 9600 8O1")).toBeGreaterThan(plan.indexOf("modbus-rtu 57600 8E1"));
  });

  test("visits every setting once, and the likely ones of Modbus again with the other function", () => {
    const plan = planScan(DEFAULTS);
    const first = plan.filter(({ asking }) => asking === 4).map(show);
    expect(new Set(first).size).toBe(first.length);
    // Eight bauds with three parities each; six with three; five with the one that there is.
    expect(first.length).toBe(24 + 18 + 5);
    const again = plan.filter(({ asking }) => asking === 3);
    expect(again.length).toBeGreaterThan(2);
    expect(plan.slice(-again.length)).toEqual(again);
  });

  test("keeps to the bauds, parities and protocols that were named", () => {
    const named = planScan({ ...DEFAULTS, bauds: [14_400], parities: ["odd"], protocols: ["modbus-rtu", "dlt645"] });
    expect(new Set(named.map(show))).toEqual(new Set(["modbus-rtu 14400 8O1", "dlt645 14400 8O1"]));
    expect(planScan({ ...DEFAULTS, protocols: ["iec62056-21"], parities: ["none"] })).toEqual([]);
    expect(
      planScan({ ...DEFAULTS, protocols: ["modbus-ascii"], bauds: [9_600], parities: ["none"] })[0]?.format,
    ).toEqual({
      ...{ baud: 9_600, dataBits: 7, parity: "none", stopBits: 2 },
    });
  });

  test("on TCP has the protocols alone", () => {
    const plan = planScan({ ...DEFAULTS, line: "tcp", protocols: ["modbus-tcp", "dlt645"] });
    expect(plan.map(show)).toEqual(["dlt645", "modbus-tcp"]);
  });
});

const TEXT = Uint8Array.from("/MWK5meterworks 230.1*V 50.0*Hz".repeat(2), (character) => character.charCodeAt(0));

/** What is heard at one setting of somebody who talks at another. */
function garbleOf(talker: LineFormat, listener: LineFormat): Uint8Array {
  const bench = new ScanBench();
  const heard: number[] = [];
  bench.line.join({}, (event) => event.kind === "bytes" && heard.push(...event.bytes), { format: listener });
  bench.talker(TEXT, 500_000, talker);
  bench.world.run(2_000_000 as Parameters<typeof bench.world.run>[0]);
  return Uint8Array.from(heard);
}

describe("bytes heard at a wrong setting", () => {
  test.each([
    ["1200 8N1", "9600 8N1", true],
    ["2400 8E1", "9600 8N1", true],
    ["4800 8N1", "19200 8N1", true],
    ["9600 8N1", "115200 8N1", true],
    ["19200 8N1", "9600 8N1", false],
    ["115200 8N1", "9600 8N1", false],
    ["9600 8E1", "9600 8N1", false],
  ])("%s heard at %s looks slower: %s", (talker, listener, slower) => {
    const bytes = garbleOf(format(talker), format(listener));
    expect(bytes.length).toBeGreaterThan(4);
    expect(looksSlower(bytes)).toBe(slower);
  });

  test("bring the bauds to which they point to the front, the likely ones first", () => {
    const plan = planScan(DEFAULTS);
    const bauds = (visits: readonly Visit[]) => [...new Set(visits.map((visit) => visit.format?.baud))];
    const slower = reorder(plan, [{ baud: 9_600, slower: true }]);
    expect(bauds(slower).slice(0, 5)).toEqual([2_400, 300, 1_200, 4_800, 600]);
    const faster = reorder(plan, [{ baud: 9_600, slower: false }]);
    expect(bauds(faster).slice(0, 3)).toEqual([9_600, 19_200, 38_400]);
    const between = reorder(plan, [
      { baud: 9_600, slower: false },
      { baud: 57_600, slower: true },
      { baud: 19_200, slower: false },
    ]);
    expect(bauds(between).slice(0, 2)).toEqual([19_200, 38_400]);
    for (const order of [slower, faster, between]) expect(new Set(order)).toEqual(new Set(plan));
  });

  test.each(["4800 8O1", "1200 8O1", "9600 8O1"])("lead a scan sooner to a meter at %s", (text) => {
    const at = format(text);
    const quiet = new ScanBench().modbus("abb-b23", 1, at).scan();
    const told = new ScanBench().modbus("abb-b23", 1, at).answerer(TEXT, at).scan({ first: true });
    const [late = 0, early = 1e9] = [quiet, told].map(({ found }) => found[0]?.seconds);
    expect(early).toBeLessThan(0.6 * late);
  });

  test("say that a line is in use", () => {
    const { report } = new ScanBench().talker(TEXT, 700_000, format("2400 8E1")).scan({ protocols: ["dlt645"] });
    expect(report.notes[0]).toMatch(/^somebody else talks on this line/);
    expect(report.notes[1]).toMatch(
      /^bytes that are no answer were heard at 2400 8E1 \(first 2f 4d [0-9a-f ]+\), .* and at \d+ more$/,
    );
  });
});
