/** Our IEC 62056-21 meter and reader on a line by bits: whoever is at the wrong rate hears garbage, as on a real one. */
import { describe, expect, test } from "vitest";
import { Iec62056Face } from "../../../firmware-sim/faces/iec62056-21.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { ReadoutOnce, type ReadoutOutcome } from "../../../src/cli/read-iec62056.ts";
import { type Actor, type LinkEffect, linkId } from "../../../src/core/actor.ts";
import { Random } from "../../../src/core/random.ts";
import { civil, mono } from "../../../src/core/time.ts";
import { CopperLine, type PartyOptions, SOUND_COPPER } from "../../../src/simulation/copper.ts";
import { SimHost, type SimLink, World } from "../../../src/simulation/world.ts";

/** 2026-01-01T00:00:00Z. */
const START = 1_767_225_600_000_000;
const OPTICAL = { format: { baud: 300, dataBits: 7, parity: "even", stopBits: 1 }, keepsBad: true } as const;

interface Setting {
  readonly mode?: "A" | "B" | "C";
  readonly baud?: number;
  readonly signOnBaud?: number;
  readonly line?: Partial<PartyOptions>;
  readonly faults?: Partial<typeof SOUND_COPPER>;
  readonly seed?: number;
  /** One of them does not carry its changes of rate out. */
  readonly stubborn?: "meter" | "reader";
}

interface Told {
  readonly outcome: ReadoutOutcome | undefined;
  /** Seconds until then. */
  readonly seconds: number;
  readonly rates: number[];
  /** Faults that the line has made. */
  readonly harmed: number;
}

function meterOf(world: World): Meter {
  const model = findModel("meterworks-1p") as MeterModel;
  const load = constantLoad(mainsOf({ phases: model.phases, voltage: 230, current: 5 }));
  const meter = Meter.powerOn(
    {
      ...{ id: "flat-7", model, nvram: new MemoryNvram(), password: 42, checkpointEvery: 1e15 },
      chip: (start) => new ClosedFormChip({ plate: model.plate, phases: model.phases, load, start, seed: 1 }),
    },
    world.now(),
  );
  if (!meter.ok) throw new Error(meter.error);
  return meter.value;
}

function readout({ mode = "C", baud = 9600, signOnBaud = 300, line: own, faults, stubborn, seed = 3 }: Setting): Told {
  const world = new World(civil(START));
  const format = { ...OPTICAL.format, baud: signOnBaud };
  const defaults = { ...OPTICAL, format, lumps: false, echo: false, ...own };
  const line = new CopperLine(world, linkId("head"), defaults, { ...SOUND_COPPER, ...faults }, new Random(seed));
  const rates: number[] = [];
  const join = (actor: Actor, deaf: boolean): void => {
    let link: SimLink | undefined;
    const host = new SimHost(world, actor, (effect: LinkEffect) => {
      if (effect.kind === "log" || (effect.kind === "baud" && deaf)) return;
      if (effect.kind === "baud") rates.push(effect.rate);
      link?.perform(effect);
    });
    link = line.join(actor, (event) => host.post(event));
  };
  join(new Iec62056Face(meterOf(world), world.now(), { mode, baud, signOnBaud }), stubborn === "meter");
  let told: { outcome: ReadoutOutcome; seconds: number } | undefined;
  const plan = {
    begin: "sign-on",
    thenListen: false,
    listenBaud: signOnBaud,
    patience: 1,
    linkPatience: 1e6,
    reader: { signOnBaud },
  } as const;
  const done = (outcome: ReadoutOutcome) => {
    told ??= { outcome, seconds: world.now().mono / 1e6 };
  };
  join(new ReadoutOnce(line.id, plan, done), stubborn === "reader");
  for (let seconds = 1; told === undefined && seconds < 300; seconds++) world.run(mono(seconds * 1e6));
  return { outcome: told?.outcome, seconds: told?.seconds ?? Number.NaN, rates, harmed: line.harmed };
}

const powerOf = ({ outcome }: Told) => (outcome?.ok ? outcome.values.activePower : outcome?.reason);

describe("the change of rate on a line with bit timing", () => {
  test.each([
    ["C", 19_200],
    ["C", 9600],
    ["C", 300],
    ["B", 4800],
    ["B", 600],
    ["A", 300],
  ] as const)("mode %s at %d", (mode, baud) => {
    expect(powerOf(readout({ mode, baud }))).toBe(1_150_000);
  });

  test("through an optical head that echoes, and an adapter that gives lumps", () => {
    expect(powerOf(readout({ line: { echo: true } }))).toBe(1_150_000);
    expect(powerOf(readout({ line: { lumps: true } }))).toBe(1_150_000);
    expect(powerOf(readout({ line: { lumps: true, echo: true }, mode: "B" }))).toBe(1_150_000);
  });

  test("a sign-on at 2400", () => {
    const told = readout({ signOnBaud: 2400 });
    expect(powerOf(told)).toBe(1_150_000);
    expect(told.rates.at(-1)).toBe(2400);
  });

  test("the sign-on takes its time at 300, the data come at the chosen rate", () => {
    // 5 + 21 + 6 characters at 300 and two reaction times are 1.5 s; some 700 characters are 23 s at 300 and 0.7 s at 9600.
    expect(readout({ baud: 300 }).seconds).toBeGreaterThan(15);
    const fast = readout({ baud: 9600 }).seconds;
    expect(fast).toBeGreaterThan(1.4);
    expect(fast).toBeLessThan(3);
  });

  test.each(["meter", "reader"] as const)("a %s that stays at 300 is garbage to the other", (stubborn) => {
    const { outcome } = readout({ stubborn });
    expect(outcome?.ok).toBe(false);
  });

  test("spoiled characters cost repeats, never a wrong value", () => {
    const runs = Array.from({ length: 20 }, (_, seed) => readout({ faults: { flipped: 10 }, seed }));
    const harmed = runs.filter((told) => told.harmed > 0);
    expect(harmed.length).toBeGreaterThan(5);
    expect(harmed.filter((told) => told.outcome?.ok && told.seconds > 3).length).toBeGreaterThan(2);
    for (const { outcome } of runs) if (outcome?.ok) expect(outcome.values.activePower).toBe(1_150_000);
    expect(runs.filter(({ outcome }) => outcome?.ok).length).toBeGreaterThan(15);
  });
});
