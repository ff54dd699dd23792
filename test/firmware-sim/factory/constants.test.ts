/** The constants in the meter's memory: found once, kept whatever the power does, never replaced when lost. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MeterConfig } from "../../../firmware-sim/boot.ts";
import type { Bench } from "../../../firmware-sim/factory/calibrate.ts";
import { constantsOf, decodeConstants, encodeConstants } from "../../../firmware-sim/factory/constants.ts";
import { drawParts } from "../../../firmware-sim/factory/parts.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { type Calibration, UNCALIBRATED } from "../../../firmware-sim/metrology/calibration.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { DyingNvram } from "../nvram/dying-nvram.ts";
import { type Assembled, benchOf, model } from "./support.ts";

const METER: Assembled = { model: model("meterworks-3p"), parts: drawParts(4, 3) };
const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil(seconds * 1e6) });

/** A factory that counts its visits; one that is given a number is another bench, with another result. */
function factory(gain = 0): { readonly bench: Bench; visits: number } {
  const parts = { ...METER.parts, voltage: [{ gain }, {}, {}] };
  const make = benchOf(gain === 0 ? METER : { ...METER, parts });
  const counted = {
    visits: 0,
    bench: ((options) => {
      counted.visits += 1;
      return make(options);
    }) as Bench,
  };
  return counted;
}

const FOUND = constantsOf(new MemoryNvram(), METER.model, factory().bench);

function config(nvram: Nvram, bench?: Bench): MeterConfig & { seen: (Calibration | undefined)[] } {
  const { plate, phases } = METER.model;
  const load = constantLoad(mainsOf({ phases, voltage: 230, current: 5, angle: 60 }));
  const seen: (Calibration | undefined)[] = [];
  const chip: MeterConfig["chip"] = (start, calibration) => {
    seen.push(calibration);
    const options = { plate, phases, load, start, seed: 4, errors: METER.parts };
    return new ClosedFormChip({ ...options, ...(calibration && { calibration }) });
  };
  const meter = { id: "m1", model: METER.model, nvram, password: 0, checkpointEvery: 10_000_000, chip, seen };
  return bench === undefined ? meter : { ...meter, factory: bench };
}

function watts(c: MeterConfig, now: Now): number {
  const meter = Meter.powerOn(c, now);
  if (!meter.ok) throw new Error(meter.error);
  return (meter.value.value("activePower") as number) / 1e3;
}

describe("a meter", () => {
  test("is calibrated at its first power on and never again; without a factory it stays as assembled", () => {
    const nvram = new MemoryNvram();
    const first = factory();
    expect(Math.abs(watts(config(nvram, first.bench), at(0)) - 1725)).toBeLessThan(1725 * 0.002);
    expect(first.visits).toBeGreaterThan(5);
    const again = factory(0.02);
    expect(Math.abs(watts(config(nvram, again.bench), at(10)) - 1725)).toBeLessThan(1725 * 0.002);
    expect(again.visits).toBe(0);
    expect(Math.abs(watts(config(nvram), at(20)) - 1725)).toBeLessThan(1725 * 0.002);
    const bare = config(new MemoryNvram());
    expect(Math.abs(watts(bare, at(0)) - 1725)).toBeGreaterThan(1725 * 0.02);
    expect(bare.seen).toEqual([undefined]);
  });

  test("keeps its constants through a power loss at any write and any byte of it", () => {
    if (!FOUND.ok || FOUND.value === undefined) throw new Error("no constants");
    const whole = encodeConstants(FOUND.value).length + 16;
    for (let dieAt = 1; dieAt <= 6; dieAt++)
      for (let keep = 0; keep <= whole + 1; keep++) {
        const nvram = new DyingNvram(dieAt, keep);
        let ready = false;
        try {
          const meter = Meter.powerOn(config(nvram, factory().bench), at(0));
          if (!meter.ok) throw new Error(meter.error);
          ready = true;
          for (const s of [60, 120, 180]) meter.value.refresh(at(s));
        } catch (error) {
          expect((error as Error).message).toBe("power");
        }
        const later = factory();
        // What had come back on must know its constants by itself; what was cut before it did may visit the factory again.
        const again = config(nvram.survivor(), ready ? undefined : later.bench);
        expect(Math.abs(watts(again, at(1_000)) - 1725), `write ${dieAt}, byte ${keep}`).toBeLessThan(1725 * 0.002);
        expect(again.seen, `write ${dieAt}, byte ${keep}`).toEqual([FOUND.value]);
        expect(later.visits > 0).toBe(dieAt === 1 && keep < whole);
      }
  });

  test("whose constants are lost says so and does not calibrate itself in the field", () => {
    const nvram = new MemoryNvram();
    watts(config(nvram, factory().bench), at(0));
    for (const slot of ["a", "b"]) {
      const cell = nvram.read(`calibration.${slot}`) as Uint8Array;
      nvram.write(`calibration.${slot}`, cell.with(20, (cell[20] as number) ^ 1));
    }
    const lost = factory();
    expect(Meter.powerOn(config(nvram, lost.bench), at(10))).toMatchObject({
      ok: false,
      error: expect.stringContaining("calibration"),
    });
    expect(lost.visits).toBe(0);
  });
});

describe("the record", () => {
  const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const registers = fc.record({
    ...{ voltageGain: word, currentGain: word, powerGain: word, powerOffset: word },
    ...{ reactivePhase: word, currentOffset: word, delay: fc.integer({ min: -500_000, max: 500_000 }) },
  });

  test("gives back what was stored", () => {
    fc.assert(
      fc.property(fc.constantFrom(1 as const, 3 as const), fc.tuple(registers, registers, registers), (phases, all) => {
        const constants = all.slice(0, phases);
        expect(decodeConstants(encodeConstants(constants), phases)).toEqual({ ok: true, value: constants });
      }),
    );
  });

  test("has each word where its layout says", () => {
    const bytes = encodeConstants([{ ...UNCALIBRATED, voltageGain: 1, delay: -2, currentOffset: 0x01020304 }]);
    expect([...bytes]).toEqual([
      ...[1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      ...[0xfe, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1],
    ]);
  });

  test("of another meter, another layout or any bytes is refused with the reason", () => {
    const one = encodeConstants([UNCALIBRATED]);
    expect(decodeConstants(one, 3)).toMatchObject({ ok: false, error: expect.stringContaining("phase") });
    expect(decodeConstants(one.with(0, 9), 1)).toMatchObject({ ok: false, error: expect.stringContaining("layout 9") });
    expect(decodeConstants(one.subarray(0, -1), 1).ok).toBe(false);
    const late = encodeConstants([{ ...UNCALIBRATED, delay: 500_001 }]);
    expect(decodeConstants(late, 1)).toMatchObject({ ok: false, error: expect.stringContaining("delay") });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 29 }), (bytes) => {
        expect(decodeConstants(bytes, 1).ok).toBe(false);
      }),
    );
  });
});
