/** Samples of the ADE9000: the codes of its channels in the order IA, VA, IB, VB, IC, VC, IN, newest values and peaks. */
import type { WaveScale } from "./ade9000-waveform.ts";
import type { CoreWave, FullScale } from "./bare-chip.ts";
import { valueAt } from "./interpolation.ts";
import type { Stretch } from "./sampled-chip.ts";

/** Codes at the peak of a full-scale sine. */
const PEAK = { sinc: 67_107_786, filtered: 74_532_013, resampled: 18_196 };
const SOURCE = { sinc: 0, filtered: 2 };
/** Peaks are codes without their last five bits. */
const SHIFT = 32;

interface Gains {
  readonly current: number;
  readonly voltage: number;
}

/** Codes per count of the core for each place of the signal. */
export interface SampleScale extends WaveScale {
  readonly sinc: readonly number[];
  readonly filtered: readonly number[];
  readonly processed: readonly number[];
}

export function waveScale(wave: CoreWave, fullScale: FullScale, gains: readonly Gains[], config: number): SampleScale {
  const amperes = wave.amperes / (fullScale.amperes * Math.SQRT2);
  const volts = wave.volts / (fullScale.volts * Math.SQRT2);
  const of = (peak: number, gain: (of: Gains) => Gains): readonly number[] => [
    ...gains.map(gain).flatMap((g) => [peak * amperes * g.current, peak * volts * g.voltage]),
    peak * amperes,
  ];
  const straight = () => ({ current: 1, voltage: 1 });
  const sinc = of(PEAK.sinc, straight);
  const filtered = of(PEAK.filtered, straight);
  const processed = of(PEAK.filtered, (g) => g);
  const source = (config >> 8) & 3;
  const fixed = source === SOURCE.sinc ? sinc : source === SOURCE.filtered ? filtered : processed;
  return { sinc, filtered, processed, fixed, resampled: of(PEAK.resampled, (g) => g) };
}

/** The last sample of every channel, in counts. */
export function newest({ voltage, current, to }: Stretch): readonly number[] {
  const at = Math.floor(to);
  const phases = current.flatMap((i, p) => [i[at] as number, voltage[p]?.[at] as number]);
  return [...phases, current.reduce((sum, i) => sum + (i[at] as number), 0)];
}

/**
 * The highest of the chosen phases at 8000 samples a second.
 * @param first 0 for currents, 1 for voltages. @param chosen a bit for each phase.
 */
export function highest(
  { voltage, current, from, to }: Stretch,
  first: 0 | 1,
  scale: readonly number[],
  chosen: number,
): { readonly value: number; readonly phases: number } {
  let value = 0;
  let phases = 0;
  for (const [p, samples] of (first === 0 ? current : voltage).entries()) {
    if (((chosen >> p) & 1) === 0) continue;
    let peak = 0;
    for (let place = Math.floor(2 * from + 1) / 2; place <= to; place += 0.5)
      peak = Math.max(peak, Math.abs(valueAt(samples, place)));
    const code = Math.floor((peak * (scale[2 * p + first] as number)) / SHIFT);
    if (code > value) {
      value = code;
      phases = 1 << p;
    }
  }
  return { value: Math.min(value, 0xff_ffff), phases };
}
