/** The core under the register models: windows and cycles of known length, values of a load known beforehand. */
import { expect, test } from "vitest";
import {
  BareChip,
  type CoreCycle,
  type CorePhase,
  type CoreWindow,
} from "../../../firmware-sim/metrology/bare-chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { civil } from "../../../src/core/time.ts";

const START = civil(1_800_000_000_000_000);

function run(frequency: number) {
  const harmonics = { voltageHarmonics: [{ order: 3, ratio: 0.1, angle: 0 }] };
  const load = constantLoad(mainsOf({ phases: 3, voltage: 230, current: 5, angle: 60, frequency, ...harmonics }));
  const windows: CoreWindow[] = [];
  const cycles: CoreCycle[] = [];
  const options = { fullScale: { volts: 500, amperes: 100 }, phases: 3, load, start: START, seed: 4 } as const;
  new BareChip(
    options,
    (window) => windows.push(window),
    (cycle) => cycles.push(cycle),
  ).advance(civil(START + 2_000_000));
  return { windows: windows.slice(1), cycles: cycles.slice(1) };
}

test.each([50, 60])("at %i Hz a window has 200 ms, its cycles and its fundamental", (frequency) => {
  const { windows, cycles } = run(frequency);
  expect(windows.length).toBeGreaterThanOrEqual(8);
  for (const { seconds, phases, frequency: seen } of windows) {
    expect(seconds).toBeCloseTo(0.2, 4);
    expect(seen).toBeCloseTo(frequency, 2);
    const p = phases[1] as CorePhase;
    expect(p.fundamentalVoltage).toBeCloseTo(230, 2);
    expect(p.voltage).toBeCloseTo(230 * Math.sqrt(1.01), 2);
    expect(p.fundamentalCurrent).toBeCloseTo(5, 2);
    expect(p.fundamentalActive).toBeCloseTo(575, 1);
    expect(p.reactive).toBeCloseTo(575 * Math.sqrt(3), 1);
  }
  expect(cycles.length).toBeGreaterThan(1.9 * frequency - 5);
  for (const { voltage, current } of cycles) {
    expect(voltage[2]).toBeCloseTo(230 * Math.sqrt(1.01), 1);
    expect(current[2]).toBeCloseTo(5, 2);
  }
});
