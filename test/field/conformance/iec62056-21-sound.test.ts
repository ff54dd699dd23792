/** The checklist of IEC 62056-21 finds nothing on a sound meter, and makes every check that the map lets it make. */
import { describe, expect, test } from "vitest";
import { NO_MAP } from "../../../src/field/conformance/iec62056-21/map.ts";
import { failures, idsOf } from "./bench.ts";
import { copper, MAP, wire } from "./iec62056-21-bench.ts";

const OPTICAL = { baud: 300, dataBits: 7, parity: "even", stopBits: 1 } as const;

describe("a sound IEC 62056-21 meter", () => {
  test("passes every check over a connection but those of parity", () => {
    const results = wire(MAP);
    expect(failures(results)).toEqual([]);
    expect(idsOf(results, "skip")).toEqual(["character.even-parity", "character.odd-parity"]);
    expect(results.length).toBeGreaterThanOrEqual(50);
  });

  test("passes every check on copper, with the change of rate", () => {
    const results = copper(MAP, OPTICAL);
    expect(failures(results)).toEqual([]);
    expect(idsOf(results, "skip")).toEqual([]);
  }, 120_000);

  test.each([{ echo: true }, { lumps: true }])("passes through an optical head with %o", (port) => {
    const only = [
      ...["sign-on.line", "sign-on.other-address", "character.even-parity", "choice.readout", "choice.slower"],
      ...["choice.programming", "readout.end", "readout.repeat", "time.identification", "time.choice", "time.command"],
      ...["programming.read", "programming.wrong-check", "programming.break", "write.same"],
    ];
    const results = copper(MAP, OPTICAL, {}, only, {}, port);
    expect(idsOf(results, "pass").length, failures(results).join("\n")).toBe(only.length);
  });

  test("is only read without a map: what would change it is skipped", () => {
    const results = wire(NO_MAP);
    expect(failures(results)).toEqual([]);
    const sent = results.flatMap(({ exchanges }) => exchanges.map((exchange) => String.fromCharCode(...exchange.sent)));
    expect(sent.filter((text) => ["P", "W", "E"].includes(text.charAt(1)) && text.charCodeAt(0) === 1)).toEqual([]);
  });
});

describe("a sound meter of another mode", () => {
  test.each([
    ["A", 300],
    ["B", 2_400],
    ["C", 300],
    ["C", 19_200],
  ] as const)("%s at %d baud has no fail, over a connection and on copper", (mode, baud) => {
    expect(failures(wire(MAP, {}, { mode, baud }))).toEqual([]);
    const ofRate = [
      "choice.readout",
      "choice.slower",
      "choice.programming",
      "readout.end",
      "time.choice",
      "time.command",
    ];
    const only = mode === "C" ? ofRate : undefined;
    const results = copper(NO_MAP, OPTICAL, {}, only, { mode, baud });
    expect(failures(results)).toEqual([]);
  });
});
