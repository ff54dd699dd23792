/** Each rule broken once in a copy of our own server: the check that names the rule must say so, with the bytes. */
import { describe, expect, test } from "vitest";
import type { ModbusTarget } from "../../../src/field/conformance/modbus/target.ts";
import { resultLines } from "../../../src/field/conformance/report-text.ts";
import type { Row } from "./modbus-defects.ts";
import { ASCII_DEFECTS, RTU_DEFECTS, TCP_DEFECTS } from "./modbus-defects-line.ts";
import { FILE_DEFECTS, PDU_DEFECTS } from "./modbus-defects-pdu.ts";
import { judge, soundMap } from "./modbus-device.ts";

const on = (framing: ModbusTarget["framing"], rows: readonly Row[]) =>
  rows.map(([name, check, seeded]) => ({ name, check, on: framing, seeded }));

const DEFECTS = [
  ...on("tcp", PDU_DEFECTS),
  ...on("tcp", TCP_DEFECTS),
  ...on("rtu", RTU_DEFECTS),
  ...on("ascii", ASCII_DEFECTS),
];
const FILES = on("tcp", FILE_DEFECTS);

describe("a defect in our own server", () => {
  test.each(DEFECTS)("$on: $name: $check", ({ check, on: framing, seeded }) => {
    const [result] = judge(framing, seeded, soundMap(framing), check);
    expect(result?.verdict.kind, result === undefined ? "no such check" : resultLines(result).join("\n")).toBe("fail");
    const bytes = result?.exchanges.some(({ sent, received }) => sent.length + received.length > 0);
    expect(bytes).toBe(true);
  });

  test.each(FILES)("$name: $check", ({ check, seeded }) => {
    const [result] = judge("tcp", seeded, soundMap("tcp", ["14", "15", "18"]), check);
    expect(result?.verdict.kind).toBe("fail");
  });

  test("is seeded in each check that there is", () => {
    const seeded = new Set([...DEFECTS, ...FILES].map(({ check }) => check));
    const all = (["tcp", "rtu", "ascii"] as const).flatMap((framing) => judge(framing).map(({ check }) => check.id));
    const spared = [...new Set(all)].filter((id) => !seeded.has(id));
    expect(DEFECTS.length + FILES.length).toBeGreaterThanOrEqual(110);
    expect(spared).toEqual([]);
  });
});
