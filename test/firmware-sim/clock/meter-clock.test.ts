import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { localOf, localSecond } from "../../../firmware-sim/clock/local-time.ts";
import { MeterClock } from "../../../firmware-sim/clock/meter-clock.ts";
import {
  type ClockSettings,
  checkClock,
  DEFAULT_CLOCK,
  PLAIN_CRYSTAL_PPB,
} from "../../../firmware-sim/clock/settings.ts";
import { type Civil, civil, parseIso } from "../../../src/core/time.ts";

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;

function iso(text: string): Civil {
  const at = parseIso(text);
  if (!at.ok) throw new Error(at.error);
  return at.value;
}

const NOON = iso("2026-11-25T12:00:00Z");
const later = (by: number, from: Civil = NOON) => civil(from + by);

function clock(settings: Partial<ClockSettings> = {}, at: Civil = NOON): MeterClock {
  return new MeterClock({ ...DEFAULT_CLOCK, ...settings }, at);
}

describe("drift", () => {
  test("of the part, and of a plain crystal's parabola around 25 °C", () => {
    const c = clock({ partPpb: 5_000, curvePpb: PLAIN_CRYSTAL_PPB });
    expect(c.at(later(DAY)) - NOON).toBe(DAY + 432_000);
    // 20 K away: −0.035 ppm × 400 = −14 ppm, with the part's +5 ppm −9 ppm.
    c.temperature(450, later(DAY));
    expect(c.driftPpb).toBe(-9_000);
    expect(c.at(later(2 * DAY)) - NOON).toBe(2 * DAY + 432_000 - 777_600);
    c.temperature(50, later(2 * DAY));
    expect(c.driftPpb).toBe(-9_000);
  });

  test("changes of temperature lose nothing, and the line is exact: against bigints", () => {
    const change = fc.record({
      after: fc.integer({ min: 0, max: 10 * DAY }),
      tenths: fc.integer({ min: -400, max: 850 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: -500_000, max: 500_000 }),
        fc.array(change, { maxLength: 20 }),
        (partPpb, changes) => {
          const c = clock({ partPpb, curvePpb: -35 });
          let at = NOON;
          let parts = BigInt(NOON) * 1_000_000_000n;
          let tenths = 250n;
          for (const { after, tenths: next } of changes) {
            const away = tenths - 250n;
            parts += BigInt(after) * (1_000_000_000n + BigInt(partPpb) + (-35n * away * away) / 100n);
            at = later(after, at);
            expect(BigInt(c.at(at))).toBe(parts / 1_000_000_000n);
            c.temperature(next, at);
            tenths = BigInt(next);
          }
        },
      ),
    );
  });

  test("is exact to the µs after decades, where the product of time and drift is no safe integer", () => {
    // d × ppb is one short of a whole µs.
    const [d, partPpb] = [1_000_000_961_452_381, 499_979];
    const gained = (BigInt(d) * BigInt(partPpb)) / 1_000_000_000n;
    expect(BigInt(clock({ partPpb }, civil(0)).at(civil(d)))).toBe(BigInt(d) + gained);
  });

  test("a local edge comes at the first µs at which the local clock shows it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -500_000, max: 500_000 }),
        fc.integer({ min: 0, max: 40 * 365 * 86_400 }),
        fc.constantFrom(-720, 0, 60, 480, 840),
        (partPpb, seconds, zoneMinutes) => {
          const c = clock({ partPpb, zoneMinutes });
          const edge = localSecond(c.local(NOON) + 1 + seconds);
          const at = c.civilOf(edge, NOON);
          expect(c.local(at)).toBe(edge);
          expect(c.local(civil(at - 1))).toBe(edge - 1);
        },
      ),
    );
  });
});

describe("daylight saving", () => {
  const berlin = { zoneMinutes: 60, daylightSaving: "europe" } as const;

  test("jumps on the last Sundays of March and October at 01:00 UTC", () => {
    // Dates of the transitions as the IANA database has them for Europe/Berlin.
    for (const [before, spring, autumn] of [
      ["2026-01-01T00:00:00Z", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"],
      ["2030-01-01T00:00:00Z", "2030-03-31T01:00:00Z", "2030-10-27T01:00:00Z"],
    ] as const) {
      const c = clock(berlin, iso(before));
      expect(c.nextJump(iso(before))).toBe(iso(spring));
      expect(c.local(iso(spring)) - c.local(civil(iso(spring) - 1))).toBe(3_601);
      expect(c.nextJump(iso(spring))).toBe(iso(autumn));
      expect(c.local(iso(autumn)) - c.local(civil(iso(autumn) - 1))).toBe(-3_599);
    }
  });

  test("an edge in the hour left out comes with the jump; in the repeated hour with its first turn", () => {
    const c = clock(berlin, iso("2026-03-28T12:00:00Z"));
    const march = iso("2026-03-28T12:00:00Z");
    expect(c.civilOf(localOf(2026, 3, 29, 2, 30), march)).toBe(iso("2026-03-29T01:00:00Z"));
    expect(c.civilOf(localOf(2026, 3, 29, 3, 0, 1), march)).toBe(iso("2026-03-29T01:00:01Z"));
    const october = iso("2026-10-24T12:00:00Z");
    expect(c.civilOf(localOf(2026, 10, 25, 2, 30), october)).toBe(iso("2026-10-25T00:30:00Z"));
    expect(c.civilOf(localOf(2026, 10, 25, 2, 30), iso("2026-10-25T01:00:00Z"))).toBe(iso("2026-10-25T01:30:00Z"));
    expect(c.civilOf(localOf(2026, 10, 25, 3), october)).toBe(iso("2026-10-25T02:00:00Z"));
  });
});

describe("setting", () => {
  test("by authority to any time of this century, by broadcast within five minutes once a day", () => {
    const c = clock();
    expect(c.broadcast(later(300 * SECOND + 1), NOON)).toBe("too-far");
    expect(c.broadcast(later(-300 * SECOND), NOON)).toBe("set");
    expect(c.at(NOON)).toBe(later(-300 * SECOND));
    expect(c.broadcast(NOON, NOON)).toBe("already-today");
    expect(c.broadcast(later(DAY), later(DAY))).toBe("set");
    for (const bad of [iso("1999-12-31T23:59:59Z"), civil(4_102_444_800 * SECOND), civil(Number.NaN)])
      expect([c.set(bad, NOON), c.broadcast(bad, NOON)]).toEqual(["bad-time", "bad-time"]);
    expect(c.set(iso("2099-12-31T23:59:59Z"), later(DAY))).toBe("set");
    expect(c.changes).toBe(3);
  });

  test("a dead battery loses the clock over a power cut, a good one does not; only setting it ends the doubt", () => {
    const before = clock({ zoneMinutes: 480, partPpb: 10_000 });
    const back = later(DAY);
    const kept = clock({ zoneMinutes: 480 });
    expect(kept.restore(before.snapshot())).toEqual({ ok: true, value: undefined });
    kept.powerOn(back);
    expect([kept.lost, kept.at(back)]).toEqual([false, later(DAY + 864_000)]);

    before.battery(false);
    const dead = clock({ zoneMinutes: 480 });
    dead.restore(before.snapshot());
    dead.powerOn(back);
    expect([dead.lost, dead.local(back), dead.changes]).toEqual([true, localOf(2000, 1, 1), 1]);
    expect(dead.broadcast(back, back)).toBe("clock-lost");
    const again = clock({ zoneMinutes: 480 });
    again.restore(dead.snapshot());
    expect(again.lost).toBe(true);
    expect(again.set(back, back)).toBe("set");
    expect([again.lost, again.at(back)]).toEqual([false, back]);
  });
});

test("a snapshot of another layout or length is refused, and changes nothing", () => {
  const c = clock({ partPpb: 7 });
  const bytes = c.snapshot();
  for (const bad of [bytes.with(0, 9), bytes.subarray(0, 20), new Uint8Array(0)]) expect(c.restore(bad).ok).toBe(false);
  expect(c.snapshot()).toEqual(bytes);
});

test("settings are refused with a reason", () => {
  const bad: readonly (readonly [Partial<ClockSettings>, RegExp])[] = [
    [{ partPpb: 500_001 }, /part is off/],
    [{ curvePpb: 0.5 }, /temperature curve/],
    [{ turnover: 900 }, /turnover/],
    [{ zoneMinutes: 900 }, /a zone is/],
    [{ daylightSaving: "mars" as "none" }, /daylight saving is/],
  ];
  for (const [change, reason] of bad) {
    const result = checkClock({ ...DEFAULT_CLOCK, ...change });
    expect(result.ok ? "accepted" : result.error).toMatch(reason);
  }
});
