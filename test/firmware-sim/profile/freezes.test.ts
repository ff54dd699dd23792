import fc from "fast-check";
import { expect, test } from "vitest";
import { localFields, localOf, localSecond } from "../../../firmware-sim/clock/local-time.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { FREEZE_DEPTHS, type FreezeCapture, type FreezeKind, Freezes } from "../../../firmware-sim/profile/freezes.ts";
import { checkFreezeSettings, DEFAULT_FREEZE, type FreezeSettings } from "../../../firmware-sim/profile/settings.ts";
import { CuttingNvram, PowerCut } from "../nvram/cutting-nvram.ts";

const START = localOf(2024, 2, 28, 22, 30, 5);

function captureAt(at: number): FreezeCapture {
  return { clockDoubt: false, energies: () => [at, null, 7] };
}

/** Which kinds the clock demands in a minute, read from the settings as a person would. */
function demanded(settings: FreezeSettings, at: number): FreezeKind[] {
  const { timed, hourly, dailyMinute } = settings;
  const f = localFields(localSecond(at));
  const fits = (pattern: number | null, value: number) => pattern === null || pattern === value;
  const kinds: FreezeKind[] = [];
  if (
    timed &&
    fits(timed.month, f.month) &&
    fits(timed.day, f.day) &&
    fits(timed.hour, f.hour) &&
    timed.minute === f.minute
  )
    kinds.push("timed");
  if (hourly && at >= hourly.start && (at - hourly.start) % (hourly.intervalMinutes * 60) === 0) kinds.push("hourly");
  if (dailyMinute === f.hour * 60 + f.minute) kinds.push("daily");
  return kinds;
}

const field = (min: number, max: number) => fc.option(fc.integer({ min, max }), { freq: 1 });
const settings = fc.record<FreezeSettings>({
  timed: fc.option(
    fc.record({ month: field(2, 3), day: field(28, 29), hour: field(0, 23), minute: fc.integer({ min: 0, max: 59 }) }),
  ),
  hourly: fc.option(
    fc.record({
      start: fc.integer({ min: -3, max: 100 }).map((m) => localSecond(localOf(2024, 2, 28, 23) + m * 60)),
      intervalMinutes: fc.integer({ min: 1, max: 200 }),
    }),
  ),
  dailyMinute: field(0, 1439),
});

test("what the clock demands is frozen, and nothing else, over days with a leap day", () => {
  fc.assert(
    fc.property(settings, (s) => {
      const freezes = new Freezes(new MemoryNvram(), 3, s);
      freezes.powerOn(START, true);
      const want: Record<string, number[]> = { timed: [], hourly: [], daily: [] };
      for (let at = Math.ceil(START / 60) * 60; at < START + 3 * 86_400; at += 60) {
        if (freezes.nextEdge() < at) throw new Error(`an edge was missed before ${at}`);
        if (freezes.nextEdge() === at) {
          freezes.edge(localSecond(at), captureAt(at));
          freezes.commit();
        }
        for (const kind of demanded(s, at)) want[kind]?.push(at);
      }
      for (const kind of ["timed", "hourly", "daily"] as const) {
        const list = (want[kind] ?? []).slice(-FREEZE_DEPTHS[kind]).reverse();
        expect(Array.from({ length: freezes.count(kind) }, (_, age) => freezes.read(kind, age)?.at)).toEqual(list);
      }
    }),
    { numRuns: 20 },
  );
});

test("a pattern that comes only on leap days waits for one", () => {
  const timed = { month: 2, day: 29, hour: null, minute: 15 };
  const freezes = new Freezes(new MemoryNvram(), 3, { timed, hourly: null, dailyMinute: null });
  freezes.powerOn(localOf(2096, 2, 29, 23, 15), true);
  expect(freezes.nextEdge()).toBe(localOf(2104, 2, 29, 0, 15));
});

test("each kind keeps its depth, through cuts at any byte: every freeze of the last checkpoint, whole and once", () => {
  const kinds = Object.keys(FREEZE_DEPTHS) as FreezeKind[];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 0, max: 1_500 }),
      (commands, cutAfter) => {
        const nvram = new CuttingNvram("old bytes stay");
        let freezes = new Freezes(nvram, 3, DEFAULT_FREEZE);
        freezes.powerOn(START, true);
        let checkpoint = freezes.snapshot();
        const model = new Map<FreezeKind, { at: number; powerCut: boolean }[]>();
        const cutSeen = new Set<FreezeKind>(kinds);
        nvram.cutAfter(cutAfter);
        for (const [i, kind] of commands.entries()) {
          const at = localSecond(START + i);
          try {
            freezes.freeze(kind, at, captureAt(at));
            checkpoint = freezes.snapshot();
            freezes.commit();
            model.set(kind, [{ at, powerCut: !cutSeen.has(kind) }, ...(model.get(kind) ?? [])]);
            cutSeen.add(kind);
          } catch (error) {
            if (!(error instanceof PowerCut)) throw error;
            nvram.powerOn();
            freezes = new Freezes(nvram, 3, DEFAULT_FREEZE);
            expect(freezes.restore(checkpoint).ok).toBe(true);
            freezes.powerOn(at);
            cutSeen.clear();
          }
        }
        for (const kind of kinds) {
          const want = (model.get(kind) ?? []).slice(0, FREEZE_DEPTHS[kind]);
          const got = Array.from({ length: freezes.count(kind) }, (_, age) => freezes.read(kind, age));
          expect(got.map((r) => r && { at: r.at, powerCut: r.flags.powerCut })).toEqual(want);
          for (const record of got) expect(record?.values).toEqual([record?.at, null, 7]);
        }
      },
    ),
  );
});

test("a freeze behind a clock setting says so, and settings take effect at once", () => {
  const freezes = new Freezes(new MemoryNvram(), 3, DEFAULT_FREEZE);
  freezes.powerOn(START, true);
  const back = localOf(2024, 2, 28, 21, 10);
  freezes.clockSet(back);
  expect(freezes.nextEdge()).toBe(localOf(2024, 2, 28, 22));
  freezes.freeze("instant", back, captureAt(back));
  freezes.freeze("instant", back, captureAt(back));
  expect([0, 1].map((age) => freezes.read("instant", age)?.flags.clockChanged)).toEqual([false, true]);
  expect(freezes.configure({ ...DEFAULT_FREEZE, dailyMinute: 1271 }, back).ok).toBe(true);
  expect(freezes.nextEdge()).toBe(localOf(2024, 2, 28, 21, 11));
  expect(freezes.configure({ ...DEFAULT_FREEZE, dailyMinute: 1440 }, back).ok).toBe(false);
});

test("times that never come are refused", () => {
  const timed = (month: number | null, day: number | null) =>
    checkFreezeSettings({ ...DEFAULT_FREEZE, timed: { month, day, hour: null, minute: 0 } }).ok;
  expect([timed(2, 29), timed(null, 31), timed(2, 30), timed(4, 31), timed(13, 1)]).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  const hourly = { start: START, intervalMinutes: 0 };
  expect(checkFreezeSettings({ ...DEFAULT_FREEZE, hourly })).toMatchObject({ ok: false });
});
