import { expect, test } from "vitest";
import { localSecond } from "../../../firmware-sim/clock/local-time.ts";
import { Authority, checkAuthority, DEFAULT_AUTHORITY } from "../../../firmware-sim/control/authority.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { mono } from "../../../src/core/time.ts";

const minutes = (n: number) => mono(n * 60_000_000);

function authority(attempts = 3, lockMinutes = 10): Authority {
  return new Authority({ attempts, lockMinutes }, new MemoryNvram());
}

test("a password opens its level and weaker ones; a level too weak is denied but is no attempt", () => {
  const a = authority();
  expect(a.ask("dlt645", 2, 4, true, minutes(-5))).toBe("granted");
  expect(a.ask("dlt645", 2, 2, true, minutes(0))).toBe("granted");
  expect(a.ask("dlt645", 4, 2, true, minutes(0))).toBe("denied");
  expect(a.failures("dlt645")).toBe(0);
});

test("wrong passwords in a row lock their wire for a time, and then count from the start", () => {
  const a = authority();
  const wrong = (at: number) => a.ask("dlt645", 2, 4, false, minutes(at));
  expect([wrong(0), wrong(0), a.ask("dlt645", 2, 4, true, minutes(0))]).toEqual(["denied", "denied", "granted"]);
  expect([wrong(1), wrong(1), wrong(1), wrong(2)]).toEqual(["denied", "denied", "denied", "locked"]);
  expect(a.ask("dlt645", 2, 4, true, mono(minutes(11) - 1))).toBe("locked");
  expect(a.ask("modbus", 0, 0, true, minutes(2))).toBe("granted");
  expect([wrong(11), wrong(11)]).toEqual(["denied", "denied"]);
  expect(a.ask("dlt645", 2, 4, true, minutes(11))).toBe("granted");
  expect([wrong(12), wrong(12), wrong(12), wrong(12)]).toEqual(["denied", "denied", "denied", "locked"]);
});

test("0 attempts never lock", () => {
  const a = authority(0);
  for (let i = 0; i < 300; i++) expect(a.ask("modbus", 0, 0, false, minutes(0))).toBe("denied");
  expect(a.failures("modbus")).toBe(255);
});

test("failures, a running lock and records outlast a power loss", () => {
  const nvram = new MemoryNvram();
  const a = new Authority({ attempts: 2, lockMinutes: 10 }, nvram);
  a.ask("modbus", 0, 0, false, minutes(0));
  a.ask("dlt645", 2, 4, false, minutes(0));
  a.ask("dlt645", 2, 4, false, minutes(0));
  for (let i = 0; i < 13; i++) {
    const items = Array.from({ length: i }, (_, n) => 0x04000100 + n);
    a.record({ at: localSecond(1_000 + i), wire: "dlt645", level: 2, operator: 0xc0c1c2c3, items });
    a.commit();
  }
  const b = new Authority({ attempts: 2, lockMinutes: 10 }, nvram);
  expect(b.restore(a.snapshot(), minutes(5))).toEqual({ ok: true, value: undefined });
  expect([b.failures("modbus"), b.locked("modbus", minutes(5))]).toEqual([1, false]);
  expect([b.locked("dlt645", mono(minutes(15) - 1)), b.locked("dlt645", minutes(15))]).toEqual([true, false]);
  expect(b.programmings).toBe(13);
  expect(b.programming(0)).toEqual({
    at: 1_012,
    wire: "dlt645",
    level: 2,
    operator: 0xc0c1c2c3,
    items: Array.from({ length: 10 }, (_, n) => 0x04000102 + n),
  });
  expect([b.programming(9)?.at, b.programming(9)?.items.length, b.programming(10)]).toEqual([1_003, 3, undefined]);
  const bytes = b.snapshot();
  for (const bad of [bytes.with(0, 9), bytes.subarray(0, 5)]) expect(b.restore(bad, minutes(0)).ok).toBe(false);
  expect(b.snapshot()).toEqual(bytes);
});

test("settings are refused with a reason", () => {
  expect(checkAuthority(DEFAULT_AUTHORITY).ok).toBe(true);
  expect(checkAuthority({ attempts: 256, lockMinutes: 10 })).toMatchObject({ ok: false });
  expect(checkAuthority({ attempts: 3, lockMinutes: 0 })).toMatchObject({ ok: false });
});
