/**
 * Expected codes are worked out by hand from the driver's full-scale codes (rms 52 702 092, power 20 694 066) and the board
 * of its example: 801 / √2 V and 300 / √2 A at full scale.
 */
import { describe, expect, test } from "vitest";
import { ADE9000_FULL_SCALE, Ade9000 } from "../../../firmware-sim/metrology/ade9000.ts";
import { Ade9000Spi } from "../../../firmware-sim/metrology/ade9000-spi.ts";
import { BareChip, type CorePhase, type CoreWindow } from "../../../firmware-sim/metrology/bare-chip.ts";
import { constantLoad, type MainsDescription, mainsOf, stepLoad } from "../../../firmware-sim/metrology/mains.ts";
import { fromHex, toHex } from "../../../src/core/bytes.ts";
import { civil } from "../../../src/core/time.ts";

const START = civil(1_800_000_000_000_000);
const A = 0;
const B = 0x20;
const C = 0x40;

function phase(change: Partial<CorePhase> = {}): CorePhase {
  const watts = change.active ?? 1150;
  const power = { active: watts, fundamentalActive: watts, reactive: 0, apparent: 1150, angle: 0 };
  return { voltage: 230, current: 5, fundamentalVoltage: 230, fundamentalCurrent: 5, ...power, ...change };
}

/** One second at 50 Hz, the same on all phases unless told. */
function second(...phases: readonly CorePhase[]): CoreWindow {
  const all = [phases[0] ?? phase(), phases[1] ?? phase(), phases[2] ?? phase()];
  return { phases: all, neutralCurrent: 0, frequency: 50, seconds: 1 };
}

function running(): Ade9000 {
  const chip = new Ade9000();
  chip.write(0x480, 1);
  return chip;
}

function chain(mains: Omit<MainsDescription, "phases">): Ade9000 {
  const chip = running();
  const load = constantLoad(mainsOf({ phases: 3, ...mains }));
  const options = { fullScale: ADE9000_FULL_SCALE, phases: 3, load, start: START, seed: 5 } as const;
  new BareChip(options, (window) => chip.update(window)).advance(civil(START + 1_000_000));
  return chip;
}

function signed(value: number | undefined): number {
  return (value as number) | 0;
}

describe("registers", () => {
  test("reset values: identity, version, thresholds, dividers", () => {
    const chip = new Ade9000();
    const values = [0x4a4, 0x4fe, 0x472, 0x41c, 0x414, 0x494, 0x4b2, 0x403, 0x480, 0x000].map((a) => chip.read(a));
    expect(values).toEqual([0x63, 0xfe, 0x10_0000, 0xffff, 0xff_ffff, 0xffff, 0xff, 0x1_0000, 0, 0]);
  });

  test("addresses that hold nothing", () => {
    const chip = new Ade9000();
    expect([0x019, 0x05f, 0x074, 0x2e8, 0x408, 0x4ff, 0x63d].map((a) => chip.read(a))).toEqual(
      Array(7).fill(undefined),
    );
  });

  test("measurements, version and part can't be written", () => {
    const chip = running();
    chip.update(second());
    for (const address of [0x20c, 0x210, 0x2e7, 0x397, 0x404, 0x418, 0x41f, 0x472, 0x485, 0x49d, 0x4fe]) {
      const before = chip.read(address);
      chip.write(address, 0x55);
      expect([address, chip.read(address)]).toEqual([address, before]);
    }
  });

  test("the write lock holds settings and configuration until the key comes", () => {
    const chip = new Ade9000();
    chip.write(0x4bf, 0x3c64);
    for (const address of [0x000, 0x060, 0x41c, 0x480, 0x4b0]) {
      const before = chip.read(address);
      chip.write(address, 0x21);
      expect([address, chip.read(address)]).toEqual([address, before]);
    }
    chip.write(0x4bf, 0x1234);
    chip.write(0x480, 1);
    expect(chip.read(0x480)).toBe(0);
    chip.write(0x4bf, 0x4ad1);
    chip.write(0x480, 1);
    expect(chip.read(0x480)).toBe(1);
  });

  test("a one clears its status bit and no other", () => {
    const chip = running();
    chip.update(second());
    expect(chip.read(0x402)).toBe(0x34_0000);
    chip.write(0x402, 0x04_0000);
    expect(chip.read(0x402)).toBe(0x30_0000);
    chip.write(0x403, 0xffff_ffff);
    expect(chip.read(0x403)).toBe(0);
  });

  test("software reset", () => {
    const chip = running();
    chip.write(0x000, 0x1234);
    chip.update(second());
    chip.write(0x481, 0x0001);
    expect([0x000, 0x480, 0x20d, 0x481, 0x403].map((a) => chip.read(a))).toEqual([0, 0, 0, 0, 0x1_0000]);
  });

  test("nothing is measured before RUN", () => {
    const chip = new Ade9000();
    chip.update(second());
    expect([chip.read(0x20d), chip.read(0x402)]).toEqual([0, 0]);
  });

  test("the temperature by the driver's formula is 25 °C", () => {
    const chip = new Ade9000();
    chip.write(0x4b6, 0x000c);
    expect([chip.read(0x4b6), (chip.read(0x402) as number) >> 25]).toEqual([0x0004, 1]);
    const trim = chip.read(0x474) as number;
    expect((trim >>> 16) / 32 - ((chip.read(0x4b7) as number) * (trim & 0xffff)) / 65536).toBe(25);
  });
});

describe("measurement by waveform", () => {
  test("230 V, 5 A on every phase", () => {
    const chip = chain({ voltage: 230, current: 5 });
    for (const p of [A, B, C]) {
      expect(Math.abs((chip.read(0x20d + p) as number) - 21_401_202)).toBeLessThan(200);
      expect(Math.abs((chip.read(0x20c + p) as number) - 1_242_200)).toBeLessThan(200);
      expect(Math.abs(signed(chip.read(0x210 + p)) - 198_071)).toBeLessThan(10);
      expect(Math.abs(signed(chip.read(0x211 + p)))).toBeLessThan(10);
      expect(Math.abs(signed(chip.read(0x216 + p)) - 2 ** 27)).toBeLessThan(5_000);
    }
    expect(Math.abs((chip.read(0x418) as number) - 0x9f_ffff)).toBeLessThan(60);
    expect(chip.read(0x266)).toBeLessThan(600);
  });

  test("full scale", () => {
    const chip = chain({ voltage: ADE9000_FULL_SCALE.volts, current: ADE9000_FULL_SCALE.amperes });
    expect(Math.abs((chip.read(0x22d) as number) - 52_702_092)).toBeLessThan(300);
    expect(Math.abs((chip.read(0x22c) as number) - 52_702_092)).toBeLessThan(300);
    expect(Math.abs(signed(chip.read(0x230)) - 20_694_066)).toBeLessThan(210);
    expect(ADE9000_FULL_SCALE.volts).toBeCloseTo(566.393, 3);
    expect(ADE9000_FULL_SCALE.amperes).toBeCloseTo(212.132, 3);
  });

  test("signs, angle, neutral: A imports inductive, B exports, C draws nothing", () => {
    const chip = chain({ voltage: 230, current: [5, 5, 0], angle: [30, 180, 0] });
    expect(Math.abs(signed(chip.read(0x210)) - 171_534)).toBeLessThan(10); // cos 30°
    expect(Math.abs(signed(chip.read(0x211)) - 99_035)).toBeLessThan(10); // sin 30°
    expect(Math.abs(signed(chip.read(0x230)) + 198_071)).toBeLessThan(10);
    expect((chip.read(0x49d) as number) & 0b0101).toBe(0b0100);
    expect(Math.abs((chip.read(0x485) as number) - 1_707)).toBeLessThan(2); // 30° × 1.024e6 / 360 / 50
    expect(Math.abs((chip.read(0x486) as number) - 10_240)).toBeLessThan(2);
    // 5 A at −30° and 5 A at −120° + 180° = 60°, at right angles: √2 × 5 A.
    expect(Math.abs((chip.read(0x266) as number) - 1_756_736)).toBeLessThan(300);
  });

  test("a 5th harmonic of 40 % in the current: THD, and fundamental beside total", () => {
    const chip = chain({ voltage: 230, current: 5, currentHarmonics: [{ order: 5, ratio: 0.4, angle: 0 }] });
    expect(Math.abs((chip.read(0x218) as number) / 2 ** 27 - 0.4)).toBeLessThan(1e-4);
    expect(Math.abs((chip.read(0x20e) as number) - 1_242_200)).toBeLessThan(200);
    expect(Math.abs((chip.read(0x20c) as number) - 1_337_898)).toBeLessThan(200); // × √1.16
    expect(Math.abs((chip.read(0x215) as number) - 198_071)).toBeLessThan(30);
    expect(Math.abs((chip.read(0x212) as number) - 213_330)).toBeLessThan(30);
  });
});

describe("calibration", () => {
  test("gains: of current, voltage and power, in 2^-27; of the amplifiers", () => {
    const chip = running();
    chip.write(0x020, 0x0400_0000); // BIGAIN × 1.5
    chip.write(0x04b, 0xfc00_0000); // CVGAIN × 0.5
    chip.write(0x00e, 0x0200_0000); // APGAIN × 1.25
    chip.write(0x4b9, 0x0001); // current of A × 2
    chip.update(second());
    expect([chip.read(0x22c), chip.read(0x24d), chip.read(0x20c)]).toEqual([1_863_300, 10_700_601, 2_484_400]);
    expect([chip.read(0x210), chip.read(0x230), chip.read(0x250)]).toEqual([495_176, 297_106, 99_035]);
  });

  test("offsets: of power in codes, of rms as 2^15 of the square", () => {
    const chip = running();
    chip.write(0x00f, 0xffff_ff9c);
    chip.write(0x00c, 1_000_000);
    chip.update(second());
    expect(chip.read(0x210)).toBe(197_971);
    expect(chip.read(0x20c)).toBe(1_255_320); // √(1 242 200.22² + 1e6 × 32768)
  });
});

describe("energy", () => {
  /** Bits 44..13 and 12..0 together. */
  const energy = (chip: Ade9000, low: number) => signed(chip.read(low + 1)) * 8192 + (chip.read(low) as number);

  test("a second of 1150 W is 8000 of its code, signed, in registers that load or add up", () => {
    const chip = running();
    chip.write(0x4b2, 7_999);
    chip.write(0x4b0, 0x0011);
    chip.update(second(phase(), phase({ active: -1150 })));
    expect(Math.abs(energy(chip, 0x2e6) - 1_584_564_355)).toBeLessThan(2);
    expect(Math.abs(energy(chip, 0x322) + 1_584_564_355)).toBeLessThan(2);
    expect((chip.read(0x402) as number) & 1).toBe(1);
    chip.update(second());
    expect(Math.abs(energy(chip, 0x2e6) - 1_584_564_355)).toBeLessThan(2);
    chip.write(0x4b0, 0x0001);
    chip.update(second());
    expect(Math.abs(energy(chip, 0x2e6) - 3_169_128_709)).toBeLessThan(2);
  });

  test("with read-reset the high part clears the register", () => {
    const chip = running();
    chip.write(0x4b2, 7_999);
    chip.write(0x4b0, 0x0021);
    chip.update(second());
    expect(chip.read(0x2e7)).toBe(193_428); // 1 584 564 354 >> 13
    expect([chip.read(0x2e7), chip.read(0x2e6)]).toEqual([0, 0]);
  });

  test("the timer: no transfer before its samples, one in half line cycles", () => {
    const chip = running();
    chip.write(0x4b2, 15_999);
    chip.write(0x4b0, 0x0001);
    chip.update(second());
    expect([chip.read(0x2e7), (chip.read(0x402) as number) & 1]).toEqual([0, 0]);
    chip.update(second());
    expect(chip.read(0x2e7)).toBe(386_856);
    const cycles = running();
    cycles.write(0x4b2, 99); // 100 half cycles at 50 Hz: a second
    cycles.write(0x4b0, 0x0003);
    cycles.update(second());
    expect(cycles.read(0x2e7)).toBe(193_428);
  });

  test("ACCMODE: absolute, only positive, only negative", () => {
    const sums = [1, 2, 3].map((mode) => {
      const chip = running();
      chip.write(0x492, mode);
      chip.write(0x4b2, 7_999);
      chip.write(0x4b0, 0x0001);
      chip.update(second(phase(), phase({ active: -1150 })));
      return [chip.read(0x2e7), signed(chip.read(0x323))];
    });
    expect(sums).toEqual([
      [193_428, 193_428],
      [193_428, 0],
      [0, -193_429],
    ]);
  });

  test("sums of what is positive and what is negative over PWR_TIME", () => {
    const chip = running();
    chip.write(0x4b1, 8191);
    chip.update(second(phase(), phase({ active: -575 }), phase()));
    expect([chip.read(0x397), signed(chip.read(0x39b)), chip.read(0x39f)]).toEqual([396_141, -99_035, 0]);
  });

  test("below the no-load level nothing counts and PHNOLOAD says so, unless the detector is off", () => {
    const chip = running();
    chip.write(0x41c, 12_676_515); // 64 × 198 070.544 is 12 676 514.8
    chip.write(0x4b2, 7_999);
    chip.write(0x4b0, 0x0001);
    chip.update(second());
    expect([chip.read(0x2e7), (chip.read(0x41f) as number) & 1]).toEqual([0, 1]);
    chip.write(0x4b0, 0xe001);
    chip.update(second());
    expect([chip.read(0x2e7), (chip.read(0x41f) as number) & 1]).toEqual([193_428, 0]);
    const counting = running();
    counting.write(0x41c, 12_676_514);
    counting.update(second());
    expect((counting.read(0x41f) as number) & 1).toBe(0);
  });
});

describe("one cycle", () => {
  /** 230 V; from 1 s on phase B has `volts` for 0.3 s, then 230 V again. Levels of 80 % and 120 %, two cycles long. */
  function disturbed(volts: number, seconds: number, others = 230, halfCycles = 4): Ade9000 {
    const chip = running();
    chip.write(0x410, 535_030); // 21 401 202 × 0.8 / 32
    chip.write(0x414, 802_545);
    chip.write(0x48b, halfCycles);
    chip.write(0x48c, halfCycles);
    const mains = (b: number, ac: number) => mainsOf({ phases: 3, voltage: [ac, b, ac], current: 5 });
    const load = stepLoad(START, [
      { seconds: 1, mains: mains(230, 230) },
      { seconds: 0.3, mains: mains(volts, others) },
      { seconds: 9, mains: mains(230, 230) },
    ]);
    const options = { fullScale: ADE9000_FULL_SCALE, phases: 3, load, start: START, seed: 5 } as const;
    const core = new BareChip(
      options,
      (window) => chip.update(window),
      (cycle) => chip.updateCycle(cycle),
    );
    core.advance(civil(START + seconds * 1_000_000));
    return chip;
  }

  /** Dips and swells of EVENT_STATUS: there are no-load bits behind them. */
  const events = (chip: Ade9000) => (chip.read(0x404) as number) & 0x3f;

  test("rms follows within a cycle, a dip is reported while it lasts and kept when it is over", () => {
    const during = disturbed(115, 1.15);
    expect(Math.abs((during.read(0x23a) as number) - 10_700_601)).toBeLessThan(500);
    expect(Math.abs((during.read(0x21a) as number) - 21_401_202)).toBeLessThan(500);
    expect([events(during), (during.read(0x403) as number) >> 20]).toEqual([0b10, 0b01_0000]);
    const after = disturbed(115, 1.6);
    expect([events(after), (after.read(0x403) as number) >> 20]).toEqual([0, 0b01_0000]);
    expect(Math.abs((after.read(0x412) as number) - 334_394)).toBeLessThan(20); // 10 700 601 / 32
    expect([after.read(0x411), after.read(0x416)]).toEqual([0x7f_ffff, 0]);
  });

  test("a swell likewise; what lasts shorter than the setting is neither, and 10 % is none", () => {
    const swell = disturbed(299, 1.15);
    expect([events(swell), (swell.read(0x403) as number) >> 20]).toEqual([0b01_0000, 0b00_0010]);
    expect(Math.abs((swell.read(0x416) as number) - 869_424)).toBeLessThan(40); // 21 401 202 × 1.3 / 32
    // STATUS1 without no-load and zero crossings.
    const behind = (chip: Ade9000) => (chip.read(0x403) as number) & 0xffff_0000;
    // 0.3 s are 30 half cycles, less what the edges cut.
    const kept = (volts: number, halfCycles: number) => behind(disturbed(volts, 1.6, 230, halfCycles));
    expect([kept(115, 26), kept(115, 34), kept(299, 26), kept(299, 34)]).toEqual([
      0x101_0000, 0x1_0000, 0x21_0000, 0x1_0000,
    ]);
    expect(behind(disturbed(207, 1.6))).toBe(0x1_0000);
  });

  test("a voltage that is gone is a dip down to the noise, with or without the others to give the cycles", () => {
    const one = disturbed(0, 1.15);
    expect(events(one)).toBe(0b010);
    expect(one.read(0x412)).toBeLessThan(10);
    const all = disturbed(0, 1.15, 0);
    expect(events(all)).toBe(0b111);
    expect(all.read(0x411)).toBeLessThan(10);
    expect(events(disturbed(0, 1.6, 0))).toBe(0);
  });
});

describe("SPI", () => {
  const talk = (spi: Ade9000Spi, hex: string) => {
    const bytes = fromHex(hex);
    if (!bytes.ok) throw new Error(bytes.error);
    return toHex(spi.receive(bytes.value), " ");
  };

  test("hand-written transfers: 16 and 32 bits, read and write", () => {
    const spi = new Ade9000Spi(new Ade9000());
    expect(talk(spi, "0004 4a48 0000")).toBe("00 00 00 63");
    expect(talk(spi, "0006 41c8 00000000")).toBe("00 00 00 00 ff ff");
    expect(talk(spi, "0006 0000 01234567")).toBe("00 00 00 00 00 00");
    expect(talk(spi, "0006 0008 00000000 0004 4ae8 0000")).toBe("00 00 01 23 45 67 00 00 00 08");
    expect(talk(spi, "0006 4238 00000000")).toBe("00 00 01 23 45 67");
  });

  test("a read goes on with its CRC: CCITT of 00 63 from FFFF is 41CA", () => {
    const spi = new Ade9000Spi(new Ade9000());
    expect(talk(spi, "0006 4a48 00000000")).toBe("00 00 00 63 41 ca");
  });

  test("the burst map goes on with the next registers", () => {
    const chip = running();
    chip.update(second(phase(), phase({ voltage: 115 })));
    const answer = talk(new Ade9000Spi(chip), `000e 60a8 ${"00".repeat(12)}`);
    expect(answer).toBe("00 00 01 46 8e 72 00 a3 47 39 01 46 8e 72"); // AVRMS, BVRMS, CVRMS
  });

  test("split anywhere; an empty transfer and a write without all its data do nothing", () => {
    const chip = new Ade9000();
    const spi = new Ade9000Spi(chip);
    expect(["00", "04 4a", "48 00", "00"].map((part) => talk(spi, part))).toEqual(["", "", "", "00 00 00 63"]);
    expect(talk(spi, "0000 0003 480001 0001 ff")).toBe("00 00 00 00");
    expect(chip.read(0x480)).toBe(0);
  });
});
