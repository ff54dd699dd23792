/**
 * The chip's correction stage: what the factory wrote into its calibration registers, and what the chip does with it.
 *
 * Gain and delay act on every sample behind the converter, so that line voltages, neutral and harmonics are corrected too;
 * power gain, offsets and the phase of reactive power act on a window's result, before the no-load threshold. Energy is
 * corrected power × time and carries its rest as ever: nothing is rounded on the way.
 */
import type { PhaseMeasurement } from "./readout.ts";

/** The registers of one phase: integers, all 0 in a chip that nobody calibrated. */
export interface PhaseCalibration {
  /** Of each voltage and current sample, and of active and reactive power: 10^-7 above 1. */
  readonly voltageGain: number;
  readonly currentGain: number;
  readonly powerGain: number;
  /** Nanoseconds by which the current is held back; where negative, the voltage. At most {@link LONGEST_DELAY}. */
  readonly delay: number;
  /** µW added to active power. */
  readonly powerOffset: number;
  /** 10^-7 radians by which reactive power alone turns back. */
  readonly reactivePhase: number;
  /** µA rms that the channel shows without current; its square is taken off. */
  readonly currentOffset: number;
}

/** One per phase. */
export type Calibration = readonly PhaseCalibration[];

export const UNCALIBRATED: PhaseCalibration = {
  voltageGain: 0,
  currentGain: 0,
  powerGain: 0,
  delay: 0,
  powerOffset: 0,
  reactivePhase: 0,
  currentOffset: 0,
};

/** ns. Two samples at 4 kHz: 9° at 50 Hz, beyond the lead of a DC-tolerant current transformer. */
export const LONGEST_DELAY = 500_000;

/** Unit of gains and of the phase of reactive power. */
export const FINE = 1e-7;

/** Weights of the present sample and the two before it. */
export type Taps = readonly [number, number, number];

/** A channel without correction: the sample as it is. */
export const STRAIGHT: Taps = [1, 0, 0];

/**
 * The filter that multiplies by `gain` and holds back by `delay` samples, 0 to 2: the parabola through three samples, read
 * between them (Lagrange). It is exact for what the factory measures; towards half the sampling rate it loses amplitude.
 */
export function correctionTaps(gain: number, delay: number): Taps {
  return [(gain * (delay - 1) * (delay - 2)) / 2, gain * delay * (2 - delay), (gain * delay * (delay - 1)) / 2];
}

/** What is left to correct once the samples are. */
export interface PowerCorrection {
  /** Factor on active and reactive power. */
  readonly gain: number;
  /** W. */
  readonly offset: number;
  /** Radians. */
  readonly reactivePhase: number;
  /** A rms. */
  readonly currentOffset: number;
}

export function powerCorrectionOf(c: PhaseCalibration): PowerCorrection {
  return {
    gain: 1 + c.powerGain * FINE,
    offset: c.powerOffset * 1e-6,
    reactivePhase: c.reactivePhase * FINE,
    currentOffset: c.currentOffset * 1e-6,
  };
}

/** A window's result as the registers have it. */
export function correctPower(c: PowerCorrection, m: PhaseMeasurement): PhaseMeasurement {
  const current = Math.sqrt(Math.max(0, m.current ** 2 - c.currentOffset ** 2));
  return {
    ...m,
    current,
    active: c.gain * m.active + c.offset,
    fundamentalActive: c.gain * m.fundamentalActive + c.offset,
    reactive: c.gain * (m.reactive * Math.cos(c.reactivePhase) - m.active * Math.sin(c.reactivePhase)),
    apparent: m.voltage * current,
  };
}
