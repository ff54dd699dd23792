/** An ADE9000 on a load, with all that the core gives it. */
import { ADE9000_FULL_SCALE, Ade9000, type Ade9000Options } from "../../../firmware-sim/metrology/ade9000.ts";
import { BareChip } from "../../../firmware-sim/metrology/bare-chip.ts";
import {
  constantLoad,
  type LoadSource,
  type Mains,
  type MainsDescription,
  mainsOf,
} from "../../../firmware-sim/metrology/mains.ts";
import { civil } from "../../../src/core/time.ts";

export const START = civil(1_800_000_000_000_000);
/** Codes by hand: rms and power per volt and ampere, peak of a sample per volt rms and per ampere rms. */
export const RMS_PER_VOLT = 52_702_092 / (Math.SQRT1_2 * 801);
export const RMS_PER_AMPERE = 52_702_092 / (Math.SQRT1_2 * 300);
export const CODE_PER_WATT = 20_694_066 / (0.5 * 801 * 300);

export interface Run {
  readonly chip: Ade9000;
  readonly until: (seconds: number) => void;
}

export function loaded(
  mains: Omit<MainsDescription, "phases"> | Mains | LoadSource,
  registers: readonly (readonly [address: number, value: number])[] = [],
  options: Ade9000Options = {},
): Run {
  const chip = new Ade9000(options);
  for (const [address, value] of registers) chip.write(address, value);
  chip.write(0x480, 1);
  const load = "at" in mains ? mains : constantLoad("phases" in mains ? mains : mainsOf({ phases: 3, ...mains }));
  const core = new BareChip(
    { fullScale: ADE9000_FULL_SCALE, phases: 3, load, start: START, seed: 5 },
    (window) => chip.update(window),
    (cycle) => chip.updateCycle(cycle),
    (wave) => chip.updateWave(wave),
  );
  return { chip, until: (seconds) => core.advance(civil(START + Math.round(seconds * 1e6))) };
}

export function signed(value: number | undefined): number {
  return (value as number) | 0;
}
