/** The checklist of DL/T 645-2007 finds nothing on a sound meter, and makes every check that the map lets it make. */
import { describe, expect, test } from "vitest";
import { NO_MAP } from "../../../src/field/conformance/dlt645/map.ts";
import { failures, idsOf } from "./bench.ts";
import { copper, MAP, wire } from "./dlt645-bench.ts";

const FORMAT = { baud: 2_400, dataBits: 8, parity: "even", stopBits: 1 } as const;

describe("a sound DL/T 645 meter", () => {
  test("passes every check over a connection", () => {
    const results = wire(MAP);
    expect(failures(results)).toEqual([]);
    expect(idsOf(results, "skip")).toEqual([]);
    expect(results.length).toBeGreaterThanOrEqual(60);
  });

  test("passes on copper at 2400 baud", () => {
    const results = copper(MAP, FORMAT);
    expect(failures(results)).toEqual([]);
    expect(idsOf(results, "skip")).toEqual([]);
  });

  test.each([{ echo: true }, { lumps: true }, { echo: true, lumps: true }])(
    "passes through an adapter with %o",
    (port) => {
      expect(failures(copper(MAP, FORMAT, port))).toEqual([]);
      expect(failures(copper(MAP, { ...FORMAT, baud: 9_600 }, port))).toEqual([]);
    },
  );

  test("is only read without a map: what would change it is skipped", () => {
    const results = wire(NO_MAP);
    expect(failures(results)).toEqual([]);
    const skipped = results.filter(({ verdict }) => verdict.kind === "skip");
    expect(skipped.map(({ check }) => check.group)).toContain("write");
    const reading = [0x11, 0x12, 0x13, 0x91, 0x01, 0x1f];
    for (const { check, exchanges } of results)
      for (const { sent } of exchanges) {
        const start = sent.findLastIndex((byte, at) => byte === 0x68 && sent[at + 7] === 0x68);
        if (start >= 0) expect(reading, check.id).toContain(sent[start + 8]);
      }
  });
});
