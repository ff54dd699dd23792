/**
 * The analogue front end and its errors, as both chips understand them: full scale, converter, gain, phase, offset, noise,
 * what passes the anti-alias filter. What the sampled chip does to every sample the closed form does to every phasor.
 */
import type { RatingPlate } from "../../protocols/models/model.ts";
import { assert } from "../../src/core/result.ts";
import type { Civil } from "../../src/core/time.ts";
import {
  type Calibration,
  correctionTaps,
  FINE,
  LONGEST_DELAY,
  type PowerCorrection,
  powerCorrectionOf,
  STRAIGHT,
  type Taps,
  UNCALIBRATED,
} from "./calibration.ts";
import type { LoadSource } from "./mains.ts";

/** Samples per second and channel by the chip's own clock. */
export const SAMPLE_RATE = 4_000;

/** Error of one channel against the ideal. */
export interface ChannelError {
  /** Relative: 0.02 reads 2 % too much. */
  readonly gain?: number;
  /** The channel lags by this many microseconds: 0.018° per µs at 50 Hz. */
  readonly delay?: number;
  /** DC, as a fraction of full scale. */
  readonly offset?: number;
  /** What the gain changes by with temperature, 1/K from {@link REFERENCE_TEMPERATURE} on. */
  readonly drift?: number;
  /** A bit of the converter's code that is stuck at zero, 0 the lowest. A fault of samples: the other fidelities have none. */
  readonly deadBit?: number;
}

/** Every part is optional: what is left out is perfect, but for the converter's own noise. */
export interface FrontEndErrors {
  /** One error for all voltage channels, or one per phase. */
  readonly voltage?: ChannelError | readonly ChannelError[];
  readonly current?: ChannelError | readonly ChannelError[];
  /** What each current channel picks up of its phase's voltage: full scale of the one per full scale of the other. */
  readonly crosstalk?: readonly number[];
  /** The chip's clock runs this much fast: it takes its time, and so its energy, for longer than it is. */
  readonly clockPpm?: number;
  /** Of the converter, sign included; 4..24, default 24. */
  readonly bits?: number;
  /** White noise of each channel, rms as a fraction of full scale; default 2e-6 (−114 dB). */
  readonly noise?: number;
}

/** °C at which errors are stated and meters are calibrated (IEC 62052-11). */
export const REFERENCE_TEMPERATURE = 23;

/** How a front end is operated; what is left out is uncalibrated, in use, at the reference temperature. */
export interface Operation {
  readonly calibration?: Calibration;
  /** °C. */
  readonly temperature?: number;
  /** Off on the bench of the factory, which must see what a channel shows without load. */
  readonly noLoadThreshold?: "on" | "off";
}

/** What both chips are made from. */
export interface ChipOptions extends Operation {
  readonly plate: RatingPlate;
  readonly phases: 1 | 3;
  readonly load: LoadSource;
  /** The civil time at which the chip is switched on. */
  readonly start: Civil;
  /** Of the noise. */
  readonly seed: number;
  readonly errors?: FrontEndErrors;
  /** What reactive power and energy are; default the fundamental. */
  readonly reactive?: ReactiveDefinition;
}

/**
 * Reactive power of the fundamental alone (IEC 62053-24), or the classic one: the voltage shifted by 90° at every harmonic,
 * which is Σ V·I·sin φ over all orders.
 */
export type ReactiveDefinition = "fundamental" | "classic";

/** One channel, ready for use. */
export interface Channel {
  /** 1 + relative error. */
  readonly gain: number;
  /** Seconds. */
  readonly delay: number;
  /** Volts or amperes. */
  readonly offset: number;
  /** Peak volts or amperes at which the converter clips. */
  readonly fullScale: number;
  /** Volts or amperes per count. */
  readonly lsb: number;
  /** The channel's own noise, volts or amperes rms. */
  readonly noise: number;
  /** Bits that the converter's code can have, as a mask. */
  readonly live: number;
  /** What the correction stage does to its samples. */
  readonly taps: Taps;
}

export interface FrontEnd {
  readonly voltage: readonly Channel[];
  readonly current: readonly Channel[];
  /** Amperes in each current channel per volt behind the voltage channel. */
  readonly crosstalk: readonly number[];
  /** What the correction stage does to each phase's results. */
  readonly correction: readonly PowerCorrection[];
  /** The chip's second as a multiple of a real one: 1 + clock error. */
  readonly clock: number;
  readonly bits: number;
  /** Nominal frequency, Hz. */
  readonly nominal: number;
  /** Fundamental voltage (V rms) from which a phase is live: its zero crossings count and the fundamental is measured. */
  readonly presentVoltage: number;
  /** A phase with less apparent power (VA) than this counts nothing and shows nothing. */
  readonly noLoadPower: number;
  /** A neutral current (A) below this shows as zero. */
  readonly noLoadCurrent: number;
}

/** Room above the rated voltage: a lost neutral puts line voltage on a phase (1.73 Un). */
const VOLTAGE_HEADROOM = 2;
const CURRENT_HEADROOM = 1.5;
const DEFAULT_NOISE = 2e-6;
/** IEC 62052-11 wants counting from Ist on and none without current; half of it leaves room for class and noise. */
const NO_LOAD_SHARE = 0.5;
const PRESENT_SHARE = 0.1;
const ALL_BITS = ~0;

/** The front end of a meter with this rating plate. */
export function frontEndOf(
  plate: RatingPlate,
  phases: 1 | 3,
  errors: FrontEndErrors = {},
  operation: Operation = {},
): FrontEnd {
  const bits = errors.bits ?? 24;
  assert(Number.isInteger(bits) && bits >= 4 && bits <= 24, "a converter has 4 to 24 bits");
  const noise = errors.noise ?? DEFAULT_NOISE;
  const warmer = (operation.temperature ?? REFERENCE_TEMPERATURE) - REFERENCE_TEMPERATURE;
  const calibration = Array.from({ length: phases }, (_, p) => operation.calibration?.[p] ?? UNCALIBRATED);
  const channels = (
    error: ChannelError | readonly ChannelError[] | undefined,
    rated: number,
    gain: "voltageGain" | "currentGain",
    side: 1 | -1,
  ): Channel[] =>
    calibration.map((c, p) => {
      const own = (isList(error) ? error[p] : error) ?? {};
      const fullScale = rated * Math.SQRT2;
      return {
        gain: (1 + (own.gain ?? 0)) * (1 + (own.drift ?? 0) * warmer),
        delay: (own.delay ?? 0) * 1e-6,
        offset: (own.offset ?? 0) * fullScale,
        fullScale,
        lsb: fullScale / 2 ** (bits - 1),
        noise: noise * fullScale,
        live: own.deadBit === undefined ? ALL_BITS : ~(1 << own.deadBit),
        taps: tapsOf(1 + c[gain] * FINE, Math.max(0, side * c.delay)),
      };
    });
  const volts = plate.un * VOLTAGE_HEADROOM;
  const amperes = plate.imax * CURRENT_HEADROOM;
  const threshold = operation.noLoadThreshold === "off" ? 0 : NO_LOAD_SHARE;
  return {
    voltage: channels(errors.voltage, volts, "voltageGain", -1),
    current: channels(errors.current, amperes, "currentGain", 1),
    crosstalk: calibration.map((_, p) => ((errors.crosstalk?.[p] ?? 0) * amperes) / volts),
    correction: calibration.map(powerCorrectionOf),
    clock: 1 + (errors.clockPpm ?? 0) * 1e-6,
    bits,
    nominal: plate.frequency,
    presentVoltage: plate.un * PRESENT_SHARE,
    noLoadPower: plate.ist * plate.un * threshold,
    noLoadCurrent: plate.ist * threshold,
  };
}

/** @param delay ns. */
function tapsOf(gain: number, delay: number): Taps {
  assert(delay <= LONGEST_DELAY, "the correction stage holds back up to two samples");
  if (gain === 1 && delay === 0) return STRAIGHT;
  return correctionTaps(gain, delay * 1e-9 * SAMPLE_RATE);
}

function isList<T>(value: T | readonly T[] | undefined): value is readonly T[] {
  return Array.isArray(value);
}

/** Components at or above this (Hz) do not pass the ideal anti-alias filter in front of the converter. */
export function passBand(frontEnd: FrontEnd): number {
  return (SAMPLE_RATE * frontEnd.clock) / 2;
}
