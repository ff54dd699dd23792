/** Total reactive power, angles, peaks, overcurrent, phase and range calibration, flags: by the load alone. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Mains, mainsOf, type PhaseMains, stepLoad } from "../../../firmware-sim/metrology/mains.ts";
import { CODE_PER_WATT, loaded, RMS_PER_AMPERE, RMS_PER_VOLT, START, signed } from "./ade9000-support.ts";
import { anyMains } from "./oracle.ts";

const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** Sum over harmonics of V · I · sin φ. */
function totalReactive(p: PhaseMains): number {
  let sum = p.voltage * p.current * Math.sin(radians(p.angle));
  for (const v of p.voltageHarmonics)
    for (const i of p.currentHarmonics.filter(({ order }) => order === v.order))
      sum += p.voltage * v.ratio * p.current * i.ratio * Math.sin(radians(v.angle - (i.angle - v.order * p.angle)));
  return sum;
}

describe("reactive power", () => {
  test("total in VAR, of the fundamental in FVAR: the 5th with 10 % in the voltage and 40 % in the current", () => {
    const harmonic = (ratio: number, angle: number) => [{ order: 5, ratio, angle }];
    const { chip, until } = loaded({
      voltage: 230,
      current: 20,
      angle: 30,
      voltageHarmonics: harmonic(0.1, 0),
      currentHarmonics: harmonic(0.4, 100),
    });
    until(1);
    // Of the 5th: 23 V × 8 A, 150 − 100 = 50° late.
    expect(signed(chip.read(0x214)) / (CODE_PER_WATT * 4600 * 0.5)).toBeCloseTo(1, 4);
    expect(signed(chip.read(0x211)) / (CODE_PER_WATT * (4600 * 0.5 + 184 * Math.sin(radians(50))))).toBeCloseTo(1, 4);
  });

  test("any mains full of harmonics: within 100 ppm of apparent power", () => {
    fc.assert(
      fc.property(anyMains, (mains) => {
        const { chip, until } = loaded(mains);
        until(1);
        for (const [p, phase] of mains.phases.entries()) {
          const expected = CODE_PER_WATT * totalReactive(phase);
          const apparent = chip.read(0x212 + 0x20 * p) as number;
          expect(Math.abs(signed(chip.read(0x211 + 0x20 * p)) - expected)).toBeLessThan(apparent * 1e-4 + 3);
        }
      }),
      { numRuns: 40, seed: 9 },
    );
  });
});

describe("angles", () => {
  const angles = (mains: Mains) => {
    const { chip, until } = loaded(mains);
    until(1);
    const of = (first: number) =>
      [0, 1, 2].map((k) => ((chip.read(first + k) as number) * mains.frequency * 360) / 1.024e6);
    return {
      voltages: of(0x482),
      own: of(0x485),
      currents: of(0x488),
      sequence: ((chip.read(0x403) as number) >> 18) & 1,
    };
  };
  const near = (values: readonly number[], expected: readonly number[]) => {
    for (const [k, degrees] of expected.entries()) expect(Math.abs((values[k] as number) - degrees)).toBeLessThan(0.03);
  };

  test.each([47.3, 50, 61])(
    "between voltages, currents, and of each current behind its voltage at %s Hz",
    (frequency) => {
      const { voltages, own, currents, sequence } = angles(
        mainsOf({ phases: 3, voltage: 230, current: [5, 4, 3], angle: [10, 70, 350], frequency }),
      );
      near(voltages, [120, 120, 240]);
      near(own, [10, 70, 350]);
      near(currents, [180, 40, 220]); // 120 + 70 − 10, 120 + 350 − 70, both
      expect(sequence).toBe(0);
    },
  );

  test("the wrong sequence turns them round and says so", () => {
    const right = mainsOf({ phases: 3, voltage: 230, current: 5 });
    const wrong = { ...right, phases: right.phases.map((p) => ({ ...p, voltageAngle: -p.voltageAngle })) };
    expect(angles(wrong).sequence).toBe(1);
    near(angles(wrong).voltages, [240, 240, 120]);
  });
});

describe("calibration of the current", () => {
  /** The data sheet's formula. */
  const phcal = (degrees: number) => {
    const turn = (2 * Math.PI * 50) / 8000;
    const phi = radians(degrees);
    return Math.round(((Math.sin(phi - turn) + Math.sin(turn)) / Math.sin(2 * turn - phi)) * 2 ** 27) >>> 0;
  };
  const LOAD = { voltage: 230, current: 20, angle: 60 };

  test.each([0.5, -0.5, 2])(
    "APHCAL by its formula moves the current by %s°, and neither rms nor another phase",
    (degrees) => {
      const { chip, until } = loaded(LOAD, [[0x006, phcal(degrees)]]);
      until(1);
      const power = CODE_PER_WATT * 4600;
      const lag = radians(60 - degrees);
      for (const [register, expected] of [
        [0x210, Math.cos(lag)],
        [0x211, Math.sin(lag)],
        [0x213, Math.cos(lag)],
        [0x214, Math.sin(lag)],
        [0x230, 0.5],
      ] as const)
        expect(signed(chip.read(register)) / power).toBeCloseTo(expected, 4);
      expect((chip.read(0x20c) as number) / (RMS_PER_AMPERE * 20)).toBeCloseTo(1, 5);
      expect(((chip.read(0x485) as number) * 360) / 20_480).toBeCloseTo(60 - degrees, 1);
    },
  );

  test("ranges: own gain and phase in each, with room between up and down, none while it is off", () => {
    const at = (amperes: number) => Math.round((RMS_PER_AMPERE * amperes) / 32);
    const steps = [1, 5, 20, 60].map((amperes) => [at(amperes * 0.9), at(amperes)] as const);
    const levels = steps.flatMap(
      ([low, high], k) =>
        [
          [0x062 + k, low],
          [0x066 + k, high],
        ] as const,
    );
    const gains = [0.01, 0.02, 0.03, 0.04, 0.05].map((gain, k) => [0x001 + k, Math.round(gain * 2 ** 27)] as const);
    const mains = (current: number) => mainsOf({ phases: 3, voltage: 230, current });
    const load = stepLoad(
      START,
      [0.5, 3, 10, 100, 19, 17.5].map((amperes) => ({ seconds: 1, mains: mains(amperes) })),
    );
    const settings = [[0x060, 0x10], ...levels, [0x06a, 0xffff_ffff], ...gains] as const;
    const { chip, until } = loaded(load, settings);
    const regions: number[] = [];
    const rms: number[] = [];
    for (let second = 1; second <= 6; second++) {
      until(second);
      regions.push(chip.read(0x21d) as number);
      rms.push((chip.read(0x20c) as number) / RMS_PER_AMPERE);
    }
    // 19 A is under the 20 A of the way up and over the 18 A of the way down.
    expect(regions).toEqual([0, 1, 2, 4, 3, 2]);
    for (const [k, expected] of [0.505, 3.06, 10.3, 105, 19.76, 18.025].entries())
      expect((rms[k] as number) / expected).toBeCloseTo(1, 3);
    const off = loaded(LOAD, settings.slice(1));
    off.until(1);
    expect([off.chip.read(0x21d), Math.round(((off.chip.read(0x20c) as number) / RMS_PER_AMPERE) * 100)]).toEqual([
      15, 2000,
    ]);
  });
});

describe("peaks and overcurrent", () => {
  test("the highest of the chosen phases since the last reading", () => {
    const { chip, until } = loaded({ voltage: [230, 240, 250], current: [5, 9, 7] }, [[0x493, 0xf000 | (0b011 << 2)]]);
    until(0.5);
    const [current = 0, voltage = 0] = [chip.read(0x400), chip.read(0x401)];
    expect([current >> 24, voltage >> 24]).toEqual([2, 2]);
    expect(((current & 0xff_ffff) * 32) / ((74_532_013 * 9) / (300 * Math.SQRT1_2))).toBeCloseTo(1, 3);
    expect(((voltage & 0xff_ffff) * 32) / ((74_532_013 * 240) / (801 * Math.SQRT1_2))).toBeCloseTo(1, 3);
    expect([chip.read(0x400), chip.read(0x401)]).toEqual([0, 0]);
  });

  test("one-cycle current above OILVL: status, phase and value, for those that are on", () => {
    const level = Math.round((RMS_PER_AMPERE * 10) / 32);
    const over = (enabled: number) => {
      const { chip, until } = loaded({ voltage: 230, current: [9, 11, 12] }, [
        [0x409, level],
        [0x493, enabled << 12],
      ]);
      until(0.5);
      return chip;
    };
    const chip = over(0b0011);
    expect([chip.read(0x48f), ((chip.read(0x403) as number) >> 17) & 1]).toEqual([0b0010, 1]);
    expect(((chip.read(0x40b) as number) * 32) / (RMS_PER_AMPERE * 11)).toBeCloseTo(1, 3);
    expect([chip.read(0x40a), chip.read(0x40c)]).toEqual([0, 0]);
    expect(over(0b1111).read(0x48f)).toBe(0b0110);
    expect(over(0).read(0x48f)).toBe(0);
  });

  test("a neutral for a cycle: NIRMSONE follows the sum of the currents, and is watched as the phases are", () => {
    const level = Math.round((RMS_PER_AMPERE * 10) / 32);
    const { chip, until } = loaded({ voltage: 230, current: [20, 5, 5], angle: [0, 0, 0] }, [[0x409, level]]);
    until(0.5);
    expect((chip.read(0x267) as number) / (RMS_PER_AMPERE * 15)).toBeCloseTo(1, 3);
    expect((chip.read(0x269) as number) / (RMS_PER_AMPERE * 15)).toBeCloseTo(1, 4);
    expect(chip.read(0x48f)).toBe(0b1001);
    expect(((chip.read(0x40d) as number) * 32) / (RMS_PER_AMPERE * 15)).toBeCloseTo(1, 3);
  });
});

describe("flags", () => {
  test("a direction that turns round raises its bit in STATUS0, once", () => {
    const turned = (angle: number) => mainsOf({ phases: 3, voltage: 230, current: 5, angle: [30, angle, 30] });
    const load = stepLoad(START, [
      { seconds: 1, mains: turned(30) },
      { seconds: 9, mains: turned(210) },
    ]);
    const { chip, until } = loaded(load);
    until(0.9);
    expect((chip.read(0x402) as number) & 0x7e).toBe(0);
    until(2);
    expect([(chip.read(0x402) as number) & 0x7e, chip.read(0x49d)]).toEqual([0b010_0100, 0b00_1100]);
    chip.write(0x402, 0x7e);
    until(3);
    expect((chip.read(0x402) as number) & 0x7e).toBe(0);
  });

  test("no-load comes and goes: STATUS1 for the change, EVENT_STATUS while it lasts", () => {
    const load = stepLoad(START, [
      { seconds: 1, mains: mainsOf({ phases: 3, voltage: 230, current: [5, 5, 0], angle: 45 }) },
      { seconds: 9, mains: mainsOf({ phases: 3, voltage: 230, current: 5, angle: 45 }) },
    ]);
    const { chip, until } = loaded(load);
    until(0.9);
    expect([(chip.read(0x403) as number) & 0x3f, ((chip.read(0x404) as number) >> 10) & 0x3f]).toEqual([0x3f, 0x3f]);
    chip.write(0x403, 0x3f);
    until(2);
    expect([(chip.read(0x403) as number) & 0x3f, ((chip.read(0x404) as number) >> 10) & 0x3f]).toEqual([0x3f, 0]);
  });

  test("zero crossings of the phases that are there, timeouts of those that are not; interrupts by their masks", () => {
    const { chip, until } = loaded({ voltage: [230, 0, 230], current: 5 }, [
      [0x405, 0x8_0000],
      [0x406, 0x80],
    ]);
    expect(chip.interrupts()).toEqual({ irq0: false, irq1: false });
    until(0.5);
    expect([((chip.read(0x403) as number) >> 9) & 15, ((chip.read(0x403) as number) >> 6) & 7]).toEqual([
      0b1101, 0b010,
    ]);
    expect(chip.interrupts()).toEqual({ irq0: true, irq1: true });
    chip.write(0x402, 0xffff_ffff);
    chip.write(0x403, 0xffff_ffff);
    expect(chip.interrupts()).toEqual({ irq0: false, irq1: false });
  });

  test("the temperature of the chip, in quarters of a degree", () => {
    const { chip } = loaded({ voltage: 230, current: 5 }, [[0x4b6, 0x000c]], { temperature: -12.25 });
    const trim = chip.read(0x474) as number;
    expect((trim >>> 16) / 32 - ((chip.read(0x4b7) as number) * (trim & 0xffff)) / 65536).toBe(-12.25);
  });

  test("newest samples: filtered within the peak of their sine, neutral the sum", () => {
    const { chip, until } = loaded({ voltage: 230, current: [5, 4, 3] });
    until(0.5);
    const [ia, va, ib, , ic, , neutral] = [0, 1, 2, 3, 4, 5, 6].map((k) => signed(chip.read(0x510 + k)));
    expect(Math.abs((ia ?? 0) + (ib ?? 0) + (ic ?? 0) - (neutral ?? 0))).toBeLessThan(4);
    expect(Math.abs(va ?? 0)).toBeLessThan((74_532_013 * 230 * RMS_PER_VOLT) / 52_702_092 + 100);
    expect(va).not.toBe(0);
  });
});
