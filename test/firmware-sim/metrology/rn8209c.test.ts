/**
 * The expected numbers are worked out by hand from the maker's formulas and the board (1/3000, 0.5 mΩ, U ×4, I ×16):
 * 1 V behind an amplifier is 2^23 in an rms register, 1 V × 1 V is 2^31 in a power register.
 */
import { describe, expect, test } from "vitest";
import { BareChip, type CorePhase, type CoreWindow } from "../../../firmware-sim/metrology/bare-chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { RN8209C_FULL_SCALE, Rn8209c } from "../../../firmware-sim/metrology/rn8209c.ts";
import { Rn8209cUart } from "../../../firmware-sim/metrology/rn8209c-uart.ts";
import { fromHex, toHex } from "../../../src/core/bytes.ts";
import { civil } from "../../../src/core/time.ts";

const START = civil(1_800_000_000_000_000);

/** One second of a load without harmonics: 230 V, 5 A unless told. */
function second(change: Partial<CorePhase> = {}): CoreWindow {
  const phase = { voltage: 230, current: 5, active: 1150, reactive: 0, apparent: 1150, angle: 0, ...change };
  const fundamental = { fundamentalVoltage: 230, fundamentalCurrent: 5, fundamentalActive: phase.active };
  return { phases: [{ ...phase, ...fundamental, ...change }], neutralCurrent: 5, frequency: 50, seconds: 1 };
}

function unlocked(): Rn8209c {
  const chip = new Rn8209c();
  chip.write(0xea, 0xe5);
  return chip;
}

/** As the maker's driver sets it: I ×16, U ×4, B off; energy cleared by reading, P and Q running. */
function initialised(): Rn8209c {
  const chip = unlocked();
  chip.write(0x00, 0x000f);
  chip.write(0x01, 0x8003);
  chip.write(0x02, 5369); // 16.1079e11 / 3000 × 0.0005 × 64 / 3200
  return chip;
}

function chain(volts: number, amperes: number, angle = 0): Rn8209c {
  const chip = initialised();
  const load = constantLoad(mainsOf({ phases: 1, voltage: volts, current: amperes, angle }));
  const options = { fullScale: RN8209C_FULL_SCALE, phases: 1, load, start: START, seed: 3 } as const;
  new BareChip(options, (window) => chip.update(window)).advance(civil(START + 1_000_000));
  return chip;
}

describe("registers", () => {
  test("reset values, and the checksum of the reset state that the maker prints", () => {
    const chip = new Rn8209c();
    expect([0x00, 0x01, 0x02, 0x03, 0x04].map((a) => chip.read(a))).toEqual([3, 3, 0x1000, 0x60, 0x120]);
    expect(chip.read(0x7f)).toBe(0x820900);
    expect(chip.read(0x2d)).toBe(0x00ee79);
  });

  test("widths, and addresses that hold nothing", () => {
    const chip = new Rn8209c();
    const widths = [0x00, 0x07, 0x09, 0x17, 0x20, 0x22, 0x24, 0x25, 0x26, 0x28, 0x29, 0x2d, 0x43, 0x44, 0x45, 0x7f];
    expect(widths.map((a) => chip.widthOf(a))).toEqual([2, 1, 2, 2, 2, 3, 3, 2, 4, 4, 3, 3, 1, 4, 2, 3]);
    expect([0x18, 0x1f, 0x2e, 0x33, 0x46, 0x7e].map((a) => chip.read(a))).toEqual(Array(6).fill(undefined));
  });

  test("settings only while writing is enabled; SysStatus says whether it is", () => {
    const chip = new Rn8209c();
    chip.write(0x02, 0x1234);
    expect(chip.read(0x02)).toBe(0x1000);
    expect(chip.read(0x43)).toBe(0);
    chip.write(0xea, 0xe5);
    expect(chip.read(0x43)).toBe(0x10);
    chip.write(0x02, 0x1234);
    chip.write(0xea, 0xdc);
    chip.write(0x02, 0x4321);
    expect(chip.read(0x02)).toBe(0x1234);
    expect(chip.read(0x43)).toBe(0);
  });

  test("measurements and identity can't be written even then", () => {
    const chip = unlocked();
    for (const address of [0x22, 0x26, 0x29, 0x2d, 0x41, 0x43, 0x7f]) {
      const before = chip.read(address);
      chip.write(address, 0x55);
      expect([address, chip.read(address)]).toEqual([address, before]);
    }
  });

  test("the last data read and written, and the reset command", () => {
    const chip = unlocked();
    chip.write(0x02, 0x1234);
    expect(chip.read(0x45)).toBe(0x1234);
    chip.read(0x7f);
    expect(chip.read(0x44)).toBe(0x820900);
    chip.write(0xea, 0xfa);
    expect([chip.read(0x02), chip.read(0x43)]).toEqual([0x1000, 0]);
  });
});

describe("measurement", () => {
  test("230 V, 5 A by waveform: U, I, P and the frequency", () => {
    const chip = chain(230, 5);
    expect(Math.abs((chip.read(0x24) as number) - 2_572_506)).toBeLessThan(15);
    expect(Math.abs((chip.read(0x22) as number) - 335_544)).toBeLessThan(15);
    expect(Math.abs((chip.read(0x26) as number) - 26_342_466)).toBeLessThan(500);
    expect(chip.read(0x25)).toBe(8949); // 3.579545 MHz / 8 / 50 Hz
  });

  test("full scale is 2^23 / √2 and half of 2^31", () => {
    const chip = chain(RN8209C_FULL_SCALE.volts, RN8209C_FULL_SCALE.amperes);
    expect(Math.abs((chip.read(0x24) as number) - 5_931_642)).toBeLessThan(30);
    expect(Math.abs((chip.read(0x22) as number) - 5_931_642)).toBeLessThan(30);
    expect(Math.abs((chip.read(0x26) as number) - 1_073_741_824)).toBeLessThan(11_000);
    expect(RN8209C_FULL_SCALE.volts).toBeCloseTo(530.33, 2);
    expect(RN8209C_FULL_SCALE.amperes).toBeCloseTo(88.388, 3);
  });

  test("export is negative, reactive has the sign of the angle", () => {
    const chip = chain(230, 5, 210);
    // cos 210° and sin 210° of 26 342 466, in 32 bits of two's complement.
    expect(Math.abs((chip.read(0x26) as number) - (2 ** 32 - 22_813_245))).toBeLessThan(500);
    expect(Math.abs((chip.read(0x28) as number) - (2 ** 32 - 13_171_233))).toBeLessThan(500);
  });

  test("gains of the amplifiers: I ×1 and U ×1 show a 64th of the power", () => {
    const chip = initialised();
    chip.write(0x00, 0x0000);
    chip.update(second());
    expect([chip.read(0x24), chip.read(0x22), chip.read(0x26)]).toEqual([643_127, 20_972, 411_601]);
  });

  test("channel B shows the neutral once it is switched on, with a gain of its own", () => {
    const chip = initialised();
    chip.update(second());
    expect([chip.read(0x23), chip.read(0x27)]).toEqual([0, 0]);
    chip.write(0x00, 0x006f); // B on, ×4
    chip.write(0x10, 0x4000); // × 1.5
    chip.update(second());
    expect(chip.read(0x23)).toBe(125_829); // 2^23 × 5 A × 0.5 mΩ × 4 × 1.5
    expect(chip.read(0x27)).toBe(9_878_425); // 2^31 × 0.306667 V × 0.015 V
  });
});

describe("calibration", () => {
  test("power gain: GPQA 8000 is −1, 4000 is +0.5", () => {
    const chip = initialised();
    chip.write(0x05, 0x4000);
    chip.update(second());
    expect(chip.read(0x26)).toBe(39_513_699);
    chip.write(0x05, 0x8000);
    chip.update(second());
    expect(chip.read(0x26)).toBe(0);
  });

  test("phase: 50 steps of 0.02° at 60° of lag make it 59°, and −50 steps 61°", () => {
    const chip = initialised();
    const lagging = second({ active: 575, fundamentalActive: 575, reactive: 995.929, angle: Math.PI / 3 });
    chip.write(0x07, 50);
    chip.update(lagging);
    expect(Math.abs((chip.read(0x26) as number) - 13_567_373)).toBeLessThan(30); // cos 59° = 0.515038
    chip.write(0x07, 256 - 50);
    chip.update(lagging);
    expect(Math.abs((chip.read(0x26) as number) - 12_771_081)).toBeLessThan(30); // cos 61° = 0.484810
  });

  test("power offset in LSB, current offset as 2^8 of the square, reactive phase as a share of P", () => {
    const chip = initialised();
    chip.write(0x0a, 0xff9c); // −100
    chip.write(0x0e, 0xe000); // −8192
    chip.write(0x09, 0x0100); // 1/128
    chip.update(second());
    expect(chip.read(0x26)).toBe(26_342_366);
    expect(chip.read(0x22)).toBe(335_541); // √(335 544.32² − 8192 × 256)
    expect(chip.read(0x28)).toBe(2 ** 32 - 205_801); // 26 342 466 / 128, below zero
  });
});

describe("energy", () => {
  test("a kWh is EC pulses: 1150 W for an hour, 3680 of 3200 imp/kWh within the rounding of HFConst", () => {
    const chip = initialised();
    for (let s = 0; s < 3600; s++) chip.update(second());
    expect(chip.read(0x29)).toBe(3680);
  });

  test("EnergyP clears by reading only where EMUCON says so; EnergyP2 never does", () => {
    const chip = initialised();
    for (let s = 0; s < 60; s++) chip.update(second());
    expect([chip.read(0x29), chip.read(0x29), chip.read(0x2a), chip.read(0x2a)]).toEqual([61, 0, 61, 61]);
    chip.write(0x01, 0x0003);
    for (let s = 0; s < 60; s++) chip.update(second());
    expect([chip.read(0x29), chip.read(0x29)]).toEqual([61, 61]);
  });

  test("the fast counter carries on from what the CPU puts back", () => {
    const chip = initialised();
    chip.write(0x20, 2684); // half of HFConst is 2684.5
    expect(chip.read(0x20)).toBe(2684);
    chip.write(0x02, 5369);
    chip.update({ ...second(), seconds: 0.001 });
    expect(chip.read(0x29)).toBe(1);
  });

  test("below the starting power nothing counts, and the status says so", () => {
    const chip = initialised();
    chip.write(0x03, 0x0060); // 0x60 × 256 LSB = 1.073 W
    for (let s = 0; s < 3600; s++) chip.update(second({ active: 1.07 }));
    expect(chip.read(0x29)).toBe(0);
    expect(((chip.read(0x2d) as number) >> 19) & 1).toBe(1);
    for (let s = 0; s < 3600; s++) chip.update(second({ active: 1.08 }));
    expect(chip.read(0x29)).toBe(3);
    expect(((chip.read(0x2d) as number) >> 19) & 1).toBe(0);
  });

  test("export counts pulses and says reverse; counted for import only, it does not", () => {
    const chip = initialised();
    for (let s = 0; s < 60; s++) chip.update(second({ active: -1150 }));
    expect([chip.read(0x29), ((chip.read(0x2d) as number) >> 17) & 1]).toEqual([61, 1]);
    chip.write(0x01, 0x8403);
    for (let s = 0; s < 60; s++) chip.update(second({ active: -1150 }));
    expect(chip.read(0x29)).toBe(0);
  });

  test("flags: an update, an active pulse; reading RIF clears", () => {
    const chip = initialised();
    for (let s = 0; s < 2; s++) chip.update(second());
    expect([chip.read(0x41), chip.read(0x41), chip.read(0x42), chip.read(0x41)]).toEqual([3, 3, 3, 0]);
  });
});

describe("UART", () => {
  const talk = (uart: Rn8209cUart, hex: string, now = 1) => {
    const bytes = fromHex(hex);
    if (!bytes.ok) throw new Error(bytes.error);
    return toHex(uart.receive(bytes.value, now), " ");
  };

  test("hand-written frames: identity, enable, a setting, protect", () => {
    const uart = new Rn8209cUart(new Rn8209c());
    expect(talk(uart, "7f")).toBe("82 09 00 f5"); // ~(7f + 82 + 09)
    expect(talk(uart, "ea e5 30 43")).toBe("10 ac"); // ~(ea + e5) = 30; SysStatus
    expect(talk(uart, "82 14 f9 70 02")).toBe("14 f9 f0");
    expect(talk(uart, "ea dc 39 43")).toBe("00 bc");
    expect(talk(uart, "82 10 00 6d 02")).toBe("14 f9 f0");
  });

  test("a wrong checksum changes nothing, and the next frame is understood", () => {
    const uart = new Rn8209cUart(new Rn8209c());
    talk(uart, "ea e5 30");
    expect(talk(uart, "82 14 f9 71 02")).toBe("10 00 ed");
    expect(talk(uart, "ea dc 38 43")).toBe("10 ac");
  });

  test("byte by byte; an unfinished frame is forgotten after half a second; an unknown address is silent", () => {
    const uart = new Rn8209cUart(new Rn8209c());
    for (const [k, byte] of ["ea", "e5", "30"].entries()) expect(talk(uart, byte, k)).toBe("");
    expect(talk(uart, "82 14", 10)).toBe("");
    expect(talk(uart, "7f", 600_000)).toBe("82 09 00 f5");
    expect(talk(uart, "1f 9f 7f", 600_001)).toBe("82 09 00 f5");
  });
});
