import fc from "fast-check";
import { expect, test } from "vitest";
import { type LocalSecond, localOf, localSecond } from "../../../firmware-sim/clock/local-time.ts";
import { DemandUnit } from "../../../firmware-sim/demand/demand-unit.ts";
import { DemandMaxima } from "../../../firmware-sim/demand/maxima.ts";
import { checkDemandSettings, DEFAULT_DEMAND, type DemandSettings } from "../../../firmware-sim/demand/settings.ts";
import type { EnergyRegister, Totals } from "../../../firmware-sim/metrology/energy.ts";

const REGISTERS = ["activeImport", "q1"] as const;
const START = localOf(2024, 2, 28, 23, 50, 17);

/** A meter of bigint registers whose demand part is called at edges only, beside an oracle that looks at every second. */
class Rig {
  readonly settings: DemandSettings;
  unit: DemandUnit;
  now = START;
  rate = 1;
  readonly micro: Record<string, bigint> = { activeImport: 123_456_789_012n, q1: 7n };
  /** Every second since the last interruption: rate and µJ by register. */
  stretch: { rate: number; micro: bigint[] }[] = [];
  maxima = new Map<string, { power: number; at: number }>();
  last: { power: number[]; at: number } | undefined;

  constructor(settings: DemandSettings) {
    this.settings = settings;
    this.unit = new DemandUnit(settings);
    this.unit.interrupt(this.now, this.totals);
  }

  readonly totals: Totals = (register: EnergyRegister) => {
    const micro = this.micro[register] as bigint;
    return { quanta: Number(micro / 3_600_000n), residual: Number(micro % 3_600_000n) };
  };

  run(seconds: number, loads: readonly number[]): void {
    for (let i = 0; i < seconds; i++) {
      const micro = loads.map((milliwatts) => BigInt(milliwatts) * 1_000n);
      for (const [place, register] of REGISTERS.entries())
        this.micro[register] = (this.micro[register] as bigint) + (micro[place] as bigint);
      this.stretch.push({ rate: this.rate, micro });
      this.now = localSecond(this.now + 1);
      if (this.unit.nextEdge() === this.now) this.unit.slip(this.now, this.totals);
      if (this.unit.nextEdge() <= this.now) throw new Error(`an edge was missed at ${this.now}`);
      this.#judge();
    }
  }

  #judge(): void {
    const period = this.settings.periodMinutes * 60;
    const slip = this.settings.mode === "block" ? period : this.settings.slipMinutes * 60;
    if (this.now % slip !== 0 || this.stretch.length < period) return;
    const window = this.stretch.slice(-period);
    const power = REGISTERS.map((_, place) =>
      Number(window.reduce((sum, second) => sum + (second.micro[place] as bigint), 0n) / BigInt(period * 1_000)),
    );
    this.last = { power, at: this.now };
    const rates = window.every((second) => second.rate === this.rate) ? [0, this.rate] : [0];
    for (const rate of rates) {
      for (const [place, register] of REGISTERS.entries()) {
        const key = `${register} ${rate}`;
        if ((power[place] as number) > (this.maxima.get(key)?.power ?? 0))
          this.maxima.set(key, { power: power[place] as number, at: this.now });
      }
    }
  }

  cutPower(seconds: number): void {
    const kept = this.unit.snapshot();
    this.now = localSecond(this.now + seconds);
    this.unit = new DemandUnit(this.settings);
    expect(this.unit.restore(kept)).toEqual({ ok: true, value: undefined });
    this.unit.interrupt(this.now, this.totals);
    this.stretch = [];
  }

  setClock(to: LocalSecond): void {
    this.now = to;
    this.unit.interrupt(to, this.totals);
    this.stretch = [];
  }

  clear(): void {
    this.unit.clear(this.now, this.totals);
    this.stretch = [];
    this.maxima.clear();
  }

  settle(): void {
    const handed = DemandMaxima.fromBytes(this.unit.settle(this.now, this.totals));
    if (!handed.ok) throw new Error(handed.error);
    this.compare((register, rate) => handed.value.of(register, rate));
    this.stretch = [];
    this.maxima.clear();
  }

  switchRate(rate: number): void {
    this.rate = rate;
    this.unit.switchRate(rate, this.now);
  }

  compare(read: (register: EnergyRegister, rate: number) => unknown): void {
    for (const register of REGISTERS) {
      for (const rate of [0, 1, 2, 3])
        expect(read(register, rate)).toEqual(this.maxima.get(`${register} ${rate}`) ?? { power: 0, at: null });
    }
  }

  check(): void {
    this.compare((register, rate) => this.unit.maximum(register, rate));
    for (const [place, register] of REGISTERS.entries())
      expect(this.unit.last(register)).toEqual(
        this.last === undefined ? null : { power: this.last.power[place], at: this.last.at },
      );
  }
}

const load = fc.constantFrom(0, 1, 999, 2_300_000, 69_000_001);
const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("run" as const),
      seconds: fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constantFrom(43, 60, 300)),
      loads: fc.tuple(load, load),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("rate" as const), rate: fc.integer({ min: 1, max: 3 }) }),
  },
  fc.record({ do: fc.constant("cut" as const), seconds: fc.integer({ min: 0, max: 200 }) }),
  fc.record({ do: fc.constant("clock" as const), by: fc.integer({ min: -900, max: 900 }) }),
  fc.record({ do: fc.constantFrom("clear" as const, "settle" as const) }),
);
const windows = fc.constantFrom<readonly ["block" | "sliding", number, number]>(
  ["block", 1, 1],
  ["block", 5, 1],
  ["sliding", 5, 1],
  ["sliding", 4, 2],
  ["sliding", 3, 3],
);

test("any history gives the maxima that looking at every second gives", () => {
  let maxima = 0;
  fc.assert(
    fc.property(windows, fc.array(action, { maxLength: 25 }), ([mode, periodMinutes, slipMinutes], actions) => {
      const rig = new Rig({ mode, periodMinutes, slipMinutes, registers: REGISTERS });
      for (const a of actions) {
        if (a.do === "run") rig.run(a.seconds, a.loads);
        else if (a.do === "rate") rig.switchRate(a.rate);
        else if (a.do === "cut") rig.cutPower(a.seconds);
        else if (a.do === "clock") rig.setClock(localSecond(rig.now + a.by));
        else if (a.do === "clear") rig.clear();
        else rig.settle();
        rig.check();
        maxima += rig.maxima.size;
      }
    }),
    { numRuns: 150 },
  );
  expect(maxima).toBeGreaterThan(100);
});

test("a rate that lasted no time has not cut the window of the one before it", () => {
  const rig = new Rig({ mode: "block", periodMinutes: 1, slipMinutes: 1, registers: REGISTERS });
  rig.run(44, [0, 0]);
  rig.switchRate(2);
  rig.switchRate(3);
  rig.switchRate(1);
  rig.run(59, [0, 2_300_000]);
  expect(rig.maxima.get("q1 1")?.power).toBe(2_261_666);
  rig.check();
  // After a clock that was set back, what was in force before it says nothing.
  rig.switchRate(2);
  rig.setClock(localSecond(rig.now - 600));
  rig.switchRate(1);
  rig.run(200, [5_000, 0]);
  rig.check();
});

test("a quarter of an hour on a one-minute slip, by hand", () => {
  const rig = new Rig({ ...DEFAULT_DEMAND, registers: REGISTERS });
  rig.setClock(localOf(2025, 1, 1, 12, 0, 0));
  rig.run(14 * 60, [1_000_000, 0]);
  expect(rig.unit.last("activeImport")).toBeNull();
  rig.run(60, [4_000_000, 0]);
  const quarter = { power: 1_200_000, at: localOf(2025, 1, 1, 12, 15) };
  expect(rig.unit.maximum("activeImport")).toEqual(quarter);
  expect(rig.unit.maximum("q1")).toEqual({ power: 0, at: null });
  rig.run(14 * 60, [1_000_000, 0]);
  expect(rig.unit.last("activeImport")).toEqual({ power: 1_200_000, at: localOf(2025, 1, 1, 12, 29) });
  expect(rig.unit.maximum("activeImport")).toEqual(quarter);
});

test("the present demand rises to the demand at the end of its window", () => {
  const rig = new Rig({ mode: "sliding", periodMinutes: 3, slipMinutes: 1, registers: ["activeImport"] });
  rig.setClock(localOf(2025, 1, 1, 12, 0, 0));
  rig.run(90, [1_800_000, 0]);
  expect(rig.unit.present("activeImport", rig.totals)).toBe(900_000);
  rig.run(150, [1_800_000, 0]);
  // The minutes 12:01 to 12:04 are complete; a new minute has just begun, and the oldest one has left its window.
  expect(rig.unit.present("activeImport", rig.totals)).toBe(1_200_000);
  rig.run(59, [1_800_000, 0]);
  expect(rig.unit.present("activeImport", rig.totals)).toBe(1_790_000);
  expect(rig.unit.present("apparent", rig.totals)).toBeNull();
});

test("other windows keep the maxima; bad ones change nothing", () => {
  const rig = new Rig({ mode: "block", periodMinutes: 1, slipMinutes: 1, registers: REGISTERS });
  rig.run(200, [5_000, 6_000]);
  const before = rig.unit.maximum("q1");
  expect(before.power).toBe(6_000);
  expect(rig.unit.configure({ ...rig.settings, periodMinutes: 7 }, rig.now, rig.totals).ok).toBe(false);
  expect(rig.unit.settings.periodMinutes).toBe(1);
  const changed = rig.unit.configure(
    { mode: "block", periodMinutes: 15, slipMinutes: 1, registers: ["activeImport"] },
    rig.now,
    rig.totals,
  );
  expect(changed.ok).toBe(true);
  expect(rig.unit.maximum("q1")).toEqual(before);
  expect(rig.unit.nextEdge()).toBe(localOf(2024, 2, 29, 0, 0));
});

test("settings whose windows do not lie on the clock are refused with the reason", () => {
  const check = (change: Partial<DemandSettings>) => checkDemandSettings({ ...DEFAULT_DEMAND, ...change });
  expect(check({}).ok).toBe(true);
  expect(check({ periodMinutes: 60, slipMinutes: 5 }).ok).toBe(true);
  expect(check({ periodMinutes: 7 })).toMatchObject({ error: expect.stringContaining("does not divide the hour") });
  expect(check({ periodMinutes: 0 }).ok).toBe(false);
  expect(check({ periodMinutes: 120 }).ok).toBe(false);
  expect(check({ slipMinutes: 4 })).toMatchObject({
    error: expect.stringContaining("does not divide the demand period"),
  });
  expect(check({ registers: ["q1", "q1"] }).ok).toBe(false);
  expect(check({ registers: ["x" as EnergyRegister] })).toMatchObject({ error: 'there is no demand of "x"' });
});

test("bytes that are no demand are refused and change nothing", () => {
  const rig = new Rig({ mode: "block", periodMinutes: 1, slipMinutes: 1, registers: REGISTERS });
  rig.run(200, [5_000, 6_000]);
  const good = rig.unit.snapshot();
  for (let length = 0; length < good.length; length++)
    expect(rig.unit.restore(good.subarray(0, length)).ok).toBe(false);
  expect(rig.unit.restore(Uint8Array.of(...good, 0)).ok).toBe(false);
  expect(rig.unit.restore(good.with(0, 9))).toMatchObject({ error: expect.stringContaining("layout 9") });
  rig.check();
});
