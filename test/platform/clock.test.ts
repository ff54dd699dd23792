import { describe, expect, it, vi } from "vitest";
import { civil, NEVER, parseIso, wakeAtCivil, wakeAtMono } from "../../src/core/time.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { pause } from "./support.ts";

describe("the system clock", () => {
  it("is the system's time in whole microseconds", () => {
    const now = new SystemClock().now();
    expect(Math.abs(now.civil - Date.now() * 1000)).toBeLessThan(20_000);
    expect(Number.isInteger(now.civil)).toBe(true);
    expect(Number.isInteger(now.mono)).toBe(true);
  });

  it("starts where it is told and runs at its speed, while monotonic time does not", async () => {
    const start = parseIso("2026-01-01T00:00:00Z");
    if (!start.ok) throw new Error(start.error);
    const clock = new SystemClock({ speed: 1000, civilStart: start.value });
    const before = clock.now();
    await pause(20);
    const after = clock.now();
    const wall = after.mono - before.mono;
    expect(wall).toBeLessThan(1_000_000);
    expect(Math.abs(after.civil - before.civil - 1000 * wall)).toBeLessThanOrEqual(1000);
    expect(before.civil - start.value).toBeLessThan(50_000_000);
  });

  it("says when a wake falls due", () => {
    const clock = new SystemClock({ speed: 10, civilStart: civil(5_000_000) });
    const now = clock.now();
    expect(clock.monoOf(NEVER)).toBe(Number.POSITIVE_INFINITY);
    expect(clock.monoOf(wakeAtMono(42))).toBe(42);
    const due = clock.monoOf(wakeAtCivil(now.civil + 10_000_000));
    expect(Math.abs(due - now.mono - 1_000_000)).toBeLessThanOrEqual(1);
    expect(clock.monoOf({ mono: 7, civil: now.civil })).toBe(7);
  });

  it("follows a step of the system's time, as when NTP sets a gateway that booted in 1970", () => {
    vi.useFakeTimers({ toFake: ["Date", "performance"], now: 1_000 });
    try {
      const clock = new SystemClock();
      expect(clock.now().civil).toBe(1_000_000);
      vi.advanceTimersByTime(2_000);
      vi.setSystemTime(1_800_000_000_000);
      const stepped = clock.now();
      expect(stepped.civil).toBe(1_800_000_000_000_000);
      // A simulated clock is its own master.
      const own = new SystemClock({ civilStart: civil(0) });
      vi.advanceTimersByTime(2_000);
      vi.setSystemTime(1_900_000_000_000);
      expect(own.now().civil).toBe(2_000_000);
    } finally {
      vi.useRealTimers();
    }
  });

  it("refuses a speed that is none", () => {
    for (const speed of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => new SystemClock({ speed })).toThrow();
  });
});
