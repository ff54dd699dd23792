/** Map files: what they may say, and errors that name the place. */
import { describe, expect, test } from "vitest";
import { parseModbusMap } from "../../../src/field/conformance/modbus/map.ts";

const map = (parts: object) => parseModbusMap(JSON.stringify({ protocol: "modbus", functions: ["03"], ...parts }));

describe("a Modbus map file", () => {
  test("declares functions and ranges, and nothing else", () => {
    const parsed = map({ read: { holding: [{ address: 0, count: 2 }] } });
    if (!parsed.ok) throw new Error(parsed.error);
    const declared = ["03", "04", "read:holding", "read:coil", "write:holding", "functions"];
    expect(declared.filter((feature) => parsed.value.declares(feature))).toEqual(["03", "read:holding", "functions"]);
    expect(parsed.value.given).toBe(true);
  });

  test.each([
    ["{", /^it is no JSON: /],
    ["[]", /^it is no JSON object$/],
    ['{"protocol":"dlt645"}', /^"protocol" is "dlt645", not "modbus"$/],
    ['{"protocol":"modbus","reads":{}}', /^"reads" is no key of it; known: /],
    ['{"protocol":"modbus"}', /^"functions" is no list/],
  ])("%s is refused", (text, error) => {
    expect(parseModbusMap(text)).toEqual({ ok: false, error: expect.stringMatching(error) });
  });

  test.each([
    [{ functions: ["3"] }, /^functions: "3" is unknown; known: 01, /],
    [{ functions: [3] }, /^functions: 3 is unknown/],
    [{ read: { registers: [] } }, /^read: "registers" is no table; known: coil/],
    [{ write: { input: [] } }, /^write: "input" is no table; known: coil, holding$/],
    [{ read: { holding: {} } }, /^read\.holding is no list/],
    [{ read: { holding: [{ address: 1 }] } }, /^read\.holding\[0\] needs "address"/],
    [{ write: { holding: [{ address: 65_535, count: 2 }] } }, /not past 65535$/],
    [{ write: { holding: [{ address: 1, count: 1, values: [4, 4] }] } }, /"values" are two different values/],
    [{ notSupported: { "99": "no" } }, /"99" is no feature that is checked/],
    [{ notSupported: { "14": "" } }, /"14" has no reason/],
    [{ device: 3 }, /^"device" is no text$/],
  ])("%j is refused", (parts, error) => {
    expect(map(parts)).toEqual({ ok: false, error: expect.stringMatching(error) });
  });
});
