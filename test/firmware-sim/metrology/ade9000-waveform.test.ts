/** The waveform buffer, read by SPI bursts: amplitudes and phases of what comes out against the load, by a DFT of the test's own. */
import { describe, expect, test } from "vitest";
import type { Ade9000 } from "../../../firmware-sim/metrology/ade9000.ts";
import { Ade9000Spi } from "../../../firmware-sim/metrology/ade9000-spi.ts";
import { mainsOf, stepLoad } from "../../../firmware-sim/metrology/mains.ts";
import { loaded, START } from "./ade9000-support.ts";

const CHANNELS = ["IA", "VA", "IB", "VB", "IC", "VC", "IN"] as const;
type Name = (typeof CHANNELS)[number];
/** Of a full-scale sine, at its peak: of the buffer's samples, resampled and at a fixed rate. */
const RESAMPLED = 18_196;
const FIXED = 74_532_013;
const SINC = 67_107_786;
const shareOfVolts = (volts: number) => volts / (Math.SQRT1_2 * 801);
const shareOfAmperes = (amperes: number) => amperes / (Math.SQRT1_2 * 300);

/** A burst from 800 on: samples by channel. */
function burst(chip: Ade9000, size: 2 | 4, sets: number, names: readonly Name[] = CHANNELS): Record<Name, number[]> {
  const mosi = new Uint8Array(2 + sets * names.length * size);
  mosi.set([0x80, 0x08]);
  const view = new DataView(new Ade9000Spi(chip).transfer(mosi).buffer);
  const out = Object.fromEntries(CHANNELS.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let k = 0; k < sets * names.length; k++) {
    const at = 2 + k * size;
    out[names[k % names.length] as Name].push(size === 2 ? view.getInt16(at) : view.getInt32(at));
  }
  return out;
}

/** Amplitude, and degrees as a sine, of so many turns in the samples. */
function component(samples: readonly number[], turns: number) {
  let sine = 0;
  let cosine = 0;
  for (const [k, value] of samples.entries()) {
    sine += value * Math.sin((2 * Math.PI * turns * k) / samples.length);
    cosine += value * Math.cos((2 * Math.PI * turns * k) / samples.length);
  }
  const half = samples.length / 2;
  return { peak: Math.hypot(sine, cosine) / half, degrees: (Math.atan2(cosine, sine) * 180) / Math.PI };
}

const lag = (a: number, b: number) => (((a - b) % 360) + 360) % 360;

describe("resampled to 128 a cycle", () => {
  const run = loaded(
    {
      voltage: [230, 200, 100],
      current: [50, 40, 30],
      angle: [30, 60, 90],
      frequency: 51.3,
      voltageHarmonics: [{ order: 5, ratio: 0.1, angle: 0 }],
    },
    [[0x4a0, 0x1000]],
  );
  run.until(0.5);
  run.chip.write(0x402, 0xffff_ffff);
  run.chip.write(0x4a0, 0x1010);
  run.until(1);
  const got = burst(run.chip, 2, 512);

  test("four cycles of every channel, full as STATUS0 says, and no more after that", () => {
    expect(((run.chip.read(0x402) as number) >> 23) & 1).toBe(1);
    const before = got.VA.join();
    run.until(1.2);
    expect(burst(run.chip, 2, 512).VA.join()).toBe(before);
  });

  test.each([
    ["VA", shareOfVolts(230)],
    ["VB", shareOfVolts(200)],
    ["VC", shareOfVolts(100)],
    ["IA", shareOfAmperes(50)],
    ["IB", shareOfAmperes(40)],
    ["IC", shareOfAmperes(30)],
  ] as const)("%s has its amplitude in each of the cycles", (name, share) => {
    for (let cycle = 0; cycle < 4; cycle++)
      expect(
        Math.abs(component(got[name].slice(128 * cycle, 128 * (cycle + 1)), 1).peak - RESAMPLED * share),
      ).toBeLessThan(0.3);
  });

  test("phases, harmonics and the neutral", () => {
    const at = (name: Name) => component(got[name], 4).degrees;
    expect(lag(at("VA"), at("VB"))).toBeCloseTo(120, 1);
    expect(lag(at("VA"), at("VC"))).toBeCloseTo(240, 1);
    expect(lag(at("VA"), at("IA"))).toBeCloseTo(30, 1);
    expect(lag(at("VC"), at("IC"))).toBeCloseTo(90, 1);
    expect(component(got.VA, 20).peak / component(got.VA, 4).peak).toBeCloseTo(0.1, 3);
    expect(component(got.VA, 12).peak).toBeLessThan(0.3);
    for (let k = 0; k < 512; k += 37)
      expect(
        Math.abs((got.IN[k] as number) - (got.IA[k] as number) - (got.IB[k] as number) - (got.IC[k] as number)),
      ).toBeLessThan(3);
  });
});

describe("at a fixed rate", () => {
  const LOAD = { voltage: 230, current: 50, angle: 30 };
  /** 256 sets once it has been told to capture. */
  function captured(config: number, more: readonly (readonly [number, number])[] = [], seconds = 1) {
    const run = loaded(LOAD, more);
    run.until(0.5);
    run.chip.write(0x402, 0xffff_ffff);
    run.chip.write(0x4a0, config);
    run.until(seconds);
    return run;
  }

  test.each([
    ["8000 a second behind the DSP", 0x1330, FIXED, 160],
    ["8000 behind the filter", 0x1230, FIXED, 160],
    ["32000 behind the converter", 0x1030, SINC, 640],
  ])("%s", (_, config, peak, perCycle) => {
    const { VA, IA, IC } = burst(captured(config).chip, 4, 256);
    const amplitude = peak * shareOfVolts(230);
    // A sine of ω obeys x[n-1] + x[n+1] = 2 cos ω x[n]; with its quarter it has its amplitude.
    for (let n = 1; n < 255; n++) {
      const sum = (VA[n - 1] as number) + (VA[n + 1] as number);
      expect(Math.abs(sum - 2 * Math.cos((2 * Math.PI) / perCycle) * (VA[n] as number))).toBeLessThan(amplitude * 1e-4);
    }
    const quarter = perCycle / 4;
    expect(Math.hypot(VA[0] as number, VA[quarter] as number) / amplitude).toBeCloseTo(1, 4);
    expect(Math.hypot(IC[0] as number, IC[quarter] as number) / (peak * shareOfAmperes(50))).toBeCloseTo(1, 4);
    const degrees = (s: readonly number[]) => (Math.atan2(s[0] as number, s[quarter] as number) * 180) / Math.PI;
    expect(lag(degrees(VA), degrees(IA))).toBeCloseTo(30, 1);
  });

  test("gains are in front of the DSP's samples, not of the converter's", () => {
    const gain = [[0x00b, 2 ** 26]] as const;
    const peak = (config: number) => Math.max(...burst(captured(config, gain).chip, 4, 160).VA);
    expect(peak(0x1330) / (FIXED * shareOfVolts(230))).toBeCloseTo(1.5, 3);
    expect(peak(0x1230) / (FIXED * shareOfVolts(230))).toBeCloseTo(1, 3);
  });

  test("pages: sixteen sets each, an interrupt for those asked for, the last one in WFB_TRG_STAT", () => {
    const run = captured(0x1330, [[0x4a1, 1 << 15]], 0.51);
    expect(((run.chip.read(0x402) as number) >> 17) & 1).toBe(0);
    run.until(1);
    expect(((run.chip.read(0x402) as number) >> 17) & 1).toBe(1);
    expect((run.chip.read(0x4a3) as number) >> 12).toBe(15);
  });

  test("chosen channels, without the neutral, single words", () => {
    const run = captured(0x1330);
    const all = burst(run.chip, 4, 256);
    const again = (config: number, names: readonly Name[]) => {
      run.chip.write(0x4a0, config);
      return burst(run.chip, 4, 40, names);
    };
    expect(again(0x1333, ["IC", "VC"]).VC).toEqual(all.VC.slice(0, 40));
    expect(again(0x1339, ["VA"]).VA).toEqual(all.VA.slice(0, 40));
    expect(again(0x0330, CHANNELS.slice(0, 6)).VC).toEqual(all.VC.slice(0, 40));
    run.chip.write(0x4a0, 0x133f);
    expect([0x801, 0x809].map((address) => (run.chip.read(address) as number) | 0)).toEqual(all.VA.slice(0, 2));
  });

  test("it goes on for ever in mode 1, and stops at a dip; in mode 2 half a buffer later", () => {
    const mains = (volts: number) => mainsOf({ phases: 3, voltage: volts, current: 5 });
    const dip = (mode: number) => {
      const load = stepLoad(START, [
        { seconds: 1, mains: mains(230) },
        { seconds: 9, mains: mains(100) },
      ]);
      const settings = [
        [0x410, 535_030],
        [0x48b, 1],
        [0x4a2, 1],
        [0x4a0, 0x1330 | (mode << 6)],
      ] as const;
      const run = loaded(load, settings);
      run.until(0.9);
      const before = burst(run.chip, 4, 256).VA.join();
      run.until(0.95);
      const moves = burst(run.chip, 4, 256).VA.join() !== before;
      run.until(2);
      const { VA } = burst(run.chip, 4, 256);
      const small = VA.filter((v) => Math.abs(v) > FIXED * shareOfVolts(120)).length;
      run.until(2.5);
      return { moves, large: small, still: burst(run.chip, 4, 256).VA.join() === VA.join(), chip: run.chip };
    };
    const stopped = dip(1);
    expect([stopped.moves, stopped.still, ((stopped.chip.read(0x402) as number) >> 22) & 1]).toEqual([true, true, 1]);
    const centred = dip(2);
    expect([centred.moves, centred.still]).toEqual([true, true]);
    // 128 of the 256 sets came behind it.
    expect(stopped.large).toBeGreaterThan(centred.large);
    expect(dip(0).moves).toBe(false);
    expect(dip(3).still).toBe(false);
  });
});
