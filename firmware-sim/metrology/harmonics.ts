/** Harmonics as a meter shows them, from the spectra of its channels, whichever way those were found. */
import { type ChannelHarmonics, type HarmonicReadings, HIGHEST_HARMONIC } from "./chip.ts";
import type { FrontEnd } from "./front-end.ts";
import type { MainsSpectra, Spectrum } from "./phasors.ts";
import type { PhaseMeasurement } from "./readout.ts";

const PERCENT = 100_000;
const MILLIDEGREES = 180_000 / Math.PI;

/**
 * @param spectra in volts and amperes, or in any unit that is the same for every order of a channel where `alive` says so.
 * @param phases behind the no-load threshold: a phase without current has no harmonics of it.
 */
export function harmonicsOf(
  frontEnd: FrontEnd,
  spectra: MainsSpectra,
  phases: readonly PhaseMeasurement[],
): HarmonicReadings {
  const alive = spectra.voltage.map((v) => fundamental(v) >= frontEnd.presentVoltage);
  const [first] = spectra.voltage;
  return {
    voltage: spectra.voltage.map((v, p) => channelOf(v, alive[p] === true)),
    current: spectra.current.map((i, p) => channelOf(i, (phases[p]?.current ?? 0) > 0)),
    voltageAngle: spectra.voltage.map((v, p) =>
      first !== undefined && alive[0] && alive[p] ? millidegrees(phaseOf(first) - phaseOf(v)) : null,
    ),
  };
}

function channelOf(spectrum: Spectrum, isAlive: boolean): ChannelHarmonics {
  const one = fundamental(spectrum);
  const isMeasured = isAlive && one > 0;
  let squares = 0;
  const orders: (number | null)[] = [];
  for (let order = 2; order <= HIGHEST_HARMONIC; order++) {
    const rms = Math.hypot(spectrum[2 * order] ?? 0, spectrum[2 * order + 1] ?? 0);
    squares += rms * rms;
    orders.push(isMeasured ? Math.round((PERCENT * rms) / one) : null);
  }
  return { orders, thd: isMeasured ? Math.round((PERCENT * Math.sqrt(squares)) / one) : null };
}

function fundamental(spectrum: Spectrum): number {
  return Math.hypot(spectrum[2] as number, spectrum[3] as number);
}

function phaseOf(spectrum: Spectrum): number {
  return Math.atan2(spectrum[3] as number, spectrum[2] as number);
}

function millidegrees(radians: number): number {
  return (Math.round(radians * MILLIDEGREES) + 720_000) % 360_000;
}

/**
 * Reactive power of the harmonics alone, Σ V·I·sin φ from the second order on: what the classic definition has beyond the
 * fundamental's.
 */
export function distortionReactive(voltage: Spectrum, current: Spectrum): number {
  let total = 0;
  for (let k = 4; k < voltage.length; k += 2) {
    const [vr, vi, ir, ii] = [voltage[k], voltage[k + 1], current[k], current[k + 1]] as [
      number,
      number,
      number,
      number,
    ];
    total += vi * ir - vr * ii;
  }
  return total;
}
