import fc from "fast-check";
import { expect, test } from "vitest";
import { type LocalSecond, localOf, localSecond } from "../../../firmware-sim/clock/local-time.ts";
import { type Capture, LoadProfile } from "../../../firmware-sim/profile/load-profile.ts";
import { decodeStored, encodeStored, type StoredRecord } from "../../../firmware-sim/profile/record.ts";
import {
  checkProfileSettings,
  DEFAULT_PROFILE,
  nextOfDay,
  type ProfileSettings,
} from "../../../firmware-sim/profile/settings.ts";
import { CuttingNvram, PowerCut } from "../nvram/cutting-nvram.ts";

const DEPTHS = [5, 20, 9, 9, 9, 9];
const SETTINGS: ProfileSettings = {
  classes: [
    { intervalMinutes: 1, captures: ["a", "b"] },
    { intervalMinutes: 7, captures: ["a"] },
    null,
    null,
    { intervalMinutes: 60, captures: ["b", "a", "b"] },
    null,
  ],
};
const START = localOf(2024, 2, 28, 23, 30, 5);
const known = () => true;

function captureAt(at: number, clockDoubt = false): Capture {
  return { clockDoubt, value: (key) => (key === "b" && at % 120 === 0 ? null : key === "a" ? at : -at) };
}

/** A record as the model writes it down. */
function modelRecord(place: number, at: number, flags: Partial<StoredRecord["flags"]>, clockDoubt: boolean) {
  const capture = captureAt(at, clockDoubt);
  return {
    at,
    flags: { powerCut: false, clockChanged: false, ...flags, clockDoubt },
    values: (SETTINGS.classes[place]?.captures ?? []).map((key) => capture.value(key)),
  };
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("run" as const), minutes: fc.integer({ min: 1, max: 90 }) }) },
  fc.record({ do: fc.constant("clock" as const), by: fc.integer({ min: -4_000, max: 4_000 }) }),
  fc.record({
    do: fc.constant("cut" as const),
    bytes: fc.integer({ min: 0, max: 400 }),
    off: fc.integer({ min: 0, max: 20_000 }),
  }),
);

test("any history of captures, clock settings and cuts reads as a list of records says", () => {
  let cuts = 0;
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 20 }),
      fc.constantFrom("old bytes stay", "cell is cut off"),
      (steps, tail) => {
        const nvram = new CuttingNvram(tail as "old bytes stay");
        let profile = new LoadProfile(nvram, DEPTHS, SETTINGS);
        let now: number = START;
        profile.powerOn(START, true);
        const lists: ReturnType<typeof modelRecord>[][] = [[], [], [], [], [], []];
        let flags = lists.map(() => ({}));
        let checkpoint = profile.snapshot();

        const minute = (doubt: boolean) => {
          now = (Math.floor(now / 60) + 1) * 60;
          if (profile.nextEdge() === now) {
            profile.edge(localSecond(now), captureAt(now, doubt));
            checkpoint = profile.snapshot();
            profile.commit();
          }
          // The model asks for the multiple of the day itself; midnight ends every interval.
          for (const place of [0, 1, 4]) {
            const interval = SETTINGS.classes[place]?.intervalMinutes as number;
            if ((now % 86_400) % (60 * interval) !== 0) continue;
            lists[place]?.push(modelRecord(place, now, flags[place] as object, doubt));
            flags[place] = {};
          }
        };
        for (const s of steps) {
          if (s.do === "run") for (let i = 0; i < s.minutes; i++) minute(i % 3 === 0);
          else if (s.do === "clock") {
            now += s.by;
            profile.clockSet(localSecond(now));
            checkpoint = profile.snapshot();
            flags = flags.map((f) => ({ ...f, clockChanged: true }));
          } else {
            nvram.cutAfter(s.bytes);
            try {
              for (let i = 0; i < 40; i++) minute(false);
            } catch (error) {
              if (!(error instanceof PowerCut)) throw error;
              cuts += 1;
            }
            nvram.powerOn();
            now += s.off;
            profile = new LoadProfile(nvram, DEPTHS, SETTINGS);
            expect(profile.restore(checkpoint).ok).toBe(true);
            profile.powerOn(localSecond(now));
            flags = flags.map((f) => ({ ...f, powerCut: true }));
          }
          for (const place of [0, 1, 2, 4]) {
            const want = (lists[place] ?? []).slice(-(DEPTHS[place] as number));
            expect(profile.count(place)).toBe(want.length);
            expect(Array.from({ length: want.length }, (_, age) => profile.read(place, age)).reverse()).toEqual(want);
            const from = localSecond(now - 1_000);
            const to = localSecond(now - 60);
            expect(profile.range(place, from, to, 4)).toEqual(
              want.filter((r) => r.at >= from && r.at <= to).slice(0, 4),
            );
          }
        }
      },
    ),
    { numRuns: 200 },
  );
  expect(cuts).toBeGreaterThan(20);
});

test("records are not invented for the time the meter was off", () => {
  const nvram = new CuttingNvram("old bytes stay");
  const profile = new LoadProfile(nvram, DEPTHS, SETTINGS);
  profile.powerOn(localOf(2025, 1, 1, 12, 0, 30), true);
  profile.edge(localOf(2025, 1, 1, 12, 1), captureAt(0));
  const back = new LoadProfile(nvram, DEPTHS, SETTINGS);
  expect(back.restore(profile.snapshot()).ok).toBe(true);
  back.powerOn(localOf(2025, 1, 1, 15, 10, 30));
  expect(back.nextEdge()).toBe(localOf(2025, 1, 1, 15, 11));
  back.edge(localOf(2025, 1, 1, 15, 11), captureAt(0));
  expect([back.read(0, 0)?.flags.powerCut, back.read(0, 1)?.flags.powerCut, back.count(0)]).toEqual([true, false, 2]);
});

test("other captures begin empty, other intervals do not; bad settings change nothing", () => {
  const profile = new LoadProfile(new CuttingNvram("old bytes stay"), DEPTHS, SETTINGS);
  profile.powerOn(START, true);
  let at: LocalSecond = START;
  for (let i = 0; i < 31; i++) {
    at = profile.nextEdge();
    profile.edge(at, captureAt(at));
    profile.commit();
  }
  expect([profile.count(0), profile.count(1)]).toEqual([5, 5]);
  const [one, two, ...rest] = SETTINGS.classes;
  if (!one || !two) throw new Error("two classes are on");
  const changed = { classes: [{ ...one, captures: ["b"] }, { ...two, intervalMinutes: 9 }, ...rest] };
  expect(profile.configure({ classes: [] }, at, known).ok).toBe(false);
  expect(profile.count(0)).toBe(5);
  expect(profile.configure(changed, at, known).ok).toBe(true);
  expect([profile.count(0), profile.count(1), profile.read(0, 0)]).toEqual([0, 5, undefined]);
});

test("settings are refused with the reason", () => {
  const check = (intervalMinutes: number, captures: string[]) =>
    checkProfileSettings({ classes: [{ intervalMinutes, captures }, null, null, null, null, null] }, (k) => k !== "x");
  expect(check(1, ["a"]).ok).toBe(true);
  expect(check(0, ["a"])).toMatchObject({ error: expect.stringContaining("not 1 to 60") });
  expect(check(61, ["a"]).ok).toBe(false);
  expect(check(5, [])).toMatchObject({ error: expect.stringContaining("1 to 8") });
  expect(check(5, ["x"])).toMatchObject({ error: expect.stringContaining('no "x"') });
  expect(checkProfileSettings(DEFAULT_PROFILE, known).ok).toBe(true);
});

test("an interval that does not divide the day ends at midnight", () => {
  const midnight = localOf(2024, 2, 29);
  expect(nextOfDay(localSecond(midnight - 100), 7 * 60)).toBe(midnight);
  expect(nextOfDay(midnight, 7 * 60)).toBe(midnight + 420);
});

test("a record keeps its integers, to the ends of six bytes; bytes of another length are refused", () => {
  const limit = 2 ** 47 - 1;
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant(null), fc.integer({ min: -limit, max: limit }), fc.constantFrom(limit, -limit, 0))),
      fc.integer({ min: 0, max: 3 }),
      fc.boolean(),
      (values, pending, doubt) => {
        const bytes = encodeStored(START, pending, doubt, values);
        expect(decodeStored(bytes)).toEqual({
          ok: true,
          value: {
            at: START,
            flags: { clockDoubt: doubt, powerCut: pending % 2 === 1, clockChanged: pending >= 2 },
            values,
          },
        });
        expect(decodeStored(bytes.subarray(1)).ok).toBe(false);
      },
    ),
  );
});
