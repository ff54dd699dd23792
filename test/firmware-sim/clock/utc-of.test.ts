/** From the local clock back to UTC, judged against a walk over real seconds. */
import { expect, test } from "vitest";
import { MeterClock } from "../../../firmware-sim/clock/meter-clock.ts";
import { DEFAULT_CLOCK } from "../../../firmware-sim/clock/settings.ts";
import { civil } from "../../../src/core/time.ts";

/** 2026-10-25T01:00:00Z, when the clocks of the European Union go back. */
const AUTUMN = 1_792_890_000;

test.each(["none", "europe"] as const)(
  "daylight saving %s: every five minutes around the end of summer",
  (daylightSaving) => {
    const settings = { ...DEFAULT_CLOCK, zoneMinutes: 60, daylightSaving };
    const clock = new MeterClock(settings, civil((AUTUMN - 86_400) * 1e6));
    let last = AUTUMN - 10_800;
    for (let utc = last + 300; utc < AUTUMN + 10_800; utc += 300) {
      expect(clock.utcOf(clock.local(civil(utc * 1e6)), last)).toBe(utc);
      last = utc;
    }
  },
);

test("a local time that came once is found whatever lies before it", () => {
  const clock = new MeterClock({ ...DEFAULT_CLOCK, zoneMinutes: 60, daylightSaving: "europe" }, civil(AUTUMN * 1e6));
  const local = clock.local(civil((AUTUMN - 7_200) * 1e6));
  expect(clock.utcOf(local, AUTUMN + 86_400)).toBe(AUTUMN - 7_200);
});
