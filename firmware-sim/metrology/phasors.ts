/**
 * The mains as phasors behind the front end: what the waveform is synthesised from, and what the closed form multiplies.
 *
 * A spectrum holds order h at [2h] and [2h + 1], rms, as x(t) = √2 Σ (re sin hθ + im cos hθ), θ the angle of the mains.
 */
import { assert } from "../../src/core/result.ts";
import { correctPower, type PowerCorrection, STRAIGHT } from "./calibration.ts";
import { type Channel, type FrontEnd, passBand, type ReactiveDefinition, SAMPLE_RATE } from "./front-end.ts";
import { distortionReactive } from "./harmonics.ts";
import { type Harmonic, type Mains, mainsProblem, type PhaseMains } from "./mains.ts";
import type { Measurement, PhaseMeasurement } from "./readout.ts";

export type Spectrum = Float64Array;

export interface MainsSpectra {
  readonly voltage: readonly Spectrum[];
  readonly current: readonly Spectrum[];
}

interface Wave {
  readonly rms: number;
  readonly degrees: number;
  readonly harmonics: readonly Harmonic[];
}

const RADIANS = Math.PI / 180;

/**
 * The spectra of every channel as its converter sees them: gain and delay applied, what would alias left out.
 * All have the same length. An open relay carries no current.
 */
export function spectraOf(frontEnd: FrontEnd, mains: Mains, relayClosed: boolean): MainsSpectra {
  const problem = mainsProblem(mains);
  assert(problem === undefined, problem ?? "");
  assert(mains.phases.length >= frontEnd.voltage.length, "the mains have the phases of the meter");
  const highest = Math.ceil(passBand(frontEnd) / mains.frequency) - 1;
  let orders = 1;
  for (const p of mains.phases)
    for (const h of [...p.voltageHarmonics, ...p.currentHarmonics])
      if (h.order <= highest) orders = Math.max(orders, h.order);
  const of = (channels: readonly Channel[], wave: (p: PhaseMains) => Wave) =>
    channels.map((channel, p) => spectrumOf(channel, mains.frequency, wave(mains.phases[p] as PhaseMains), orders));
  const voltage = of(frontEnd.voltage, (p) => ({
    rms: p.voltage,
    degrees: p.voltageAngle,
    harmonics: p.voltageHarmonics,
  }));
  const current = of(frontEnd.current, (p) => ({
    rms: relayClosed ? p.current : 0,
    degrees: p.voltageAngle - p.angle,
    harmonics: p.currentHarmonics,
  }));
  for (let p = 0; p < current.length; p++)
    pickUp(current[p] as Spectrum, voltage[p] as Spectrum, frontEnd.crosstalk[p] as number);
  return { voltage, current };
}

function pickUp(current: Spectrum, voltage: Spectrum, share: number): void {
  if (share === 0) return;
  for (let k = 0; k < current.length; k++) current[k] = (current[k] as number) + share * (voltage[k] as number);
}

/** What the correction stage makes of a channel's spectrum. */
function corrected({ taps }: Channel, spectrum: Spectrum, radiansPerSample: number): Spectrum {
  if (taps === STRAIGHT) return spectrum;
  const [now, before, twoBefore] = taps;
  const out = new Float64Array(spectrum.length);
  for (let k = 0; k < out.length; k += 2) {
    const turn = (k / 2) * radiansPerSample;
    const re = now + before * Math.cos(turn) + twoBefore * Math.cos(2 * turn);
    const im = -before * Math.sin(turn) - twoBefore * Math.sin(2 * turn);
    const [x, y] = [spectrum[k] as number, spectrum[k + 1] as number];
    out[k] = x * re - y * im;
    out[k + 1] = x * im + y * re;
  }
  return out;
}

function spectrumOf(channel: Channel, frequency: number, wave: Wave, orders: number): Spectrum {
  const spectrum = new Float64Array(2 * (orders + 1));
  const put = (order: number, ratio: number, degrees: number) => {
    if (order > orders) return;
    const rms = wave.rms * ratio * channel.gain;
    const angle = (order * wave.degrees + degrees) * RADIANS - 2 * Math.PI * order * frequency * channel.delay;
    spectrum[2 * order] = (spectrum[2 * order] as number) + rms * Math.cos(angle);
    spectrum[2 * order + 1] = (spectrum[2 * order + 1] as number) + rms * Math.sin(angle);
  };
  put(1, 1, 0);
  for (const h of wave.harmonics) put(h.order, h.ratio, h.angle);
  return spectrum;
}

/** The spectra of every channel behind the chip's correction stage. */
export function correctedSpectraOf(frontEnd: FrontEnd, mains: Mains, relayClosed: boolean): MainsSpectra {
  const seen = spectraOf(frontEnd, mains, relayClosed);
  const turn = (2 * Math.PI * mains.frequency) / (SAMPLE_RATE * frontEnd.clock);
  return {
    voltage: frontEnd.voltage.map((c, p) => corrected(c, seen.voltage[p] as Spectrum, turn)),
    current: frontEnd.current.map((c, p) => corrected(c, seen.current[p] as Spectrum, turn)),
  };
}

/**
 * Power of the white noise of every channel behind the correction stage, V² and A²: the channel's own, that of the mains,
 * and the converter's rounding.
 */
export function noisePowerOf(frontEnd: FrontEnd, mains: Mains) {
  const of = (c: Channel, outside: number) =>
    (c.noise ** 2 + (outside * c.gain) ** 2 + c.lsb ** 2 / 12) * c.taps.reduce((sum, t) => sum + t * t, 0);
  return {
    voltage: frontEnd.voltage.map((c) => of(c, mains.voltageNoise)),
    current: frontEnd.current.map((c) => of(c, mains.currentNoise)),
  };
}

/** What a settled window over whole cycles of these mains measures, without the accident of its noise. */
export function measureMains(
  frontEnd: FrontEnd,
  mains: Mains,
  relayClosed: boolean,
  definition: ReactiveDefinition = "fundamental",
): Measurement {
  const { voltage, current } = correctedSpectraOf(frontEnd, mains, relayClosed);
  const { voltage: voltageNoise, current: currentNoise } = noisePowerOf(frontEnd, mains);

  const fundamental = (s: Spectrum) => Math.hypot(s[2] as number, s[3] as number);
  // Without a voltage there are no zero crossings, so no cycle, no fundamental and no frequency.
  const live = voltage.some((v) => fundamental(v) >= frontEnd.presentVoltage);
  const phases = voltage.map((v, p): PhaseMeasurement => {
    const i = current[p] as Spectrum;
    const volts = Math.sqrt(power(v, v) + (voltageNoise[p] as number));
    const amperes = Math.sqrt(power(i, i) + (currentNoise[p] as number));
    const [vr, vi, ir, ii] = [v[2], v[3], i[2], i[3]] as [number, number, number, number];
    const reactive = live ? vi * ir - vr * ii : 0;
    const distortion = live && definition === "classic" ? distortionReactive(v, i) : 0;
    return correctPower(frontEnd.correction[p] as PowerCorrection, {
      voltage: volts,
      current: amperes,
      active: power(v, i),
      fundamentalActive: live ? vr * ir + vi * ii : 0,
      reactive: reactive + distortion,
      apparent: volts * amperes,
      angle: live ? Math.atan2(reactive, vr * ir + vi * ii) : 0,
    });
  });
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  return {
    phases,
    lineVoltage: LINES.map(([a, b]) => {
      const [va, vb] = [voltage[a], voltage[b]];
      if (va === undefined || vb === undefined) return 0;
      const difference = va.map((x, k) => x - (vb[k] as number));
      return Math.sqrt(power(difference, difference) + (voltageNoise[a] as number) + (voltageNoise[b] as number));
    }),
    neutralCurrent: neutral(current, sum(currentNoise)),
    frequency: live ? mains.frequency / frontEnd.clock : 0,
  };
}

/** L1-L2, L2-L3, L3-L1. */
export const LINES = [
  [0, 1],
  [1, 2],
  [2, 0],
] as const;

/** Mean of the product of two signals with these spectra. */
export function power(a: Spectrum, b: Spectrum): number {
  let total = 0;
  for (let k = 0; k < a.length; k++) total += (a[k] as number) * (b[k] as number);
  return total;
}

function neutral(currents: readonly Spectrum[], noisePower: number): number {
  const all = new Float64Array((currents[0] as Spectrum).length);
  for (const i of currents) for (let k = 0; k < all.length; k++) all[k] = (all[k] as number) + (i[k] as number);
  return Math.sqrt(power(all, all) + noisePower);
}
