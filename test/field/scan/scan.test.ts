/** Scans of a simulated line by bits: who is found, how soon, with what certainty, and that nothing is written. */
import { describe, expect, test } from "vitest";
import { showLineFormat } from "../../../src/core/line-format.ts";
import type { FoundMeter } from "../../../src/field/scan/found.ts";
import { format, ScanBench, writes } from "./bench.ts";

function short({ protocol, format: at, unit, address, model }: FoundMeter): string {
  const who = unit === undefined ? address : `unit ${unit}`;
  return [protocol, at && showLineFormat(at), who, model].filter((part) => part !== undefined).join(" ");
}

describe("a scan of a serial line", () => {
  test("finds three meters of two protocols at three speeds within a minute, and writes nothing", () => {
    const bench = new ScanBench()
      .modbus("eastron-sdm120", 3, format("2400 8N1"))
      .dlt645("202611290007", format("2400 8E1"))
      .modbus("eastron-sdm630", 7, format("19200 8E1"));
    const { found, sent, report, seconds } = bench.scan();
    console.log(
      found.map((f) => [
        short(f.meter),
        f.seconds,
        f.meter.confidence,
        f.meter.reason,
        f.meter.alternatives,
        f.meter.name,
      ]),
      report.notes,
      seconds,
    );
    expect(found.map(({ meter }) => short(meter)).sort()).toEqual([
      "dlt645 2400 8E1 202611290007",
      "modbus-rtu 19200 8E1 unit 7 eastron-sdm630",
      "modbus-rtu 2400 8N1 unit 3 eastron-sdm120",
    ]);
    expect(report.found.length).toBe(3);
    for (const one of found) expect(one.seconds).toBeLessThan(60);
    expect(sent.length).toBeGreaterThan(100);
    expect(sent.map(writes).filter((why) => why !== undefined)).toEqual([]);
  });
});
