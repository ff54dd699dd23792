import fc from "fast-check";
import { expect, test } from "vitest";
import { localFields, localOf, localSecond } from "../../../firmware-sim/clock/local-time.ts";

test("fields of a local second are those of the calendar, to and fro", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_799 }), (seconds) => {
      const date = new Date(seconds * 1000);
      const fields = localFields(localSecond(seconds));
      expect(fields).toEqual({
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
        hour: date.getUTCHours(),
        minute: date.getUTCMinutes(),
        second: date.getUTCSeconds(),
        weekday: date.getUTCDay(),
      });
      const { year, month, day, hour, minute, second } = fields;
      expect(localOf(year, month, day, hour, minute, second)).toBe(seconds);
    }),
  );
});
