/** Loads that a laboratory makes on purpose: chopped currents as their Fourier series, and bursts. */
import { type Civil, MICROS_PER_SECOND } from "../../src/core/time.ts";
import { constantLoad, type Harmonic, type LoadSource, type Mains } from "../metrology/mains.ts";
import type { Counted } from "../metrology/pulses.ts";

/** What one test point does to the meter: what is on its terminals, which test output is watched, how warm it is. */
export interface TestLoad {
  readonly mains: Mains;
  /** Default: the pulses of imported active energy. */
  readonly counted?: Counted;
  /** °C; default: the reference temperature. */
  readonly temperature?: number;
  /** The current flows for so many cycles and is off for as many: sub-harmonics. */
  readonly burst?: number;
}

/** Below the 2 kHz of the anti-alias filter at any frequency of the test. */
const HIGHEST_ORDER = 38;

/** A current as fundamental (rms relative to the peak of the sine it was cut from, degrees of lag) and harmonics. */
export interface ChoppedCurrent {
  readonly fundamental: number;
  readonly angle: number;
  readonly harmonics: readonly Harmonic[];
}

/** Every second half wave is missing. The DC of it is left out: the mains have none, and the chip takes it out. */
export function halfWave(): ChoppedCurrent {
  const harmonics: Harmonic[] = [];
  // sin/2 − (2/π) Σ cos nθ / (n² − 1), n even.
  for (let order = 2; order <= HIGHEST_ORDER; order += 2)
    harmonics.push({ order, ratio: 4 / Math.PI / (order * order - 1), angle: -90 });
  return { fundamental: 0.5 / Math.SQRT2, angle: 0, harmonics };
}

/** Fired at 90°: the second half of each half wave. */
export function phaseFired(): ChoppedCurrent {
  const amplitude = Math.hypot(1 / 2, 1 / Math.PI);
  const angle = (Math.atan2(1 / Math.PI, 1 / 2) * 180) / Math.PI;
  const harmonics: Harmonic[] = [];
  for (let order = 3; order <= HIGHEST_ORDER; order += 2) {
    const above = 1 - Math.cos(((order + 1) * Math.PI) / 2);
    const below = 1 - Math.cos(((order - 1) * Math.PI) / 2);
    const cosine = (below / (order - 1) - above / (order + 1)) / Math.PI;
    // Angles of harmonics count from the zero crossing of the fundamental, which is `angle` behind the voltage's.
    const degrees = (order * angle + (cosine < 0 ? -90 : 90)) % 360;
    if (cosine !== 0) harmonics.push({ order, ratio: Math.abs(cosine) / amplitude, angle: degrees });
  }
  return { fundamental: amplitude / Math.SQRT2, angle, harmonics };
}

/** The load as the chip takes it, its first burst at `start`. */
export function sourceOf(load: TestLoad, start: Civil): LoadSource {
  const { mains, burst } = load;
  if (burst === undefined) return constantLoad(mains);
  const off: Mains = { ...mains, phases: mains.phases.map((p) => ({ ...p, current: 0 })) };
  const length = (burst / mains.frequency) * MICROS_PER_SECOND;
  return {
    at: (time) => {
      // The edges are whole microseconds, the bursts need not be.
      let n = Math.floor((time - start) / length);
      if (Math.round((n + 1) * length) <= time - start) n += 1;
      return { mains: n % 2 === 0 ? mains : off, until: start + Math.round((n + 1) * length) };
    },
  };
}
