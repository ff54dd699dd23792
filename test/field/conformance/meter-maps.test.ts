/** Map files of DL/T 645 and IEC 62056-21: what is refused says what is wrong, and what is declared lets checks run. */
import { describe, expect, test } from "vitest";
import { parseDlt645Map } from "../../../src/field/conformance/dlt645/map.ts";
import { parseIec62056Map } from "../../../src/field/conformance/iec62056-21/map.ts";

const dlt645 = (json: object) => parseDlt645Map(JSON.stringify({ protocol: "dlt645", ...json }));
const optical = (json: object) => parseIec62056Map(JSON.stringify({ protocol: "iec62056-21", ...json }));

describe("a DL/T 645 map", () => {
  test.each([
    [{ protocol: "modbus" }, '"protocol" is "modbus"'],
    [{ addres: "000000000161" }, '"addres" is no key'],
    [{ address: "161" }, '"address" is not 12 digits'],
    [{ absent: "0F0F" }, '"absent" is not 8 hex digits'],
    [{ long: 6 }, '"long" is not 8 hex digits'],
    [{ long: "06000000", blocks: 100 }, '"blocks" is not 1 to 99'],
    [{ write: "04000103" }, '"write" is no list'],
    [{ write: ["0400"] }, '"write" is no list'],
    [{ password: { level: 4, digits: "12345" } }, '"password" has'],
    [{ password: "123456" }, '"password" has'],
    [{ allow: ["everything"] }, '"allow" is a list of'],
    [{ notSupported: { relay: "none" } }, '"relay" is no feature'],
  ])("%j is refused", (json, why) => {
    expect(dlt645(json)).toEqual({ ok: false, error: expect.stringContaining(why) });
  });

  test("declares what it names", () => {
    const map = dlt645({ write: ["04000103"], password: { level: 4, digits: "123456" }, allow: ["clock"] });
    if (!map.ok) throw new Error(map.error);
    const features = ["write", "password", "clock", "long", "clear", "wrong-password"];
    expect(features.filter((feature) => map.value.declares(feature))).toEqual(["write", "password", "clock"]);
  });
});

describe("an IEC 62056-21 map", () => {
  test.each([
    [{ address: "a/b" }, '"address" is no device address'],
    [{ read: "1.8.0()" }, '"read" is no address'],
    [{ absent: "" }, '"absent" is no address'],
    [{ write: ["0.9.1", ""] }, '"write" is no list'],
    [{ password: "(1)" }, '"password" is no text'],
    [{ allow: ["clear"] }, '"allow" is a list of'],
  ])("%j is refused", (json, why) => {
    expect(optical(json)).toEqual({ ok: false, error: expect.stringContaining(why) });
  });

  test("declares what it names; choice and programming mode hold anyhow, until it says that they are not supported", () => {
    const map = optical({ password: "42", notSupported: { programming: "sealed" } });
    if (!map.ok) throw new Error(map.error);
    const features = ["choice", "programming", "password", "write", "address", "slow"];
    expect(features.filter((feature) => map.value.declares(feature))).toEqual(["choice", "programming", "password"]);
    expect(map.value.notSupported.get("programming")).toBe("sealed");
  });
});
