/** The sound device passes every check on every framing; what is skipped is skipped for its reason. */
import { describe, expect, test } from "vitest";
import { resultLines } from "../../../src/field/conformance/report-text.ts";
import { judge } from "./modbus-device.ts";

describe.each(["rtu", "ascii", "tcp"] as const)("the sound device over %s", (framing) => {
  test("fails no check and skips only what its map leaves out", () => {
    const results = judge(framing);
    expect(results.filter(({ verdict }) => verdict.kind === "fail").flatMap(resultLines)).toEqual([]);
    const skipped = results.filter(({ verdict }) => verdict.kind === "skip").map(({ check }) => check.id);
    const left = ["fc14.reply", "fc14.byte-count", "fc14.type", "fc15.byte-count", "fc18.count"];
    expect(skipped).toEqual(left);
    expect(results.length).toBeGreaterThan(framing === "tcp" ? 70 : 90);
  });
});
