/** Blocks of samples against sines added up one by one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK } from "../../../firmware-sim/metrology/block.ts";
import { Converter } from "../../../firmware-sim/metrology/converter.ts";
import { Waveform } from "../../../firmware-sim/metrology/waveform.ts";
import { Random } from "../../../src/core/random.ts";
import { uniform } from "./oracle.ts";

const PEAK = 100_000;
const amplitude = uniform(-PEAK, PEAK);
const order = fc.record({ order: fc.integer({ min: 1, max: 39 }), re: amplitude, im: amplitude });
const channel = fc.record({ offset: uniform(-50, 50), orders: fc.array(order, { maxLength: 7 }) });

type Orders = readonly { readonly order: number; readonly re: number; readonly im: number }[];

function spectrum(orders: Orders): Float64Array {
  const result = new Float64Array(80);
  for (const { order: h, re, im } of orders) {
    result[2 * h] = (result[2 * h] as number) + re;
    result[2 * h + 1] = (result[2 * h + 1] as number) + im;
  }
  return result;
}

function exact(orders: Orders, turns: number): number {
  let sum = 0;
  for (const { order: h, re, im } of orders) {
    const angle = 2 * Math.PI * ((h * turns) % 1);
    sum += Math.SQRT2 * (re * Math.sin(angle) + im * Math.cos(angle));
  }
  return sum;
}

/** Samples of a channel without sine waves. */
function converted(bits: number, sigma: number, offset: number, count: number): Float64Array {
  const waveform = new Waveform([offset]);
  waveform.setSpectra([new Float64Array(4)], 0.0125);
  const converter = new Converter(bits, new Random(7));
  converter.setNoise(sigma);
  const out = new Float64Array(count);
  for (let at = 0; at < count; at += BLOCK) {
    waveform.next(Math.min(BLOCK, count - at));
    waveform.make(0);
    converter.convert(out, at, Math.min(BLOCK, count - at));
  }
  return out;
}

describe("synthesis", () => {
  it("is the sum of sines of every channel to the rounding of the converter, in blocks of any length", () => {
    fc.assert(
      fc.property(
        fc.array(channel, { minLength: 1, maxLength: 3 }),
        uniform(0.0111, 0.0125),
        fc.array(fc.integer({ min: 1, max: BLOCK }), { minLength: 1, maxLength: 6 }),
        (channels, step, blocks) => {
          const waveform = new Waveform(channels.map(({ offset }) => offset));
          waveform.setSpectra(
            channels.map(({ orders }) => spectrum(orders)),
            step,
          );
          const converters = channels.map(() => new Converter(24, new Random(1)));
          const out = new Float64Array(BLOCK + 2).fill(Number.NaN);
          let taken = 0;
          for (const count of blocks) {
            waveform.next(count);
            for (const [c, { offset, orders }] of channels.entries()) {
              waveform.make(c);
              converters[c]?.convert(out, 1, count);
              for (let k = 0; k < count; k++) {
                const away = (out[1 + k] as number) - exact(orders, (taken + k) * step) - offset;
                expect(Math.abs(away)).toBeLessThan(0.5 + 1e-4);
              }
              expect(out[0]).toBeNaN();
              expect(out[1 + BLOCK]).toBeNaN();
            }
            taken += count;
          }
        },
      ),
    );
  });
});

describe("the converter", () => {
  it("rounds to the nearest count and clips at full scale", () => {
    expect([...converted(8, 0, 3.4, 2)]).toEqual([3, 3]);
    expect([...converted(8, 0, 3.6, 2)]).toEqual([4, 4]);
    expect([...converted(8, 0, 1000, 2)]).toEqual([127, 127]);
    expect([...converted(8, 0, -1000, 2)]).toEqual([-128, -128]);
  });

  it("adds white noise of the rms asked for", () => {
    const count = 20_000;
    const x = converted(24, 1000, 0, count);
    const mean = x.reduce((a, b) => a + b, 0) / count;
    const product = (lag: number) => x.slice(lag).reduce((sum, value, k) => sum + value * (x[k] as number), 0) / count;
    // Five times the standard deviation of each estimate.
    expect(Math.abs(mean)).toBeLessThan((5 * 1000) / Math.sqrt(count));
    expect(Math.abs(Math.sqrt(product(0)) / 1000 - 1)).toBeLessThan(5 / Math.sqrt(2 * count));
    for (const lag of [1, 2, 79, 128]) expect(Math.abs(product(lag)) / 1e6).toBeLessThan(5 / Math.sqrt(count));
  });
});
